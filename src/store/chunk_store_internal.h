/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the files of the chunk store share. Who is who:
 *
 *   chunk_store.c         open, free, tick, adopt, the machine's events
 *   chunk_scan.c          what packs there are at open
 *   chunk_table.c         names to chunks
 *   chunk_packs.c         packs: homes, sparse ones
 *   chunk_removal.c       removing them
 *   chunk_queue.c         what waits to be written
 *   chunk_writer.c        a batch of it becomes a pack: chunk_batch.c, on a thread
 *   chunk_adopt.c         after a restore
 *   chunk_pins.c          what snapshots keep
 *   chunk_gather.c        a chunk's bytes, from wherever they are
 *   chunk_load.c, chunk_cache.c, chunk_serve.c, chunk_supply.c, missing.c,
 *   damage.c, refused.c, scrub.c   the read side
 *
 * All on the loop thread, but for functions that say otherwise.
 */
#pragma once

#include "store/chunk_store.h"
#include "store/chunk_table.h"
#include "util/list.h"

struct store_reads; /* the read side's own, reads.h */
struct store_read;

/* ---- Packs ---- */

struct pack {
    struct chunk_home home; /* first: what a chunk's home points to */
    struct list link;       /* store->packs, or ->leaving without live chunks */
    struct chunk_store *store;
    uint64_t number;
    uint64_t file_len;
    uint64_t raw;      /* bytes of all its chunks */
    uint64_t live_raw; /* of those in use */
    uint32_t rows;
    uint32_t live;   /* chunks in use */
    uint32_t users;  /* works that read it: it is not removed meanwhile */
    bool is_damaged; /* goes to quarantine once nothing in it is used */
    bool is_moving;  /* its chunks are being written elsewhere */
    bool *orphans;   /* by slot: the store has a reference (pins); or NULL */
    uint8_t (*from)[HASH128_LEN]; /* by slot: the chain before the chunk. Behind
                                     the chunks in memory */
    struct chunk *chunks[];       /* borrowed, by slot; NULL: not in use */
};

static inline struct pack *pack_of(const struct chunk *chunk)
{
    return (struct pack *)(void *)chunk->home;
}

#define PACK_SUFFIX ".pack"
#define PACK_ASIDE_SUFFIX ".tmp" /* while it is written */
#define PACK_QUARANTINE "quarantine/"
/* The number in 16 hex digits between the two; any thread. */
void pack_name(const char *prefix, uint64_t number, const char *suffix,
               char ret_name[DISK_NAME_MAX]);

/* A pack of @rows slots, none in use, behind the others. */
struct pack *pack_new(struct chunk_store *store, uint64_t number, uint32_t rows,
                      uint64_t file_len);
/* @chunk lies at @slot from now on, and no more where it was. */
void pack_put(struct pack *pack, uint32_t slot, struct chunk *chunk);
/* @pack, which may have begun to leave and is used, gets @chunk, which has no
 * home, back at @slot. */
void pack_put_back(struct pack *pack, uint32_t slot, struct chunk *chunk);
/* @heir, of the same name, takes the place of @chunk, which has a home and nobody
 * but the store (as an orphan) refers to: it is freed. */
void pack_hand_over(struct chunk *chunk, struct chunk *heir);
/* Is the store's own reference all that keeps @chunk? */
bool pack_is_orphan(const struct chunk *chunk);
/* The store has a reference to @chunk, which has a home: it is that of an orphan
 * from now on. */
void pack_set_orphan(struct chunk *chunk);
/* @chunk has no home any more; a pack without chunks begins to leave. May drop
 * the last reference, if it was an orphan. */
void pack_take(struct chunk *chunk);
/* A pack that has no chunk in use begins to leave. */
void pack_leave(struct pack *pack);
/* A work on any thread is about to read the file; end with pack_unuse(). */
void pack_use(struct pack *pack);
void pack_unuse(struct pack *pack);
/* Has the chunks that are still used written into another pack; what is left of
 * this one is removed then, or set aside when it is damaged. */
void pack_move(struct pack *pack);
/* Looks for packs that are worth moving, and begins to remove one without
 * chunks. */
void packs_tidy(struct chunk_store *store);
void packs_free(struct chunk_store *store);

/* ---- What the store has in hand about a chunk: chunk->keeper ---- */

struct store_keep {
    struct store_item *item; /* waits to be written, but for: */
    struct store_item *move; /* of kind ITEM_MOVE */
    struct store_read *read; /* the read side's: loading, cached, missing */
};
/* Made when there is none. */
struct store_keep *store_keep(struct chunk *chunk);
/* NULL when there is none. */
static inline struct store_keep *store_kept(const struct chunk *chunk)
{
    return chunk->keeper;
}
/* To be called after a field was emptied: frees one with nothing in it. */
void store_keep_tidy(struct chunk *chunk);

/* ---- The queue of the compactor ---- */

enum store_item_kind {
    ITEM_BYTES,  /* as the machine sealed them: chunk->memory */
    ITEM_FRAME,  /* a peer's row and frame */
    ITEM_GATHER, /* a merge, from its parts */
    ITEM_MOVE    /* from the pack it is in */
};

struct store_item;
/* @status: 0, it is on disk; QL_CORRUPT (only of ITEM_FRAME): not its bytes;
 * QL_CANCELED: nobody but the store refers to the chunk any more. */
typedef void (*store_item_cb)(struct store_item *item, int status);
struct store_item {
    struct list link;    /* the queue's */
    struct chunk *chunk; /* one reference */
    enum store_item_kind kind;
    uint64_t sequence;         /* of the queue; what a flush waits for */
    uint64_t since_ms;         /* when it came */
    uint8_t from[HASH128_LEN]; /* not of ITEM_MOVE */
    uint8_t row[PACK_ROW_LEN]; /* of ITEM_FRAME */
    struct buf frame;
    bool is_stuck;     /* of ITEM_GATHER: when last tried, a part was missing */
    unsigned tries;    /* that ended because the disk could not be read */
    uint64_t retry_ms; /* and when to try again */
    store_item_cb cb;  /* or NULL; the item is freed behind it */
    void *data;
};

/* Queues @chunk, which has no item yet, is in the table or is added to it. @from
 * is copied; it may be NULL for ITEM_MOVE. ITEM_BYTES: the memory stays with the
 * chunk until it is written. */
struct store_item *store_queue(struct chunk_store *store,
                               enum store_item_kind kind, struct chunk *chunk,
                               const uint8_t *from);
/* Takes @frame; @row is copied. */
struct store_item *store_queue_frame(struct chunk_store *store,
                                     struct chunk *chunk, const uint8_t *row,
                                     struct buf *frame, store_item_cb cb,
                                     void *data);
/* Begins a batch if there is reason to and none is under way. */
void store_queue_kick(struct chunk_store *store);

/* One pack is made of what stands in one of these: what is written at the same
 * time and for the same reason also goes at the same time. */
enum store_lane_kind {
    LANE_URGENT,  /* ITEM_BYTES, by sequence */
    LANE_FETCHED, /* ITEM_FRAME */
    LANE_MERGES,  /* ITEM_GATHER */
    LANE_MOVES,   /* ITEM_MOVE */
    LANE_KINDS
};
struct store_lane {
    struct list items;
    uint64_t bytes;  /* raw, also of the batch under way */
    size_t count;    /* likewise */
    uint64_t stuck;  /* raw bytes of those that wait for something missing */
    bool is_blocked; /* none can be written: until a chunk comes, or a tick */
};

struct store_queue {
    struct store_lane lanes[LANE_KINDS];
    struct list flushes;
    struct list known; /* items that turned out to be on disk already */
    uint64_t sequence;
    struct store_batch *batch; /* being written, or NULL */
    struct store_batch
        *next; /* of LANE_FETCHED, being built or built, or NULL */
    enum store_lane_kind turn; /* goes first, if it has enough */
    bool is_full;              /* the disk was: nothing until the next tick */
};
void store_queue_init(struct store_queue *queue);
/* At the end, after the chunks were detached. */
void store_queue_free(struct store_queue *queue);
/* What could not be written may be tried again. */
void store_queue_unblock(struct store_queue *queue);
void store_item_set_stuck(struct chunk_store *store, struct store_item *item,
                          bool is_stuck);
enum store_lane_kind store_item_lane(const struct store_item *item);
/* Ends @item, which is in no list: tells it, and frees it. */
void store_item_end(struct chunk_store *store, struct store_item *item,
                    int status);
/* Ends those items whose chunk nobody else refers to any more; @tells: also those
 * that somebody waits for. */
void store_queue_purge(struct chunk_store *store, bool tells);
/* @chunk was sealed again, and its copy is in a pack: sees to its memory later. */
void store_queue_known(struct chunk_store *store, struct chunk *chunk);
/* From store_later() and behind a batch: calls back what is due. */
void store_queue_later(struct chunk_store *store);

/* ---- Writing (chunk_writer.c) ---- */

/* Takes items out of @lane and begins to write them as one pack. False: none of
 * them can be written now. */
bool store_batch_begin(struct chunk_store *store, enum store_lane_kind lane);
/* What peers sent takes as long to prove as to write: a reader proves the next
 * pack of it while the compactor writes one. False: none can be built now. */
bool store_batch_build_next(struct chunk_store *store);
bool store_batch_is_built(const struct chunk_store *store);
/* Begins to write that one. */
bool store_batch_write_next(struct chunk_store *store);
/* Frees one whose work the disk has forgotten. */
void store_batch_free(struct store_batch *batch);
/* The first sequence number in it; UINT64_MAX unless it is of LANE_URGENT. */
uint64_t store_batch_sequence(const struct store_batch *batch);

/* ---- Removing (chunk_removal.c) ---- */

struct store_removal {
    struct disk_work work;
    struct pack *pack; /* being removed, or NULL */
    bool is_blocked;   /* no space, or no reading: until the next tick */
    bool is_unread;    /* the work's: it could not be looked at */
    bool is_quarantine;
    uint64_t number;
    struct err err;
};
/* Removes the next pack that has left, or sets it aside. */
void store_removal_kick(struct chunk_store *store);

/* ---- At open (chunk_scan.c) ---- */

/* Blocking. Fills packs and table, and makes orphans of all chunks. */
int store_scan(struct chunk_store *store, struct err *err);

/* ---- Pins ---- */

struct store_pins {
    struct list pins;
    uint64_t loaded;   /* index of the first pin; 0: none yet */
    uint64_t kept;     /* as unpin_before() said */
    bool is_releasing; /* orphans go, some at a time */
};
void store_pins_init(struct store_pins *pins);
void store_pins_free(struct store_pins *pins);
/* Drops what leases kept, and goes on releasing orphans. */
void store_pins_tick(struct chunk_store *store);
void store_pins_later(struct chunk_store *store);
/* A peer has asked for a chunk: leases last from now. */
void store_leases_touch(struct chunk_store *store);

struct chunk_store {
    struct chunk_store_options options; /* where: our copy */
    struct machine *machine;            /* attached, or NULL */
    struct chunk_table table;
    struct list packs;   /* struct pack, numbers rising */
    struct list leaving; /* without chunks in use, to be removed */
    uint64_t next_number;
    struct store_queue queue;
    struct store_pins pins;
    struct store_removal removal;
    struct store_reads *reads;
    bool has_sparse; /* a pack may be worth moving */
    unsigned moving; /* packs that are */
    uint64_t now_ms; /* of the last tick */
    unsigned works;  /* under way on either disk, whoever began them */
    bool is_stopped;
    char *fatal; /* why, until on_fatal has been called */
    bool was_fatal;
    bool is_later; /* the work of store_later() is under way */
    struct disk_work later;
    struct chunk_store_status counts; /* what is counted as it happens: packs,
                                         disk_bytes, written_*, quarantined and
                                         damaged; the rest is made up */
};

/* Stops for ever; on_fatal hears @reason, at the end of the callback of the loop
 * that this is in, or with the next tick. */
void store_fatal(struct chunk_store *store, const char *reason);
/* Has store_on_later() called from the loop, soon, once for any number of calls:
 * for what must not happen inside a call. */
void store_later(struct chunk_store *store);
/* disk->ops->work(), counted in store->works: its callback begins with
 * store_work_ended(), and ends with store_tell_fatal(). Out of memory ends the process, other failures are fatal
 * and then the callback never comes; false then, and when stopped. */
bool store_work(struct chunk_store *store, struct disk *disk,
                struct disk_work *work);
void store_work_ended(struct chunk_store *store);
void store_tell_fatal(struct chunk_store *store);

/* ---- What the read side has for the rest (its own files) ---- */

struct store_reads *store_reads_new(struct chunk_store *store);
void store_reads_free(struct store_reads *reads);
void store_reads_tick(struct chunk_store *store);
/* From store_later(): calls back what is due. */
void store_reads_later(struct chunk_store *store);
/* @chunk is on disk now. Its memory may go or be the cache's; loads that waited
 * for it go on; it is not missing any more. */
void store_reads_on_home(struct chunk_store *store, struct chunk *chunk);
/* The last reference to @chunk, which has a home, went. */
void store_reads_on_unused(struct chunk_store *store, struct chunk *chunk);
/* Fills in what the read side counts: missing, cache_*, scrub_*. */
void store_reads_status(const struct chunk_store *store,
                        struct chunk_store_status *ret);
/* A copy of @chunk in @pack was found bad. If it still lies there it is missing
 * from now on; what else is in @pack is moved, and the file set aside then.
 * @reason is for people. */
void store_damaged(struct chunk_store *store, struct chunk *chunk,
                   struct pack *pack, const char *reason);
/* As store_damaged() when the disk refused to read it STORE_READ_TRIES times: when
 * nobody else has the chunk, that copy is tried again. */
void store_refused(struct chunk_store *store, struct chunk *chunk,
                   struct pack *pack, const char *reason);
/* @chunk is nowhere on this node: puts it into the table, keeps a reference as
 * long as somebody else has one, and tells on_missing later. Fine to repeat. */
void store_missing_add(struct chunk_store *store, struct chunk *chunk);
