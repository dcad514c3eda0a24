/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/disk_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES (16u * 1024u * 1024u) /* of one read */

struct disk_reader {
    struct disk disk; /* first */
    int dir_fd;
};

struct disk_file {
    int fd;
    char name[DISK_NAME_MAX];
};

static const struct disk_ops reader_ops;

int disk_reader_open(struct disk_reader **ret_reader, const char *dir,
                     struct err *err)
{
    struct disk_reader *reader = calloc(1, sizeof(*reader));

    if (reader == NULL) {
        return err_set(err, QL_NO_MEMORY, "open %s: out of memory", dir);
    }
    reader->disk.ops = &reader_ops;
    reader->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (reader->dir_fd < 0) {
        int rv = err_errno(err, errno, "open %s", dir);

        free(reader);
        return rv;
    }
    *ret_reader = reader;
    return 0;
}

void disk_reader_close(struct disk_reader *reader)
{
    if (reader != NULL) {
        (void)close(reader->dir_fd);
        free(reader);
    }
}

struct disk *disk_reader_disk(struct disk_reader *reader)
{
    return &reader->disk;
}

/* ---- Reading ---- */

static int dir_fd_of(struct disk *disk)
{
    return ((struct disk_reader *)(void *)disk)->dir_fd;
}

static int op_list(struct disk *disk,
                   void (*each)(void *data, const char *name), void *data,
                   struct err *err)
{
    int fd = openat(dir_fd_of(disk), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    int failed;

    if (dir == NULL) {
        failed = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return err_errno(err, failed, "open the directory");
    }
    do {
        errno = 0;
        entry = readdir(dir);
        if (entry != NULL && entry->d_name[0] != '.') {
            each(data, entry->d_name);
        }
    } while (entry != NULL);
    failed = errno;
    (void)closedir(dir);
    return failed == 0 ? 0 : err_errno(err, failed, "read the directory");
}

/* Whatever has the name: a pipe must not hold it up, nor a link lead away. */
static int op_open(struct disk *disk, const char *name, bool create,
                   struct disk_file **ret_file, struct err *err)
{
    struct disk_file *file;
    struct stat status;
    int rv;

    if (create) {
        return err_set(err, QL_DENIED, "make %s: only read here", name);
    }
    file = calloc(1, sizeof(*file));
    if (file == NULL) {
        return err_set(err, QL_NO_MEMORY, "open %s: out of memory", name);
    }
    (void)snprintf(file->name, sizeof(file->name), "%s", name);
    file->fd = openat(dir_fd_of(disk), name,
                      O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file->fd < 0) {
        rv = err_errno(err, errno, "open %s", file->name);
        free(file);
        return rv;
    }
    if (fstat(file->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        rv = err_set(err, QL_IO, "%s is no ordinary file", file->name);
        (void)close(file->fd);
        free(file);
        return rv;
    }
    *ret_file = file;
    return 0;
}

static void op_close(struct disk_file *file)
{
    (void)close(file->fd);
    free(file);
}

static int op_size(struct disk_file *file, uint64_t *ret_size, struct err *err)
{
    struct stat status;

    if (fstat(file->fd, &status) != 0) {
        return err_errno(err, errno, "stat %s", file->name);
    }
    *ret_size = (uint64_t)status.st_size;
    return 0;
}

static int op_read(struct disk_file *file, uint64_t offset, void *ret_bytes,
                   size_t len, size_t *ret_len, struct err *err)
{
    size_t done = 0;

    while (done < len) {
        size_t step = len - done < READ_BYTES ? len - done : READ_BYTES;
        ssize_t got = pread(file->fd, (uint8_t *)ret_bytes + done, step,
                            (off_t)(offset + done));

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_errno(err, errno, "read %s", file->name);
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    *ret_len = done;
    return 0;
}

/* ---- What would change something ---- */

static int op_write_sync(struct disk_file *file, uint64_t offset,
                         const void *bytes, size_t len, struct err *err)
{
    (void)offset;
    (void)bytes;
    (void)len;
    return err_set(err, QL_DENIED, "write %s: only read here", file->name);
}

static int op_fill(struct disk_file *file, uint64_t len, struct err *err)
{
    (void)len;
    return err_set(err, QL_DENIED, "fill %s: only read here", file->name);
}

static int op_rename(struct disk *disk, const char *from, const char *to,
                     struct err *err)
{
    (void)disk;
    (void)to;
    return err_set(err, QL_DENIED, "rename %s: only read here", from);
}

static int op_remove(struct disk *disk, const char *name, struct err *err)
{
    (void)disk;
    return err_set(err, QL_DENIED, "remove %s: only read here", name);
}

static int op_sync_directory(struct disk *disk, struct err *err)
{
    (void)disk;
    return err_set(err, QL_DENIED, "sync the directory: only read here");
}

static int op_space(struct disk *disk, uint64_t *ret_free, uint64_t *ret_total,
                    struct err *err)
{
    (void)disk;
    (void)ret_free;
    (void)ret_total;
    return err_set(err, QL_DENIED, "ask for space: only read here");
}

static int op_write(struct disk *disk, struct disk_write *write)
{
    (void)disk;
    (void)write;
    return QL_DENIED;
}

static int op_work(struct disk *disk, struct disk_work *work)
{
    (void)disk;
    (void)work;
    return QL_DENIED;
}

static const struct disk_ops reader_ops = {
    .list = op_list,
    .open = op_open,
    .close = op_close,
    .size = op_size,
    .read = op_read,
    .write_sync = op_write_sync,
    .fill = op_fill,
    .rename = op_rename,
    .remove = op_remove,
    .sync_directory = op_sync_directory,
    .space = op_space,
    .write = op_write,
    .work = op_work,
};
