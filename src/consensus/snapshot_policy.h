/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * When to take a snapshot and how much of the raft log to keep behind it. The
 * core counts entries only; entries are batches of very different sizes, so
 * bytes are counted here. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/limits.h"

struct snapshot_policy {
    uint64_t bytes_min;     /* no snapshot for less than this */
    uint64_t bytes;         /* of raft entries applied since the last one */
    uint64_t blocks;        /* that they may take in the WAL */
    uint64_t snapshot_size; /* of the last one, encoded */
    /* The last TRAILING_ENTRIES_MAX batches, each at index modulo that. */
    struct {
        uint64_t index;
        uint64_t len;
    } recent[TRAILING_ENTRIES_MAX];
};

void snapshot_policy_init(struct snapshot_policy *policy, uint64_t bytes_min);
void snapshot_policy_on_applied(struct snapshot_policy *policy, uint64_t index,
                                size_t len);
/* True when writing one costs less than what has come since. */
bool snapshot_policy_due(const struct snapshot_policy *policy);
/* How many entries up to @index to keep for followers that lag a little: at
 * most TRAILING_ENTRIES_MAX and TRAILING_BYTES_MAX, but at least 1, because the
 * core takes 0 for "replace everything". */
unsigned snapshot_policy_trailing(const struct snapshot_policy *policy,
                                  uint64_t index);
/* The state was frozen: what is applied from now on counts for the next. */
void snapshot_policy_on_begun(struct snapshot_policy *policy);
/* While one is being taken: what has come since it was begun takes more of the
 * disk than what comes between two and itself, so whoever writes is faster than
 * the snapshots. */
bool snapshot_policy_overrun(const struct snapshot_policy *policy);
void snapshot_policy_on_encoded(struct snapshot_policy *policy, size_t size);
