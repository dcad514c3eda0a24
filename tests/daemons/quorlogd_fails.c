/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * quorlogd whose disk fails: the linker puts these functions in front of the C
 * library's and liburing's (Makefile.am). All that makes something durable is
 * counted; number FAULT_AT fails with FAULT_ERRNO, ENOSPC or EIO, and says so in
 * one line. A write that fails with EIO has been done by half. At an orderly end
 * the count is told. Segments have SEGMENT_BYTES, few entries are kept behind a
 * snapshot and chunks are short, so that few appends show the whole life of a
 * segment and of a chunk file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

#include "consensus/raft_disk.h"
#include "machine/machine.h"

#define TRAILING_MAX 8u
#define CHUNK_LEN (64u * 1024u)
#define STANDARD_MAX 2 /* what is written to standard error is no data */

static atomic_uint counted;

static bool fails(const char *call, const char *name);
static bool fd_fails(const char *call, int fd);
static bool is_data(int fd);
static bool wants_eio(void);
static int minus_one(void);
static void tell_count(void) __attribute__((destructor));

/* True for the one that must fail; errno says how. */
static bool fails(const char *call, const char *name)
{
    const char *at = getenv("FAULT_AT");
    unsigned number = atomic_fetch_add(&counted, 1) + 1;
    struct timespec now;

    if (getenv("FAULT_TRACE") != NULL) {
        (void)dprintf(STDERR_FILENO, "call %u: %s %s\n", number, call, name);
    }
    if (at == NULL || number != strtoul(at, NULL, 10)) {
        return false;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)dprintf(STDERR_FILENO, "FAULT at %lld.%09ld: %s %s: %s\n",
                  (long long)now.tv_sec, now.tv_nsec, call, name,
                  wants_eio() ? "EIO" : "ENOSPC");
    return true;
}

static bool wants_eio(void)
{
    const char *name = getenv("FAULT_ERRNO");

    return name != NULL && strcmp(name, "EIO") == 0;
}

static int minus_one(void)
{
    errno = wants_eio() ? EIO : ENOSPC;
    return -1;
}

static bool fd_fails(const char *call, int fd)
{
    char path[64];
    char name[4096];
    ssize_t len;

    if (!is_data(fd)) {
        return false;
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    len = readlink(path, name, sizeof name - 1);
    name[len < 0 ? 0 : len] = '\0';
    return fails(call, name);
}

static bool is_data(int fd)
{
    struct stat status;

    return fd > STANDARD_MAX && fstat(fd, &status) == 0 &&
           (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

static void tell_count(void)
{
    (void)dprintf(STDERR_FILENO, "counted %u calls\n", atomic_load(&counted));
}

/* ---- Names ---- */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list list;

    if ((flags & O_CREAT) == 0) {
        return __real_open(path, flags);
    }
    va_start(list, flags);
    mode = va_arg(list, mode_t);
    va_end(list);
    return fails("open", path) ? minus_one() : __real_open(path, flags, mode);
}

int __real_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...)
{
    mode_t mode = 0;
    va_list list;

    if ((flags & O_CREAT) == 0) {
        return __real_openat(dir, name, flags);
    }
    va_start(list, flags);
    mode = va_arg(list, mode_t);
    va_end(list);
    return fails("openat", name) ? minus_one()
                                 : __real_openat(dir, name, flags, mode);
}

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode)
{
    return fails("mkdir", path) ? minus_one() : __real_mkdir(path, mode);
}

int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to)
{
    return fails("link", to) ? minus_one() : __real_link(from, to);
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
    return fails("unlink", path) ? minus_one() : __real_unlink(path);
}

int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags)
{
    return fails("unlinkat", name) ? minus_one()
                                   : __real_unlinkat(dir, name, flags);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    return fails("rename", to) ? minus_one() : __real_rename(from, to);
}

int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return fails("renameat", to) ? minus_one()
                                 : __real_renameat(from_dir, from, to_dir, to);
}

/* ---- Contents ---- */

ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    if (!fd_fails("write", fd)) {
        return __real_write(fd, bytes, len);
    }
    if (wants_eio()) {
        (void)!__real_write(fd, bytes, len / 2);
    }
    return minus_one();
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    if (!fd_fails("pwrite", fd)) {
        return __real_pwrite(fd, bytes, len, offset);
    }
    if (wants_eio()) {
        (void)!__real_pwrite(fd, bytes, len / 2, offset);
    }
    return minus_one();
}

ssize_t __real_pwritev2(int fd, const struct iovec *parts, int count,
                        off_t offset, int flags);
ssize_t __wrap_pwritev2(int fd, const struct iovec *parts, int count,
                        off_t offset, int flags);
ssize_t __wrap_pwritev2(int fd, const struct iovec *parts, int count,
                        off_t offset, int flags)
{
    if (!fd_fails("pwritev2", fd)) {
        return __real_pwritev2(fd, parts, count, offset, flags);
    }
    if (wants_eio()) {
        (void)!__real_pwrite(fd, parts[0].iov_base, parts[0].iov_len / 2,
                             offset);
    }
    return minus_one();
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    return fd_fails("fsync", fd) ? minus_one() : __real_fsync(fd);
}

int __real_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len)
{
    return fd_fails("ftruncate", fd) ? minus_one() : __real_ftruncate(fd, len);
}

int __real_fallocate(int fd, int mode, off_t offset, off_t len);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t len);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t len)
{
    return fd_fails("fallocate", fd) ? minus_one()
                                     : __real_fallocate(fd, mode, offset, len);
}

/* ---- io_uring ---- */

#ifdef HAVE_LIBURING

int __real_io_uring_submit(struct io_uring *ring);
int __wrap_io_uring_submit(struct io_uring *ring);
/* The kernel itself fails it: what was prepared goes to a file that is always
 * full, or to memory where there is none. */
int __wrap_io_uring_submit(struct io_uring *ring)
{
    struct io_uring_sq *queue = &ring->sq;
    struct io_uring_sqe *sqe =
        &queue->sqes[(queue->sqe_tail - 1) & *queue->kring_mask];

    if (sqe->opcode == IORING_OP_WRITE && fd_fails("io_uring write", sqe->fd)) {
        if (wants_eio()) {
            (void)!__real_pwrite(sqe->fd, (const void *)(uintptr_t)sqe->addr,
                                 sqe->len / 2, (off_t)sqe->off);
        }
        sqe->fd = __real_open(wants_eio() ? "/proc/self/mem" : "/dev/full",
                              O_RDWR | O_CLOEXEC);
        sqe->off = 0;
        sqe->rw_flags = 0;
    }
    return __real_io_uring_submit(ring);
}

#endif

/* ---- The lives of a chunk and of a segment ---- */

struct machine *__real_machine_new(const struct machine_limits *limits);
struct machine *__wrap_machine_new(const struct machine_limits *limits);
struct machine *__wrap_machine_new(const struct machine_limits *limits)
{
    const struct machine_limits small = {.chunk_bytes = CHUNK_LEN,
                                         .open_bytes = CHUNK_LEN};

    (void)limits;
    return __real_machine_new(&small);
}

struct raft_disk *__real_raft_disk_new(const struct raft_disk_options *options);
struct raft_disk *__wrap_raft_disk_new(const struct raft_disk_options *options);
struct raft_disk *__wrap_raft_disk_new(const struct raft_disk_options *options)
{
    struct raft_disk_options small = *options;

    small.segment_bytes = strtoull(getenv("SEGMENT_BYTES"), NULL, 10);
    return __real_raft_disk_new(&small);
}

int __real_raft_disk_put(struct raft_disk *disk, unsigned trailing,
                         struct raft_io_snapshot_put *request,
                         const struct raft_snapshot *snapshot,
                         raft_io_snapshot_put_cb cb);
int __wrap_raft_disk_put(struct raft_disk *disk, unsigned trailing,
                         struct raft_io_snapshot_put *request,
                         const struct raft_snapshot *snapshot,
                         raft_io_snapshot_put_cb cb);
int __wrap_raft_disk_put(struct raft_disk *disk, unsigned trailing,
                         struct raft_io_snapshot_put *request,
                         const struct raft_snapshot *snapshot,
                         raft_io_snapshot_put_cb cb)
{
    return __real_raft_disk_put(
        disk, trailing > TRAILING_MAX ? TRAILING_MAX : trailing, request,
        snapshot, cb);
}
