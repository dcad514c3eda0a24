/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Linearizable reads without a write to any disk: Ongaro's Raft dissertation,
 * section 6.4 ("Processing read-only queries more efficiently").
 *
 * A leader that has applied an entry of its own term notes its commit index when
 * a read arrives, asks the voters in a round that begins after that, and answers
 * the read when a majority has said yes and the noted index is applied. A node
 * says yes only while it follows the asker in the very term of the question. All
 * reads that wait share a round; frames are drawn in docs/formats.md, "Read
 * index".
 *
 * Why that is enough. Let leader L of term T answer a read that arrived at
 * moment a. Whatever was acknowledged before a is, by the term that acknowledged
 * it:
 * - T: at or below L's commit index at a, which was noted;
 * - older: below L's entry of term T, which is committed, so it was noted too
 *   (leader completeness; a leader without such an entry does not know what is
 *   committed, hence the first condition);
 * - newer: there is no such thing. Its leader would have been elected before a
 *   by a majority that shares a server V with the majority that said yes. V said
 *   yes after a, since the round was begun after a, and V was in term T then. A
 *   server that votes in a newer term has that term from then on, on its disk
 *   before the vote leaves (set_term and set_vote are synchronous) and across
 *   restarts: it is no follower of L in T any more and is silent. One that may
 *   have lost what its disk said of votes is silent too (in doubt). L itself
 *   counts as a yes of the moment in which the read is answered, when it still
 *   leads T.
 * This needs no clock. It holds during a transfer of leadership as well: who was
 * told to take over (TimeoutNow) may win an election at once, but all it
 * acknowledges comes after the votes of that election, so after the yes of V and
 * after a. No round is begun during one all the same: it would only fail.
 *
 * Majorities are those of the latest configuration of L, committed or not, at
 * the moment of counting. The first leader of a newer term has each
 * configuration that L's term committed, so it was elected by that same
 * configuration or by its neighbour, and majorities of neighbours share a server
 * (dissertation 4.1; changes wait for an entry of the own term, guard rule J).
 * A leader that is no voter does not count itself; a sole voter that leads is a
 * majority alone.
 *
 * Pure: facts and time come in with the calls, frames leave by a callback. Steps
 * and frames: not from inside the core. Callbacks of reads may add reads.
 */
#pragma once

#include "consensus/link.h"
#include "consensus/read_facts.h"

#define READ_INDEX_FRAME_LEN 24u

/* @bytes is valid during the call. Frames may be lost. */
typedef void (*read_index_send)(void *data, uint64_t to, enum link_frame type,
                                const uint8_t bytes[READ_INDEX_FRAME_LEN]);

struct read_index_options {
    uint64_t nonce;        /* random; tells this process from its former runs */
    uint64_t heartbeat_ms; /* between rounds of which nothing is heard */
    read_index_send send;
    void *data;
};

struct read_index {
    struct read_index_options options;
    struct list waiting; /* reads of this term, as they came */
    struct list lost;    /* reads of an older one, to be told */
    size_t count;        /* in both */
    uint64_t term;       /* which this node leads, 0: none */
    uint64_t begun;      /* last round asked for; counts through all terms */
    uint64_t begun_ms;
    uint64_t confirmed; /* last round to which a majority has said yes */
    /* A yes to a round is one to all before it: they were begun before it. */
    struct read_index_yes {
        uint64_t node; /* 0: unused */
        uint64_t round;
    } yes[GUARD_PEERS_MAX];
};

void read_index_init(struct read_index *reads,
                     const struct read_index_options *options);
/* QL_NOT_LEADER; QL_NO_LEADER: leads, but is not ready; QL_BUSY above
 * READS_WAITING_MAX. */
int read_index_add(struct read_index *reads, const struct read_facts *facts,
                   struct node_read *read, node_read_cb cb);
bool read_index_is_empty(const struct read_index *reads);

/* At the end of a turn in which anything happened, and at every heartbeat while
 * not empty: begins a round if one is due, tells reads that are good, and tells
 * those of a leadership that is over @lost. */
void read_index_step(struct read_index *reads, const struct read_facts *facts,
                     uint64_t now_ms, int lost);
/* Tells all that wait. */
void read_index_refuse(struct read_index *reads, int status);

/* A LINK_READ_INDEX or LINK_READ_INDEX_OK came from the proven peer @from; a step
 * is due after it. QL_PROTOCOL: it makes no sense. */
int read_index_on_frame(struct read_index *reads,
                        const struct read_facts *facts, uint64_t from,
                        enum link_frame type, const uint8_t *bytes, size_t len);
