/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A WAL over a fake disk, with what was read from it at the last open. */
#pragma once

#include "consensus/wal.h"
#include "support/fake_disk.h"

#define WAL_RIG_ENTRIES_MAX 4096u
#define WAL_RIG_COUNTED_MAX 256u /* under way at a time */

struct wal_rig {
    struct fake_disk *fake;
    struct wal *wal;
    uint64_t segment_bytes;
    bool fatal; /* on_fatal was called */
    struct wal_report report;
    raft_index from;                   /* of the last open */
    bool moves;                        /* it may begin anew further on */
    uint64_t ids[WAL_RIG_ENTRIES_MAX]; /* of entries read, ids[0] is from */
    size_t count;
    bool wrong; /* an entry out of order or with other content */
    unsigned acks;
    struct wal_append counted[WAL_RIG_COUNTED_MAX]; /* in turn */
    unsigned counted_next;
};

void wal_rig_init(struct wal_rig *rig, uint64_t seed, uint64_t segment_bytes);
void wal_rig_close(struct wal_rig *rig);
int wal_rig_open(struct wal_rig *rig, raft_index from);
/* wal_read(), whose @wanted may not be there: rig->from then says what was told.
 * Then either wal_rig_begin() or wal_rig_forget(). */
int wal_rig_read(struct wal_rig *rig, raft_index wanted, raft_index needed);
int wal_rig_begin(struct wal_rig *rig);
void wal_rig_forget(struct wal_rig *rig);
int wal_rig_inspect(struct wal_rig *rig, raft_index from);
/* An entry made of @id alone: length, type, term and bytes. @append may be NULL:
 * then it counts in rig->acks. */
int wal_rig_append(struct wal_rig *rig, uint64_t id, struct wal_append *append,
                   wal_append_cb cb);
/* Frees the wal as a process end would, and crashes the disk. */
void wal_rig_crash(struct wal_rig *rig, enum fake_crash how);
