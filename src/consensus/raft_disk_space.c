/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Room on the disk. The works of a disk run one after the other, so that a look
 * that makes the reserve and a work that gives it up never meet.
 *
 * The chunk store has works of its own, and only says that it found no room. What
 * can be given up for it is given up by the looks, one thing each.
 */
#include <stdio.h>

#include "consensus/raft_disk_internal.h"
#include "consensus/snapshot_dir.h"

/* Failed writes of the store, with a look behind each, after which it is full for
 * good. */
#define FULL_LOOKS_MAX 8u

static bool consider_chunks(struct raft_disk *disk);
static bool needs_chunks(const struct raft_disk *disk);
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
    if (!consider_chunks(disk)) {
        return QL_NO_SPACE;
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

void raft_disk_set_held(struct raft_disk *disk, bool held)
{
    disk->is_held = held;
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

void raft_disk_unpin(struct raft_disk *disk, raft_index oldest)
{
    if (disk->options.chunks != NULL && oldest > 0) {
        chunk_store_unpin_before(disk->options.chunks, oldest);
    }
}

void raft_disk_grown(struct raft_disk *disk)
{
    if (disk->on_grown != NULL) {
        disk->on_grown(disk->on_grown_data);
    }
}

/* What the look will give up for the chunk store; false: that did not help, and it
 * was fatal. */
static bool consider_chunks(struct raft_disk *disk)
{
    struct chunk_store *chunks = disk->options.chunks;
    struct chunk_store_status status;

    disk->look.thins = false;
    disk->look.gives = false;
    if (chunks == NULL) {
        return true;
    }
    chunk_store_get_status(chunks, &status);
    if (status.full_tries == 0) {
        disk->full_looks = 0;
    } else if (disk->full_looks == 0 || status.full_tries > disk->full_tries) {
        disk->full_looks++;
        disk->look.thins = disk->full_looks == 1;
        disk->look.gives = disk->full_looks == 2;
    }
    disk->full_tries = status.full_tries;
    if (disk->full_looks > FULL_LOOKS_MAX && needs_chunks(disk)) {
        raft_disk_fatal(disk, "storing chunks: no space left on the disk");
        return false;
    }
    return true;
}

/* The node cannot go on before chunks are on the disk. */
static bool needs_chunks(const struct raft_disk *disk)
{
    return disk->is_held || raft_disk_awaits_chunks(disk) ||
           chunk_store_is_crowded(disk->options.chunks);
}

/* Off the loop. */
static int look_run(struct disk_work *work)
{
    struct raft_disk *disk = work->data;
    struct look *look = &disk->look;

    look->oldest = 0;
    if (look->thins) {
        int rv = snapshot_dir_thin(disk->disk, &look->err);

        if (rv == 0) {
            rv = snapshot_dir_clean(disk->disk, &look->oldest, &look->err);
        }
        if (rv != 0) {
            return rv;
        }
    }
    if (look->gives) {
        (void)raft_disk_make_room(disk);
    }
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
    raft_disk_unpin(disk, look->oldest);
    look->cb(look->data, &look->found);
}
