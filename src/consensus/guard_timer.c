/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Rules on the election timer: what a server knows of its leader's end, and of
 * its own absence, besides the silence that the core counts. None of them is
 * about safety, which rests on votes and terms alone: they decide when a server
 * asks for votes and when it may give a pre-vote, never who gets them.
 */
#include "consensus/guard_fields.h"
#include "consensus/guard_internal.h"
#include "consensus/guard_view.h"

static void plan(struct guard *guard);
static unsigned place_of_survivor(const struct guard *guard);
static unsigned randomized_timeout(const struct raft *raft);
static bool has_leader(const struct raft *raft);

/* Rule X. Time in which this server did not run, or was busy with itself, says
 * nothing of the others: it was the one that was silent. A follower that wakes
 * would stand for election before it reads what has been sent to it meanwhile,
 * and a leader would step down for the sake of answers that lie in its sockets
 * (dissertation 6.2 asks for a quorum within an election timeout). So a timer is
 * put off by what is missing. Ticks come with every heartbeat; one that is late
 * by no more than that is what a busy loop looks like. */
void guard_notice_absence(struct guard *guard)
{
    struct raft *raft = guard->raft;
    raft_time now = guard->inner->time(guard->inner);
    raft_time period = raft->heartbeat_timeout;
    raft_time gap = now - guard->awake_at;
    bool is_first = guard->awake_at == 0;
    raft_time start;

    guard->awake_at = now;
    if (!guard_has_rule(guard, GUARD_X) || is_first || gap <= 2 * period) {
        return;
    }
    start = raft->election_timer_start + gap - period;
    guard_write_election_timer(raft, start < now ? start : now);
    guard->counts.absences++;
}

/* Rule W. The death of a leader's process is known at once, as its machine closes
 * its connections and refuses new ones; there is nothing to be gained by waiting
 * for its silence. The others know as soon: each stands at a time of its own, by
 * its place among those that are left, so that they do not split the vote (Raft
 * paper 5.2 spreads the timeouts for that). It forgets the leader, as it must not
 * refuse the others for its sake.
 *
 * It may be wrong: only the way between the two is broken. Then the others, who
 * hear the leader, refuse the pre-vote (dissertation 9.6), no term begins, and
 * after a few attempts the timer is the core's again. */
void guard_leader_gone(struct guard *guard, raft_id id)
{
    struct raft *raft = guard->raft;

    assert(guard->depth == 0);
    if (!guard_has_rule(guard, GUARD_W) || guard->closing || guard->failed ||
        !guard->started || id == 0 || raft->state != RAFT_FOLLOWER ||
        raft->follower_state.current_leader.id != id) {
        return;
    }
    guard_write_no_leader(raft);
    guard->counts.gone_leaders++;
    guard->stand.gone = id;
    guard->stand.tries = 0;
    guard->stand.term = raft->current_term;
    plan(guard);
    guard_after(guard);
}

/* Before a tick: makes the core's timer run out if it is time. */
void guard_stand_if_due(struct guard *guard)
{
    struct guard_stand *stand = &guard->stand;
    struct raft *raft = guard->raft;
    raft_time now = guard->inner->time(guard->inner);

    if (stand->at == 0) {
        return;
    }
    if (raft->state == RAFT_LEADER || has_leader(raft) ||
        !view_is_voter(raft, guard->id)) {
        stand->at = 0;
        return;
    }
    /* Somebody is being elected, this server perhaps. */
    if (stand->term != raft->current_term) {
        stand->term = raft->current_term;
        stand->tries++;
        plan(guard);
        return;
    }
    if (now < stand->at || view_has_unwritten(raft)) {
        return;
    }
    guard_write_election_timer(raft, now - randomized_timeout(raft));
    stand->tries++;
    plan(guard);
}

/* After a tick: the next one comes when something is due, not only with the next
 * heartbeat. A timer of 600 ms would otherwise be one of up to 700. */
void guard_ask_for_tick(struct guard *guard)
{
    const struct raft *raft = guard->raft;
    raft_time now = guard->inner->time(guard->inner);
    raft_time wait = raft->heartbeat_timeout;
    raft_time at = guard->stand.at;
    raft_time end;

    if (guard->closing || guard->failed || guard->options.tick_within == NULL ||
        raft->state == RAFT_LEADER || !view_is_voter(raft, guard->id)) {
        return;
    }
    end = raft->election_timer_start + randomized_timeout(raft);
    if (end > now && end < now + wait) {
        wait = end - now;
    }
    if (at > now && at < now + wait) {
        wait = at - now;
    } else if (at != 0 && at <= now) {
        wait = GUARD_STAND_SOON_MS; /* its own writes are in the way (rule M) */
    }
    if (wait < raft->heartbeat_timeout) {
        guard->options.tick_within(guard->inner, (unsigned)wait);
    }
}

/* Rule Y. A server refuses its vote while it hears its leader: for the minimum
 * election timeout, says the dissertation (4.2.3, and 9.6 for pre-votes). The core
 * refuses until its own timer, which is up to twice that, has run out, so that an
 * election must wait for the last one of a majority instead of the first. */
void guard_forget_leader_in_time(struct guard *guard)
{
    struct raft *raft = guard->raft;
    raft_time silent;

    if (!guard_has_rule(guard, GUARD_Y) || raft->state != RAFT_FOLLOWER ||
        raft->follower_state.current_leader.id == 0) {
        return;
    }
    silent = guard->inner->time(guard->inner) - raft->election_timer_start;
    if (silent >= raft->election_timeout && !view_has_unwritten(raft)) {
        guard_write_no_leader(raft);
    }
}

/* When to stand next. At first by place; then all wait for the same time, which
 * keeps them apart, and doubles, should the disks be slow or the others not know
 * yet. The last attempt leaves it to the core. */
static void plan(struct guard *guard)
{
    struct guard_stand *stand = &guard->stand;
    unsigned chance = (unsigned)guard->inner->random(guard->inner, 0,
                                                     (int)GUARD_STAND_FIRST_MS);
    unsigned wait =
        GUARD_STAND_FIRST_MS + GUARD_STAND_STEP_MS * place_of_survivor(guard);

    if (stand->tries >= GUARD_STANDS_MAX) {
        stand->at = 0;
        return;
    }
    if (stand->tries > 0) {
        wait = GUARD_STAND_STEP_MS * (view_voters(guard->raft) - 1)
               << (stand->tries - 1);
    }
    stand->at = guard->inner->time(guard->inner) + wait + chance;
    guard_ask_for_tick(guard);
}

static unsigned place_of_survivor(const struct guard *guard)
{
    const struct raft_configuration *configuration =
        &guard->raft->configuration;
    unsigned place = 0;

    for (unsigned i = 0; i < configuration->n; i++) {
        const struct raft_server *server = &configuration->servers[i];

        if (server->id == guard->id) {
            break;
        }
        place += server->role == RAFT_VOTER && server->id != guard->stand.gone
                     ? 1
                     : 0;
    }
    return place;
}

static unsigned randomized_timeout(const struct raft *raft)
{
    return raft->state == RAFT_FOLLOWER
               ? raft->follower_state.randomized_election_timeout
               : raft->candidate_state.randomized_election_timeout;
}

static bool has_leader(const struct raft *raft)
{
    return raft->state == RAFT_FOLLOWER &&
           raft->follower_state.current_leader.id != 0;
}
