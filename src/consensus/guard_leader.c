/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Rules that act by themselves: after every entry into the core, before a tick,
 * and once on what was loaded at the start.
 */
#include <string.h>

#include "consensus/guard_fields.h"
#include "consensus/guard_internal.h"
#include "consensus/guard_view.h"

static void resume_after_cuts(struct guard *guard);
static void forget_held_results(struct guard *guard);
static void check_leader_has_vote(const struct guard *guard);
static void propose_own_entry(struct guard *guard);
static void wait_for_own_writes(struct guard *guard);
static void wait_for_lost_entries(struct guard *guard);
static void leave_it_to_others(struct guard *guard);
static void vote_before_ruling_alone(struct guard *guard);

void guard_obey_after_entry(struct guard *guard)
{
    assert(guard->depth == 0);
    resume_after_cuts(guard);
    guard_complete_sends(guard);
    guard_forget_installed_change(guard);
    if (guard->started && guard->raft->state == RAFT_UNAVAILABLE &&
        guard_has_rule(guard, GUARD_D)) {
        guard_fail(guard, "the raft core has stopped: %s", guard->raft->errmsg);
        return;
    }
    if (guard->raft->state == RAFT_LEADER) {
        check_leader_has_vote(guard);
        propose_own_entry(guard);
    } else {
        forget_held_results(guard);
    }
    if (guard_has_releasable(guard)) {
        guard_defer(guard);
    }
}

void guard_obey_before_tick(struct guard *guard)
{
    guard_stand_if_due(guard);
    guard_forget_silent_leader(guard);
    wait_for_own_writes(guard);
    wait_for_lost_entries(guard);
    leave_it_to_others(guard);
    vote_before_ruling_alone(guard);
}

bool guard_own_entry_is_stored(const struct guard *guard)
{
    return guard->own_entry.term != 0 &&
           guard->own_entry.term == guard->raft->current_term &&
           guard->raft->last_stored >= guard->own_entry.index;
}

/* Rules H and Q, second half: a peer that is sent entries as they come (pipeline) is
 * thought to have been sent them all. When probing, the core goes on from the
 * answer, and while it sends a snapshot there are no entries. */
static void resume_after_cuts(struct guard *guard)
{
    struct raft *raft = guard->raft;

    for (size_t i = 0; i < GUARD_PEERS_MAX; i++) {
        struct guard_peer *peer = &guard->peers[i];
        raft_index next = peer->cut_next;
        const struct raft_progress *progress;
        unsigned server;

        peer->cut_next = 0;
        if (next == 0 || raft->state != RAFT_LEADER) {
            continue;
        }
        server = view_server_index(raft, peer->id);
        if (server == raft->configuration.n) {
            continue;
        }
        progress = &raft->leader_state.progress[server];
        if (progress->state == VIEW_PIPELINE && progress->next_index > next) {
            guard_write_next_index(raft, server, next);
        }
    }
}

/* Results that waited are of no use to anybody but that term's leader. */
static void forget_held_results(struct guard *guard)
{
    for (size_t i = 0; i < GUARD_PEERS_MAX; i++) {
        guard->peers[i].has_held_result = false;
    }
}

/* Rule L, as an invariant: nobody leads a term without its own vote on its own
 * disk, or a restart could vote for another server (Raft paper, figure 2). */
static void check_leader_has_vote(const struct guard *guard)
{
    if (guard_has_rule(guard, GUARD_L)) {
        assert(guard->durable_term == guard->raft->current_term);
        assert(guard->durable_vote == guard->id);
    }
}

static void on_own_entry(struct raft_barrier *request, int status)
{
    struct guard *guard = request->data;

    (void)
        status; /* Applied, or leadership was lost: both are seen elsewhere. */
    guard->own_entry.under_way = false;
}

/* Rule A, first half: a new leader writes an entry of its own term at once, so
 * that older ones are committed with it (Raft dissertation 6.4 and paper,
 * section 8: "a blank no-op entry"). The core refuses while a transfer of an
 * earlier leadership is still remembered: it is tried after every entry. */
static void propose_own_entry(struct guard *guard)
{
    struct guard_own_entry *own = &guard->own_entry;
    int rv;

    if (!guard_has_rule(guard, GUARD_A) || own->under_way ||
        own->term == guard->raft->current_term) {
        return;
    }
    own->request.data = guard;
    own->under_way = true;
    /* Not guard_enter(): what this entry owes is paid here. */
    guard->depth++;
    rv = raft_barrier(guard->raft, &own->request, on_own_entry);
    guard->depth--;
    if (rv != 0) {
        own->under_way = false;
        return;
    }
    own->term = guard->raft->current_term;
    own->index = view_last_index(guard->raft);
    resume_after_cuts(guard);
    guard_complete_sends(guard);
}

/* Rule M. A server whose log in memory is ahead of its disk must not stand for
 * election: when the writes end it is no follower, and skips what a follower
 * does then (take over a configuration, answer). It also would ask for votes
 * with entries that a crash takes away (rule C; Raft paper, figure 2: log on
 * stable storage before RPCs). Its election timer stands still until it is
 * done; a candidate gets no new entries, so this covers C (guard_send() asserts
 * it). */
static void wait_for_own_writes(struct guard *guard)
{
    if (guard_has_rule(guard, GUARD_M) && guard->raft->state == RAFT_FOLLOWER &&
        view_has_unwritten(guard->raft)) {
        guard_write_election_timer(guard->raft,
                                   guard->inner->time(guard->inner));
    }
}

/* Rule V. A vote says "whoever I elect has all that I acknowledged" (Raft paper,
 * section 5.4.1: the election restriction compares logs). A server whose disk
 * has lost entries cannot say it: with its vote a server that never had them
 * could win. So it grants none (judge()), and its own election timer stands
 * still, until an entry of a leader that was elected without it is on its disk
 * (doubt_file.h). */
static void wait_for_lost_entries(struct guard *guard)
{
    if (guard->in_doubt && guard->raft->state == RAFT_FOLLOWER) {
        guard_write_election_timer(guard->raft,
                                   guard->inner->time(guard->inner));
    }
}

/* See guard_stand_back(). At the moment at which it would stand its election timer
 * begins anew. As it votes, it must not refuse all others for the sake of a leader
 * that is gone, which the core forgets by standing only. */
static void leave_it_to_others(struct guard *guard)
{
    struct raft *raft = guard->raft;
    raft_time now = guard->inner->time(guard->inner);

    if (!guard->stands_back || raft->state != RAFT_FOLLOWER ||
        now - raft->election_timer_start <
            raft->follower_state.randomized_election_timeout) {
        return;
    }
    guard_write_no_leader(raft);
    guard_write_election_timer(raft, now);
}

static int store_new_term_and_vote(struct guard *guard, raft_term term)
{
    int rv = guard_store_term(guard, term);

    return rv == 0 ? guard_store_vote(guard, guard->id) : rv;
}

/* Rule L. The only voter makes itself leader without a new term and without a
 * vote: after a crash it leads the same term again with another history, and
 * terms no longer tell histories apart (Raft paper, section 5.2: a candidate
 * increments its term and votes for itself). So the term and the vote are
 * written first, at each of the two moments when it may happen: when its
 * election timer runs out, and at the start. */
static void vote_before_ruling_alone(struct guard *guard)
{
    struct raft *raft = guard->raft;
    raft_time waited;

    if (!guard_has_rule(guard, GUARD_L) || raft->state != RAFT_FOLLOWER ||
        !view_is_sole_voter(&raft->configuration, guard->id)) {
        return;
    }
    waited = guard->inner->time(guard->inner) - raft->election_timer_start;
    if (waited >= raft->follower_state.randomized_election_timeout &&
        store_new_term_and_vote(guard, raft->current_term + 1) == 0) {
        guard_write_term_and_vote(raft, guard->durable_term,
                                  guard->durable_vote);
    }
}

int guard_obey_on_load(struct guard *guard, raft_term *term, raft_id *vote,
                       const struct raft_snapshot *snapshot,
                       const struct raft_entry *entries, size_t count)
{
    bool is_sole = snapshot != NULL &&
                   view_is_sole_voter(&snapshot->configuration, guard->id);
    int rv;

    if (!guard_has_rule(guard, GUARD_L)) {
        return 0;
    }
    for (size_t i = count; i > 0; i--) {
        if (entries[i - 1].type == RAFT_CHANGE) {
            is_sole =
                view_is_sole_voter_encoded(&entries[i - 1].buf, guard->id);
            break;
        }
    }
    if (!is_sole) {
        return 0;
    }
    rv = store_new_term_and_vote(guard, *term + 1);
    if (rv == 0) {
        *term = guard->durable_term;
        *vote = guard->durable_vote;
    }
    return rv;
}
