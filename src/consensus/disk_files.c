/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The blocking operations of the real disk. Safe on any thread. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "consensus/disk_internal.h"

#define STEP_BYTES (1024u * 1024u)       /* of a fill */
#define READ_BYTES (16u * 1024u * 1024u) /* of one read */

static void tell_below(const char *below, const char *name,
                       void (*each)(void *data, const char *name), void *data);

static int make_directory_of(struct disk_real *real, const char *name,
                             struct err *err);
static int sync_directory_of(struct disk_real *real, const char *name,
                             struct err *err);
static int open_failed(const struct disk_real *real, int errnum,
                       const char *name, struct err *err);
static int refuse_special(const struct disk_file *file, struct err *err);

static struct disk_real *real_of(struct disk *disk)
{
    return (struct disk_real *)(void *)disk;
}

static bool is_aligned(uint64_t offset, const void *bytes, size_t len)
{
    return offset % DISK_BLOCK == 0 && len % DISK_BLOCK == 0 &&
           (uintptr_t)bytes % DISK_BLOCK == 0;
}

int disk_files_error(struct err *err, int errnum, const char *what,
                     const char *name)
{
    if (errnum == ENOSPC || errnum == EDQUOT) {
        return err_set(err, QL_NO_SPACE, "%s %s: no space left on the disk",
                       what, name);
    }
    return err_errno(err, errnum, "%s %s", what, name);
}

/* All of it, durable; 0 or errno. */
static int write_all(const struct disk_file *file, uint64_t offset,
                     const void *bytes, size_t len)
{
    bool direct = file->direct >= 0 && is_aligned(offset, bytes, len);
    const uint8_t *from = bytes;

    if (!direct && len > DISK_PACE_BYTES) {
        return disk_pace_write(file, offset, bytes, len);
    }
    while (len > 0) {
        struct iovec part = {(void *)(uintptr_t)from, len};
        ssize_t put =
            direct ? pwrite(file->direct, from, len, (off_t)offset)
                   : pwritev2(file->fd, &part, 1, (off_t)offset, RWF_DSYNC);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return put == 0 ? EIO : errno;
        }
        from += put;
        offset += (uint64_t)put;
        len -= (size_t)put;
    }
    return 0;
}

int disk_files_write(struct disk_write *write)
{
    int failed =
        write_all(write->file, write->offset, write->bytes, write->len);

    return failed == 0 ? 0
                       : disk_files_error(&write->err, failed, "write",
                                          write->file->name);
}

/* @below is "" or the name of a directory within the disk's. */
static int list_names(struct disk_real *real, const char *below,
                      void (*each)(void *data, const char *name), void *data,
                      struct err *err)
{
    int fd = openat(real->dir_fd, below[0] == '\0' ? "." : below,
                    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    int failed;
    int rv = 0;

    if (dir == NULL) {
        failed = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return disk_files_error(err, failed, "open", "the directory");
    }
    do {
        errno = 0;
        entry = readdir(dir);
        if (entry == NULL || entry->d_name[0] == '.') {
            continue;
        }
        if (below[0] == '\0') {
            each(data, entry->d_name);
            if (entry->d_type == DT_DIR) {
                rv = list_names(real, entry->d_name, each, data, err);
            }
            if (real->dir != NULL) {
                rv = 0; /* somebody else's, perhaps: its files fail by name */
            }
        } else {
            tell_below(below, entry->d_name, each, data);
        }
    } while (entry != NULL && rv == 0);
    failed = errno;
    (void)closedir(dir);
    if (rv != 0 || failed == 0) {
        return rv;
    }
    return disk_files_error(err, failed, "read", "the directory");
}

static void tell_below(const char *below, const char *name,
                       void (*each)(void *data, const char *name), void *data)
{
    char path[DISK_NAME_MAX];
    int len = snprintf(path, sizeof(path), "%s/%s", below, name);

    /* What we name is shorter; others' files are nobody's here. */
    if (len > 0 && (size_t)len < sizeof(path)) {
        each(data, path);
    }
}

static int op_list(struct disk *disk,
                   void (*each)(void *data, const char *name), void *data,
                   struct err *err)
{
    return list_names(real_of(disk), "", each, data, err);
}

/* In a directory that others use, too, what can only be read is read. */
static int open_file(const struct disk_real *real, const char *name,
                     bool create)
{
    int flags = O_CLOEXEC | (create ? O_CREAT : 0);
    int fd;

    if (real->dir == NULL) {
        return openat(real->dir_fd, name, O_RDWR | flags, 0600);
    }
    flags |= O_NOFOLLOW | O_NONBLOCK;
    fd = openat(real->dir_fd, name, O_RDWR | flags, 0600);
    if (fd < 0 && !create && (errno == EROFS || errno == EACCES)) {
        fd = openat(real->dir_fd, name, O_RDONLY | flags);
    }
    return fd;
}

static int op_open(struct disk *disk, const char *name, bool create,
                   struct disk_file **ret_file, struct err *err)
{
    struct disk_real *real = real_of(disk);
    struct disk_file *file = calloc(1, sizeof(*file));
    int rv;

    if (file == NULL) {
        return err_set(err, QL_NO_MEMORY, "open %s: out of memory", name);
    }
    file->real = real;
    (void)snprintf(file->name, sizeof(file->name), "%s", name);
    file->direct = -1;
    file->past = -1;
    file->fd = open_file(real, name, create);
    if (file->fd < 0) {
        rv = open_failed(real, errno, name, err);
        free(file);
        return rv;
    }
    rv = real->dir != NULL ? refuse_special(file, err) : 0;
    if (rv != 0) {
        (void)close(file->fd);
        free(file);
        return rv;
    }
    if (real->direct) {
        file->direct =
            openat(real->dir_fd, name, O_RDWR | O_CLOEXEC | O_DIRECT | O_DSYNC);
        if (file->direct < 0) {
            rv = disk_files_error(err, errno, "open for direct writes", name);
            (void)close(file->fd);
            free(file);
            return rv;
        }
    }
    *ret_file = file;
    return 0;
}

/* In a directory that others use, too, something else may have the name: a link, a
 * directory or a socket. That is about this name alone. */
static int open_failed(const struct disk_real *real, int errnum,
                       const char *name, struct err *err)
{
    if (real->dir != NULL && errnum == ELOOP) {
        return err_set(err, QL_INVALID, "%s is a link", name);
    }
    if (real->dir != NULL && (errnum == EISDIR || errnum == ENXIO)) {
        return err_set(err, QL_INVALID, "%s is no ordinary file", name);
    }
    return disk_files_error(err, errnum, "open", name);
}

static int refuse_special(const struct disk_file *file, struct err *err)
{
    struct stat status;

    if (fstat(file->fd, &status) != 0) {
        return disk_files_error(err, errno, "stat", file->name);
    }
    if (!S_ISREG(status.st_mode)) {
        return err_set(err, QL_INVALID, "%s is no ordinary file", file->name);
    }
    return 0;
}

static void op_close(struct disk_file *file)
{
    if (file->direct >= 0) {
        (void)close(file->direct);
    }
    if (file->past >= 0) {
        (void)close(file->past);
    }
    (void)close(file->fd);
    free(file);
}

static int op_size(struct disk_file *file, uint64_t *ret_size, struct err *err)
{
    struct stat status;

    if (fstat(file->fd, &status) != 0) {
        return disk_files_error(err, errno, "stat", file->name);
    }
    *ret_size = (uint64_t)status.st_size;
    return 0;
}

/* Directly where possible: what the page cache has need not be what the disk
 * has, after a sync that failed. */
static int op_read(struct disk_file *file, uint64_t offset, void *ret_bytes,
                   size_t len, size_t *ret_len, struct err *err)
{
    int past = file->direct >= 0 ? file->direct : file->past;
    bool direct = past >= 0 && is_aligned(offset, ret_bytes, len);
    size_t done = 0;

    while (done < len) {
        size_t step = len - done < READ_BYTES ? len - done : READ_BYTES;
        ssize_t got =
            pread(direct ? past : file->fd, (uint8_t *)ret_bytes + done, step,
                  (off_t)(offset + done));

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return disk_files_error(err, errno, "read", file->name);
        }
        done += (size_t)got;
        /* An odd end: a direct read would have to go on unaligned. */
        if (got == 0 || (direct && (size_t)got % DISK_BLOCK != 0)) {
            break;
        }
    }
    *ret_len = done;
    return 0;
}

static int op_write_sync(struct disk_file *file, uint64_t offset,
                         const void *bytes, size_t len, struct err *err)
{
    int failed = write_all(file, offset, bytes, len);

    return failed == 0 ? 0 : disk_files_error(err, failed, "write", file->name);
}

static int op_write_past(struct disk_file *file, const void *bytes, size_t len,
                         struct err *err)
{
    int failed = disk_pace_past(file, bytes, len);

    return failed == 0 ? 0 : disk_files_error(err, failed, "write", file->name);
}

static int op_fill(struct disk_file *file, uint64_t len, struct err *err)
{
    uint8_t *zeros = aligned_alloc(DISK_BLOCK, STEP_BYTES);
    uint64_t at;
    int failed = 0;

    if (zeros == NULL) {
        return err_set(err, QL_NO_MEMORY, "fill %s: out of memory", file->name);
    }
    memset(zeros, 0, STEP_BYTES);
    if (ftruncate(file->fd, 0) != 0) {
        failed = errno;
    }
    /* In one piece where the file system can; it need not. */
    if (failed == 0 && fallocate(file->fd, 0, 0, (off_t)len) != 0 &&
        errno != EOPNOTSUPP) {
        failed = errno;
    }
    for (at = 0; at < len && failed == 0; at += STEP_BYTES) {
        failed =
            write_all(file, at, zeros,
                      (size_t)(len - at < STEP_BYTES ? len - at : STEP_BYTES));
    }
    if (failed == 0 && fsync(file->fd) != 0) {
        failed = errno;
    }
    free(zeros);
    return failed == 0 ? 0 : disk_files_error(err, failed, "fill", file->name);
}

/* Direct reads need it not; it is the others that it is for. */
static void op_uncache(struct disk_file *file)
{
    (void)posix_fadvise(file->fd, 0, 0, POSIX_FADV_DONTNEED);
}

static int op_sync_directory(struct disk *disk, struct err *err)
{
    /* No matter why: it cannot be tried again, as a write for want of space. */
    if (fsync(real_of(disk)->dir_fd) != 0) {
        return err_errno(err, errno, "sync the directory");
    }
    return 0;
}

/* The number of the descriptor stays, so that nobody has to be told. */
static int op_renew(struct disk *disk, struct err *err)
{
    struct disk_real *real = real_of(disk);
    int fd;
    int failed = 0;

    if (real->dir == NULL) {
        return 0;
    }
    if (mkdir(real->dir, 0700) != 0 && errno != EEXIST) {
        return disk_files_error(err, errno, "make", real->dir);
    }
    fd = open(real->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return disk_files_error(err, errno, "open", real->dir);
    }
    if (real->dir_fd < 0) {
        real->dir_fd = fd;
        return 0;
    }
    failed = dup3(fd, real->dir_fd, O_CLOEXEC) < 0 ? errno : 0;
    (void)close(fd);
    return failed == 0 ? 0 : disk_files_error(err, failed, "open", real->dir);
}

static int op_rename(struct disk *disk, const char *from, const char *to,
                     struct err *err)
{
    int dir_fd = real_of(disk)->dir_fd;
    int rv = 0;

    if (strchr(to, '/') != NULL) {
        rv = make_directory_of(real_of(disk), to, err);
    }
    if (rv != 0) {
        return rv;
    }
    if (renameat(dir_fd, from, dir_fd, to) != 0) {
        return disk_files_error(err, errno, "rename", from);
    }
    if (strchr(to, '/') != NULL) {
        rv = sync_directory_of(real_of(disk), to, err);
    }
    return rv != 0 ? rv : op_sync_directory(disk, err);
}

/* The directory that @name, "dir/file", is in. */
static int make_directory_of(struct disk_real *real, const char *name,
                             struct err *err)
{
    char dir[DISK_NAME_MAX];

    (void)snprintf(dir, sizeof(dir), "%.*s", (int)strcspn(name, "/"), name);
    if (mkdirat(real->dir_fd, dir, 0700) != 0 && errno != EEXIST) {
        return disk_files_error(err, errno, "make", dir);
    }
    return 0;
}

static int sync_directory_of(struct disk_real *real, const char *name,
                             struct err *err)
{
    char dir[DISK_NAME_MAX];
    int fd;
    int failed;

    (void)snprintf(dir, sizeof(dir), "%.*s", (int)strcspn(name, "/"), name);
    fd = openat(real->dir_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    failed = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return failed == 0 ? 0 : err_errno(err, failed, "sync %s", dir);
}

static int op_remove(struct disk *disk, const char *name, struct err *err)
{
    if (unlinkat(real_of(disk)->dir_fd, name, 0) != 0) {
        return disk_files_error(err, errno, "remove", name);
    }
    return op_sync_directory(disk, err);
}

static int op_space(struct disk *disk, uint64_t *ret_free, uint64_t *ret_total,
                    struct err *err)
{
    struct statvfs status;

    if (fstatvfs(real_of(disk)->dir_fd, &status) != 0) {
        return disk_files_error(err, errno, "ask for the space of",
                                "the directory");
    }
    *ret_free = (uint64_t)status.f_bavail * status.f_frsize;
    *ret_total = (uint64_t)status.f_blocks * status.f_frsize;
    return 0;
}

const struct disk_ops disk_files_ops = {
    .list = op_list,
    .open = op_open,
    .close = op_close,
    .size = op_size,
    .read = op_read,
    .write_sync = op_write_sync,
    .write_past = op_write_past,
    .fill = op_fill,
    .rename = op_rename,
    .remove = op_remove,
    .uncache = op_uncache,
    .sync_directory = op_sync_directory,
    .renew = op_renew,
    .space = op_space,
};
