/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/disk_real.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consensus/disk_internal.h"
#include "consensus/metrics.h"
#include "util/clock.h"

#define PROBE_NAME "disk.probe"

static int probe(struct disk_real *real, enum disk_writer writer,
                 bool *ret_uring, struct err *err);
static int probe_direct(struct disk_real *real, int *ret_fd);
static int parts_start(struct disk_real *real,
                       const struct disk_real_options *options, bool uring,
                       struct err *err);
static void say_fallback(struct disk_real *real, const char *why);
static int op_write(struct disk *disk, struct disk_write *write);
static int op_work(struct disk *disk, struct disk_work *work);
static void write_run(struct list *link);
static void write_done(struct list *link);
static void work_run(struct list *link);
static void work_done(struct list *link);
static void on_part_stopped(void *data);

static const struct disk_lane_ops write_lane_ops = {write_run, write_done};
static const struct disk_lane_ops work_lane_ops = {work_run, work_done};

int disk_real_start(struct disk_real **ret_real,
                    const struct disk_real_options *options, struct err *err)
{
    struct disk_real *real = calloc(1, sizeof(*real));
    bool uring = false;
    int rv = 0;

    if (real == NULL) {
        return err_set(err, QL_NO_MEMORY, "start the disk: out of memory");
    }
    real->metrics = options->metrics;
    real->ops = disk_files_ops;
    real->ops.write = op_write;
    real->ops.work = op_work;
    real->disk.ops = &real->ops;
    assert(!options->is_shared || options->works_only);
    if (options->is_shared) {
        real->dir = strdup(options->dir);
        if (real->dir == NULL) {
            rv = err_set(err, QL_NO_MEMORY, "start the disk: out of memory");
            goto free_real;
        }
    }
    real->dir_fd = open(options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (real->dir_fd < 0 && !options->is_shared) {
        rv = err_errno(err, errno, "open %s", options->dir);
        goto free_real;
    }
    if (!options->works_only) {
        rv = probe(real, options->writer, &uring, err);
    }
    if (rv == 0) {
        rv = parts_start(real, options, uring, err);
    }
    if (rv != 0) {
        goto close_dir;
    }
    *ret_real = real;
    return 0;

close_dir:
    if (real->dir_fd >= 0) {
        (void)close(real->dir_fd);
    }
free_real:
    free(real->dir);
    free(real);
    return rv;
}

bool disk_real_is_idle(const struct disk_real *real)
{
    if (!disk_lane_is_idle(real->work_lane)) {
        return false;
    }
    if (real->uring != NULL) {
        return disk_uring_is_idle(real->uring);
    }
    return real->write_lane == NULL || disk_lane_is_idle(real->write_lane);
}

void disk_real_stop(struct disk_real *real, void (*cb)(void *data), void *data)
{
    assert(disk_real_is_idle(real));
    real->stop_cb = cb;
    real->stop_data = data;
    real->stopping = 1;
    if (real->uring != NULL) {
        real->stopping++;
        disk_uring_stop(real->uring, on_part_stopped, real);
    } else if (real->write_lane != NULL) {
        real->stopping++;
        disk_lane_stop(real->write_lane, on_part_stopped, real);
    }
    disk_lane_stop(real->work_lane, on_part_stopped, real);
}

struct disk *disk_real_disk(struct disk_real *real)
{
    return &real->disk;
}

const char *disk_real_writer(const struct disk_real *real)
{
    if (real->uring != NULL) {
        return real->direct ? "io_uring, direct" : "io_uring, buffered";
    }
    return real->direct ? "thread, direct" : "thread, buffered";
}

const char *disk_real_fallback(const struct disk_real *real)
{
    return real->fallback;
}

static void on_part_stopped(void *data)
{
    struct disk_real *real = data;

    real->stopping--;
    if (real->stopping == 0) {
        if (real->dir_fd >= 0) {
            (void)close(real->dir_fd);
        }
        real->stop_cb(real->stop_data);
        free(real->dir);
        free(real);
    }
}

/* ---- The choice ---- */

/* Asks file system and kernel by doing it: some take O_DIRECT and refuse the
 * write, some give a ring and refuse what is put into it. */
static int probe(struct disk_real *real, enum disk_writer writer,
                 bool *ret_uring, struct err *err)
{
    struct err refusal = {0};
    bool uring = writer != DISK_WRITER_THREAD;
    int fd;
    int failed = probe_direct(real, &fd);
    int rv = 0;

    if (failed != 0) {
        return disk_files_error(err, failed, "write", PROBE_NAME);
    }
    if (uring && disk_uring_try(fd, real->direct, &refusal) != 0) {
        uring = false;
        say_fallback(real, refusal.text);
        if (writer == DISK_WRITER_URING) {
            rv = err_set(err, refusal.code, "write by io_uring: %s",
                         refusal.text);
        }
    }
    if (fd >= 0) {
        (void)close(fd);
        failed = unlinkat(real->dir_fd, PROBE_NAME, 0) == 0 ? 0 : errno;
    }
    if (rv == 0 && failed != 0) {
        rv = disk_files_error(err, failed, "remove", PROBE_NAME);
    }
    *ret_uring = uring;
    return rv;
}

/* 0 or errno. *ret_fd: -1 if there is no room for the file even, else to be
 * closed; the file is there then. */
static int probe_direct(struct disk_real *real, int *ret_fd)
{
    _Alignas(DISK_BLOCK) static const uint8_t zeros[DISK_BLOCK];
    int flags = O_RDWR | O_CREAT | O_CLOEXEC;
    int fd = openat(real->dir_fd, PROBE_NAME, flags | O_DIRECT | O_DSYNC, 0600);
    ssize_t put = fd < 0 ? -1 : pwrite(fd, zeros, DISK_BLOCK, 0);
    int failed = put == (ssize_t)DISK_BLOCK ? 0 : put < 0 ? errno : ENOSPC;

    real->direct = failed == 0;
    if (failed == 0) {
        *ret_fd = fd;
        return 0;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (failed == EINVAL || failed == EOPNOTSUPP) {
        say_fallback(real, "the file system takes no direct writes");
    } else if (failed == ENOSPC || failed == EDQUOT) {
        say_fallback(real, "the disk is too full to try direct writes");
    } else {
        (void)unlinkat(real->dir_fd, PROBE_NAME, 0);
        return failed;
    }
    *ret_fd = openat(real->dir_fd, PROBE_NAME, flags, 0600);
    return *ret_fd >= 0 || errno == ENOSPC || errno == EDQUOT ? 0 : errno;
}

static int parts_start(struct disk_real *real,
                       const struct disk_real_options *options, bool uring,
                       struct err *err)
{
    unsigned threads = options->work_threads > 0 ? options->work_threads : 1;
    int rv = 0;

    if (uring) {
        rv = disk_uring_start(&real->uring, options->loop, err);
    } else if (!options->works_only) {
        rv = disk_lane_start(&real->write_lane, options->loop, &write_lane_ops,
                             1, err);
    }
    if (rv != 0) {
        return rv;
    }
    return disk_lane_start(&real->work_lane, options->loop, &work_lane_ops,
                           threads, err);
}

static void say_fallback(struct disk_real *real, const char *why)
{
    size_t len = strlen(real->fallback);

    (void)snprintf(real->fallback + len, sizeof(real->fallback) - len, "%s%s",
                   len > 0 ? "; " : "", why);
}

/* ---- Writes and works ---- */

static int op_write(struct disk *disk, struct disk_write *write)
{
    struct disk_real *real = (struct disk_real *)(void *)disk;

    if (real->metrics != NULL) {
        write->begun_ns = clock_monotonic_ns();
    }
    if (real->uring != NULL) {
        return disk_uring_write(real->uring, write);
    }
    assert(real->write_lane != NULL); /* it was not started with works_only */
    disk_lane_add(real->write_lane, &write->link);
    return 0;
}

static void write_run(struct list *link)
{
    struct disk_write *write = LIST_ITEM(link, struct disk_write, link);

    write->status = disk_files_write(write);
}

static void write_done(struct list *link)
{
    disk_write_tell(LIST_ITEM(link, struct disk_write, link));
}

void disk_write_tell(struct disk_write *write)
{
    struct metrics *metrics = write->file->real->metrics;

    if (metrics != NULL) {
        metrics_add(metrics, COUNTER_WAL_WRITES, 1);
        metrics_add(metrics, COUNTER_WAL_BYTES, write->len);
        metrics_record(metrics, HISTOGRAM_WAL_SYNC,
                       clock_monotonic_ns() - write->begun_ns);
    }
    write->cb(write, write->status);
}

static int op_work(struct disk *disk, struct disk_work *work)
{
    struct disk_real *real = (struct disk_real *)(void *)disk;

    disk_lane_add(real->work_lane, &work->link);
    return 0;
}

static void work_run(struct list *link)
{
    struct disk_work *work = LIST_ITEM(link, struct disk_work, link);

    work->status = work->run(work);
}

static void work_done(struct list *link)
{
    struct disk_work *work = LIST_ITEM(link, struct disk_work, link);

    work->cb(work, work->status);
}
