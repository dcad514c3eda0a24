/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/reserve.h"

static int ensure(struct disk *disk, uint64_t bytes, uint64_t free_bytes,
                  uint64_t needs, bool *ret_missing, struct err *err);
static int size_of(struct disk *disk, uint64_t *ret_bytes, struct err *err);
static int make(struct disk *disk, uint64_t bytes, struct err *err);
static int remove_file(struct disk *disk, const char *name, struct err *err);

int reserve_look(struct disk *disk, uint64_t bytes, uint64_t needs,
                 struct reserve_look *ret, struct err *err)
{
    struct reserve_look look = {0};
    uint64_t free_bytes;
    int rv = disk->ops->space(disk, &free_bytes, &look.total_bytes, err);

    if (rv != 0) {
        return rv;
    }
    rv = ensure(disk, bytes, free_bytes, needs, &look.missing, err);
    if (rv != 0) {
        return rv;
    }
    rv = disk->ops->space(disk, &look.free_bytes, &look.total_bytes, err);
    if (rv != 0) {
        return rv;
    }
    *ret = look;
    return 0;
}

int reserve_give(struct disk *disk, struct err *err)
{
    return disk->ops->remove(disk, RESERVE_NAME, err);
}

static int ensure(struct disk *disk, uint64_t bytes, uint64_t free_bytes,
                  uint64_t needs, bool *ret_missing, struct err *err)
{
    uint64_t size;
    int rv = size_of(disk, &size, err);

    *ret_missing = false;
    if (rv != 0 || (size != 0 && size == bytes)) {
        return rv;
    }
    /* What a crash left, or of another length by an option that has changed. */
    rv = remove_file(disk, RESERVE_NEW_NAME, err);
    if (rv == 0) {
        rv = remove_file(disk, RESERVE_NAME, err);
        free_bytes += size;
    }
    if (rv != 0 || bytes == 0) {
        return rv;
    }
    *ret_missing = true;
    if (free_bytes < needs) {
        return 0;
    }
    rv = make(disk, bytes, err);
    if (rv == 0) {
        *ret_missing = false;
    }
    return rv == QL_NO_SPACE ? 0 : rv;
}

/* 0: it is missing. */
static int size_of(struct disk *disk, uint64_t *ret_bytes, struct err *err)
{
    struct disk_file *file;
    int rv = disk->ops->open(disk, RESERVE_NAME, false, &file, err);

    *ret_bytes = 0;
    if (rv == QL_NOT_FOUND) {
        return 0;
    }
    if (rv != 0) {
        return rv;
    }
    rv = disk->ops->size(file, ret_bytes, err);
    disk->ops->close(file);
    return rv;
}

/* Under another name until it is whole, so that a crash leaves no short one. */
static int make(struct disk *disk, uint64_t bytes, struct err *err)
{
    struct disk_file *file;
    int rv = disk->ops->open(disk, RESERVE_NEW_NAME, true, &file, err);

    if (rv != 0) {
        return rv;
    }
    rv = disk->ops->fill(file, bytes, err);
    disk->ops->close(file);
    if (rv == 0) {
        return disk->ops->rename(disk, RESERVE_NEW_NAME, RESERVE_NAME, err);
    }
    if (rv == QL_NO_SPACE) {
        struct err ignored;

        /* What was filled would only keep the disk full. */
        (void)remove_file(disk, RESERVE_NEW_NAME, &ignored);
    }
    return rv;
}

static int remove_file(struct disk *disk, const char *name, struct err *err)
{
    int rv = disk->ops->remove(disk, name, err);

    return rv == QL_NOT_FOUND ? 0 : rv;
}
