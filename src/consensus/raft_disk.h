/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The durable half of the core's raft_io: WAL, vote file and snapshots over one
 * struct disk, put together so that whatever a crash leaves is one state of the
 * core (docs/consensus.md, "What is on disk"). No loop and no thread of its own,
 * so it runs over a simulated disk too.
 *
 *     raft_disk.c           append, truncate, term and vote, the doubt
 *     raft_disk_load.c      start-up
 *     raft_disk_snapshot.c  snapshots, own and installed
 *     raft_disk_stage.c     snapshots of other nodes for the next start
 *     raft_disk_space.c     free space and the reserve (reserve.h), which goes
 *                           when a segment or a snapshot finds no room
 *
 * A node that finds entries lost which it may have acknowledged is in doubt
 * (doubt_file.h) until it has caught up; others must see to it that it neither
 * votes nor stands meanwhile (guard_doubt()).
 */
#pragma once

#include <raft.h>
#include <stdbool.h>

#include "store/disk.h"
#include "consensus/reserve.h"
#include "consensus/wal.h"
#include "store/chunk_store.h"
#include "util/buf.h"

struct raft_disk;

struct raft_disk_options {
    struct disk *disk;      /* outlives it */
    const char *where;      /* the directory, for people; outlives it */
    uint64_t segment_bytes; /* 0: WAL_SEGMENT_BYTES */
    uint64_t reserve_bytes; /* 0: no reserve, and one that is there goes */
    /* What has the bytes of the chunks that snapshots name: they are on its disk
     * before a snapshot of our own is, and stay as long as that. NULL: none. */
    struct chunk_store *chunks;
    /* Entry 1 of every node, encoded; outlives it. Taken when the log is lost
     * from its beginning. */
    struct bytes first_configuration;
    /* The other voters can elect a leader without this node. Else a node that
     * has lost entries refuses to load. */
    bool others_elect;
    /* A write failed: must not return in production. */
    void (*on_fatal)(void *data, const char *reason);
    /* Entries up to @index are durable; before who appended them hears it. May be
     * NULL. */
    void (*on_stored)(void *data, raft_index index);
    /* The node is in doubt no more. May be NULL. */
    void (*on_healed)(void *data);
    void *data;
};

/* What the core is told at the start; its own from then on, as libraft frees
 * it. */
struct raft_loaded {
    raft_term term;
    raft_id voted_for;
    struct raft_snapshot *snapshot; /* NULL: none */
    raft_index start_index;
    struct raft_entry *entries;
    size_t count;
};

/* What was found, for people. */
struct raft_disk_report {
    struct wal_report wal;
    unsigned snapshots_aside; /* damaged ones, kept as *.corrupt */
    raft_index taken; /* of the snapshot of another node that was staged */
    bool vote_repaired;
    bool in_doubt;
    char lost[DISK_NAME_MAX + 128]; /* why, if it was found now; else "" */
};

/* Touches nothing yet. Ends the process when out of memory. */
struct raft_disk *raft_disk_new(const struct raft_disk_options *options);
/* Nothing may be under way, see raft_disk_is_busy(), or the disk is gone. */
void raft_disk_free(struct raft_disk *disk);

/* Makes what a new node begins with: term 1, nobody voted for, entry 1 with the
 * first configuration. @done comes when it is durable, unless on_fatal comes.
 * Then it can only be freed. */
int raft_disk_make(struct raft_disk *disk, void (*done)(void *data), void *data,
                   struct err *err);
/* QL_CORRUPT: the text says what to do. QL_IO, QL_NO_MEMORY. */
int raft_disk_load(struct raft_disk *disk, struct raft_loaded *ret,
                   struct err *err);
/* After raft_disk_load(). */
const struct raft_disk_report *raft_disk_report(const struct raft_disk *disk);
bool raft_disk_in_doubt(const struct raft_disk *disk);

/* Durable on return; after a failure the process must end. */
int raft_disk_set_term(struct raft_disk *disk, raft_term term, struct err *err);
int raft_disk_set_vote(struct raft_disk *disk, raft_id id, struct err *err);

/* The callbacks come later, in the order of the calls, and always with status
 * 0: a failure is fatal. What is appended is copied. */
int raft_disk_append(struct raft_disk *disk, struct raft_io_append *request,
                     const struct raft_entry *entries, unsigned count,
                     raft_io_append_cb cb);
/* Ordered behind the appends made before. */
int raft_disk_truncate(struct raft_disk *disk, raft_index index);
/* So much is on its way to the disk, or of chunks to theirs, that what comes from others is better lost:
 * it will be sent again. */
bool raft_disk_is_crowded(const struct raft_disk *disk);

/* @trailing 0: it replaces the whole log. @snapshot stays valid until the
 * callback, whose status is always 0: a failure is fatal. */
int raft_disk_put(struct raft_disk *disk, unsigned trailing,
                  struct raft_io_snapshot_put *request,
                  const struct raft_snapshot *snapshot,
                  raft_io_snapshot_put_cb cb);
/* The newest one, with the memory of the core. Its chunks stay for a while. */
int raft_disk_get(struct raft_disk *disk, struct raft_io_snapshot_get *request,
                  raft_io_snapshot_get_cb cb);

/* Frees one that was read. */
void raft_disk_free_snapshot(struct raft_snapshot *snapshot);

/* Looks at what is free, and makes the reserve if @needs bytes are; @cb comes
 * later with what it found, valid during the call, unless it failed, which is
 * fatal. While the chunk store finds no room each look gives up something for it:
 * the older of the two snapshots, then the reserve; if that does not help a node
 * that cannot go on without ends. QL_BUSY: a look is under way. */
int raft_disk_look(struct raft_disk *disk, uint64_t needs,
                   void (*cb)(void *data, const struct reserve_look *look),
                   void *data);
/* @cb: a segment or a snapshot more is on the disk, so that a look is worth
 * while. */
void raft_disk_on_grown(struct raft_disk *disk, void (*cb)(void *data),
                        void *data);
/* A snapshot of another node is held back until its chunks are on the disk. */
void raft_disk_set_held(struct raft_disk *disk, bool held);
/* The disk is short of room: keeps nothing that is only there to be quick. */
void raft_disk_set_lean(struct raft_disk *disk, bool lean);
void raft_disk_room(const struct raft_disk *disk, struct wal_room *ret);

/* Waits for nobody else any more: a snapshot whose chunks are not on the disk is
 * given up, without its callback, and so is one that would be put from now on.
 * What is on its way to the disk goes on. */
void raft_disk_stop(struct raft_disk *disk);
bool raft_disk_is_busy(const struct raft_disk *disk);
