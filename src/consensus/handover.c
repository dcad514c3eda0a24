/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/handover.h"

#include <assert.h>

/* The core gives up after an election timeout each time. */
#define ATTEMPTS_MAX 2u
/* All of it: draining, two attempts, and some air. */
#define ELECTION_TIMEOUTS_MAX 5u

static bool is_over(const struct handover *handover, uint64_t now_ms);
static void transfer(struct handover *handover, uint64_t now_ms);
static void handover_on_core_done(struct raft_transfer *request);

int handover_ask(struct handover *handover, uint64_t to, uint64_t now_ms)
{
    if (handover->core->state != RAFT_LEADER) {
        return QL_NOT_LEADER;
    }
    if (handover_is_active(handover)) {
        return QL_BUSY;
    }
    if (peer_watch_best_voter(handover->watch, now_ms) == 0) {
        return QL_NOT_FOUND;
    }
    if (to != 0 && !peer_watch_is_other_voter(handover->watch, to)) {
        return QL_INVALID;
    }
    handover_begin(handover, to, now_ms);
    return 0;
}

void handover_begin(struct handover *handover, uint64_t to, uint64_t now_ms)
{
    assert(handover->phase == HANDOVER_NONE);
    handover->phase = HANDOVER_DRAINING;
    handover->term = handover->core->current_term;
    handover->to = to;
    handover->deadline_ms = now_ms + (uint64_t)ELECTION_TIMEOUTS_MAX *
                                         handover->core->election_timeout;
    handover->attempts = 0;
}

bool handover_is_active(const struct handover *handover)
{
    return handover->phase != HANDOVER_NONE;
}

bool handover_is_busy(const struct handover *handover)
{
    return handover_is_active(handover) || handover->core->transfer != NULL;
}

int handover_step(struct handover *handover, bool drained, uint64_t now_ms)
{
    bool leads = handover->core->state == RAFT_LEADER;

    if (is_over(handover, now_ms)) {
        handover->phase = HANDOVER_NONE;
        return 0;
    }
    if (handover->phase == HANDOVER_SENT && handover->given_up && leads) {
        if (handover->attempts == ATTEMPTS_MAX) {
            handover->phase = HANDOVER_NONE;
            return QL_TIMEOUT;
        }
        handover->phase = HANDOVER_DRAINING;
    }
    if (now_ms >= handover->deadline_ms) {
        handover->phase = HANDOVER_NONE;
        return QL_TIMEOUT;
    }
    if (handover->phase == HANDOVER_DRAINING && drained && leads) {
        transfer(handover, now_ms);
    }
    return HANDOVER_GOES_ON;
}

void handover_cancel(struct handover *handover)
{
    handover->phase = HANDOVER_NONE;
}

/* Whoever asked wants to go on with the new leader, so its name is waited for;
 * that the old term ended is enough when time is up. */
static bool is_over(const struct handover *handover, uint64_t now_ms)
{
    bool ended = handover->core->current_term != handover->term;
    raft_id leader;
    const char *address;

    raft_leader(handover->core, &leader, &address);
    if (ended) {
        return leader != 0 || now_ms >= handover->deadline_ms;
    }
    return leader != 0 && leader != handover->core->id;
}

static void transfer(struct handover *handover, uint64_t now_ms)
{
    uint64_t to = handover->to;

    /* An older transfer that the core has not given up: it will by time. */
    if (handover->core->transfer != NULL) {
        return;
    }
    if (to == 0) {
        to = peer_watch_best_voter(handover->watch, now_ms);
    }
    handover->attempts++;
    handover->phase = HANDOVER_SENT;
    handover->given_up = false;
    handover->request.data = handover;
    if (raft_transfer(handover->core, &handover->request, to,
                      handover_on_core_done) != 0) {
        /* The next step tries again or ends it. */
        handover->given_up = true;
        return;
    }
    guard_after(handover->guard);
}

static void handover_on_core_done(struct raft_transfer *request)
{
    struct handover *handover = request->data;

    handover->given_up = true;
}
