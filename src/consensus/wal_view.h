/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The segments of a WAL one by one, for people; changes nothing. */
#pragma once

#include "consensus/wal.h"

enum wal_view_state {
    WAL_VIEW_CLEAN,
    WAL_VIEW_TORN,    /* its last write was cut off */
    WAL_VIEW_CORRUPT, /* see wal_report.corrupt_at */
    WAL_VIEW_BEHIND,  /* not read: what is before it is damaged */
    WAL_VIEW_FREE,    /* not needed any more, to be recycled */
    WAL_VIEW_SPARE,   /* prepared, to be the next one */
    WAL_VIEW_UNKNOWN  /* its start is damaged */
};

struct wal_view {
    uint64_t number;
    uint64_t size; /* of the file */
    enum wal_view_state state;
    raft_index begin; /* next entry when it began; 0: not known */
    /* Of those that were read. */
    raft_index end; /* next entry behind what could be read of it */
    uint64_t used;  /* bytes up to the end of the last good write */
    uint64_t torn;  /* bytes of the write that was cut off */
};

/* As wal_inspect(). @each is told of every file of a segment: of those that were
 * read after their entries, of the others at the end. */
int wal_view(struct disk *disk, raft_index from_index,
             const struct wal_reader *reader,
             void (*each)(void *data, const struct wal_view *view), void *data,
             struct wal_report *ret_report, struct err *err);
