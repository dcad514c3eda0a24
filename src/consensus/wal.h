/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The raft log on disk: segments of records (docs/formats.md, "WAL").
 *
 * Pure event-driven code over struct disk: no loop, no thread, no clock of its
 * own. One write is under way at a time; what is appended meanwhile goes out in
 * the next (group commit). Callbacks come in the order of the calls. Any failed
 * write is final: on_fatal, and nothing more is acknowledged.
 *
 * Segments are filled with zeros once and then recycled: a segment that is no
 * longer needed is renamed to the next number and overwritten, because
 * overwriting written blocks commits in half the time. The number in the FILE
 * NAME goes into every checksum, so a crash between rename and first write
 * cannot revive old records. Every 512-byte sector says to which segment and
 * write it belongs, so a torn tail (some sector of the last write is still old)
 * and corruption (all are new, the checksum is wrong; or a later write is there)
 * are told apart. Assumption, stated: a sector is written whole or not at all.
 */
#pragma once

#include <raft.h>

#include "store/disk.h"
#include "util/limits.h"

struct wal;

/* What start-up found; shown in status, in the diagnostics and by inspect. */
struct wal_report {
    uint64_t segments; /* in use; 0: there was no log at all */
    uint64_t entries;  /* handed out, minus truncated ones */
    raft_index
        first_index; /* of the log: the entry it begins or will begin with */
    raft_index last_index; /* first_index - 1 if empty */
    uint64_t bytes;        /* read */
    uint64_t torn_bytes;   /* of a torn tail that was dropped; 0: clean */
    bool corrupt;          /* entries from corrupt_index on were lost, now or
                               before an earlier start, and not healed since */
    raft_index corrupt_index;
    raft_index seen_index; /* with corrupt: the highest index that can still be
                              read anywhere; more may have been acknowledged */
    uint64_t aside;        /* damaged files that are kept as *.corrupt */
    char corrupt_at[DISK_NAME_MAX + 96]; /* "NAME at N: why", of now */
};

struct wal_options {
    struct disk *disk;      /* outlives it */
    uint64_t segment_bytes; /* 0: WAL_SEGMENT_BYTES; multiple of DISK_BLOCK */
    /* A write, sync or rename failed: says why. Called once, from a callback of
     * the disk; must not return in production. If it does, nothing is called
     * back and nothing is written any more. */
    void (*on_fatal)(void *data, const char *reason);
    /* The disk is too full for a segment that is needed at once. True: there is
     * more room now, so that a new file may be begun. Called off the loop, or
     * from wal_open(). May be NULL. */
    bool (*make_room)(void *data);
    /* The WAL takes more of the disk than before. May be NULL. */
    void (*on_grown)(void *data);
    void *data;
};

/* What wal_open() tells, in the order in which it was written. */
struct wal_reader {
    /* Indexes rise by 1. @payload is valid during the call. A non-zero return
     * ends the reading with that code. */
    int (*entry)(void *data, raft_index index, raft_term term,
                 unsigned short type, const void *payload, size_t len);
    /* The entries from @index on that were told before are no part of the log:
     * they were truncated later, or cannot be trusted. */
    void (*truncated)(void *data, raft_index index);
    void *data;
};

/*
 * Reads everything in order, with memory for one segment at most, telling
 * @reader the entries from @from_index on (what a snapshot covers is skipped),
 * and gets ready to append behind the last. A torn tail is dropped, durably, and
 * reported. A log that ends before @from_index is replaced by an empty one that
 * begins there. Corruption does not fail the open: report->corrupt says where,
 * the damaged segments are kept aside (renamed, never deleted), and the log ends
 * before it; the caller must not vote then until it has caught up past all it
 * may have acknowledged, and calls wal_heal() when it has. Until then every
 * later start says corrupt too. QL_IO and what @reader returned.
 */
int wal_open(struct wal **ret_wal, const struct wal_options *options,
             raft_index from_index, const struct wal_reader *reader,
             struct wal_report *ret_report, struct err *err);
/* wal_open() in two steps: wal_read() changes nothing on disk, wal_begin() what
 * must be, and only then the WAL can be used. The log must reach back to
 * @needed_index (it is what wal_open() calls from_index); entries from
 * @wanted_index on are told, too, if they are there and whole. Once told,
 * entries may be taken back (truncated): the whole reading is done again when what
 * is wanted, and not needed, is damaged. @report outlives wal_begin(), which
 * counts in it what it sets aside. */
int wal_read(struct wal **ret_wal, const struct wal_options *options,
             raft_index wanted_index, raft_index needed_index,
             const struct wal_reader *reader, struct wal_report *report,
             struct err *err);
/* After an error it can only be freed. */
int wal_begin(struct wal *wal, struct err *err);
/* The same reading, changing nothing: what wal_open() would say. With
 * @from_index 0 it begins with the oldest entry there is. */
int wal_inspect(struct disk *disk, raft_index from_index,
                const struct wal_reader *reader, struct wal_report *ret_report,
                struct err *err);
/* Nothing may be under way at the disk (see wal_is_busy()), or the disk is gone
 * for good and will not call back. */
void wal_free(struct wal *wal);

struct wal_append;
typedef void (*wal_append_cb)(struct wal_append *append, int status);
struct wal_append {
    struct list link; /* the wal's */
    wal_append_cb cb;
    void *data; /* the caller's */
};
/* Appends behind the last index (also behind what is still under way). Copies
 * the entries before it returns. The callback means durable; its status is
 * always 0. QL_BUSY: too much is queued. QL_TOO_LARGE: an entry does not fit.
 * QL_IO: after a fatal error. Nothing was taken then. */
int wal_append(struct wal *wal, struct wal_append *append,
               const struct raft_entry *entries, unsigned count,
               wal_append_cb cb);
/* Drops @index and all behind it; ordered behind the appends made before. It is
 * durable before any append made after it is. */
int wal_truncate(struct wal *wal, raft_index index);
/* As wal_truncate(), and the callback means durable. @index must be in the log. */
int wal_truncate_and_tell(struct wal *wal, struct wal_append *truncate,
                          raft_index index, wal_append_cb cb);
/* Entries before @index are not needed any more, not even by the snapshot one
 * might have to fall back to; whole segments are recycled when it is safe. No
 * callback. Survives a crash at every step. */
void wal_drop_before(struct wal *wal, raft_index index);
/* Lean: keeps no segments to be recycled beyond the one that is next, and makes no
 * new one before a write waits for it, as others need the room. */
void wal_set_lean(struct wal *wal, bool lean);
struct wal_room {
    uint64_t segment_bytes;
    uint64_t written_bytes; /* of the segment in use */
    bool lacks;             /* there is none to go on with behind it */
    bool has_older;         /* a segment that newer snapshots will set free */
};
void wal_room(const struct wal *wal, struct wal_room *ret);
/* Drops everything; the next entry will be @next_index. For an installed
 * snapshot: only after the snapshot itself is durable. Ordered; the callback
 * means durable. */
int wal_reset(struct wal *wal, struct wal_append *reset, raft_index next_index,
              wal_append_cb cb);
/* The node has everything again that it may have acknowledged: forgets that the
 * log was corrupt. Durable with the next append. */
void wal_heal(struct wal *wal);
raft_index wal_last_index(const struct wal *wal);
/* True while something is under way or waits, preparing segments included. */
bool wal_is_busy(const struct wal *wal);
