/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The peers that chunks are fetched from: how much is asked of each, which one
 * to ask next, and how fast altogether. Pure: time and what is connected are
 * told.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/limits.h"
#include "util/list.h"

/* A set of peers, by index. */
typedef uint32_t fetch_mask;
_Static_assert(GUARD_PEERS_MAX <= 32, "a bit for each peer");

struct fetch_peer {
    uint64_t node;
    bool connected;
    struct list asked; /* requests without an answer, in order */
    size_t count;      /* of them */
    uint64_t bytes;    /* raw, of their chunks */
    uint64_t heard_ms; /* the last answer, or request when none was out */
    uint64_t pause_ms; /* nothing is asked before: it was busy */
    bool damage_said;
};

struct fetch_peers {
    struct fetch_peer peers[GUARD_PEERS_MAX];
    size_t count;
    uint64_t leader; /* asked last: it has enough to do; 0: not known */
    size_t turn;     /* who is looked at first */
    uint64_t rate;   /* bytes a second; 0: no limit */
    /* Thousandths of bytes that may be asked for; below 0: too many were. */
    int64_t tokens;
    uint64_t now_ms;
};

/* @nodes: @count other members, at most GUARD_PEERS_MAX. */
void fetch_peers_init(struct fetch_peers *peers, const uint64_t *nodes,
                      size_t count, uint64_t rate);
/* Time passes. */
void fetch_peers_tick(struct fetch_peers *peers, uint64_t now_ms);
/* NULL: not one of them. */
struct fetch_peer *fetch_peers_of(struct fetch_peers *peers, uint64_t node);
static inline fetch_mask fetch_peers_bit(const struct fetch_peers *peers,
                                         const struct fetch_peer *peer)
{
    return (fetch_mask)1 << (peer - peers->peers);
}
/* All of them. */
fetch_mask fetch_peers_all(const struct fetch_peers *peers);
bool fetch_peers_connected(const struct fetch_peers *peers); /* any */
/* Somebody can be asked for something now. */
bool fetch_peers_have_room(const struct fetch_peers *peers);

enum fetch_choice {
    FETCH_ASK,   /* *ret_peer */
    FETCH_WAIT,  /* who is left has enough to do */
    FETCH_NOBODY /* everyone that is connected was asked */
};
/* Whom to ask for a chunk of @len raw bytes, but none of @tried: who has least to
 * do, and the leader only when nobody else is left. */
enum fetch_choice fetch_peers_choose(struct fetch_peers *peers,
                                     fetch_mask tried, uint32_t len,
                                     struct fetch_peer **ret_peer);
/* @len raw bytes are asked of @peer; the caller puts the request into its
 * list. */
void fetch_peer_asked(struct fetch_peers *peers, struct fetch_peer *peer,
                      uint32_t len);
/* And are no more: @got bytes came for them, 0 when none did. */
void fetch_peer_ended(struct fetch_peers *peers, struct fetch_peer *peer,
                      uint32_t len, size_t got);
/* It has answered nothing for so long that it never will. */
bool fetch_peer_is_silent(const struct fetch_peers *peers,
                          const struct fetch_peer *peer);
