/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Room on the disk. The works of a disk run one after the other, so that a look
 * that makes the reserve and a work that gives it up never meet.
 */
#include <stdio.h>

#include "consensus/raft_disk_internal.h"

static int look_run(struct disk_work *work);
static void look_on_done(struct disk_work *work, int status);

int raft_disk_look(struct raft_disk *disk, uint64_t needs,
                   void (*cb)(void *data, const struct reserve_look *look),
                   void *data)
{
    struct look *look = &disk->look;
    int rv;

    if (look->busy) {
        return QL_BUSY;
    }
    look->needs = needs;
    look->cb = cb;
    look->data = data;
    look->work =
        (struct disk_work){.run = look_run, .cb = look_on_done, .data = disk};
    rv = disk->disk->ops->work(disk->disk, &look->work);
    look->busy = rv == 0;
    return rv;
}

void raft_disk_on_grown(struct raft_disk *disk, void (*cb)(void *data),
                        void *data)
{
    disk->on_grown = cb;
    disk->on_grown_data = data;
}

void raft_disk_set_lean(struct raft_disk *disk, bool lean)
{
    wal_set_lean(disk->wal, lean);
}

void raft_disk_room(const struct raft_disk *disk, struct wal_room *ret)
{
    wal_room(disk->wal, ret);
}

bool raft_disk_make_room(void *data)
{
    struct raft_disk *disk = data;
    struct err ignored;

    /* One that cannot be removed makes no room: what is in need of it then says
     * that the disk is full. */
    return reserve_give(disk->disk, &ignored) == 0;
}

void raft_disk_grown(struct raft_disk *disk)
{
    if (disk->on_grown != NULL) {
        disk->on_grown(disk->on_grown_data);
    }
}

/* Off the loop. */
static int look_run(struct disk_work *work)
{
    struct raft_disk *disk = work->data;
    struct look *look = &disk->look;

    return reserve_look(disk->disk, disk->options.reserve_bytes, look->needs,
                        &look->found, &look->err);
}

static void look_on_done(struct disk_work *work, int status)
{
    struct raft_disk *disk = work->data;
    struct look *look = &disk->look;
    char reason[ERR_TEXT_MAX + 64];

    look->busy = false;
    if (status != 0) {
        (void)snprintf(reason, sizeof reason, "looking at the free space: %s",
                       look->err.text);
        raft_disk_fatal(disk, reason);
        return;
    }
    look->cb(look->data, &look->found);
}
