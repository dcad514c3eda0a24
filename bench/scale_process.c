/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "scale_process.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define DIRS_OPEN_MAX 16
#define REMOVE_TRIES 50u
#define REMOVE_PAUSE_US 100000u

/* nftw(3) has no argument for its caller; one walk is under way at a time. */
static uint64_t walked_bytes;

static FILE *open_proc(pid_t pid, const char *name, const char *mode)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return fopen(path, mode);
}

static void read_fields(pid_t pid, const char *name, const char *const *fields,
                        double *const *ret)
{
    FILE *file = open_proc(pid, name, "r");
    char line[256];

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        for (size_t i = 0; fields[i] != NULL; i++) {
            size_t len = strlen(fields[i]);

            if (strncmp(line, fields[i], len) == 0 && line[len] == ':') {
                *ret[i] = strtod(line + len + 1, NULL) / 1024;
            }
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

void scale_memory_of(pid_t pid, struct scale_memory *ret)
{
    static const char *const status[] = {"VmRSS", "VmHWM", "RssAnon", "RssFile",
                                         NULL};
    static const char *const rollup[] = {"Pss", NULL};

    *ret = (struct scale_memory){0};
    read_fields(
        pid, "status", status,
        (double *const[]){&ret->rss, &ret->peak, &ret->anonymous, &ret->file});
    read_fields(pid, "smaps_rollup", rollup, (double *const[]){&ret->shared});
}

void scale_memory_forget_peak(pid_t pid)
{
    FILE *file = open_proc(pid, "clear_refs", "w");

    if (file == NULL || fputs("5", file) < 0 || fclose(file) != 0) {
        scale_fail("the peak of memory cannot be reset");
    }
}

double scale_cpu_of(pid_t pid)
{
    FILE *file = open_proc(pid, "stat", "r");
    char line[1024];
    double ticks = 0;
    const char *at;

    if (file == NULL) {
        return 0;
    }
    if (fgets(line, sizeof line, file) != NULL &&
        (at = strrchr(line, ')')) != NULL) {
        unsigned long user;
        unsigned long system;

        /* The fields 14 and 15; the name before the parenthesis is the
         * second. */
        if (sscanf(at + 1,
                   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                   &user, &system) == 2) {
            ticks = (double)(user + system);
        }
    }
    (void)fclose(file);
    return ticks / (double)sysconf(_SC_CLK_TCK);
}

double scale_cpu_own(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

double scale_now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int count_file(const char *path, const struct stat *stat, int type,
                      struct FTW *place)
{
    (void)path;
    (void)place;
    if (type == FTW_F) {
        walked_bytes += (uint64_t)stat->st_blocks * 512;
    }
    return 0;
}

uint64_t scale_dir_bytes(const char *dir)
{
    walked_bytes = 0;
    (void)nftw(dir, count_file, DIRS_OPEN_MAX, FTW_PHYS);
    return walked_bytes;
}

static int forget_file(const char *path, const struct stat *stat, int type,
                       struct FTW *place)
{
    int fd = type == FTW_F ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    (void)stat;
    (void)place;
    if (fd >= 0) {
        /* What is not written yet cannot be dropped. */
        (void)fdatasync(fd);
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        (void)close(fd);
    }
    return 0;
}

void scale_dir_forget(const char *dir)
{
    (void)nftw(dir, forget_file, DIRS_OPEN_MAX, FTW_PHYS);
}

static int remove_one(const char *path, const struct stat *stat, int type,
                      struct FTW *place)
{
    (void)stat;
    (void)type;
    (void)place;
    (void)remove(path);
    return 0;
}

void scale_dir_remove(const char *dir)
{
    /* A process that is just being killed may still make files. */
    for (unsigned i = 0; i < REMOVE_TRIES && access(dir, F_OK) == 0; i++) {
        (void)nftw(dir, remove_one, DIRS_OPEN_MAX, FTW_PHYS | FTW_DEPTH);
        if (access(dir, F_OK) == 0) {
            (void)usleep(REMOVE_PAUSE_US);
        }
    }
}

uint64_t scale_disk_free(const char *dir)
{
    struct statvfs disk;

    if (statvfs(dir, &disk) != 0) {
        scale_fail("%s is not there", dir);
    }
    return (uint64_t)disk.f_bavail * disk.f_frsize;
}

void scale_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s: ", program_invocation_short_name);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}
