/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the files of the durable half of raft_io share. */
#pragma once

#include "consensus/raft_disk.h"
#include "consensus/vote_file.h"

/* A look at what is free. */
struct look {
    struct disk_work work;
    uint64_t needs;
    struct reserve_look found; /* the work's result */
    struct err err;
    bool busy;
    bool thins; /* only the newest snapshot is to stay */
    bool gives; /* the reserve is to go */
    raft_index
        oldest; /* snapshot that is kept; the work's result if it thins */
    void (*cb)(void *data, const struct reserve_look *look);
    void *data;
};

struct raft_disk {
    struct raft_disk_options options;
    struct disk *disk;
    struct vote_file vote;
    struct wal *wal; /* NULL: not loaded */
    struct raft_disk_report report;
    raft_term doubt_term; /* while report.in_doubt: see doubt_file.h */
    bool begins_anew;     /* the log, behind a snapshot of anew_term */
    raft_term anew_term;
    struct wal_append anew; /* the WAL's while it does */
    size_t appending_bytes;
    bool is_stopped; /* see raft_disk_stop() */
    bool staging;    /* a snapshot of another node: see raft_disk_stage.h */
    /* Not yet called back. */
    struct list appends; /* of struct append */
    struct list puts;    /* of struct put */
    struct list gets;    /* of struct get */
    struct look look;
    /* While the chunk store finds no room: */
    unsigned full_looks;          /* that came behind another failed write, */
    uint64_t full_tries;          /* how many of those there were at the last */
    bool is_held;                 /* see raft_disk_set_held() */
    void (*on_grown)(void *data); /* or NULL */
    void *on_grown_data;
    void (*made)(void *data);
    void *made_data;
};

/* ---- raft_disk.c ---- */
/* As wal_read(). */
int raft_disk_read_wal(struct raft_disk *disk, raft_index wanted,
                       raft_index needed, const struct wal_reader *reader,
                       struct err *err);
/* The log has an entry of @term now, or a snapshot that ends with one. */
void raft_disk_reached(struct raft_disk *disk, raft_term term);
void raft_disk_fatal(struct raft_disk *disk, const char *reason);

/* ---- raft_disk_space.c ---- */
/* Gives up the reserve; false when there is none. Off the loop, or in a load;
 * @data: struct raft_disk. */
bool raft_disk_make_room(void *data);
void raft_disk_grown(struct raft_disk *disk);

/* Snapshots below @oldest are gone (0: there is none at all). */
void raft_disk_unpin(struct raft_disk *disk, raft_index oldest);

/* ---- raft_disk_snapshot.c ---- */
/* A snapshot waits until what it names is written. */
bool raft_disk_awaits_chunks(const struct raft_disk *disk);
/* Takes the contents of @data, of which the snapshot begins at @at. */
int raft_disk_take_snapshot(struct buf *data, size_t at, raft_index index,
                            raft_term term, raft_index configuration_index,
                            struct bytes configuration,
                            struct raft_snapshot **ret, struct err *err);
/* What was never called back. */
void raft_disk_drop_snapshots(struct raft_disk *disk);
