/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Ends a leader's term, whatever the others do. Handing over (handover.h) is the
 * kind way: the next leader has everything and serves at once. It cannot work
 * with one voter, or when nobody answers, and the core gives it up in silence; so
 * when it has not worked within an election timeout the core is told of a higher
 * term, as if a peer had one, and steps down (Raft paper, section 5.1: a leader
 * that learns of a higher term reverts to follower). Who leads next is then the
 * business of an election.
 */
#pragma once

#include "consensus/handover.h"

struct step_down {
    struct raft *core;
    struct guard *guard;
    const struct peer_watch *watch;
    struct handover *handover;
    bool active;
    bool asked;    /* a voter, to take over */
    uint64_t term; /* which is to end */
    uint64_t deadline_ms;
};

/* QL_NOT_LEADER; QL_BUSY: one is under way. */
int step_down_begin(struct step_down *down, uint64_t now_ms);
static inline bool step_down_is_active(const struct step_down *down)
{
    return down->active;
}
/* Goes on as far as it can; outside the core, and as often as handover_step(),
 * which the owner calls for what this begins. @drained as there. True: this
 * server's term has ended, once for each begin. */
bool step_down_step(struct step_down *down, bool drained, uint64_t now_ms);
/* Forgets it; the node is closing. */
void step_down_cancel(struct step_down *down);
