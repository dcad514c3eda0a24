/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Slows one process's disk down: the kernel lets it begin only so many writes a
 * second (cgroups(7): blkio of version 1, io of version 2). It counts over a tenth
 * of a second, so of several writes in that time some are quick, and the others
 * wait for the rest of it. Only where this process may make cgroups.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "util/err.h"

#define QB_CGROUP_ROOT "/sys/fs/cgroup"

struct qb_slow_disk;

/* Makes a group below @root for a write each @delay_ms to the device on which
 * @dir is; no process is in it yet. QL_DENIED: not for this user; QL_NOT_FOUND:
 * the kernel has no such groups; QL_INVALID: @dir is on no device of its own. */
int qb_slow_disk_new(struct qb_slow_disk **ret_disk, const char *root,
                     const char *dir, uint64_t delay_ms, struct err *err);
/* From now on @pid is slow. One process at a time. */
int qb_slow_disk_begin(struct qb_slow_disk *disk, pid_t pid, struct err *err);
/* It is as before; accepts one that has not begun. */
void qb_slow_disk_end(struct qb_slow_disk *disk);
/* Ends it and removes the group. Accepts NULL. */
void qb_slow_disk_free(struct qb_slow_disk *disk);
