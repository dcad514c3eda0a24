/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/step_down.h"

static bool is_over(const struct step_down *down);
static void ask(struct step_down *down, uint64_t now_ms);
static bool must_end(const struct step_down *down, bool drained,
                     uint64_t now_ms);

int step_down_begin(struct step_down *down, uint64_t now_ms)
{
    if (down->core->state != RAFT_LEADER) {
        return QL_NOT_LEADER;
    }
    if (down->active) {
        return QL_BUSY;
    }
    down->active = true;
    down->asked = false;
    down->term = down->core->current_term;
    down->deadline_ms = now_ms + down->core->election_timeout;
    ask(down, now_ms);
    return 0;
}

bool step_down_step(struct step_down *down, bool drained, uint64_t now_ms)
{
    if (is_over(down)) {
        down->active = false;
        return true;
    }
    if (down->core->state != RAFT_LEADER) {
        return false;
    }
    ask(down, now_ms);
    if (!must_end(down, drained, now_ms)) {
        return false;
    }
    guard_end_term(down->guard);
    down->active = !is_over(down);
    return !down->active;
}

void step_down_cancel(struct step_down *down)
{
    down->active = false;
}

/* A leader that became a follower cannot lead that term again; one whose core was
 * closed is neither. */
static bool is_over(const struct step_down *down)
{
    return down->core->current_term != down->term ||
           down->core->state == RAFT_FOLLOWER ||
           down->core->state == RAFT_CANDIDATE;
}

/* One that is under way already will do: what comes of it is the same. Its own
 * patience is longer than ours. When the request leaves, draining has ended and
 * the time for taking over begins. */
static void ask(struct step_down *down, uint64_t now_ms)
{
    struct handover *handover = down->handover;

    if (!down->asked && !handover_is_active(handover) &&
        peer_watch_best_voter(down->watch, now_ms) != 0) {
        handover_begin(handover, 0, now_ms);
    }
    if (!down->asked && handover->phase == HANDOVER_SENT) {
        down->asked = true;
        down->deadline_ms = now_ms + down->core->election_timeout;
    }
}

static bool must_end(const struct step_down *down, bool drained,
                     uint64_t now_ms)
{
    if (now_ms >= down->deadline_ms) {
        return true;
    }
    return drained && peer_watch_best_voter(down->watch, now_ms) == 0;
}
