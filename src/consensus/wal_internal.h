/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the files of the WAL share. */
#pragma once

#include "consensus/wal.h"
#include "consensus/wal_segment.h"

/* A segment of the chain, or one in the pool. */
struct wal_part {
    uint64_t number;
    raft_index last; /* no live entry in it is above */
};

struct wal_parts {
    struct wal_part *items;
    size_t count;
    size_t room;
};

/* A group of records that goes out in one write, or the switch to a segment that
 * begins anew (@reset). */
struct wal_write {
    struct list link;
    struct list appends; /* struct wal_append, to be called back */
    struct disk_write disk;
    uint8_t *memory; /* aligned, in the layout of the file */
    size_t room;
    size_t records_len;
    uint32_t records_crc;
    raft_index next;   /* of the log behind it */
    raft_index lowest; /* that it truncates from; 0: none */
    bool reset;
};

enum wal_chore_kind {
    WAL_PREPARE, /* the next segment, from the pool or new */
    WAL_REMOVE   /* one from the pool */
};

/* What is done off the loop, one at a time. */
struct wal_chore {
    struct disk_work work;
    enum wal_chore_kind kind;
    uint64_t from; /* number in the pool; 0: make a new one */
    uint64_t to;
    bool urgent;            /* a write waited for it when it began */
    struct disk_file *file; /* result of WAL_PREPARE */
    struct err err;
    bool busy;
};

struct wal_scan;

struct wal {
    struct disk *disk;
    struct wal_scan *scan; /* between wal_read() and wal_begin(), else NULL */
    uint64_t segment_bytes;
    void (*on_fatal)(void *data, const char *reason);
    bool (*make_room)(void *data);
    void (*on_grown)(void *data);
    void *data;
    bool dead;
    bool lean; /* no pool */

    struct wal_parts chain; /* oldest first; the last one is written to */
    struct wal_parts pool;  /* not needed any more, oldest first */
    uint64_t number_max;    /* highest that any file ever had */

    struct disk_file *file; /* the last of the chain */
    uint64_t file_bytes;
    uint64_t offset;   /* of the next write */
    uint32_t writes;   /* numbers used up, the start included */
    uint32_t last_crc; /* of the last head */

    struct disk_file *spare; /* prepared and not begun, or NULL */
    uint64_t spare_number;
    bool spare_failed; /* no space when it was last tried */
    bool spare_urgent; /* a write waits for it */
    struct wal_chore chore;

    raft_index next;         /* of the log, with all that is queued */
    raft_index durable_next; /* of the log on disk */
    raft_index drop_index;
    raft_index scar_index;
    raft_index scar_seen;
    bool fresh_wanted; /* the next write goes to a new segment */

    struct list queue; /* struct wal_write, oldest first */
    size_t queued_bytes;
    bool flying; /* the first of the queue, or a start, is under way */
    struct wal_write *idle; /* kept for the next group, or NULL */
    struct disk_write start_write;
    uint8_t *start_block;
};

/* ---- wal.c ---- */
int wal_parts_add(struct wal_parts *parts, uint64_t number, raft_index last);
void wal_parts_remove_first(struct wal_parts *parts);
void wal_fatal(struct wal *wal, const char *reason);

/* ---- wal_scan.c ---- */
struct wal_found {
    uint64_t number;
    uint64_t size;
    enum wal_begun begun;
    struct wal_start start; /* when begun */
};

enum wal_tail { WAL_TAIL_CLEAN, WAL_TAIL_TORN, WAL_TAIL_CORRUPT };

/* One reading of the directory and all segments. */
struct wal_scan {
    struct disk *disk;
    raft_index from;   /* at first what is wanted, then what is read */
    raft_index needed; /* what it must reach back to; not below from */
    const struct wal_reader *reader;
    struct wal_report *report;
    /* The segment at that place of the chain was read. May be NULL. */
    void (*on_segment)(struct wal_scan *scan, size_t at);
    void *on_segment_data;

    struct wal_found *found; /* by number */
    size_t found_count;
    size_t found_room;
    bool no_memory;
    uint64_t number_max;
    size_t *chain; /* indexes in found, oldest first */
    size_t chain_count;
    uint64_t broken; /* number of a segment that cut the chain, 0: none */

    uint8_t *memory; /* of one segment */
    size_t room;

    raft_index first; /* of the log as read so far */
    raft_index next;
    raft_index seen;
    raft_index told;        /* next index to tell; 0: none was told */
    struct wal_parts parts; /* of the segments that were read */

    enum wal_tail tail;
    size_t at;       /* in chain: where the reading ended */
    uint64_t offset; /* there: behind the last good write */
    uint64_t last_offset;
    uint32_t writes;
    uint32_t last_crc;
    bool gap; /* nothing that was read reaches back to from */
};
int wal_scan_run(struct wal_scan *scan, struct err *err);
void wal_scan_close(struct wal_scan *scan);

/* ---- wal_chain.c ---- */
/* Fills found and chain. */
int wal_chain_build(struct wal_scan *scan, struct err *err);
/* Where in the chain to begin: the newest segment that began when the log had
 * not gone beyond what is wanted. */
size_t wal_chain_begin(const struct wal_scan *scan);
/* The whole file of @found into scan->memory. */
int wal_segment_load(struct wal_scan *scan, const struct wal_found *found,
                     struct err *err);

/* ---- wal_settle.c ---- */
/* Makes the directory agree with what @scan found, and @wal ready to append. */
int wal_settle(struct wal *wal, struct wal_scan *scan, struct err *err);

/* ---- wal_writer.c ---- */
void wal_kick(struct wal *wal);
void wal_write_free(struct wal_write *write);

/* ---- wal_chore.c ---- */
/* Moves what is not needed into the pool and starts what there is to do. */
void wal_collect(struct wal *wal);
void wal_chore_run(struct wal *wal);
/* Makes the segment "wal-NUMBER", full of zeros, blocking. @urgent: on a full disk
 * room is made for it. */
int wal_file_make(struct wal *wal, uint64_t number, bool urgent,
                  struct disk_file **ret_file, struct err *err);
