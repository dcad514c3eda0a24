/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/wal_rig.h"

#include <string.h>

#include "support/dice.h"

#define ENTRY_LEN_MAX 6000u

static size_t entry_make(uint64_t id, uint8_t *ret_bytes, raft_term *ret_term)
{
    struct dice dice = {id};
    size_t len = (size_t)dice_roll(&dice, 8) == 0
                     ? (size_t)dice_roll(&dice, ENTRY_LEN_MAX)
                     : (size_t)dice_roll(&dice, 300);
    size_t i;

    len = len < 8 ? 8 : len;
    memcpy(ret_bytes, &id, 8);
    for (i = 8; i < len; i++) {
        ret_bytes[i] = (uint8_t)dice_u64(&dice);
    }
    *ret_term = dice_u64(&dice);
    return len;
}

static int on_entry(void *data, raft_index index, raft_term term,
                    unsigned short type, const void *payload, size_t len)
{
    struct wal_rig *rig = data;
    uint8_t expected[ENTRY_LEN_MAX];
    raft_term expected_term;
    uint64_t id;

    if (rig->count == 0 && rig->from == 0) {
        rig->from = index;
    }
    if (len < 8 || index != rig->from + rig->count ||
        rig->count == WAL_RIG_ENTRIES_MAX) {
        rig->wrong = true;
        return 0;
    }
    memcpy(&id, payload, 8);
    if (entry_make(id, expected, &expected_term) != len ||
        memcmp(expected, payload, len) != 0 || term != expected_term ||
        type != RAFT_COMMAND) {
        rig->wrong = true;
    }
    rig->ids[rig->count++] = id;
    return 0;
}

static void on_truncated(void *data, raft_index index)
{
    struct wal_rig *rig = data;

    if (index < rig->from || index > rig->from + rig->count) {
        rig->wrong = true;
        return;
    }
    rig->count = (size_t)(index - rig->from);
    if (rig->moves && rig->count == 0) {
        rig->from = 0;
    }
}

static void on_fatal(void *data, const char *reason)
{
    struct wal_rig *rig = data;

    (void)reason;
    rig->wrong = rig->wrong || rig->fatal;
    rig->fatal = true;
}

void wal_rig_init(struct wal_rig *rig, uint64_t seed, uint64_t segment_bytes)
{
    memset(rig, 0, sizeof(*rig));
    rig->fake = fake_disk_new(seed);
    rig->segment_bytes = segment_bytes;
}

void wal_rig_close(struct wal_rig *rig)
{
    wal_free(rig->wal);
    rig->wal = NULL;
    fake_disk_free(rig->fake);
    rig->fake = NULL;
}

int wal_rig_open(struct wal_rig *rig, raft_index from)
{
    struct wal_options options = {.disk = fake_disk_disk(rig->fake),
                                  .segment_bytes = rig->segment_bytes,
                                  .on_fatal = on_fatal,
                                  .data = rig};
    struct wal_reader reader = {on_entry, on_truncated, rig};

    rig->from = from;
    rig->count = 0;
    rig->wrong = false;
    rig->fatal = false;
    return wal_open(&rig->wal, &options, from, &reader, &rig->report, NULL);
}

int wal_rig_read(struct wal_rig *rig, raft_index wanted, raft_index needed)
{
    const struct wal_options options = {.disk = fake_disk_disk(rig->fake),
                                        .segment_bytes = rig->segment_bytes,
                                        .on_fatal = on_fatal,
                                        .data = rig};
    const struct wal_reader reader = {on_entry, on_truncated, rig};
    int rv;

    rig->from = 0;
    rig->count = 0;
    rig->moves = true;
    rig->wrong = false;
    rig->fatal = false;
    rv = wal_read(&rig->wal, &options, wanted, needed, &reader, &rig->report,
                  NULL);
    rig->moves = false;
    return rv;
}

int wal_rig_begin(struct wal_rig *rig)
{
    return wal_begin(rig->wal, NULL);
}

void wal_rig_forget(struct wal_rig *rig)
{
    wal_free(rig->wal);
    rig->wal = NULL;
}

int wal_rig_inspect(struct wal_rig *rig, raft_index from)
{
    struct wal_reader reader = {on_entry, on_truncated, rig};

    rig->from = from;
    rig->count = 0;
    rig->wrong = false;
    return wal_inspect(fake_disk_disk(rig->fake), from, &reader, &rig->report,
                       NULL);
}

static void on_counted(struct wal_append *append, int status)
{
    struct wal_rig *rig = append->data;

    rig->wrong = rig->wrong || status != 0;
    rig->acks++;
}

int wal_rig_append(struct wal_rig *rig, uint64_t id, struct wal_append *append,
                   wal_append_cb cb)
{
    uint8_t bytes[ENTRY_LEN_MAX];
    struct raft_entry entry;

    memset(&entry, 0, sizeof(entry));
    entry.buf.len = entry_make(id, bytes, &entry.term);
    entry.buf.base = bytes;
    entry.type = RAFT_COMMAND;
    if (append != NULL) {
        return wal_append(rig->wal, append, &entry, 1, cb);
    }
    append = &rig->counted[rig->counted_next++ % WAL_RIG_COUNTED_MAX];
    append->data = rig;
    return wal_append(rig->wal, append, &entry, 1, on_counted);
}

void wal_rig_crash(struct wal_rig *rig, enum fake_crash how)
{
    fake_disk_crash(rig->fake, how);
    wal_free(rig->wal);
    rig->wal = NULL;
}
