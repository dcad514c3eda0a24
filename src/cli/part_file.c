/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"
#include "util/mem.h"
#include "util/text.h"

#define PART_MODE 0600 /* entries may be secrets */

static char *part_path_of(const char *path, const unsigned char *tag);
static int take_over(struct part_file *part, uint64_t total, struct err *err);
static int sync_parent(const char *path, struct err *err);

int part_file_check(const char *path, struct err *err)
{
    struct stat stat;

    if (lstat(path, &stat) == 0) {
        return err_set(err, QL_EXISTS, "%s is there already", path);
    }
    if (errno != ENOENT) {
        return err_errno(err, errno, "%s", path);
    }
    return 0;
}

int part_file_open(struct part_file *ret_part, const char *path,
                   const unsigned char tag[PART_TAG_LEN], uint64_t total,
                   struct err *err)
{
    struct part_file part = {.path = mem_must_strdup(path),
                             .part_path = part_path_of(path, tag)};
    int rv = 0;

    part.fd = open(part.part_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                   PART_MODE);
    if (part.fd < 0) {
        rv = err_errno(err, errno, "%s", part.part_path);
        if (rv == QL_NOT_FOUND) {
            /* Not the backup. */
            rv = err_set(err, QL_INVALID, "there is no directory for %s", path);
        }
    } else {
        rv = take_over(&part, total, err);
    }
    if (rv != 0) {
        part_file_close(&part);
        return rv;
    }
    *ret_part = part;
    return 0;
}

int part_file_add(struct part_file *part, const void *bytes, size_t len,
                  struct err *err)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t n = pwrite(part->fd, at, len, (off_t)part->len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && (errno == ENOSPC || errno == EDQUOT)) {
            return err_set(err, QL_NO_SPACE, "write %s: no room on the disk",
                           part->part_path);
        }
        if (n <= 0) {
            return err_errno(err, n < 0 ? errno : EIO, "write %s",
                             part->part_path);
        }
        at += n;
        len -= (size_t)n;
        part->len += (uint64_t)n;
    }
    return 0;
}

int part_file_finish(struct part_file *part, struct err *err)
{
    int rv = part_file_check(part->path, err);

    if (rv != 0) {
        return rv;
    }
    if (fsync(part->fd) != 0) {
        return err_errno(err, errno, "sync %s", part->part_path);
    }
    if (rename(part->part_path, part->path) != 0) {
        return err_errno(err, errno, "rename %s", part->part_path);
    }
    return sync_parent(part->path, err);
}

void part_file_close(struct part_file *part)
{
    if (part->fd >= 0) {
        (void)close(part->fd);
        part->fd = -1;
    }
    free(part->part_path);
    free(part->path);
    part->part_path = NULL;
    part->path = NULL;
}

static char *part_path_of(const char *path, const unsigned char *tag)
{
    char hex[2 * PART_TAG_LEN + 1];
    size_t room = strlen(path) + sizeof hex + sizeof "..part";
    char *part_path = mem_must_alloc(room);

    text_hex(tag, PART_TAG_LEN, hex, sizeof hex);
    (void)snprintf(part_path, room, "%s.%s.part", path, hex);
    return part_path;
}

/* What an earlier run left, if nobody is at it. */
static int take_over(struct part_file *part, uint64_t total, struct err *err)
{
    struct stat stat;

    if (flock(part->fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK
                   ? err_set(err, QL_BUSY, "another process writes %s",
                             part->part_path)
                   : err_errno(err, errno, "lock %s", part->part_path);
    }
    if (fstat(part->fd, &stat) != 0) {
        return err_errno(err, errno, "%s", part->part_path);
    }
    if (!S_ISREG(stat.st_mode)) {
        return err_set(err, QL_IO, "%s is no ordinary file", part->part_path);
    }
    part->len = (uint64_t)stat.st_size;
    if (part->len > total) {
        part->len = 0;
        if (ftruncate(part->fd, 0) != 0) {
            return err_errno(err, errno, "cut %s", part->part_path);
        }
    }
    return 0;
}

static int sync_parent(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char *parent;
    int rv;

    if (slash == NULL) {
        return dir_sync(".", err);
    }
    parent = mem_must_strdup(path);
    parent[slash == path ? 1 : slash - path] = '\0';
    rv = dir_sync(parent, err);
    free(parent);
    return rv;
}
