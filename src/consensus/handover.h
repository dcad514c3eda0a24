/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Hands leadership to another voter: waits until what was accepted is answered,
 * lets the core transfer, tries once more when it gives up.
 */
#pragma once

#include "consensus/guard.h"
#include "consensus/peer_watch.h"

/* handover_step() when it is not over yet. */
#define HANDOVER_GOES_ON (-1)

enum handover_phase { HANDOVER_NONE, HANDOVER_DRAINING, HANDOVER_SENT };

struct handover {
    struct raft *core;
    struct guard *guard;
    const struct peer_watch *watch;
    enum handover_phase phase;
    uint64_t term; /* which is to end */
    uint64_t to;   /* 0: the best voter when the time comes */
    uint64_t deadline_ms;
    unsigned attempts;
    bool given_up; /* the core has, or has succeeded */
    /* Not on a stack and never freed: the core uses it after its callback. */
    struct raft_transfer request;
};

/* As handover_begin(), if that can be: QL_NOT_LEADER, QL_BUSY (one is under way),
 * QL_NOT_FOUND (there is no other voter), QL_INVALID (@to is none). */
int handover_ask(struct handover *handover, uint64_t to, uint64_t now_ms);
void handover_begin(struct handover *handover, uint64_t to, uint64_t now_ms);
bool handover_is_active(const struct handover *handover);
/* Also while the core holds a transfer that was given up here. */
bool handover_is_busy(const struct handover *handover);
/* Goes on as far as it can; outside the core. @drained: nothing accepted is
 * unanswered. 0: a new term has begun, and unless time is up its leader is
 * known; QL_TIMEOUT. */
int handover_step(struct handover *handover, bool drained, uint64_t now_ms);
/* Forgets it; the node is closing. */
void handover_cancel(struct handover *handover);
