/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Segments before and after their use: one is prepared ahead, from the pool of
 * those that are not needed any more or by filling a file with zeros; what the
 * pool has too many of is removed. All of it off the loop, one at a time.
 *
 * Why every step survives a crash: a segment enters the pool only when a durable
 * snapshot covers it, and a reader never starts with it; a renamed one has no
 * start of its new number until the start is written.
 */
#include "consensus/wal_internal.h"

#include <assert.h>
#include <stdio.h>

static void chore_start(struct wal *wal, enum wal_chore_kind kind,
                        uint64_t from);
static int chore_do(struct disk_work *work);
static void chore_on_done(struct disk_work *work, int status);
static int file_fill(struct wal *wal, uint64_t number,
                     struct disk_file **ret_file, struct err *err);
static int prepare(struct wal *wal, struct wal_chore *chore);
static int recycle(struct wal *wal, struct wal_chore *chore);
static void prepare_on_done(struct wal *wal, int status);
static void fatal_chore(struct wal *wal);

void wal_collect(struct wal *wal)
{
    while (wal->chain.count > 1 && wal->chain.items[0].last < wal->drop_index) {
        if (wal_parts_add(&wal->pool, wal->chain.items[0].number, 0) != 0) {
            return;
        }
        wal_parts_remove_first(&wal->chain);
        wal->spare_failed = false;
    }
    wal_chore_run(wal);
}

void wal_chore_run(struct wal *wal)
{
    if (wal->dead || wal->chore.busy) {
        return;
    }
    if (wal->spare == NULL && !wal->spare_failed &&
        (wal->pool.count > 0 || wal->spare_urgent || !wal->lean)) {
        chore_start(wal, WAL_PREPARE,
                    wal->pool.count > 0 ? wal->pool.items[0].number : 0);
    } else if (wal->pool.count > (wal->lean ? 0 : WAL_POOL_MAX)) {
        chore_start(wal, WAL_REMOVE, wal->pool.items[0].number);
    }
}

void wal_set_lean(struct wal *wal, bool lean)
{
    wal->lean = lean;
    wal_chore_run(wal);
}

void wal_room(const struct wal *wal, struct wal_room *ret)
{
    *ret = (struct wal_room){.segment_bytes = wal->segment_bytes,
                             .written_bytes = wal->offset,
                             .lacks = wal->spare == NULL && !wal->chore.busy,
                             .has_older = wal->chain.count > 1};
}

/* What failed is not gone on with: the second attempt is another file. */
int wal_file_make(struct wal *wal, uint64_t number, bool urgent,
                  struct disk_file **ret_file, struct err *err)
{
    int rv = file_fill(wal, number, ret_file, err);

    if (rv == QL_NO_SPACE && urgent && wal->make_room != NULL &&
        wal->make_room(wal->data)) {
        rv = file_fill(wal, number, ret_file, err);
    }
    return rv;
}

static int file_fill(struct wal *wal, uint64_t number,
                     struct disk_file **ret_file, struct err *err)
{
    struct disk *disk = wal->disk;
    struct disk_file *file;
    char name[DISK_NAME_MAX];
    int rv;

    rv = disk->ops->remove(disk, WAL_SPARE_NAME, err);
    if (rv != 0 && rv != QL_NOT_FOUND) {
        return rv;
    }
    rv = disk->ops->open(disk, WAL_SPARE_NAME, true, &file, err);
    if (rv != 0) {
        return rv;
    }
    rv = disk->ops->fill(file, wal->segment_bytes, err);
    disk->ops->close(file);
    if (rv != 0) {
        /* A full disk: what was filled would only keep it full. */
        (void)disk->ops->remove(disk, WAL_SPARE_NAME, NULL);
        return rv;
    }
    wal_name(number, name);
    rv = disk->ops->rename(disk, WAL_SPARE_NAME, name, err);
    if (rv != 0) {
        return rv;
    }
    return disk->ops->open(disk, name, false, ret_file, err);
}

/* ---- Off the loop ---- */

static void chore_start(struct wal *wal, enum wal_chore_kind kind,
                        uint64_t from)
{
    struct wal_chore *chore = &wal->chore;
    int rv;

    chore->kind = kind;
    chore->from = from;
    chore->urgent = wal->spare_urgent;
    chore->to = kind == WAL_PREPARE ? ++wal->number_max : 0;
    chore->file = NULL;
    chore->busy = true;
    chore->work.run = chore_do;
    chore->work.cb = chore_on_done;
    chore->work.data = wal;
    if (from != 0) {
        wal_parts_remove_first(&wal->pool);
    }
    rv = wal->disk->ops->work(wal->disk, &chore->work);
    if (rv != 0) {
        chore->busy = false;
        (void)err_set(&chore->err, rv, "the disk takes no work");
        fatal_chore(wal);
    }
}

static int chore_do(struct disk_work *work)
{
    struct wal *wal = work->data;
    struct wal_chore *chore = &wal->chore;
    char name[DISK_NAME_MAX];

    if (chore->kind == WAL_PREPARE) {
        return prepare(wal, chore);
    }
    wal_name(chore->from, name);
    return wal->disk->ops->remove(wal->disk, name, &chore->err);
}

/* Reads only what does not change while the chore is busy: the disk, the length
 * of segments, how room is made, and the chore. */
static int prepare(struct wal *wal, struct wal_chore *chore)
{
    if (chore->from != 0) {
        int rv = recycle(wal, chore);

        if (rv != 0 || chore->file != NULL) {
            return rv;
        }
    }
    return wal_file_make(wal, chore->to, chore->urgent, &chore->file,
                         &chore->err);
}

/* No file when the old one had another length. */
static int recycle(struct wal *wal, struct wal_chore *chore)
{
    const struct disk_ops *ops = wal->disk->ops;
    char from[DISK_NAME_MAX];
    char to[DISK_NAME_MAX];
    struct disk_file *file;
    uint64_t size = 0;
    int rv;

    wal_name(chore->from, from);
    wal_name(chore->to, to);
    rv = ops->open(wal->disk, from, false, &file, &chore->err);
    if (rv != 0) {
        return rv;
    }
    rv = ops->size(file, &size, &chore->err);
    ops->close(file);
    if (rv != 0) {
        return rv;
    }
    if (size != wal->segment_bytes) {
        return ops->remove(wal->disk, from, &chore->err);
    }
    rv = ops->rename(wal->disk, from, to, &chore->err);
    if (rv != 0) {
        return rv;
    }
    return ops->open(wal->disk, to, false, &chore->file, &chore->err);
}

/* ---- On the loop ---- */

static void chore_on_done(struct disk_work *work, int status)
{
    struct wal *wal = work->data;

    wal->chore.busy = false;
    if (wal->dead) {
        return;
    }
    if (wal->chore.kind == WAL_PREPARE) {
        prepare_on_done(wal, status);
    } else if (status != 0) {
        fatal_chore(wal);
    }
    wal_chore_run(wal);
}

static void prepare_on_done(struct wal *wal, int status)
{
    if (status == QL_NO_SPACE && !wal->chore.urgent) {
        /* Full: tried again when the segment is needed, which it may be by now,
         * or when there is one to recycle. */
        wal->spare_failed = !wal->spare_urgent;
        return;
    }
    if (status != 0) {
        fatal_chore(wal);
        return;
    }
    assert(wal->chore.file != NULL);
    wal->spare = wal->chore.file;
    wal->chore.file = NULL;
    wal->spare_urgent = false;
    wal->spare_number = wal->chore.to;
    if (wal->chore.from == 0 && wal->on_grown != NULL) {
        wal->on_grown(wal->data);
    }
    wal_kick(wal);
}

static void fatal_chore(struct wal *wal)
{
    char reason[ERR_TEXT_MAX + 64];

    (void)snprintf(reason, sizeof(reason), "prepare a segment of the WAL: %s",
                   wal->chore.err.text);
    wal_fatal(wal, reason);
}
