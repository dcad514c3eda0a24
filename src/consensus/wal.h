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

#include "consensus/disk.h"

#define WAL_SEGMENT_BYTES (64u * 1024u * 1024u)
#define WAL_WRITE_BYTES_MAX (4u * 1024u * 1024u) /* one write under way */

struct wal;

/* What start-up found; shown in status, in the diagnostics and by inspect. */
struct wal_report {
    uint64_t segments;
    uint64_t entries;
    raft_index first_index;
    raft_index last_index;
    uint64_t bytes;
    uint64_t torn_bytes; /* of a torn tail that was dropped; 0: clean */
    bool corrupt;        /* entries from corrupt_index on could not be read */
    raft_index corrupt_index;
    char corrupt_at[DISK_NAME_MAX + 32]; /* "segment NAME offset N: why" */
};

struct wal_options {
    struct disk *disk;      /* outlives it */
    uint64_t segment_bytes; /* 0: WAL_SEGMENT_BYTES; multiple of DISK_BLOCK */
    /* A write or sync failed: says why; must not return in production. */
    void (*on_fatal)(void *data, const char *reason);
    void *data;
};

/* One entry as read at start-up. @payload is valid during the call. A non-zero
 * return ends the reading with that code. */
typedef int (*wal_entry_fn)(void *data, raft_index index, raft_term term,
                            unsigned short type, const void *payload,
                            size_t len);

/*
 * Reads everything in order, with memory for one segment at most, calling @each
 * for entries from @from_index on (what a snapshot covers is skipped), and gets
 * ready to append behind the last. A torn tail is dropped, durably, and
 * reported. Corruption does not fail the open: report->corrupt says where, the
 * damaged segments are kept aside (renamed, never deleted), and the log ends
 * before it; the caller must not vote then until it has caught up past all it may have
 * acknowledged. QL_IO, QL_CORRUPT (not a WAL at all, or a newer format).
 */
int wal_open(struct wal **ret_wal, const struct wal_options *options,
             raft_index from_index, wal_entry_fn each, void *each_data,
             struct wal_report *ret_report, struct err *err);
/* Nothing may be under way. */
void wal_free(struct wal *wal);

struct wal_append;
typedef void (*wal_append_cb)(struct wal_append *append, int status);
struct wal_append {
    struct list link; /* the wal's */
    raft_index last;  /* the wal's */
    wal_append_cb cb;
    void *data; /* the caller's */
};
/* Appends behind the last index (also behind what is still under way). Copies
 * the entries before it returns. The callback means durable. */
int wal_append(struct wal *wal, struct wal_append *append,
               const struct raft_entry *entries, unsigned count,
               wal_append_cb cb);
/* Drops @index and all behind it; ordered behind the appends made before. It is
 * durable before any append made after it is. */
int wal_truncate(struct wal *wal, raft_index index);
/* Entries before @index are not needed any more; whole segments are recycled
 * when it is safe. No callback. Survives a crash at every step. */
void wal_drop_before(struct wal *wal, raft_index index);
/* Drops everything; the next entry will be @next_index. For an installed
 * snapshot: only after the snapshot itself is durable. Ordered; the callback
 * means durable. */
int wal_reset(struct wal *wal, struct wal_append *reset, raft_index next_index,
              wal_append_cb cb);
raft_index wal_last_index(const struct wal *wal);
/* True while something is under way or waits. */
bool wal_is_busy(const struct wal *wal);
