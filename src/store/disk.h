/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A node's directory as the WAL, the vote file and the snapshots use it: the few
 * operations on which everything durable stands. Two kinds: the real one
 * (disk_real.h; io_uring or a writer thread, chosen at start) and a simulated
 * one in tests/sim, which forgets unsynced writes, tears, flips bits, fills up
 * and fails. What stands above is the same code over both.
 *
 * Blocking operations are for start-up and for the few small things that must
 * be durable before the core goes on (term and vote). Everything else is
 * asynchronous: the callback comes later, on the loop thread, never from inside
 * the call, in the order in which the writes to one file were begun.
 *
 * Codes: 0, QL_NOT_FOUND, QL_EXISTS, QL_NO_SPACE for a full disk, QL_IO for
 * everything else. A failed write or sync is never repeated by anybody: what the
 * kernel did with the page is unknown.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"
#include "util/list.h"

#define DISK_BLOCK 4096u /* alignment of offsets, lengths and memory */
#define DISK_SECTOR 512u /* written whole or not at all: the one assumption */
#define DISK_NAME_MAX 96u

struct disk;
struct disk_file;

struct disk_write;
typedef void (*disk_write_cb)(struct disk_write *write, int status);
/* One write and the sync that makes it durable. The memory must stay until the
 * callback. */
struct disk_write {
    struct list link; /* the disk's */
    struct disk_file *file;
    uint64_t offset;   /* multiple of DISK_BLOCK */
    const void *bytes; /* aligned to DISK_BLOCK */
    size_t len;        /* multiple of DISK_BLOCK */
    int status;        /* the disk's */
    struct err err; /* the disk's; behind a failure, why if the text says it */
    uint64_t begun_ns; /* the disk's */
    disk_write_cb cb;
    void *data; /* the caller's */
};

struct disk_work;
/* Runs off the loop; may use the blocking operations on files that nobody else
 * uses meanwhile. */
typedef int (*disk_work_fn)(struct disk_work *work);
typedef void (*disk_work_cb)(struct disk_work *work, int status);
struct disk_work {
    struct list link; /* the disk's */
    disk_work_fn run;
    disk_work_cb cb;
    int status; /* the disk's */
    void *data; /* the caller's */
};

struct disk_ops {
    /* Calls @each for every name, in no order; for what is in a directory below
     * this one, "below/name". */
    int (*list)(struct disk *disk, void (*each)(void *data, const char *name),
                void *data, struct err *err);
    /* @create: make it, empty, when it is missing. */
    int (*open)(struct disk *disk, const char *name, bool create,
                struct disk_file **ret_file, struct err *err);
    void (*close)(struct disk_file *file);
    int (*size)(struct disk_file *file, uint64_t *ret_size, struct err *err);
    /* Fewer bytes than asked only at the end of the file. */
    int (*read)(struct disk_file *file, uint64_t offset, void *ret_bytes,
                size_t len, size_t *ret_len, struct err *err);
    /* Any offset and length; durable on return (data, and the size if it
     * grew). */
    int (*write_sync)(struct disk_file *file, uint64_t offset,
                      const void *bytes, size_t len, struct err *err);
    /* The same for all of a new file that nobody will read soon, so that it takes
     * no room in memory and what others write waits little for it. NULL:
     * write_sync does as well. */
    int (*write_past)(struct disk_file *file, const void *bytes, size_t len,
                      struct err *err);
    /* Makes the file @len bytes of written zeros, durable on return, so that
     * later writes go over written blocks. */
    int (*fill)(struct disk_file *file, uint64_t len, struct err *err);
    /* Replaces @to; durable on return (syncs the directory). @to may be
     * "below/name": that directory is made when it is missing. */
    int (*rename)(struct disk *disk, const char *from, const char *to,
                  struct err *err);
    /* Durable on return. */
    int (*remove)(struct disk *disk, const char *name, struct err *err);
    /* Reads of the file ask the disk from now on, as far as the system lets us,
     * and not what memory has of it. NULL: they always do. */
    void (*uncache)(struct disk_file *file);
    int (*sync_directory)(struct disk *disk, struct err *err);
    /* Opens the directory anew, by its path, and makes it (0700) when it is missing
     * and what it is in is there: it may have gone and come back. While nothing
     * else is under way. QL_NOT_FOUND. NULL: it cannot go. */
    int (*renew)(struct disk *disk, struct err *err);
    /* Of the file system: what may still be used, and how large it is. A disk
     * without a limit says UINT64_MAX. */
    int (*space)(struct disk *disk, uint64_t *ret_free, uint64_t *ret_total,
                 struct err *err);
    /* Return 0, QL_NO_MEMORY or QL_IO. A write stays within the file. */
    int (*write)(struct disk *disk, struct disk_write *write);
    int (*work)(struct disk *disk, struct disk_work *work);
};

/* Embedded first in each kind. */
struct disk {
    const struct disk_ops *ops;
};
