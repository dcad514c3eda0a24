/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One durable write after the other into a file, in one of several ways. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

#define QB_DISK_BLOCK 4096u

enum qb_disk_way {
    QB_DISK_DIRECT,     /* pwrite, O_DIRECT and O_DSYNC, written blocks */
    QB_DISK_URING,      /* the same by io_uring */
    QB_DISK_SYNC,       /* pwrite and fdatasync, written blocks */
    QB_DISK_DIRECT_NEW, /* the same three into preallocated blocks */
    QB_DISK_URING_NEW,
    QB_DISK_SYNC_NEW,
    QB_DISK_WAYS
};

struct qb_disk;

/* "O_DIRECT|O_DSYNC, written blocks". Static storage. */
const char *qb_disk_way_name(enum qb_disk_way way);
/* Makes a file in @dir, with what the way needs in it. @len is a multiple of
 * QB_DISK_BLOCK. QL_UNKNOWN_METHOD: the file system or the kernel does not have
 * this way; others may do. */
int qb_disk_open(struct qb_disk **ret_disk, const char *dir,
                 enum qb_disk_way way, size_t len, struct err *err);
/* Returns when @len bytes, the next of the file, are durable. */
int qb_disk_commit(struct qb_disk *disk, struct err *err);
/* No: all preallocated blocks were written to, and the file is of no more use. */
bool qb_disk_has_room(const struct qb_disk *disk);
/* Removes the file. Accepts NULL. */
void qb_disk_close(struct qb_disk *disk);
/* "ext4", "tmpfs", or "other". Static storage. */
const char *qb_disk_kind(const char *dir);
