/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Rules for changes of membership. The core uses the latest configuration in
 * its log from the moment it is there, as Raft asks for (dissertation 4.1), but
 * it does not keep the conditions that make this safe.
 */
#include <string.h>

#include "consensus/guard_fields.h"
#include "consensus/guard_internal.h"
#include "consensus/guard_view.h"

static bool has_applied_own_entry(const struct guard *guard);
static bool would_grant(const struct guard *guard,
                        const struct raft_request_vote *vote);

/* Rule J, first part. Single-server changes are safe only when the leader has
 * committed an entry of its own term before (Ongaro's correction to the
 * dissertation, raft-dev, 10 July 2015: two leaders may otherwise change in
 * parallel, with majorities that do not overlap), and one at a time. The core
 * asks for neither after a restart. */
bool guard_may_change(const struct guard *guard)
{
    const struct raft *raft = guard->raft;

    if (raft->state != RAFT_LEADER || raft->transfer != NULL) {
        return false;
    }
    if (!guard_has_rule(guard, GUARD_J)) {
        return true;
    }
    return has_applied_own_entry(guard) &&
           view_unapplied_configuration(raft) == 0 &&
           raft->configuration_uncommitted_index == 0 &&
           raft->leader_state.promotee_id == 0 &&
           raft->leader_state.change == NULL;
}

static bool has_applied_own_entry(const struct guard *guard)
{
    const struct raft *raft = guard->raft;

    return view_term_of(raft, raft->last_applied) == raft->current_term;
}

/* Rule J, second part. A snapshot carries the configuration the core uses now,
 * which is not that of last_applied while a later one is in the log: installed
 * or loaded, it would take effect uncommitted, and for good. */
bool guard_may_snapshot(const struct guard *guard)
{
    return !guard_has_rule(guard, GUARD_J) ||
           view_unapplied_configuration(guard->raft) == 0;
}

/* Rule J, third part. When a configuration is truncated, the one before it
 * comes back into force (dissertation 4.1). The core looks that up at an index
 * that compaction may have removed, and does not look at all after a restart.
 * A start does it right: it takes the last configuration in the log, or the
 * snapshot's. So the new term, which makes the truncation lawful, is stored,
 * what was being written is waited for, the log is truncated on the disk, and
 * the process starts again. */
enum guard_verdict guard_judge_rollback(struct guard *guard,
                                        const struct raft_message *message)
{
    const struct raft *raft = guard->raft;
    const struct raft_append_entries *append = &message->append_entries;
    raft_index conflict;

    if (!guard_has_rule(guard, GUARD_J) ||
        message->type != RAFT_IO_APPEND_ENTRIES ||
        append->term < raft->current_term) {
        return GUARD_DELIVER;
    }
    conflict = view_first_conflict(raft, append);
    if (conflict <= raft->commit_index ||
        view_unapplied_configuration(raft) < conflict) {
        return GUARD_DELIVER;
    }
    if (!list_empty(&guard->appends)) {
        return GUARD_HOLD;
    }
    if (append->term > guard->durable_term &&
        guard_store_term(guard, append->term) != 0) {
        return GUARD_DROP;
    }
    if (guard_io_truncate(&guard->io, conflict) == 0) {
        guard->counts.rollbacks++;
        guard_restart(guard, "a configuration was rolled back");
    }
    return GUARD_DROP;
}

/* Rule O. After an install the core still takes the configuration it had before
 * for uncommitted, and refuses changes until a restart. What a snapshot covers
 * is committed. */
void guard_forget_installed_change(struct guard *guard)
{
    struct raft *raft = guard->raft;

    if (guard_has_rule(guard, GUARD_O) &&
        raft->configuration_uncommitted_index != 0 &&
        raft->configuration_uncommitted_index <= raft->last_applied) {
        guard_write_no_uncommitted_configuration(raft);
    }
}

/* Rule Q, first part. From two voters to one: if the other voter learns of the
 * change first and this leader crashes before it is on its own disk, the other
 * one rules alone without this server's knowledge, or, when this server is the
 * one that stays, waits for a vote that it never gets: both for ever. So a
 * configuration is on its leader's disk before anybody sees it (Raft
 * dissertation 10.2.1 lets a leader write in parallel; here it does not). */
unsigned guard_count_sendable(struct guard *guard,
                              const struct raft_append_entries *append,
                              unsigned count)
{
    if (!guard_has_rule(guard, GUARD_Q)) {
        return count;
    }
    for (unsigned i = 0; i < count; i++) {
        raft_index index = append->prev_log_index + 1 + i;

        if (append->entries[i].type == RAFT_CHANGE &&
            index > guard->raft->last_stored) {
            guard->counts.late_changes++;
            return i;
        }
    }
    return count;
}

/* Rule Q, second part. A leader that takes itself out of two has to commit that
 * with the other's disk alone, and may be needed, and gone, before the other
 * one knows. */
bool guard_must_hand_over(const struct guard *guard, raft_id id)
{
    return guard_has_rule(guard, GUARD_Q) && id == guard->id &&
           view_is_voter(guard->raft, id) && view_voters(guard->raft) == 2;
}

/* Rule R. A server grants its vote whatever its own configuration says: it may
 * be the one that is out of date, and the majority that elects may need it (Raft
 * dissertation 4.2.2 and 4.2.1: "servers process incoming RPC requests without
 * consulting their current configurations"). The core refuses when it is no
 * voter in its latest one. So this server answers by itself then, after the
 * core has seen the request and has taken its term. */
bool guard_takes_vote(const struct guard *guard,
                      const struct raft_message *result)
{
    const struct guard_incoming *incoming = &guard->incoming;

    return guard_has_rule(guard, GUARD_R) && incoming->message != NULL &&
           incoming->message->type == RAFT_IO_REQUEST_VOTE &&
           !incoming->vote_is_ours &&
           !result->request_vote_result.vote_granted &&
           !view_is_voter(guard->raft, guard->id);
}

void guard_answer_vote(struct guard *guard, const struct raft_message *request)
{
    const struct raft_request_vote *vote = &request->request_vote;
    struct raft *raft = guard->raft;
    struct raft_message answer;
    bool granted = would_grant(guard, vote);

    if (guard->failed) {
        return;
    }
    if (granted && !vote->pre_vote) {
        if (guard_store_vote(guard, vote->candidate_id) != 0) {
            return;
        }
        guard_write_term_and_vote(raft, raft->current_term, vote->candidate_id);
        guard_write_election_timer(raft, guard->inner->time(guard->inner));
    }
    memset(&answer, 0, sizeof answer);
    answer.type = RAFT_IO_REQUEST_VOTE_RESULT;
    answer.server_id = request->server_id;
    answer.server_address = request->server_address;
    answer.request_vote_result.term =
        vote->pre_vote ? vote->term : raft->current_term;
    answer.request_vote_result.pre_vote =
        vote->pre_vote ? raft_tribool_true : raft_tribool_false;
    answer.request_vote_result.vote_granted = granted;
    guard->counts.given_votes += granted ? 1 : 0;
    (void)guard_send(guard, NULL, &answer, NULL);
}

/* As the core decides, but for the configuration (Raft paper, figure 2,
 * RequestVote; dissertation 4.2.3 for who has a leader, 9.6 for pre-votes). */
static bool would_grant(const struct guard *guard,
                        const struct raft_request_vote *vote)
{
    const struct raft *raft = guard->raft;
    raft_index last = view_last_index(raft);
    raft_term last_term = view_term_of(raft, last);
    bool has_leader;

    if (raft->state != RAFT_FOLLOWER) {
        return false;
    }
    has_leader = raft->follower_state.current_leader.id != 0;
    if ((has_leader && !vote->disrupt_leader) ||
        vote->term < raft->current_term) {
        return false;
    }
    if (!vote->pre_vote && raft->voted_for != 0 &&
        raft->voted_for != vote->candidate_id) {
        return false;
    }
    if (vote->last_log_term != last_term) {
        return vote->last_log_term > last_term;
    }
    return vote->last_log_index >= last;
}

/* Rule R, the other half. A server that cannot stand for election never takes
 * its leader for lost in the core, and refuses all others for its sake: it
 * forgets it when a voter would (dissertation 4.2.3: "within the minimum
 * election timeout of hearing from a current leader"). */
void guard_forget_silent_leader(struct guard *guard)
{
    struct raft *raft = guard->raft;
    raft_time waited;

    if (!guard_has_rule(guard, GUARD_R) || raft->state != RAFT_FOLLOWER ||
        raft->follower_state.current_leader.id == 0 ||
        view_is_voter(raft, guard->id)) {
        return;
    }
    waited = guard->inner->time(guard->inner) - raft->election_timer_start;
    if (waited >= raft->follower_state.randomized_election_timeout) {
        guard_write_no_leader(raft);
    }
}
