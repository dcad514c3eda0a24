/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A node that was started frozen: as soon as it leads, and before it serves a
 * write, it proposes that the logs be frozen. Once in the life of a process: who
 * thaws them then has meant it.
 */
#pragma once

#include "consensus/proposer.h"

struct start_frozen {
    struct raft *core;
    struct guard *guard;
    struct proposer *proposer;
    struct node_submit submit;
    bool wanted;
    bool under_way;
};

void start_frozen_init(struct start_frozen *start, struct raft *core,
                       struct guard *guard, struct proposer *proposer,
                       bool wanted);
/* This node may not serve yet. */
static inline bool start_frozen_is_due(const struct start_frozen *start)
{
    return start->wanted;
}
/* In each turn, outside the core, before what waits is sent. */
void start_frozen_step(struct start_frozen *start);
