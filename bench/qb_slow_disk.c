/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_slow_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/limits.h"

#define LINE_MAX_LEN 512u
#define GROUP_NAME "quorlog-bench.%d.%u"
#define GROUPS_MAX 100u
#define GROUP_PATH_MAX (2u * PATH_LEN_MAX)

struct qb_slow_disk {
    char root[PATH_LEN_MAX];
    char group[PATH_LEN_MAX];
    bool is_v2;
    bool made;
    pid_t pid;                 /* 0: none is in it */
    char back[GROUP_PATH_MAX]; /* cgroup.procs of where it was */
};

static int find_device(const char *dir, unsigned *ret_major,
                       unsigned *ret_minor, struct err *err);
static int make_group(struct qb_slow_disk *disk, struct err *err);
static void sweep(const char *parent);
static int write_file(struct err *err, const char *text, const char *format,
                      ...) __attribute__((format(printf, 3, 4)));
static void find_back(struct qb_slow_disk *disk, pid_t pid);
static bool is_there(const char *root, const char *name);

int qb_slow_disk_new(struct qb_slow_disk **ret_disk, const char *root,
                     const char *dir, uint64_t delay_ms, struct err *err)
{
    struct qb_slow_disk *disk = calloc(1, sizeof *disk);
    unsigned long long rate = delay_ms < 1000 ? 1000 / delay_ms : 1;
    unsigned major;
    unsigned minor;
    char text[LINE_MAX_LEN];
    int rv;

    if (disk == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    (void)snprintf(disk->root, sizeof disk->root, "%s", root);
    rv = find_device(dir, &major, &minor, err);
    if (rv == 0) {
        rv = make_group(disk, err);
    }
    if (rv == 0 && disk->is_v2) {
        (void)snprintf(text, sizeof text, "%u:%u wiops=%llu", major, minor,
                       rate);
        rv = write_file(err, text, "%s/io.max", disk->group);
    } else if (rv == 0) {
        (void)snprintf(text, sizeof text, "%u:%u %llu", major, minor, rate);
        rv = write_file(err, text, "%s/blkio.throttle.write_iops_device",
                        disk->group);
    }
    if (rv != 0) {
        (void)err_wrap(err, "slow a disk down");
        qb_slow_disk_free(disk);
        return rv;
    }
    *ret_disk = disk;
    return 0;
}

int qb_slow_disk_begin(struct qb_slow_disk *disk, pid_t pid, struct err *err)
{
    char text[32];
    int rv;

    find_back(disk, pid);
    (void)snprintf(text, sizeof text, "%d", (int)pid);
    rv = write_file(err, text, "%s/cgroup.procs", disk->group);
    if (rv == 0) {
        disk->pid = pid;
    }
    return rv;
}

void qb_slow_disk_end(struct qb_slow_disk *disk)
{
    char text[32];

    if (disk->pid != 0) {
        (void)snprintf(text, sizeof text, "%d", (int)disk->pid);
        /* When it fails the process has ended, and is in no group. */
        (void)write_file(NULL, text, "%s", disk->back);
        disk->pid = 0;
    }
}

void qb_slow_disk_free(struct qb_slow_disk *disk)
{
    if (disk == NULL) {
        return;
    }
    qb_slow_disk_end(disk);
    if (disk->made) {
        (void)rmdir(disk->group);
    }
    free(disk);
}

/* Limits are of whole devices, also where @dir is on a partition. */
static int find_device(const char *dir, unsigned *ret_major,
                       unsigned *ret_minor, struct err *err)
{
    char path[PATH_LEN_MAX];
    struct stat told;
    FILE *file;

    if (stat(dir, &told) != 0) {
        return err_errno(err, errno, "look at %s", dir);
    }
    *ret_major = major(told.st_dev);
    *ret_minor = minor(told.st_dev);
    if (*ret_major == 0) {
        return err_set(err, QL_INVALID, "%s is on no block device", dir);
    }
    (void)snprintf(path, sizeof path, "/sys/dev/block/%u:%u/partition",
                   *ret_major, *ret_minor);
    if (access(path, F_OK) == 0) {
        (void)snprintf(path, sizeof path, "/sys/dev/block/%u:%u/../dev",
                       *ret_major, *ret_minor);
        file = fopen(path, "re");
        if (file == NULL) {
            return err_errno(err, errno, "read %s", path);
        }
        if (fscanf(file, "%u:%u", ret_major, ret_minor) != 2) {
            (void)fclose(file);
            return err_set(err, QL_IO, "%s names no device", path);
        }
        (void)fclose(file);
    }
    return 0;
}

static int make_group(struct qb_slow_disk *disk, struct err *err)
{
    const char *below = "";
    char parent[PATH_LEN_MAX];
    unsigned number = 0;

    if (is_there(disk->root, "blkio/cgroup.procs")) {
        below = "/blkio";
    } else if (is_there(disk->root, "cgroup.controllers")) {
        disk->is_v2 = true;
        /* Is refused, without harm, where it is so already. */
        (void)write_file(NULL, "+io", "%s/cgroup.subtree_control", disk->root);
    } else {
        return err_set(err, QL_NOT_FOUND,
                       "there are no cgroups for disks below %s", disk->root);
    }
    (void)snprintf(parent, sizeof parent, "%.900s%s", disk->root, below);
    sweep(parent);
    do {
        (void)snprintf(disk->group, sizeof disk->group, "%.960s/" GROUP_NAME,
                       parent, (int)getpid(), number++);
        disk->made = mkdir(disk->group, 0755) == 0;
    } while (!disk->made && errno == EEXIST && number < GROUPS_MAX);
    if (!disk->made) {
        return errno == EACCES || errno == EPERM || errno == EROFS
                   ? err_set(err, QL_DENIED,
                             "this user may not make the cgroup %s: run as "
                             "root, or leave slow-disk out",
                             disk->group)
                   : err_errno(err, errno, "make %s", disk->group);
    }
    return 0;
}

/* A run that was ended early leaves its groups behind, without processes. */
static void sweep(const char *parent)
{
    DIR *dir = opendir(parent);
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        unsigned number;
        int pid;

        if (sscanf(entry->d_name, GROUP_NAME, &pid, &number) == 2 && pid > 0 &&
            kill(pid, 0) != 0 && errno == ESRCH) {
            (void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

static int write_file(struct err *err, const char *text, const char *format,
                      ...)
{
    char path[GROUP_PATH_MAX];
    ssize_t written;
    va_list arguments;
    int fd;

    va_start(arguments, format);
    (void)vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    written = fd >= 0 ? write(fd, text, strlen(text)) : -1;
    if (written < 0) {
        int failed = errno;

        if (fd >= 0) {
            (void)close(fd);
        }
        return err_errno(err, failed, "write \"%s\" to %s", text, path);
    }
    (void)close(fd);
    return 0;
}

/* The line of /proc/PID/cgroup: "7:blkio:/path", in version 2 "0::/path". */
static void find_back(struct qb_slow_disk *disk, pid_t pid)
{
    const char *mark = disk->is_v2 ? "0::" : ":blkio:";
    char line[LINE_MAX_LEN];
    char path[64];
    FILE *file;

    (void)snprintf(disk->back, sizeof disk->back, "%s%s/cgroup.procs",
                   disk->root, disk->is_v2 ? "" : "/blkio");
    (void)snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
    file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *at = strstr(line, mark);

        line[strcspn(line, "\n")] = '\0';
        if (at != NULL) {
            (void)snprintf(disk->back, sizeof disk->back, "%s%s%s/cgroup.procs",
                           disk->root, disk->is_v2 ? "" : "/blkio",
                           at + strlen(mark));
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static bool is_there(const char *root, const char *name)
{
    char path[GROUP_PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    return access(path, F_OK) == 0;
}
