/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Rules for changes of membership. Server 1; its log holds the configuration at
 * index 1 and ten commands of term 1. */
#include "support/cmocka.h"
#include "support/core_rig.h"

#define LOG_LAST 11
#define OWN_ENTRY (LOG_LAST + 1)
#define CHANGE (OWN_ENTRY + 1)

/* Leads term 2, its own entry is applied. */
static void lead(struct core_rig *rig, unsigned servers,
                 const struct guard_options *options)
{
    core_rig_start(rig, servers, 10, options);
    core_rig_elect(rig);
    core_rig_append_done(rig, 0);
    core_rig_receive_result(rig, 2, 2, 0, OWN_ENTRY);
    assert_int_equal(rig->raft.last_applied, OWN_ENTRY);
}

static void add_server(struct core_rig *rig, struct raft_change *change)
{
    assert_int_equal(raft_add(&rig->raft, change, 4, "addr-4", NULL), 0);
    guard_after(rig->guard);
}

/* ---- J ---- */

static void leader_changes_nothing_before_its_own_entry_is_applied(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    assert_false(guard_may_change(rig.guard));
    core_rig_elect(&rig);
    assert_false(guard_may_change(rig.guard));
    core_rig_append_done(&rig, 0);
    assert_false(guard_may_change(rig.guard));
    core_rig_receive_result(&rig, 2, 2, 0, OWN_ENTRY);
    assert_true(guard_may_change(rig.guard));
    core_rig_stop(&rig);
}

static void there_is_one_change_at_a_time_and_no_snapshot_in_it(void **state)
{
    struct raft_change change;
    struct core_rig rig;

    (void)state;
    lead(&rig, 3, NULL);
    assert_true(guard_may_snapshot(rig.guard));
    add_server(&rig, &change);
    assert_false(guard_may_change(rig.guard));
    assert_false(guard_may_snapshot(rig.guard));
    core_rig_append_done(&rig, 0);
    core_rig_receive_result(&rig, 2, 2, 0, CHANGE);
    assert_int_equal(rig.raft.last_applied, CHANGE);
    assert_true(guard_may_change(rig.guard));
    assert_true(guard_may_snapshot(rig.guard));
    core_rig_stop(&rig);
}

static void truncated_configuration_restarts_the_server(void **state)
{
    struct raft_change change;
    struct core_rig rig;

    (void)state;
    lead(&rig, 3, NULL);
    add_server(&rig, &change);
    core_rig_receive_entries(&rig, 3, 5, OWN_ENTRY, 2, 1, 5, OWN_ENTRY);
    assert_int_equal(rig.restarts, 0); /* its own append is under way */
    assert_int_equal(rig.truncates, 0);
    core_rig_append_done(&rig, 0);
    core_rig_run_deferred(&rig);
    assert_int_equal(rig.restarts, 1);
    assert_int_equal(rig.truncates, 1);
    assert_int_equal(rig.truncated_from, CHANGE);
    assert_int_equal(rig.term, 5);
    assert_int_equal(rig.raft.current_term, 2); /* the core saw nothing */
    core_rig_stop(&rig);
}

static void truncation_behind_a_configuration_restarts_nothing(void **state)
{
    struct raft_change change;
    struct core_rig rig;

    (void)state;
    lead(&rig, 3, NULL);
    add_server(&rig, &change);
    core_rig_append_done(&rig, 0);
    assert_int_equal(core_rig_submit(&rig, 16), 0);
    core_rig_append_done(&rig, 0);
    core_rig_receive_entries(&rig, 3, 5, CHANGE, 2, 1, 5, OWN_ENTRY);
    assert_int_equal(rig.restarts, 0);
    assert_int_equal(rig.truncated_from, CHANGE + 1);
    core_rig_append_done(&rig, 0);
    core_rig_stop(&rig);
}

/* ---- O ---- */

static void applied_configuration_is_not_uncommitted(void **state)
{
    struct core_rig rig;

    (void)state;
    lead(&rig, 3, NULL);
    rig.raft.configuration_uncommitted_index = OWN_ENTRY; /* as by an install */
    guard_after(rig.guard);
    assert_true(guard_may_change(rig.guard));
    rig.raft.configuration_uncommitted_index = CHANGE;
    guard_after(rig.guard);
    assert_false(guard_may_change(rig.guard));
    rig.raft.configuration_uncommitted_index = 0;
    core_rig_stop(&rig);
}

/* ---- Q ---- */

static unsigned entries_sent(const struct core_rig *rig, raft_id to)
{
    const struct core_rig_send *send =
        core_rig_last_send(rig, RAFT_IO_APPEND_ENTRIES, to);

    return send == NULL ? 0 : send->message.append_entries.n_entries;
}

static void configuration_leaves_from_the_leaders_disk(void **state)
{
    struct raft_change change;
    struct core_rig rig;

    (void)state;
    lead(&rig, 3, NULL);
    core_rig_sent(&rig);
    add_server(&rig, &change);
    assert_int_equal(entries_sent(&rig, 2), 0);
    core_rig_append_done(&rig, 0);
    core_rig_sent(&rig);
    core_rig_tick(&rig, 200);
    assert_int_equal(entries_sent(&rig, 2), 1);
    core_rig_stop(&rig);
}

static void one_of_two_hands_over_before_it_goes(void **state)
{
    struct core_rig rig;

    (void)state;
    lead(&rig, 2, NULL);
    assert_true(guard_must_hand_over(rig.guard, 1));
    assert_false(guard_must_hand_over(rig.guard, 2));
    core_rig_stop(&rig);
    lead(&rig, 3, NULL);
    assert_false(guard_must_hand_over(rig.guard, 1));
    core_rig_stop(&rig);
}

/* ---- R ---- */

/* Server 1 has removed itself, and follows nobody in term 2. */
static void leave(struct core_rig *rig, struct raft_change *change,
                  const struct guard_options *options)
{
    lead(rig, 3, options);
    assert_int_equal(raft_remove(&rig->raft, change, 1, NULL), 0);
    guard_after(rig->guard);
    core_rig_append_done(rig, 0);
    core_rig_receive_result(rig, 2, 2, 0, CHANGE);
    core_rig_receive_result(rig, 3, 2, 0, CHANGE);
    assert_int_equal(rig->raft.state, RAFT_FOLLOWER);
    core_rig_sent(rig);
}

static bool is_granted(const struct core_rig *rig, raft_id to)
{
    const struct core_rig_send *send =
        core_rig_last_send(rig, RAFT_IO_REQUEST_VOTE_RESULT, to);

    assert_non_null(send);
    return send->message.request_vote_result.vote_granted;
}

static void server_without_a_vote_votes_once_a_term(void **state)
{
    struct raft_change change;
    struct core_rig rig;

    (void)state;
    leave(&rig, &change, NULL);
    core_rig_receive_vote_request(&rig, 2, 3, true, false);
    assert_true(is_granted(&rig, 2));
    assert_int_equal(rig.term, 2);
    core_rig_receive_vote_request(&rig, 2, 3, false, false);
    assert_true(is_granted(&rig, 2));
    assert_int_equal(rig.term, 3);
    assert_int_equal(rig.vote, 2);
    assert_int_equal(rig.raft.voted_for, 2);
    core_rig_sent(&rig);
    core_rig_receive_vote_request(&rig, 3, 3, false, true);
    assert_null(core_rig_last_send(&rig, RAFT_IO_REQUEST_VOTE_RESULT, 3));
    assert_int_equal(rig.vote, 2);
    core_rig_stop(&rig);
}

static void server_without_a_vote_forgets_a_silent_leader(void **state)
{
    struct raft_change change;
    struct core_rig rig;

    (void)state;
    leave(&rig, &change, NULL);
    core_rig_receive_entries(&rig, 2, 3, CHANGE, 2, 0, 0, CHANGE);
    core_rig_receive_vote_request(&rig, 3, 4, false, false);
    assert_false(is_granted(&rig, 3));
    core_rig_tick(&rig, 100);
    core_rig_receive_vote_request(&rig, 3, 4, false, false);
    assert_false(is_granted(&rig, 3));
    core_rig_tick(&rig, 3000);
    core_rig_receive_vote_request(&rig, 3, 4, false, false);
    assert_true(is_granted(&rig, 3));
    core_rig_stop(&rig);
}

static void core_alone_refuses_that_vote(void **state)
{
    const struct guard_options without_r = {.rules = (unsigned)GUARD_ALL &
                                                     ~(unsigned)GUARD_R};
    struct raft_change change;
    struct core_rig rig;

    (void)state;
    leave(&rig, &change, &without_r);
    core_rig_receive_vote_request(&rig, 2, 3, false, false);
    assert_false(is_granted(&rig, 2));
    core_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            leader_changes_nothing_before_its_own_entry_is_applied),
        cmocka_unit_test(there_is_one_change_at_a_time_and_no_snapshot_in_it),
        cmocka_unit_test(truncated_configuration_restarts_the_server),
        cmocka_unit_test(truncation_behind_a_configuration_restarts_nothing),
        cmocka_unit_test(applied_configuration_is_not_uncommitted),
        cmocka_unit_test(configuration_leaves_from_the_leaders_disk),
        cmocka_unit_test(one_of_two_hands_over_before_it_goes),
        cmocka_unit_test(server_without_a_vote_votes_once_a_term),
        cmocka_unit_test(server_without_a_vote_forgets_a_silent_leader),
        cmocka_unit_test(core_alone_refuses_that_vote),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
