/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/progress.h"
#include "util/mem.h"

#define SPOOL_BUFFER_LEN (256u * 1024u)
#define TEMPLATE "quorlog-import-XXXXXX"

static int open_unnamed(const char *dir, struct err *err);
static int copy(int from, int to, struct err *err);
static int write_all(int fd, const char *bytes, size_t len);

int spool_take(int *fd, struct err *err)
{
    const char *dir = getenv("TMPDIR");
    int file;
    int rv;

    if (dir == NULL || *dir == '\0') {
        dir = "/tmp";
    }
    file = open_unnamed(dir, err);
    if (file < 0) {
        return err->code;
    }
    rv = copy(*fd, file, err);
    if (rv != 0) {
        (void)close(file);
        return err_wrap(err, "keep what comes in %s (TMPDIR names another)",
                        dir);
    }
    (void)close(*fd);
    *fd = file;
    return 0;
}

/* Negative: see @err. */
static int open_unnamed(const char *dir, struct err *err)
{
    size_t room = 0;
    char *path;
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0) {
        return fd;
    }
    /* Not every file system can do that. */
    room = (size_t)snprintf(NULL, 0, "%s/" TEMPLATE, dir) + 1;
    path = mem_must_alloc(room);
    (void)snprintf(path, room, "%s/" TEMPLATE, dir);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        (void)err_errno(err, errno, "make a file in %s", dir);
    } else {
        (void)unlink(path);
    }
    free(path);
    return fd;
}

static int copy(int from, int to, struct err *err)
{
    char *buffer = mem_must_alloc(SPOOL_BUFFER_LEN);
    struct progress progress;
    uint64_t len = 0;
    int rv = 0;

    progress_init(&progress, 0);
    for (;;) {
        ssize_t n = read(from, buffer, SPOOL_BUFFER_LEN);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            rv = err_errno(err, errno, "read standard input");
        }
        if (n <= 0) {
            break;
        }
        if (write_all(to, buffer, (size_t)n) != 0) {
            rv = err_errno(err, errno, "write");
            break;
        }
        len += (uint64_t)n;
        progress_bytes(&progress, "reading", len);
    }
    progress_clear(&progress);
    free(buffer);
    return rv;
}

/* -1: see errno. */
static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}
