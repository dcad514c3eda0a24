/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the files of the real disk share. */
#pragma once

#include "consensus/disk_real.h"

struct disk_file {
    struct disk_real *real;
    int fd;     /* ordinary */
    int direct; /* O_DIRECT and O_DSYNC, or -1 */
    int past;   /* O_DIRECT, after a write past the cache, or -1 */
    char name[DISK_NAME_MAX];
};

struct disk_lane;
struct disk_uring;

struct disk_real {
    struct disk disk;    /* first */
    struct disk_ops ops; /* its own: threads of others are reading theirs */
    int dir_fd;          /* -1: a shared one, not renewed yet */
    char *dir;           /* the path of a shared one, else NULL */
    bool direct;
    struct metrics *metrics;     /* or NULL */
    char fallback[ERR_TEXT_MAX]; /* see disk_real_fallback() */
    struct disk_lane *work_lane;
    struct disk_lane *write_lane; /* NULL with io_uring, or works only */
    struct disk_uring *uring;     /* NULL with the thread, or works only */
    unsigned stopping;            /* parts that have to end yet */
    void (*stop_cb)(void *data);
    void *stop_data;
};

/* ---- disk_real.c ---- */
/* Tells the owner that it has ended with write->status, which may end the write. */
void disk_write_tell(struct disk_write *write);

/* ---- disk_files.c: the blocking operations ---- */
extern const struct disk_ops disk_files_ops; /* without write and work */
/* Writes and syncs all of it; 0 or the code, and why in write->err. */
int disk_files_write(struct disk_write *write);
/* QL_NO_SPACE for a full disk, else as err_errno(). */
int disk_files_error(struct err *err, int errnum, const char *what,
                     const char *name);

/* ---- disk_thread.c: threads that do one thing after the other ---- */
/* @run is called on a thread, @done on the loop, in the order in which they end.
 * @link is embedded in what is to be done. */
struct disk_lane_ops {
    void (*run)(struct list *link);
    void (*done)(struct list *link);
};
int disk_lane_start(struct disk_lane **ret_lane, uv_loop_t *loop,
                    const struct disk_lane_ops *ops, unsigned threads,
                    struct err *err);
void disk_lane_add(struct disk_lane *lane, struct list *link);
/* All that was added was told. */
bool disk_lane_is_idle(const struct disk_lane *lane);
/* Only when it is idle. */
void disk_lane_stop(struct disk_lane *lane, void (*cb)(void *data), void *data);

/* ---- disk_uring.c ---- */
/* Writes a block of zeros to the front of @fd (-1: makes a ring only); @direct:
 * it was opened with O_DIRECT and O_DSYNC. QL_NOT_FOUND: not built in. QL_IO: the
 * kernel refuses. A disk that is full is no reason to fail. */
int disk_uring_try(int fd, bool direct, struct err *err);
int disk_uring_start(struct disk_uring **ret_uring, uv_loop_t *loop,
                     struct err *err);
int disk_uring_write(struct disk_uring *uring, struct disk_write *write);
bool disk_uring_is_idle(const struct disk_uring *uring);
/* Only when it is idle. */
void disk_uring_stop(struct disk_uring *uring, void (*cb)(void *data),
                     void *data);

/* ---- disk_pace.c: long writes, any thread; 0 or errno ---- */
#define DISK_PACE_BYTES (256u * 1024u) /* of one step */
/* Through the page cache, durable. */
int disk_pace_write(const struct disk_file *file, uint64_t offset,
                    const uint8_t *bytes, size_t len);
/* All of a file, past the page cache where the file system lets us, durable;
 * reads of @file ask the disk then. */
int disk_pace_past(struct disk_file *file, const uint8_t *bytes, size_t len);
