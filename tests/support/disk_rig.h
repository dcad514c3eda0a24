/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the core loads from a disk in memory, and writes to it. */
#pragma once

#include "consensus/raft_disk.h"
#include "support/fake_disk.h"

#define DISK_RIG_SEGMENT (256u * 1024u)

struct disk_rig {
    struct fake_disk *fake;
    struct raft_disk *disk; /* NULL: not loaded */
    struct raft_loaded loaded;
    bool others_elect;
    uint64_t reserve_bytes;
    struct chunk_store *chunks; /* or NULL */
    struct raft_configuration configuration;
    struct raft_buffer first;
    unsigned told;
    unsigned healed;
    unsigned grown;
    bool fatal;
};

void disk_rig_new(struct disk_rig *rig);
void disk_rig_free_loaded(struct disk_rig *rig);
int disk_rig_load(struct disk_rig *rig, struct err *err);
void disk_rig_must_load(struct disk_rig *rig);
void disk_rig_stop(struct disk_rig *rig);
void disk_rig_crash(struct disk_rig *rig);
void disk_rig_open(struct disk_rig *rig, uint64_t seed);
void disk_rig_close(struct disk_rig *rig);
void disk_rig_append_range(struct disk_rig *rig, raft_index from, raft_index to,
                           raft_term term);
void disk_rig_put(struct disk_rig *rig, struct raft_io_snapshot_put *request,
                  unsigned trailing, const struct raft_snapshot *snapshot);
struct raft_snapshot disk_rig_snapshot_of(struct disk_rig *rig,
                                          raft_index index, raft_term term,
                                          struct raft_buffer *buffer);
void disk_rig_assert_entry(const struct disk_rig *rig, raft_index index,
                           raft_term term);
raft_index disk_rig_last_index(const struct disk_rig *rig);
