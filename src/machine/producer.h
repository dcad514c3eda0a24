/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Producers make appends exactly-once: each numbers its appends from 1 without
 * gaps, and the table keeps what the last of them came to: PRODUCER_WINDOW, or
 * PRODUCER_WINDOW_WIDE for some. Whoever opens one gets a wide one while there are
 * any: how much a client will have in flight nobody knows then.
 */
#pragma once

#include <stdbool.h>

#include "machine/machine.h"
#include "machine/tally.h"
#include "util/list.h"

/* What an append came to, kept small. */
struct producer_result {
    int code;
    uint64_t position; /* struct outcome */
    uint64_t log_uid;
    uint64_t time_ms;            /* of the entries; 0 when refused */
    uint32_t count;              /* places; 0 when refused */
    struct append_place place;   /* the only one, or */
    struct append_place *places; /* owned, when there are several */
};

struct producer {
    uint64_t id;
    uint64_t last;        /* the last sequence that was used up */
    uint64_t used_at_ms;  /* the machine's clock when it was last used */
    uint64_t use;         /* rises with every use of any producer */
    struct list use_link; /* in producers.by_use */
    /* A ring: the result of sequence n is at n % room, for those of the last
     * `room` sequences. It grows to the window, a power of two. */
    struct producer_result *results;
    uint32_t room;
    uint32_t window; /* so many results are kept */
    bool is_counted;
    uint8_t counted[HASH128_LEN]; /* what it is in producers.digests */
    struct list changed_link;     /* in producers.changed: that is not right */
};

struct producers {
    struct producer **by_id; /* in order of ids */
    size_t count;
    size_t room;
    size_t wide;         /* how many have a wide window */
    uint64_t mark;       /* the last id given */
    uint64_t void_mark;  /* up to this id: gone with what a recovery replaced */
    uint64_t use_last;   /* the last value of producer.use */
    struct list by_use;  /* the least recently used first */
    struct list changed; /* those that `digests` has otherwise, or not */
    struct tally digests; /* over all others */
};

void producers_init(struct producers *producers);
void producers_close(struct producers *producers);

/* Gives a new id: above all others, and at least @index, that of the raft entry.
 * When PRODUCERS_MAX are open the least recently used one goes. Unless @age_counts
 * nobody is idle: the clock is in doubt. */
struct producer *producers_open(struct producers *producers, uint64_t index,
                                uint64_t time_ms, bool age_counts);
/* There are PRODUCERS_WIDE_MAX of them at most. */
void producers_widen(struct producers *producers, struct producer *producer);
bool producer_is_wide(const struct producer *producer);
/* Takes a producer with an id above all present ones, in the order of ids; the
 * order of use is the caller's to restore. */
struct producer *producers_add(struct producers *producers, uint64_t id);
void producers_remove(struct producers *producers, struct producer *producer);
/* All are gone, and no id up to @index is ever given. */
void producers_void(struct producers *producers, uint64_t index);
/* QL_NOT_FOUND when the id was never given, QL_PRODUCER_EXPIRED when it is gone,
 * QL_RESTORED when a recovery ended it. */
int producers_find(const struct producers *producers, uint64_t id,
                   struct producer **ret_producer);
void producers_use(struct producers *producers, struct producer *producer,
                   uint64_t time_ms);
/* The least recently used one when it was idle for PRODUCER_TTL_MS, or NULL. */
struct producer *producers_idle(const struct producers *producers,
                                uint64_t time_ms);

/* How many of the last results it has. */
uint32_t producer_window(const struct producer *producer);
/* The result of @sequence, or NULL when it is not kept (any more, or yet). */
const struct producer_result *producer_result(const struct producer *producer,
                                              uint64_t sequence);
/* Uses up the next sequence, keeping what the outcome says. */
void producer_keep(struct producer *producer, const struct outcome *outcome);
/* For a producer fresh from producers_add(): what it had used up, and then the
 * results it keeps, one by one; takes result->places. */
void producer_set_last(struct producer *producer, uint64_t last);
void producer_set_result(struct producer *producer, uint64_t sequence,
                         const struct producer_result *result);
/* Fills code, position, log_uid and append of @ret. */
void producer_result_fill(const struct producer_result *result,
                          struct outcome *ret);
