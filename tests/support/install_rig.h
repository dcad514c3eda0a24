/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A node that is sent snapshots: over two real chunk stores on fake disks, with a
 * link that is a list of requests. */
#pragma once

#include "consensus/install.h"
#include "support/chunk_rig.h"

#define INSTALL_RIG_REQUESTS_MAX 256u
#define INSTALL_RIG_TERM 5u
#define INSTALL_RIG_LEADER 2u

struct install_rig {
    struct chunk_rig own;
    struct chunk_rig peer; /* of the leader */
    struct chunk_fetch *fetch;
    struct install *install;
    struct link_chunk_request requests[INSTALL_RIG_REQUESTS_MAX];
    size_t requests_count;
    size_t requests_done;
    size_t told; /* of own.absent */
    bool is_alone;
    uint64_t now_ms;
    uint64_t applied;
    bool is_installing; /* the core */
    unsigned passed;    /* messages that went on */
    raft_index passed_index;
    raft_term passed_term;
    char passed_address[64];
    struct machine *prepared;
    uint64_t prepared_index;
};

void install_rig_free_message(struct raft_message *message);
/* The peer has @chunks chunks, of which this node has the first @own. */
struct install_rig *install_rig_new(size_t chunks, size_t own);
void install_rig_free(struct install_rig *rig);
/* The peer's state as it is, as a snapshot at @index. */
struct raft_message install_rig_make_message(struct install_rig *rig,
                                             raft_index index, raft_term term);
/* Shows such a message to the install. False: it went on at once. */
bool install_rig_take_at(struct install_rig *rig, raft_index index,
                         raft_term term);
/* A heartbeat of @term comes. */
void install_rig_hear(struct install_rig *rig, raft_term term);
/* All that is under way on this node's disk ends. */
void install_rig_settle(struct install_rig *rig);
/* The peer answers the oldest request; false when there is none. */
bool install_rig_answer_one(struct install_rig *rig, bool damage);
void install_rig_answer_all(struct install_rig *rig);
struct install_progress install_rig_progress(const struct install_rig *rig);
/* The state that is prepared is the peer's, and all its chunks are here. */
void install_rig_assert_prepared(struct install_rig *rig);
