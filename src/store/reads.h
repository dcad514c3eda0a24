/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the files of the store's read side share:
 *
 *   reads.c         what is known of one chunk, and answering
 *   chunk_load.c    loads
 *   chunk_cache.c   loaded bytes that stay for a while
 *   missing.c       chunks that are nowhere on this node
 *   damage.c        copies that are no good
 *   refused.c       copies that the disk does not give
 *   chunk_supply.c  copies from peers
 *   chunk_serve.c   copies for peers; serve_cut.c: out of other chunks
 *   scrub.c         reading everything again
 *   quarantine.c    how much is kept of what was set aside
 *
 * All on the loop thread, but for functions that say otherwise.
 */
#pragma once

#include "store/chunk_gather.h"
#include "store/chunk_store_internal.h"

/* What the read side has in hand about one chunk. There is one only while there
 * is something to know. */
struct store_read {
    struct chunk *chunk;    /* what has a home or is missing is kept by that */
    struct list loads;      /* struct chunk_load, not answered */
    struct read_work *work; /* reads it, or NULL */
    struct list wait;       /* reads->queued, ->blocked, ->delayed, or alone */
    struct chunk *absent;   /* while blocked: what is missing, it or a part */
    unsigned held;          /* answered loads that keep its bytes in memory */
    bool is_cached;         /* its bytes count */
    struct list cached;     /* reads->cached, or alone while held */
    struct list missing;    /* one of the lists of missing chunks, or alone */
    bool is_missing;        /* then with a reference */
    bool is_given_up;
    bool is_told;       /* as missing, and not given up since */
    bool is_doubted;    /* to be read, though no load waits for it */
    unsigned tries;     /* reads that the disk refused, one behind the other */
    uint64_t retry_ms;  /* while delayed */
    struct pack *last;  /* while missing: a copy that was refused; used */
    uint32_t last_slot; /* in it */
};

/* A work of the read side. */
struct read_work {
    struct disk_work work;
    struct list link; /* reads->works */
    struct chunk_store *store;
    void (*free)(struct read_work *work);
};

struct store_scrub {
    struct read_work *work; /* under way, or NULL */
    uint64_t next;          /* number of the pack to go on with */
    int64_t budget;         /* bytes that may be read now; less: owed */
    uint64_t ticked_ms;     /* 0: never */
    unsigned tries;         /* that the disk refused, of one pack */
    uint64_t retry_ms;      /* not before */
    uint64_t began_ms;      /* the last round */
    bool has_begun;         /* there was one */
    bool is_round;          /* one is under way */
    uint64_t rounds;
    uint64_t bytes;
    uint64_t ended_ms;
};

struct store_quarantine {
    struct read_work *work;    /* under way, or NULL */
    uint64_t seen;             /* counts.quarantined when all was looked at */
    char after[DISK_NAME_MAX]; /* files up to this one were, this time */
};

struct store_reads {
    struct chunk_store *store;
    struct list works;   /* all of them */
    struct list queued;  /* struct store_read: to be loaded in this order */
    struct list blocked; /* struct store_read: wait for something missing */
    struct list delayed; /* struct store_read: the disk refused; by retry_ms */
    unsigned loads;      /* works that load */
    struct list answers; /* struct chunk_load, to be called back */
    struct list cached;  /* struct store_read, least recently used first */
    uint64_t cache_bytes;
    uint64_t hits;
    uint64_t misses;
    struct list to_tell; /* struct store_read, missing */
    struct list told;
    struct list given_up;
    size_t missing; /* in all three */
    uint64_t retold_ms;
    unsigned serves;
    uint64_t supply_bytes;
    struct list supplies; /* struct supply_work, all of them */
    struct list supplied; /* and those to be called back */
    struct store_scrub scrub;
    struct store_quarantine quarantine;
};

/* ---- reads.c ---- */
/* Made when there is none. @chunk is in the table, or will be at once. */
struct store_read *store_read(struct chunk *chunk);
/* NULL when there is none. */
struct store_read *store_read_of(const struct chunk *chunk);
/* Frees it when there is nothing to know any more. */
void store_read_tidy(struct chunk *chunk);
/* Begins a work; takes @work, and frees it when it cannot. */
bool read_work_begin(struct chunk_store *store, struct disk *disk,
                     struct read_work *work, disk_work_fn run, disk_work_cb cb);
/* The first call in its callback. @work is to be freed by work->free(). */
void read_work_ended(struct read_work *work);
/* Where the chain before @chunk stands; false when that is not known without
 * reading. */
bool store_chain_before(const struct chunk_store *store,
                        const struct chunk *chunk, uint8_t ret[HASH128_LEN]);

/* ---- chunk_load.c ---- */
/* Begins what waits, as far as works are free. */
void loads_kick(struct chunk_store *store);
/* What waited for @chunk is tried again. */
void loads_unblock(struct chunk_store *store, const struct chunk *chunk);
/* Loads that wait for @chunk end with @status. */
void loads_fail(struct chunk_store *store, const struct chunk *chunk,
                int status);
/* Calls back what is due. */
void loads_answer(struct chunk_store *store);

/* ---- refused.c ---- */
/* Does a read that failed so say nothing about the bytes? */
bool read_is_refused(int status);
/* @read, whose work has just been refused, is put off. False: it has been tried
 * often enough. */
bool refused_delay(struct chunk_store *store, struct store_read *read);
/* The disk did not give @chunk's own copy to somebody who will not try again: it
 * is loaded to see what that means. */
void refused_doubt(struct chunk_store *store, struct chunk *chunk);
/* What @read's chunk, which is missing, had at @slot of @pack may still be all
 * that there is. @pack is used and stays. */
void refused_remember(struct store_read *read, struct pack *pack,
                      uint32_t slot);
void refused_forget(struct store_read *read);
/* @chunk is missing and was given up, but has a copy that was refused: it is at
 * home there again, not missing any more, and written elsewhere if that can be
 * read now. False: there is none. */
bool refused_return(struct chunk_store *store, struct chunk *chunk);
void refused_tick(struct chunk_store *store);

/* ---- chunk_cache.c ---- */
/* @read's chunk has a home and bytes in memory, which count from now on. */
void cache_add(struct chunk_store *store, struct store_read *read);
/* They do not any more; they stay in memory. */
void cache_remove(struct chunk_store *store, struct store_read *read);
void cache_hold(struct chunk_store *store, struct store_read *read);
void cache_release(struct chunk_store *store, struct store_read *read);
/* Drops bytes that nobody holds until the rest fits. */
void cache_shrink(struct chunk_store *store);

/* ---- missing.c ---- */
void missing_tell(struct chunk_store *store);
void missing_tick(struct chunk_store *store);
/* Somebody has begun to wait for @chunk, which is missing: told once more. */
void missing_hurry(struct chunk_store *store, struct chunk *chunk);
/* @chunk is here again, or nobody wants it. May drop the last reference. */
void missing_remove(struct chunk_store *store, struct chunk *chunk);

/* ---- The others ---- */
/* As store_damaged() for all chunks of @pack with @bad[slot]. Without any such the
 * rest is moved, too, and the file set aside. */
void store_pack_damaged(struct chunk_store *store, struct pack *pack,
                        const bool *bad, const char *reason);
void supplies_answer(struct chunk_store *store);
void supplies_free(struct store_reads *reads);
void scrub_tick(struct chunk_store *store);
void quarantine_tick(struct chunk_store *store);
