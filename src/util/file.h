/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Small files, written so that a crash leaves the old one or the new one. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "util/buf.h"
#include "util/err.h"

/* Whole file into @ret (initialised by the caller); QL_NOT_FOUND when there is
 * none, QL_TOO_LARGE above @len_max. */
int file_read(const char *path, size_t len_max, struct buf *ret,
              struct err *err);
/* The same, but only of an ordinary file: QL_IO for a pipe, which could hold it up,
 * or a device. */
int file_read_plain(const char *path, size_t len_max, struct buf *ret,
                    struct err *err);
/* Writes "PATH.tmp", syncs it, renames it to @path, syncs the directory. */
int file_replace(const char *path, const void *bytes, size_t len, mode_t mode,
                 struct err *err);
/* The same, but refuses with QL_EXISTS when @path is there already. */
int file_create(const char *path, const void *bytes, size_t len, mode_t mode,
                struct err *err);
/* Makes the last component, 0700; QL_EXISTS is not an error here. Syncs the
 * parent. */
int dir_make(const char *path, struct err *err);
int dir_sync(const char *path, struct err *err);
/* True when @path is a directory without entries. QL_NOT_FOUND if missing. */
int dir_is_empty(const char *path, bool *ret_empty, struct err *err);
/* "dir/name" into @ret_path; QL_TOO_LARGE if it does not fit. */
int path_join(char *ret_path, size_t room, const char *dir, const char *name,
              struct err *err);

/* Takes an exclusive lock on @path (created 0600) for the life of *ret_fd and
 * writes the pid into it. QL_BUSY when another process holds it; the text names
 * its pid. The kernel drops the lock when the process ends, however it ends. */
int file_lock(const char *path, int *ret_fd, struct err *err);
/* A lock for reading, which changes nothing: *ret_fd keeps those away that would
 * change something. QL_BUSY as above. QL_NOT_FOUND: there is no such file. */
int file_lock_shared(const char *path, int *ret_fd, struct err *err);
/* Makes a lock for reading one that nobody shares; changes nothing either.
 * QL_BUSY: somebody does. */
int file_lock_claim(int fd, const char *path, struct err *err);
