/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The real disk: a directory of a file system, with writes by io_uring where it
 * is built in and the kernel gives it, else by a thread. Either way O_DIRECT and
 * O_DSYNC where the file system takes them (overwriting written blocks is then
 * one command to the device), and write plus data sync otherwise.
 */
#pragma once

#include <uv.h>

#include "store/disk.h"
#include "consensus/disk_writer.h"

#define DISK_WORK_THREADS_MAX 8u

struct metrics;

struct disk_real_options {
    uv_loop_t *loop; /* on which callbacks come; outlives the disk */
    const char *dir; /* must be there */
    enum disk_writer writer;
    struct metrics
        *metrics; /* where its disk_ops.write counts; NULL: nowhere */
    /* Works run side by side on so many threads; 0: on one, and so one after the
     * other. No more than DISK_WORK_THREADS_MAX. */
    unsigned work_threads;
    /* It takes no disk_ops.write: everything is done by blocking operations, in
     * works, and goes through the page cache. */
    bool works_only;
    /* It is not ours alone: it may be missing, until disk_ops.renew has made or
     * found it, and hold what others put there. Then only ordinary files are
     * opened, QL_INVALID for a link or anything else. With works_only. */
    bool is_shared;
};

struct disk_real;

/* Fails also when DISK_WRITER_URING was asked for and is not to be had. */
int disk_real_start(struct disk_real **ret_real,
                    const struct disk_real_options *options, struct err *err);
/* Nothing is under way: all writes and works were told. */
bool disk_real_is_idle(const struct disk_real *real);
/* Only when it is idle; files may still be open and closed later. @cb comes
 * when the disk is gone. */
void disk_real_stop(struct disk_real *real, void (*cb)(void *data), void *data);
struct disk *disk_real_disk(struct disk_real *real);
/* "io_uring, direct", for status. Static storage. */
const char *disk_real_writer(const struct disk_real *real);
/* Why it is not "io_uring, direct", for the operator; "": it is, or nobody asked
 * for it. Valid as long as the disk. */
const char *disk_real_fallback(const struct disk_real *real);
