/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the kernel tells of a process, and of a directory's files. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct scale_memory { /* MiB */
    double rss;
    double peak; /* of rss, since scale_memory_forget_peak() */
    double anonymous;
    double file;
    double shared; /* its share of what it maps: Pss */
};

/* All 0 when the process has ended. */
void scale_memory_of(pid_t pid, struct scale_memory *ret);
void scale_memory_forget_peak(pid_t pid);
/* User and system time so far, in seconds. */
double scale_cpu_of(pid_t pid);
double scale_cpu_own(void);
/* CLOCK_MONOTONIC in seconds. */
double scale_now(void);
/* What its files take on the disk. */
uint64_t scale_dir_bytes(const char *dir);
/* Takes its files out of the page cache. */
void scale_dir_forget(const char *dir);
void scale_dir_remove(const char *dir);
uint64_t scale_disk_free(const char *dir);
/* Says so and ends the process. */
void scale_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));
