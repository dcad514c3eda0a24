/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The way of commands into the raft log and of their outcomes back.
 *
 * Two sides. From the loop: add, send and deliver; only send speaks to the core.
 * From inside the core (where raft_* is forbidden): on_outcome and the core's
 * request callbacks; they tell submits whose entry was applied, and put
 * everything else aside for deliver.
 */
#pragma once

#include <raft.h>

#include "consensus/batcher.h"
#include "consensus/fsm.h"
#include "consensus/guard.h"
#include "consensus/stages.h"

struct proposer {
    struct raft *core;
    struct guard *guard;
    const struct fsm *fsm;
    struct stages *stages;
    struct batcher batcher;
    struct list sent; /* proposals under way, by rising index */
    size_t sent_count;
    struct list done; /* applied or lost, to be delivered and freed */
    uint64_t
        paced_until_ms; /* nothing is proposed before, if appends are refused */
};

void proposer_init(struct proposer *proposer, struct raft *core,
                   struct guard *guard, const struct fsm *fsm,
                   struct stages *stages);
/* Errors as batcher_add(). QL_BUSY, too, for more appends than SPACE_PACE_BYTES
 * while they are refused: what would bring room must not wait for long. */
int proposer_submit(struct proposer *proposer, struct node_submit *submit,
                    enum command_kind kind, struct bytes params,
                    node_submit_cb cb);
/* True when nothing waits, is under way or is undelivered. */
bool proposer_is_empty(const struct proposer *proposer);

/* Proposes what waits, within BATCHES_IN_FLIGHT and, while appends are refused, no
 * more than SPACE_PACE_BYTES in a second, unless a snapshot must be stored first
 * (fsm_is_overrun()). To be called at least every HEARTBEAT_MS. Outside the core
 * only, while this node leads and is ready. */
void proposer_send(struct proposer *proposer);
/* Answers what was lost with QL_OUTCOME_UNKNOWN. Outside the core. */
void proposer_deliver(struct proposer *proposer);
/* Answers what was never sent. Outside the core. */
void proposer_refuse_waiting(struct proposer *proposer, int status);

/* Raft entry @index was committed and is about to be applied. Inside the core. */
void proposer_on_committed(struct proposer *proposer, uint64_t index);
/* One command of raft entry @index was applied. Inside the core. */
void proposer_on_outcome(struct proposer *proposer, uint64_t index,
                         const struct outcome *outcome);
