/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The order "write, sync, rename, sync the directory" is what makes a
 * replacement atomic and durable: Pillai et al., "All File Systems Are Not
 * Created Equal", OSDI 2014, section 4.
 */
#include "util/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/limits.h"

static int read_all(int fd, const char *path, size_t len_max, struct buf *ret,
                    struct err *err);
static int tmp_path(char ret_path[PATH_LEN_MAX], const char *path,
                    struct err *err);
static int tmp_write(const char *tmp, const void *bytes, size_t len,
                     mode_t mode, struct err *err);
static int write_all(int fd, const uint8_t *bytes, size_t len);
static int parent_sync(const char *path, struct err *err);
static int lock_refused(int fd, const char *path, struct err *err);

int file_read(const char *path, size_t len_max, struct buf *ret,
              struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rv;

    if (fd < 0) {
        return err_errno(err, errno, "open %s", path);
    }
    rv = read_all(fd, path, len_max, ret, err);
    (void)close(fd);
    return rv;
}

int file_read_plain(const char *path, size_t len_max, struct buf *ret,
                    struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    int rv;

    if (fd < 0) {
        return err_errno(err, errno, "open %s", path);
    }
    if (fstat(fd, &status) != 0) {
        rv = err_errno(err, errno, "stat %s", path);
    } else if (!S_ISREG(status.st_mode)) {
        rv = err_set(err, QL_IO, "%s is no ordinary file", path);
    } else {
        rv = read_all(fd, path, len_max, ret, err);
    }
    (void)close(fd);
    return rv;
}

static int read_all(int fd, const char *path, size_t len_max, struct buf *ret,
                    struct err *err)
{
    size_t step = 64u * KIB;
    int rv = 0;

    buf_consume(ret, ret->len);
    for (;;) {
        ssize_t got;

        rv = buf_reserve(ret, step);
        if (rv != 0) {
            err_set(err, rv, "read %s: out of memory", path);
            break;
        }
        got = read(fd, ret->data + ret->len, step);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            rv = err_errno(err, errno, "read %s", path);
            break;
        }
        if (got == 0) {
            break;
        }
        ret->len += (size_t)got;
        if (ret->len > len_max) {
            rv = err_set(err, QL_TOO_LARGE, "%s is larger than %zu bytes", path,
                         len_max);
            break;
        }
    }
    return rv;
}

int file_replace(const char *path, const void *bytes, size_t len, mode_t mode,
                 struct err *err)
{
    char tmp[PATH_LEN_MAX];
    int rv;

    rv = tmp_path(tmp, path, err);
    if (rv != 0) {
        return rv;
    }
    rv = tmp_write(tmp, bytes, len, mode, err);
    if (rv != 0) {
        return rv;
    }
    if (rename(tmp, path) != 0) {
        rv = err_errno(err, errno, "rename %s to %s", tmp, path);
        (void)unlink(tmp);
        return rv;
    }
    return parent_sync(path, err);
}

int file_create(const char *path, const void *bytes, size_t len, mode_t mode,
                struct err *err)
{
    char tmp[PATH_LEN_MAX];
    int rv;

    rv = tmp_path(tmp, path, err);
    if (rv != 0) {
        return rv;
    }
    rv = tmp_write(tmp, bytes, len, mode, err);
    if (rv != 0) {
        return rv;
    }
    /* link(2) refuses an existing name, rename(2) would replace it. */
    if (link(tmp, path) != 0) {
        rv = err_errno(err, errno, "create %s", path);
        (void)unlink(tmp);
        return rv;
    }
    (void)unlink(tmp);
    return parent_sync(path, err);
}

int dir_make(const char *path, struct err *err)
{
    struct stat status;

    if (mkdir(path, 0700) == 0) {
        return parent_sync(path, err);
    }
    if (errno != EEXIST) {
        return err_errno(err, errno, "make directory %s", path);
    }
    if (stat(path, &status) != 0) {
        return err_errno(err, errno, "stat %s", path);
    }
    if (!S_ISDIR(status.st_mode)) {
        return err_errno(err, ENOTDIR, "make directory %s", path);
    }
    return 0;
}

int dir_sync(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rv = 0;

    if (fd < 0) {
        return err_errno(err, errno, "open %s", path);
    }
    if (fsync(fd) != 0) {
        rv = err_errno(err, errno, "sync %s", path);
    }
    (void)close(fd);
    return rv;
}

int dir_is_empty(const char *path, bool *ret_empty, struct err *err)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    bool empty = true;
    int rv = 0;

    if (dir == NULL) {
        return err_errno(err, errno, "open %s", path);
    }
    do {
        errno = 0;
        entry = readdir(dir);
        if (entry != NULL && strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0) {
            empty = false;
        }
    } while (entry != NULL && empty);
    if (entry == NULL && errno != 0) {
        rv = err_errno(err, errno, "read directory %s", path);
        goto close_dir;
    }
    *ret_empty = empty;

close_dir:
    (void)closedir(dir);
    return rv;
}

int path_join(char *ret_path, size_t room, const char *dir, const char *name,
              struct err *err)
{
    size_t dir_len = strlen(dir);
    const char *slash = dir_len > 0 && dir[dir_len - 1] == '/' ? "" : "/";

    if (dir_len + strlen(slash) + strlen(name) >= room) {
        return err_set(err, QL_TOO_LARGE, "the path %s/%s is too long", dir,
                       name);
    }
    (void)snprintf(ret_path, room, "%s%s%s", dir, slash, name);
    return 0;
}

int file_lock(const char *path, int *ret_fd, struct err *err)
{
    char pid[24];
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int rv;

    if (fd < 0) {
        return err_errno(err, errno, "open %s", path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        rv = errno == EWOULDBLOCK ? lock_refused(fd, path, err)
                                  : err_errno(err, errno, "lock %s", path);
        goto close_fd;
    }
    (void)snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 ||
        write_all(fd, (const uint8_t *)pid, strlen(pid)) != 0) {
        rv = err_errno(err, errno, "write %s", path);
        goto close_fd;
    }
    *ret_fd = fd;
    return 0;

close_fd:
    (void)close(fd);
    return rv;
}

int file_lock_shared(const char *path, int *ret_fd, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int rv;

    if (fd < 0) {
        return err_errno(err, errno, "open %s", path);
    }
    if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
        rv = errno == EWOULDBLOCK ? lock_refused(fd, path, err)
                                  : err_errno(err, errno, "lock %s", path);
        (void)close(fd);
        return rv;
    }
    *ret_fd = fd;
    return 0;
}

int file_lock_claim(int fd, const char *path, struct err *err)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return 0;
    }
    return errno == EWOULDBLOCK ? lock_refused(fd, path, err)
                                : err_errno(err, errno, "lock %s", path);
}

static int lock_refused(int fd, const char *path, struct err *err)
{
    char text[24];
    ssize_t got = pread(fd, text, sizeof text - 1, 0);
    long pid;

    text[got > 0 ? got : 0] = '\0';
    pid = strtol(text, NULL, 10);
    /* The holder may not have written its pid yet. */
    if (pid <= 0) {
        return err_set(err, QL_BUSY, "%s is locked by another process", path);
    }
    return err_set(err, QL_BUSY, "%s is locked by process %ld", path, pid);
}

static int tmp_path(char ret_path[PATH_LEN_MAX], const char *path,
                    struct err *err)
{
    if (snprintf(ret_path, PATH_LEN_MAX, "%s.tmp", path) >= (int)PATH_LEN_MAX) {
        return err_set(err, QL_TOO_LARGE, "the path %s is too long", path);
    }
    return 0;
}

static int tmp_write(const char *tmp, const void *bytes, size_t len,
                     mode_t mode, struct err *err)
{
    int fd;
    int rv = 0;

    /* What a crash left behind may belong to another mode or user. */
    if (unlink(tmp) != 0 && errno != ENOENT) {
        return err_errno(err, errno, "remove %s", tmp);
    }
    fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_errno(err, errno, "create %s", tmp);
    }
    if (fchmod(fd, mode) != 0) {
        rv = err_errno(err, errno, "set the mode of %s", tmp);
        goto close_fd;
    }
    if (write_all(fd, bytes, len) != 0) {
        rv = err_errno(err, errno, "write %s", tmp);
        goto close_fd;
    }
    if (fsync(fd) != 0) {
        rv = err_errno(err, errno, "sync %s", tmp);
    }

close_fd:
    if (close(fd) != 0 && rv == 0) {
        rv = err_errno(err, errno, "close %s", tmp);
    }
    if (rv != 0) {
        (void)unlink(tmp);
    }
    return rv;
}

/* 0, or -1 and errno. */
static int write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);

        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -1;
        }
        bytes += written;
        len -= (size_t)written;
    }
    return 0;
}

/* Syncs the directory that holds @path; slashes at its end do not count. */
static int parent_sync(const char *path, struct err *err)
{
    char parent[PATH_LEN_MAX];
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    while (len > 0 && path[len - 1] != '/') {
        len--;
    }
    if (len >= sizeof parent) {
        return err_set(err, QL_TOO_LARGE, "the path %s is too long", path);
    }
    if (len == 0) {
        return dir_sync(".", err);
    }
    memcpy(parent, path, len);
    parent[len] = '\0';
    return dir_sync(parent, err);
}
