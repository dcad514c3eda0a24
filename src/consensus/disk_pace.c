/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Long writes go in steps, each at its end before the next begins: what others
 * sync meanwhile, as entries in the WAL, waits in the device behind one step and
 * not behind all of it. Only the sync at the end makes them durable.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consensus/disk_internal.h"

static int put_steps(const struct disk_file *file, uint64_t offset,
                     const uint8_t *bytes, size_t len);
static int push(const struct disk_file *file, uint64_t offset, size_t len);
static void forget_past(struct disk_file *file);
static int put_past(struct disk_file *file, const uint8_t *bytes, size_t len);
static int put_all(int fd, uint64_t offset, const uint8_t *bytes, size_t len);

int disk_pace_write(const struct disk_file *file, uint64_t offset,
                    const uint8_t *bytes, size_t len)
{
    int failed = put_steps(file, offset, bytes, len);

    if (failed == 0 && fdatasync(file->fd) != 0) {
        failed = errno;
    }
    return failed;
}

int disk_pace_past(struct disk_file *file, const uint8_t *bytes, size_t len)
{
    size_t whole = len - len % DISK_BLOCK;
    int failed = EINVAL;

    file->past =
        openat(file->real->dir_fd, file->name, O_RDWR | O_CLOEXEC | O_DIRECT);
    if (file->past >= 0) {
        /* So that not each step makes the file longer; no matter if it can't. */
        (void)fallocate(file->fd, 0, 0, (off_t)len);
        failed = put_past(file, bytes, whole);
    }
    if (failed == EINVAL) {
        forget_past(file);
        whole = 0;
        failed = 0;
    }
    /* No direct write ends within a block. */
    return failed != 0
               ? failed
               : disk_pace_write(file, whole, bytes + whole, len - whole);
}

/* The file system takes no direct writes, and so gives no direct reads. */
static void forget_past(struct disk_file *file)
{
    if (file->past >= 0) {
        (void)close(file->past);
        file->past = -1;
    }
}

/* By way of memory that is aligned. */
static int put_past(struct disk_file *file, const uint8_t *bytes, size_t len)
{
    uint8_t *step = aligned_alloc(DISK_BLOCK, DISK_PACE_BYTES);
    int failed = step == NULL ? ENOMEM : 0;
    size_t at = 0;

    while (failed == 0 && at < len) {
        size_t step_len =
            len - at < DISK_PACE_BYTES ? len - at : DISK_PACE_BYTES;

        memcpy(step, bytes + at, step_len);
        failed = put_all(file->past, at, step, step_len);
        at += step_len;
    }
    free(step);
    return failed;
}

static int put_steps(const struct disk_file *file, uint64_t offset,
                     const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    int failed = 0;

    while (failed == 0 && at < len) {
        size_t step = len - at < DISK_PACE_BYTES ? len - at : DISK_PACE_BYTES;

        failed = put_all(file->fd, offset + at, bytes + at, step);
        if (failed == 0) {
            failed = push(file, offset + at, step);
        }
        at += step;
    }
    return failed;
}

/* A file system need not know how; but that a write failed it says only once. */
static int push(const struct disk_file *file, uint64_t offset, size_t len)
{
    const unsigned how = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                         SYNC_FILE_RANGE_WAIT_AFTER;

    if (sync_file_range(file->fd, (off_t)offset, (off_t)len, how) == 0) {
        return 0;
    }
    return errno == ENOSYS || errno == EINVAL || errno == ESPIPE ? 0 : errno;
}

static int put_all(int fd, uint64_t offset, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = pwrite(fd, bytes, len, (off_t)offset);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return put == 0 ? EIO : errno;
        }
        bytes += put;
        offset += (uint64_t)put;
        len -= (size_t)put;
    }
    return 0;
}
