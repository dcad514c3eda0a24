/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/snapshot_policy.h"

#include <assert.h>

#include "store/disk.h"

/* What an entry that is no batch (a barrier, a configuration) may weigh. */
#define OTHER_ENTRY_LEN 1024u

static uint64_t bytes_between(const struct snapshot_policy *policy);

void snapshot_policy_init(struct snapshot_policy *policy,
                          const struct snapshot_policy_options *options,
                          uint64_t now_ms)
{
    unsigned ahead = options->entries_max / options->places * options->place;

    assert(options->place < options->places);
    *policy = (struct snapshot_policy){
        .bytes_min = options->bytes_min,
        .bytes = options->bytes_min / options->places * options->place,
        .entries_max = options->entries_max,
        .entries_first = options->entries_max - ahead,
        .begun_ms = now_ms};
}

void snapshot_policy_on_applied(struct snapshot_policy *policy, uint64_t index,
                                size_t len)
{
    size_t at = index % TRAILING_ENTRIES_MAX;

    policy->bytes += len;
    policy->blocks += (len + DISK_BLOCK - 1) / DISK_BLOCK;
    policy->recent[at].index = index;
    policy->recent[at].len = len;
}

bool snapshot_policy_due(const struct snapshot_policy *policy, uint64_t now_ms)
{
    if (policy->blocks > 0 && now_ms - policy->begun_ms > SNAPSHOT_AGE_MS) {
        return true;
    }
    return policy->bytes > bytes_between(policy);
}

unsigned snapshot_policy_entries(const struct snapshot_policy *policy)
{
    return policy->begun ? policy->entries_max : policy->entries_first;
}

bool snapshot_policy_overrun(const struct snapshot_policy *policy)
{
    uint64_t limit = bytes_between(policy);

    if (limit < policy->snapshot_size) {
        limit = policy->snapshot_size;
    }
    if (limit < SNAPSHOT_OVERRUN_BYTES) {
        limit = SNAPSHOT_OVERRUN_BYTES;
    }
    return policy->blocks > limit / DISK_BLOCK;
}

unsigned snapshot_policy_trailing(const struct snapshot_policy *policy,
                                  uint64_t index)
{
    uint64_t bytes = 0;
    unsigned count = 0;

    while (count < TRAILING_ENTRIES_MAX && count < index) {
        uint64_t at = index - count;
        size_t slot = at % TRAILING_ENTRIES_MAX;

        bytes += policy->recent[slot].index == at ? policy->recent[slot].len
                                                  : OTHER_ENTRY_LEN;
        if (bytes > TRAILING_BYTES_MAX) {
            break;
        }
        count++;
    }
    return count == 0 ? 1 : count;
}

void snapshot_policy_on_begun(struct snapshot_policy *policy, uint64_t now_ms)
{
    policy->bytes = 0;
    policy->blocks = 0;
    policy->begun = true;
    policy->begun_ms = now_ms;
}

void snapshot_policy_on_encoded(struct snapshot_policy *policy, size_t size)
{
    policy->snapshot_size = size;
}

static uint64_t bytes_between(const struct snapshot_policy *policy)
{
    uint64_t limit = policy->bytes_min;

    if (limit < policy->snapshot_size) {
        limit = policy->snapshot_size;
    }
    return limit > SNAPSHOT_BYTES_MAX ? SNAPSHOT_BYTES_MAX : limit;
}
