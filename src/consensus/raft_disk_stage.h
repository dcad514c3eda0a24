/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A snapshot of another node for the next start (docs/consensus.md, "Integrity"). */
#pragma once

#include "consensus/raft_disk.h"

struct raft_disk_stage;
/* @status 0: it is durable, and means nothing yet. Else it is not there, and
 * @stage->err says why. */
typedef void (*raft_disk_stage_cb)(struct raft_disk_stage *stage, int status);
struct raft_disk_stage {
    void *data; /* the caller's */
    /* The disk's: */
    struct raft_disk *disk;
    struct disk_work work;
    const struct raft_install_snapshot *snapshot;
    struct raft_buffer configuration;
    raft_disk_stage_cb cb;
    struct err err;
};
/* @stage and @snapshot stay until the callback, which comes later. One at a time.
 * QL_NO_MEMORY, QL_IO. */
int raft_disk_stage(struct raft_disk *disk, struct raft_disk_stage *stage,
                    const struct raft_install_snapshot *snapshot,
                    raft_disk_stage_cb cb);
/* The next start begins with what was staged, in the place of all snapshots that
 * are there then: to be called just before it, while the raft log reaches back to
 * it and no other snapshot is taken. */
int raft_disk_stage_commit(struct raft_disk *disk, struct err *err);
