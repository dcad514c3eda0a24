/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/disk_real.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consensus/disk_internal.h"

#define PROBE_NAME "disk.probe"

static int writer_start(struct disk_real *real,
                        const struct disk_real_options *options,
                        struct err *err);
static int probe(struct disk_real *real, struct err *err);
static bool takes_direct(const struct disk_file *file);
static int op_write(struct disk *disk, struct disk_write *write);
static int op_work(struct disk *disk, struct disk_work *work);
static void write_run(struct list *link);
static void write_done(struct list *link);
static void work_run(struct list *link);
static void work_done(struct list *link);
static void on_part_stopped(void *data);

static const struct disk_lane_ops write_lane_ops = {write_run, write_done};
static const struct disk_lane_ops work_lane_ops = {work_run, work_done};
static struct disk_ops real_ops;

int disk_real_start(struct disk_real **ret_real,
                    const struct disk_real_options *options, struct err *err)
{
    struct disk_real *real = calloc(1, sizeof(*real));
    int rv;

    if (real == NULL) {
        return err_set(err, QL_NO_MEMORY, "start the disk: out of memory");
    }
    real_ops = disk_files_ops;
    real_ops.write = op_write;
    real_ops.work = op_work;
    real->disk.ops = &real_ops;
    real->dir_fd = open(options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (real->dir_fd < 0) {
        rv = err_errno(err, errno, "open %s", options->dir);
        goto free_real;
    }
    rv = probe(real, err);
    if (rv != 0) {
        goto close_dir;
    }
    rv = writer_start(real, options, err);
    if (rv != 0) {
        goto close_dir;
    }
    *ret_real = real;
    return 0;

close_dir:
    (void)close(real->dir_fd);
free_real:
    free(real);
    return rv;
}

void disk_real_stop(struct disk_real *real, void (*cb)(void *data), void *data)
{
    real->stop_cb = cb;
    real->stop_data = data;
    real->stopping = 2;
    disk_lane_stop(real->work_lane, on_part_stopped, real);
    if (real->uring != NULL) {
        disk_uring_stop(real->uring, on_part_stopped, real);
    } else {
        disk_lane_stop(real->write_lane, on_part_stopped, real);
    }
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

static void on_part_stopped(void *data)
{
    struct disk_real *real = data;

    real->stopping--;
    if (real->stopping == 0) {
        (void)close(real->dir_fd);
        real->stop_cb(real->stop_data);
        free(real);
    }
}

/* ---- The choice ---- */

static int writer_start(struct disk_real *real,
                        const struct disk_real_options *options,
                        struct err *err)
{
    int rv = QL_NOT_FOUND;

    /* First, because a lane that runs can only be stopped by the loop. */
    if (options->writer != DISK_WRITER_THREAD) {
        rv = disk_uring_start(&real->uring, options->loop, err);
        if (rv != 0 && options->writer == DISK_WRITER_URING) {
            return rv;
        }
    }
    if (rv != 0) {
        rv = disk_lane_start(&real->write_lane, options->loop, &write_lane_ops,
                             err);
        if (rv != 0) {
            return rv;
        }
    }
    return disk_lane_start(&real->work_lane, options->loop, &work_lane_ops,
                           err);
}

/* Asks the file system by doing it: some take the flag and refuse the write. */
static int probe(struct disk_real *real, struct err *err)
{
    struct disk_file *file;
    int rv;

    real->direct = true;
    rv = real->disk.ops->open(&real->disk, PROBE_NAME, true, &file, err);
    if (rv != 0) {
        return rv;
    }
    real->direct = takes_direct(file);
    real->disk.ops->close(file);
    return real->disk.ops->remove(&real->disk, PROBE_NAME, err);
}

static bool takes_direct(const struct disk_file *file)
{
    _Alignas(DISK_BLOCK) static const uint8_t zeros[DISK_BLOCK];

    return file->direct >= 0 &&
           pwrite(file->direct, zeros, DISK_BLOCK, 0) == (ssize_t)DISK_BLOCK;
}

/* ---- Writes and works ---- */

static int op_write(struct disk *disk, struct disk_write *write)
{
    struct disk_real *real = (struct disk_real *)(void *)disk;

    if (real->uring != NULL) {
        return disk_uring_write(real->uring, write);
    }
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
    struct disk_write *write = LIST_ITEM(link, struct disk_write, link);

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
