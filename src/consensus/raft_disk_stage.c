/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/raft_disk_stage.h"

#include <assert.h>

#include "consensus/raft_disk_internal.h"
#include "consensus/snapshot_dir.h"

static int stage_run(struct disk_work *work);
static void stage_on_done(struct disk_work *work, int status);

int raft_disk_stage(struct raft_disk *disk, struct raft_disk_stage *stage,
                    const struct raft_install_snapshot *snapshot,
                    raft_disk_stage_cb cb)
{
    int rv;

    assert(!disk->staging);
    stage->disk = disk;
    stage->snapshot = snapshot;
    stage->cb = cb;
    stage->err = (struct err){0};
    stage->work = (struct disk_work){
        .run = stage_run, .cb = stage_on_done, .data = stage};
    if (raft_configuration_encode(&snapshot->conf, &stage->configuration) !=
        0) {
        return QL_NO_MEMORY;
    }
    rv = disk->disk->ops->work(disk->disk, &stage->work);
    if (rv != 0) {
        raft_free(stage->configuration.base);
        return rv;
    }
    disk->staging = true;
    return 0;
}

int raft_disk_stage_commit(struct raft_disk *disk, struct err *err)
{
    return snapshot_dir_commit_staged(disk->disk, err);
}

/* Off the loop. */
static int stage_run(struct disk_work *work)
{
    struct raft_disk_stage *stage = work->data;
    const struct raft_install_snapshot *snapshot = stage->snapshot;
    const struct snapshot_meta meta = {
        .index = snapshot->last_index,
        .term = snapshot->last_term,
        .configuration_index = snapshot->conf_index,
        .configuration = {stage->configuration.base, stage->configuration.len}};
    const struct bytes part = {snapshot->data.base, snapshot->data.len};

    return snapshot_dir_stage(stage->disk->disk, &meta, &part, 1, &stage->err);
}

static void stage_on_done(struct disk_work *work, int status)
{
    struct raft_disk_stage *stage = work->data;

    stage->disk->staging = false;
    raft_free(stage->configuration.base);
    stage->cb(stage, status);
}
