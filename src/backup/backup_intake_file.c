/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The file that a stream is gathered in. All of this runs off the loop. */
#include <string.h>

#include "backup/backup_file.h"
#include "backup/backup_intake_internal.h"

static int open_again(struct disk *disk, const char *name, bool fresh,
                      struct disk_file **ret_file, uint64_t *ret_size,
                      struct err *err);
static int check_room(const struct backup_intake *intake, uint64_t have,
                      struct err *err);
static int look_at_front(struct backup_intake *intake, struct disk_file *file,
                         struct err *err);
static int look_at_header(struct backup_intake *intake, struct disk_file *file,
                          struct err *err);

/* What is there and makes no sense any more is not told of: it begins anew. */
int intake_file_resume(struct backup_intake *intake, struct err *err)
{
    struct disk *disk = intake->intakes->options.disk;
    struct intake_work *work = &intake->work;
    struct disk_file *file;
    bool fresh = work->fresh;
    int rv;

    work->fresh = false;
    for (;;) {
        rv = open_again(disk, intake->name, fresh, &file, &work->size, err);
        if (rv != 0) {
            return rv;
        }
        rv = work->size > intake->total
                 ? err_set(err, QL_CORRUPT, "it is longer than the stream")
                 : look_at_front(intake, file, err);
        disk->ops->close(file);
        if (rv == 0 || rv == QL_IO || rv == QL_NO_MEMORY || fresh) {
            break;
        }
        fresh = true;
        work->has_header = false;
    }
    return rv == 0 ? check_room(intake, work->size, err) : rv;
}

/* With room for the packs that are made of what has come, so that not all of it is
 * fetched for nothing. */
int intake_file_write(struct backup_intake *intake, struct err *err)
{
    struct disk *disk = intake->intakes->options.disk;
    const struct buf *bytes = &intake->piece_bytes;
    uint64_t end = intake->piece_at + bytes->len;
    struct disk_file *file;
    int rv;

    intake->work.size = intake->next;
    if (intake->piece_at > intake->next) {
        return QL_OUT_OF_ORDER;
    }
    if (end <= intake->next) {
        return 0;
    }
    rv = backup_file_room(disk, 2 * (end - intake->next) + intake->work.taken,
                          err);
    rv = rv != 0 ? rv : disk->ops->open(disk, intake->name, false, &file, err);
    if (rv != 0) {
        return rv;
    }
    rv = disk->ops->write_sync(file, intake->next,
                               bytes->data + (intake->next - intake->piece_at),
                               (size_t)(end - intake->next), err);
    if (rv == 0) {
        intake->work.size = end;
        intake->work.taken += end - intake->next;
        rv = look_at_front(intake, file, err);
    }
    disk->ops->close(file);
    return rv;
}

int intake_file_remove(struct backup_intake *intake, struct err *err)
{
    struct disk *disk = intake->intakes->options.disk;
    int rv = disk->ops->remove(disk, intake->name, err);

    return rv == QL_NOT_FOUND ? 0 : rv;
}

static int open_again(struct disk *disk, const char *name, bool fresh,
                      struct disk_file **ret_file, uint64_t *ret_size,
                      struct err *err)
{
    int rv = 0;

    if (fresh) {
        rv = disk->ops->remove(disk, name, err);
        rv = rv == QL_NOT_FOUND ? 0 : rv;
    }
    if (rv == 0) {
        rv = disk->ops->open(disk, name, true, ret_file, err);
    }
    if (rv != 0) {
        return rv;
    }
    rv = disk->ops->size(*ret_file, ret_size, err);
    if (rv == 0) {
        rv = disk->ops->sync_directory(disk, err);
    }
    if (rv != 0) {
        disk->ops->close(*ret_file);
    }
    return rv;
}

/* For what is to come, and for the packs that are made of all of it. */
static int check_room(const struct backup_intake *intake, uint64_t have,
                      struct err *err)
{
    struct disk *disk = intake->intakes->options.disk;

    return intake->skips
               ? 0
               : backup_file_room(disk, 2 * intake->total - have, err);
}

/* ---- The front ---- */

static int look_at_front(struct backup_intake *intake, struct disk_file *file,
                         struct err *err)
{
    struct disk *disk = intake->intakes->options.disk;
    struct intake_work *work = &intake->work;
    struct backup_front front;
    uint64_t len;
    int rv = 0;

    if (!work->has_header && work->size >= BACKUP_FRONT_HEADER_LEN) {
        rv = look_at_header(intake, file, err);
    }
    if (rv != 0 || !work->has_header || work->has_front) {
        return rv;
    }
    len = backup_front_len(&work->header);
    if (work->size < len) {
        return 0;
    }
    work->front.len = 0;
    rv = backup_file_read(disk, file, 0, (size_t)len, &work->front, err);
    if (rv == 0) {
        rv = backup_front_check(
            (struct bytes){work->front.data, work->front.len}, &front, err);
    }
    if (rv != 0) {
        buf_close(&work->front);
        return rv;
    }
    work->has_front = true;
    return 0;
}

static int look_at_header(struct backup_intake *intake, struct disk_file *file,
                          struct err *err)
{
    struct disk *disk = intake->intakes->options.disk;
    struct intake_work *work = &intake->work;
    struct buf header = BUF_INIT;
    int rv =
        backup_file_read(disk, file, 0, BACKUP_FRONT_HEADER_LEN, &header, err);

    if (rv == 0) {
        rv = backup_front_decode(header.data, &work->header, err);
    }
    if (rv == 0 && work->header.stream_len != intake->total) {
        rv = err_set(err, QL_CORRUPT, "it should have %llu bytes, and has %llu",
                     (unsigned long long)work->header.stream_len,
                     (unsigned long long)intake->total);
    }
    work->has_header = rv == 0;
    buf_close(&header);
    return rv;
}
