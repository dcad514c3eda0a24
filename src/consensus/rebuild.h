/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The state of another node: asking one of the majority for its newest snapshot,
 * which takes the place of our own at the next start, and giving ours to who asks
 * (docs/consensus.md, "Integrity"). The bytes of chunks that it names are fetched
 * later, as for any snapshot. Loop thread; outside the core.
 *
 * LINK_STATE_REQUEST: a version, zeros, and the least raft index that is of use,
 * since the raft log of who asks begins behind it. Nobody answers with less; who
 * has nothing newer takes a snapshot instead, and is asked again. LINK_STATE: the
 * snapshot as in a LINK_SNAPSHOT.
 */
#pragma once

#include "consensus/core.h"
#include "consensus/raft_disk_stage.h"

struct rebuild_giving;

struct rebuild {
    struct core *core;
    uint64_t self;
    /* Taking. */
    bool active;
    uint64_t peers[MEMBERS_MAX]; /* of the majority */
    size_t peers_count;
    size_t next;       /* of them to be asked */
    uint64_t asked_ms; /* the last one was; 0: none */
    uint64_t begun_ms;
    bool staging;
    struct raft_message message; /* the snapshot, while staging */
    struct raft_disk_stage stage;
    /* It is staged: the process is to start again. @index: of the snapshot. */
    void (*on_staged)(void *data, uint64_t index);
    /* It has taken too long, or cannot be stored. */
    void (*on_failed)(void *data);
    void *data;
    struct rebuild_giving *giving; /* one at a time; NULL: none */
};

void rebuild_init(struct rebuild *rebuild, struct core *core, uint64_t self);
/* Begins, unless it goes on already. Own snapshots are not taken meanwhile. */
void rebuild_begin(struct rebuild *rebuild, const uint64_t *peers, size_t count,
                   uint64_t now_ms);
/* Ends what can be ended at once. */
void rebuild_end(struct rebuild *rebuild);
/* Each second or so. */
void rebuild_tick(struct rebuild *rebuild, uint64_t now_ms);
/* LINK_STATE_REQUEST (@gives: this node's state is good) and LINK_STATE.
 * QL_PROTOCOL: it makes no sense. */
int rebuild_on_frame(struct rebuild *rebuild, uint64_t from,
                     enum link_frame type, const uint8_t *bytes, size_t len,
                     bool gives);
