/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Fetching chunks from three peers, with a link and a store that only note what
 * they are asked for. */
#pragma once

#include "consensus/chunk_fetch.h"

#define FETCH_RIG_NODES 3u /* 2, 3 and 4; this one is 1 */
#define FETCH_RIG_CHUNKS 200u
#define FETCH_RIG_SENT_MAX 4096u
#define FETCH_RIG_FRAME "the frame"

struct fetch_rig_sent {
    uint64_t node;
    struct link_chunk_request request;
};

struct fetch_rig {
    struct chunk_fetch *fetch;
    struct chunk *chunks[FETCH_RIG_CHUNKS];
    struct fetch_rig_sent sent[FETCH_RIG_SENT_MAX];
    size_t sent_count;
    size_t sent_seen; /* by fetch_rig_next_sent() */
    bool is_away[FETCH_RIG_NODES + 2];
    bool is_unneeded;
    bool cannot_send;
    bool is_store_full;
    struct chunk_supply *supplies[FETCH_RIG_CHUNKS];
    struct chunk *supplied[FETCH_RIG_CHUNKS];
    size_t supplies_count;
    size_t canceled;
    size_t given_up;
    struct chunk *last_given_up;
    uint64_t leader;
    uint64_t now_ms;
};

/* Chunks of @chunk_len raw bytes; @rate: bytes a second, or 0. */
struct fetch_rig *fetch_rig_new(uint32_t chunk_len, uint64_t rate);
/* There is no other member. */
struct fetch_rig *fetch_rig_new_alone(uint32_t chunk_len);
void fetch_rig_free(struct fetch_rig *rig);
/* Time passes, and a step is made. */
void fetch_rig_step(struct fetch_rig *rig, uint64_t passed_ms);
/* The oldest request that was not looked at yet; there must be one. */
const struct fetch_rig_sent *fetch_rig_next_sent(struct fetch_rig *rig);
void fetch_rig_assert_nothing_sent(const struct fetch_rig *rig);
/* Its peer gives the chunk called @name. */
void fetch_rig_answer_named(struct fetch_rig *rig,
                            const struct fetch_rig_sent *sent,
                            const struct chunk_name *name);
/* Its peer gives the chunk. */
void fetch_rig_answer(struct fetch_rig *rig, const struct fetch_rig_sent *sent);
void fetch_rig_refuse(struct fetch_rig *rig, const struct fetch_rig_sent *sent,
                      enum link_chunk_status status);
/* The store has proved and written the last one, or says why not. */
void fetch_rig_store(struct fetch_rig *rig, int status);
/* How many chunks are wanted now. */
size_t fetch_rig_wanted(const struct fetch_rig *rig);
