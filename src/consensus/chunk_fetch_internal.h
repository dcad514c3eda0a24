/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the files of chunk_fetch.h share:
 *
 *     chunk_fetch.c   asking, answers
 *     fetch_wants.c   what is wanted, and in which order
 *     fetch_peers.c   whom to ask, and how fast
 */
#pragma once

#include "consensus/chunk_fetch.h"
#include "consensus/fetch_peers.h"

struct map;

enum want_state {
    WANT_WAITS,  /* in hurried or plain */
    WANT_RESTS,  /* in resting, until due_ms */
    WANT_ASKED,  /* in its peer's list */
    WANT_STORED, /* in stored, the store's until its callback */
};

/* One chunk. */
struct want {
    struct list link;
    enum want_state state;
    struct chunk *chunk; /* one reference */
    struct chunk_fetch *fetch;
    bool hurried;
    bool told;         /* the store has said that it is missing */
    unsigned install;  /* the mark */
    unsigned rounds;   /* that ended without it */
    fetch_mask absent; /* who does not have it, in this round */
    fetch_mask failed; /* who did not give it, in this round */
    uint64_t since_ms; /* it has been sought, or waiters were last told */
    uint64_t due_ms;
    uint64_t id;             /* of the request */
    struct fetch_peer *peer; /* asked last */
    struct chunk_supply supply;
    size_t frame_len;
};

struct chunk_fetch {
    struct chunk_fetch_options options;
    struct fetch_peers peers;
    struct map *wants; /* by the address of the chunk */
    struct list hurried;
    struct list plain;
    struct list resting; /* due_ms rises */
    struct list stored;
    uint64_t bytes;   /* raw, of all that is asked for or being stored */
    unsigned install; /* the mark of now */
    size_t install_left;
    uint64_t next_id;
    uint64_t said_ms; /* 0: never */
    struct chunk_fetch_counts counts;
};

/* ---- fetch_wants.c ---- */
void fetch_wants_init(struct chunk_fetch *fetch);
/* Drops them all. */
void fetch_wants_close(struct chunk_fetch *fetch);
/* It waits for its turn behind the others, or before them when it was begun
 * already. */
void want_wait(struct want *want);
void want_wait_first(struct want *want);
void want_rest(struct want *want, uint64_t delay_ms);
/* Those that have rested wait again. */
void fetch_wants_wake(struct chunk_fetch *fetch);
/* It came. Frees it. */
void want_done(struct want *want);
/* Nobody needs it any more; the store is told. Frees it. */
void want_drop(struct want *want);

/* ---- chunk_fetch.c ---- */
void chunk_fetch_look_at_clock(struct chunk_fetch *fetch);
/* It is in no list then, and nobody is asked for it. */
void want_unask(struct want *want, size_t got);
