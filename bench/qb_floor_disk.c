/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_floor_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>
#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

#include "util/limits.h"

#define WRITTEN_BYTES (8u * MIB)
#define NEW_BYTES (32u * MIB)
#define WRITES_MIN 8u
#define RING_ENTRIES 4u

struct qb_disk {
    const struct way *way;
    int fd;
    size_t len;
    off_t at;
    off_t end;
    uint8_t *bytes;
    char path[PATH_LEN_MAX];
#ifdef HAVE_LIBURING
    struct io_uring ring;
    bool has_ring;
#endif
};

static const struct way {
    const char *name;
    bool is_direct;
    bool by_ring;
    bool is_new;
} ways[QB_DISK_WAYS] = {
    {"O_DIRECT|O_DSYNC, written blocks", true, false, false},
    {"io_uring O_DIRECT|O_DSYNC, written blocks", true, true, false},
    {"pwrite + fdatasync, written blocks", false, false, false},
    {"O_DIRECT|O_DSYNC, preallocated blocks", true, false, true},
    {"io_uring O_DIRECT|O_DSYNC, preallocated blocks", true, true, true},
    {"pwrite + fdatasync, preallocated blocks", false, false, true},
};

static int make_file(struct qb_disk *disk, const char *dir, struct err *err);
static int fill(struct qb_disk *disk, struct err *err);
static int make_direct(struct qb_disk *disk, struct err *err);
static int make_ring(struct qb_disk *disk, struct err *err);
static ssize_t write_next(struct qb_disk *disk);

const char *qb_disk_way_name(enum qb_disk_way way)
{
    return ways[way].name;
}

int qb_disk_open(struct qb_disk **ret_disk, const char *dir,
                 enum qb_disk_way way, size_t len, struct err *err)
{
    struct qb_disk *disk = calloc(1, sizeof *disk);
    int rv;

    if (disk == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    disk->way = &ways[way];
    disk->len = len;
    disk->end = ways[way].is_new ? NEW_BYTES : WRITTEN_BYTES;
    if (disk->end < (off_t)(WRITES_MIN * len)) {
        disk->end = (off_t)(WRITES_MIN * len);
    }
    disk->bytes = aligned_alloc(QB_DISK_BLOCK, len);
    if (disk->bytes == NULL) {
        free(disk);
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    memset(disk->bytes, 7, len);
    rv = make_file(disk, dir, err);
    if (rv == 0) {
        rv = fill(disk, err);
    }
    if (rv == 0 && disk->way->is_direct) {
        rv = make_direct(disk, err);
    }
    if (rv == 0 && disk->way->by_ring) {
        rv = make_ring(disk, err);
    }
    if (rv != 0) {
        qb_disk_close(disk);
        return rv;
    }
    *ret_disk = disk;
    return 0;
}

int qb_disk_commit(struct qb_disk *disk, struct err *err)
{
    ssize_t written;

    if (disk->at + (off_t)disk->len > disk->end) {
        disk->at = 0;
    }
    written = write_next(disk);
    if (written < 0 || (!disk->way->is_direct && fdatasync(disk->fd) != 0)) {
        return errno == EINVAL || errno == EOPNOTSUPP
                   ? err_set(err, QL_UNKNOWN_METHOD, "not taken here")
                   : err_errno(err, errno, "write %s", disk->path);
    }
    if (written != (ssize_t)disk->len) {
        return err_set(err, QL_IO, "write %s: it takes no whole block",
                       disk->path);
    }
    disk->at += (off_t)disk->len;
    return 0;
}

bool qb_disk_has_room(const struct qb_disk *disk)
{
    return !disk->way->is_new || disk->at + (off_t)disk->len <= disk->end;
}

void qb_disk_close(struct qb_disk *disk)
{
    if (disk == NULL) {
        return;
    }
#ifdef HAVE_LIBURING
    if (disk->has_ring) {
        io_uring_queue_exit(&disk->ring);
    }
#endif
    if (disk->fd > 0) {
        (void)close(disk->fd);
        (void)unlink(disk->path);
    }
    free(disk->bytes);
    free(disk);
}

const char *qb_disk_kind(const char *dir)
{
    static const struct {
        unsigned long number; /* statfs(2) */
        const char *name;
    } kinds[] = {{0xef53, "ext4"},        {0x58465342, "xfs"},
                 {0x9123683e, "btrfs"},   {0x01021994, "tmpfs"},
                 {0x794c7630, "overlay"}, {0x6969, "nfs"},
                 {0x2fc12fc1, "zfs"},     {0x65735546, "fuse"}};
    struct statfs told;

    for (size_t i = 0;
         statfs(dir, &told) == 0 && i < sizeof kinds / sizeof kinds[0]; i++) {
        if ((unsigned long)told.f_type == kinds[i].number) {
            return kinds[i].name;
        }
    }
    return "other";
}

/* It keeps its name until it is closed: some file systems sync a file without a
 * name for nothing. */
static int make_file(struct qb_disk *disk, const char *dir, struct err *err)
{
    int len = snprintf(disk->path, sizeof disk->path,
                       "%s/quorlog-bench-floor-XXXXXX", dir);

    if (len < 0 || (size_t)len >= sizeof disk->path) {
        return err_set(err, QL_TOO_LARGE, "the path %s is too long", dir);
    }
    disk->fd = mkostemp(disk->path, O_CLOEXEC);
    if (disk->fd < 0) {
        return err_errno(err, errno, "make a file in %s", dir);
    }
    return 0;
}

static int fill(struct qb_disk *disk, struct err *err)
{
    int failed = posix_fallocate(disk->fd, 0, disk->end);

    if (failed != 0) {
        return err_errno(err, failed, "make room in %s", disk->path);
    }
    for (off_t at = 0; !disk->way->is_new && at < disk->end;
         at += (off_t)disk->len) {
        if (pwrite(disk->fd, disk->bytes, disk->len, at) !=
            (ssize_t)disk->len) {
            return err_errno(err, errno, "write %s", disk->path);
        }
    }
    if (fsync(disk->fd) != 0) {
        return err_errno(err, errno, "sync %s", disk->path);
    }
    return 0;
}

/* The same file, opened once more. */
static int make_direct(struct qb_disk *disk, struct err *err)
{
    int fd = open(disk->path, O_RDWR | O_CLOEXEC | O_DIRECT | O_DSYNC);

    if (fd < 0) {
        return errno == EINVAL
                   ? err_set(err, QL_UNKNOWN_METHOD, "no O_DIRECT here")
                   : err_errno(err, errno, "open %s", disk->path);
    }
    (void)close(disk->fd);
    disk->fd = fd;
    return 0;
}

static int make_ring(struct qb_disk *disk, struct err *err)
{
#ifdef HAVE_LIBURING
    disk->has_ring = io_uring_queue_init(RING_ENTRIES, &disk->ring, 0) == 0;
    if (disk->has_ring) {
        return 0;
    }
#endif
    (void)disk;
    return err_set(err, QL_UNKNOWN_METHOD, "no io_uring here");
}

/* As pwrite(2). */
static ssize_t write_next(struct qb_disk *disk)
{
#ifdef HAVE_LIBURING
    if (disk->has_ring) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&disk->ring);
        struct io_uring_cqe *cqe;
        int result;

        io_uring_prep_write(sqe, disk->fd, disk->bytes, (unsigned)disk->len,
                            (uint64_t)disk->at);
        result = io_uring_submit_and_wait(&disk->ring, 1);
        if (result >= 0) {
            result = io_uring_wait_cqe(&disk->ring, &cqe);
        }
        if (result >= 0) {
            result = cqe->res;
            io_uring_cqe_seen(&disk->ring, cqe);
        }
        errno = result < 0 ? -result : errno;
        return result < 0 ? -1 : result;
    }
#endif
    return pwrite(disk->fd, disk->bytes, disk->len, disk->at);
}
