/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A batch of the operator's, and the leader's job that fills a draft. */
#pragma once

#include "sim/sim_recovery.h"

struct feed {
    raft_id node; /* whose leadership it is; 0: nobody's */
    raft_term term;
    bool synced; /* the cursor is that of the machine and what is under way */
    unsigned under_way;
    uint64_t draft;
    const struct sim_job *job;
    uint64_t seq;
    unsigned log;
    unsigned chunk;
    bool begun; /* the log */
    bool ended; /* all is said */
};

struct operation {
    struct raft_apply apply;
    struct sim_node *node;
    raft_term term;
    uint64_t value;
    uint64_t hash;
    bool feeds;
    unsigned count;
    struct command commands[SIM_BATCH_MAX];
};

/* There must be room: SIM_BATCH_MAX. */
void sim_operation_add(struct operation *operation, enum command_kind kind,
                       struct sim_bytes params);
/* Closes @buf. */
struct sim_bytes sim_take_buf(struct sim *sim, struct buf *buf);
/* As many records as the batch and those under way leave room for. False: there is
 * nothing to be filled. */
bool sim_feed(struct sim_node *node, struct feed *feed,
              struct operation *operation);
