/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The core's snapshots as files: meta data (index, term, configuration) and the
 * bytes in one checksummed file each, named by index, written aside, synced,
 * and made visible by ONE rename (docs/formats.md, "Snapshot file"). A damaged
 * one is set aside and the one before it is used if the WAL still reaches back
 * to it; otherwise the node says so and must be caught up by the others.
 */
#pragma once

#include <raft.h>

#include "store/disk.h"
#include "util/buf.h"
#include "util/limits.h"

struct snapshot_meta {
    raft_index index;
    raft_term term;
    raft_index configuration_index;
    struct bytes configuration; /* as raft_configuration_encode() gives it */
};

/* The newest good snapshot. QL_NOT_FOUND: none at all. QL_CORRUPT: there are
 * some, none good. Damaged ones are renamed to *.corrupt and counted in
 * *ret_aside, also when it fails. @ret_data (initialised by the caller) gets the
 * whole file; the snapshot's bytes begin at *ret_data_at, and the configuration
 * points into it. The caller's to buf_close(). */
int snapshot_dir_load(struct disk *disk, struct snapshot_meta *ret_meta,
                      struct buf *ret_data, size_t *ret_data_at,
                      unsigned *ret_aside, struct err *err);
/* The one at @index, likewise, changing nothing. QL_CORRUPT, QL_NOT_FOUND. */
int snapshot_dir_read(struct disk *disk, raft_index index,
                      struct snapshot_meta *ret_meta, struct buf *ret_data,
                      size_t *ret_data_at, struct err *err);
/* What is there, good or not. */
struct snapshot_view {
    raft_index index; /* as its name says */
    uint64_t size;    /* of the file */
    bool good;        /* the rest means something */
    raft_term term;
    raft_index configuration_index;
};
/* Tells @each of all of them, the oldest first, and changes nothing; with little
 * memory, however long the files are. */
int snapshot_dir_view(struct disk *disk,
                      void (*each)(void *data,
                                   const struct snapshot_view *view),
                      void *data, struct err *err);
/* Writes, reads back (readback.h) and makes visible; blocking, meant for struct
 * disk_work. @parts are the buffers of the snapshot. QL_CORRUPT: it reads
 * differently; then it is not there. */
int snapshot_dir_store(struct disk *disk, const struct snapshot_meta *meta,
                       const struct bytes *parts, size_t parts_count,
                       struct err *err);
/* Likewise, but the snapshot, of another node, is nothing to us before
 * snapshot_dir_commit_staged(). One that was staged before is replaced. */
int snapshot_dir_stage(struct disk *disk, const struct snapshot_meta *meta,
                       const struct bytes *parts, size_t parts_count,
                       struct err *err);
/* The next start begins with what was staged, if the raft log still reaches back
 * to it then. Blocking, but short. */
int snapshot_dir_commit_staged(struct disk *disk, struct err *err);
/* Puts the snapshot that was staged and committed, if one was, in the place of all
 * that are there: those are kept as *.suspect. What a crash leaves the next call
 * goes on with. *ret_index: of the snapshot; 0: there was none, or it is damaged,
 * and kept as *.corrupt. Blocking, before anything is loaded. */
int snapshot_dir_take_staged(struct disk *disk, raft_index *ret_index,
                             struct err *err);
/* For want of room: only the newest stays until there is another. */
int snapshot_dir_thin(struct disk *disk, struct err *err);
/* Removes all but the newest SNAPSHOTS_KEPT and leftovers of stores. The index
 * of the oldest one kept (0: none) is what the WAL must still reach back to. */
int snapshot_dir_clean(struct disk *disk, raft_index *ret_oldest,
                       struct err *err);
