/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the guard does by itself: own entries, own votes, own failures. Server 1
 * of 3; its log holds the configuration at index 1 and ten commands of term
 * 1. */
#include <string.h>

#include "support/cmocka.h"
#include "support/core_rig.h"

#define LOG_LAST 11

/* ---- A ---- */

static void new_leader_writes_an_entry_of_its_own_term(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_elect(&rig);
    assert_int_equal(raft_last_index(&rig.raft), LOG_LAST + 1);
    assert_int_equal(rig.append_count, 1);
    assert_false(guard_is_ready_leader(rig.guard));
    core_rig_stop(&rig);
}

static void old_entries_are_committed_with_an_own_one_only(void **state)
{
    struct guard_counts counts;
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_elect(&rig);
    core_rig_receive_result(&rig, 2, 2, 0, LOG_LAST);
    core_rig_receive_result(&rig, 2, 2, 0, LOG_LAST + 1);
    assert_int_equal(rig.raft.commit_index, 1);
    core_rig_append_done(&rig, 0);
    assert_int_equal(rig.raft.commit_index, 1); /* not from inside the core */
    core_rig_run_deferred(&rig);
    assert_int_equal(rig.raft.commit_index, LOG_LAST + 1);
    assert_true(guard_is_ready_leader(rig.guard));
    guard_counts(rig.guard, &counts);
    assert_int_equal(counts.held_results, 2);
    core_rig_stop(&rig);
}

static void refusals_do_not_wait(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_elect(&rig);
    core_rig_receive_result(&rig, 2, 2, LOG_LAST, 5);
    assert_int_equal(rig.raft.leader_state.progress[1].next_index, 6);
    core_rig_stop(&rig);
}

static void result_that_waited_is_void_in_another_term(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_elect(&rig);
    core_rig_receive_result(&rig, 2, 2, 0, LOG_LAST + 1);
    core_rig_receive_entries(&rig, 3, 4, LOG_LAST, 1, 0, 0, 0);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    core_rig_append_done(&rig, 0);
    core_rig_elect(&rig);
    assert_int_equal(rig.raft.current_term, 5);
    core_rig_append_done(&rig, 0);
    assert_false(rig.deferred);
    assert_int_equal(rig.raft.commit_index, 1);
    core_rig_stop(&rig);
}

static void own_entry_is_tried_again_when_the_core_refuses_it(void **state)
{
    struct raft_transfer old = {.id = 3};
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_tick(&rig, 2000);
    old.start = rig.now;
    rig.raft.transfer = &old; /* of an earlier leadership */
    core_rig_vote(&rig, 2, true);
    core_rig_vote(&rig, 2, false);
    assert_int_equal(rig.raft.state, RAFT_LEADER);
    assert_int_equal(rig.append_count, 0);
    rig.raft.transfer = NULL;
    core_rig_tick(&rig, 100);
    assert_int_equal(rig.append_count, 1);
    assert_int_equal(raft_last_index(&rig.raft), LOG_LAST + 1);
    core_rig_stop(&rig);
}

/* ---- M ---- */

static void server_with_writes_under_way_does_not_stand_for_election(
    void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 2, 2, 0);
    for (int i = 0; i < 5; i++) {
        core_rig_tick(&rig, 2000);
        assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    }
    core_rig_append_done(&rig, 0);
    core_rig_tick(&rig, 2000);
    assert_int_equal(rig.raft.state, RAFT_CANDIDATE);
    core_rig_stop(&rig);
}

static void server_that_installs_does_not_stand_for_election(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_snapshot(&rig, 2, 2, 50, 2);
    core_rig_tick(&rig, 5000);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    core_rig_put_done(&rig);
    core_rig_tick(&rig, 5000);
    assert_int_equal(rig.raft.state, RAFT_CANDIDATE);
    core_rig_stop(&rig);
}

/* ---- L ---- */

static void sole_voter_starts_with_a_new_term_and_its_own_vote(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 1, 3, NULL);
    assert_int_equal(rig.raft.state, RAFT_LEADER);
    assert_int_equal(rig.raft.current_term, 2);
    assert_int_equal(rig.term, 2);
    assert_int_equal(rig.vote, 1);
    assert_int_equal(rig.append_count, 1);
    core_rig_append_done(&rig, 0);
    assert_true(guard_is_ready_leader(rig.guard));
    core_rig_stop(&rig);
}

static void sole_voter_votes_before_it_leads_again(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 1, 0, NULL);
    core_rig_append_done(&rig, 0);
    core_rig_receive_entries(&rig, 2, 9, 2, 2, 0, 0, 0);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    core_rig_tick(&rig, 5000);
    assert_int_equal(rig.raft.state, RAFT_LEADER);
    assert_int_equal(rig.raft.current_term, 10);
    assert_int_equal(rig.term, 10);
    assert_int_equal(rig.vote, 1);
    core_rig_stop(&rig);
}

/* ---- D ---- */

static void failed_append_stops_the_process(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 2, 2, 0);
    core_rig_append_done(&rig, RAFT_IOERR);
    assert_non_null(strstr(rig.fatal, "appending to the raft log failed"));
    /* Nothing reaches the core any more. */
    core_rig_tick(&rig, 9000);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 2, 2, 0);
    assert_int_equal(rig.append_count, 0);
    core_rig_stop(&rig);
}

static void refused_append_stops_the_process(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_elect(&rig);
    core_rig_append_done(&rig, 0);
    rig.write_result = RAFT_NOSPACE;
    assert_int_equal(core_rig_submit(&rig, 8), RAFT_NOSPACE);
    assert_non_null(strstr(rig.fatal, "appending to the raft log failed"));
    core_rig_stop(&rig);
}

static void term_that_cannot_be_stored_stops_the_process(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    rig.write_result = RAFT_IOERR;
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 0, 0, 0);
    assert_non_null(strstr(rig.fatal, "storing the term failed"));
    core_rig_stop(&rig);
}

static void vote_that_cannot_be_stored_stops_the_process(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 0, 0, 0);
    core_rig_tick(&rig, 2000);
    rig.write_result = RAFT_IOERR;
    core_rig_receive_vote_request(&rig, 3, 2, false, false);
    assert_non_null(strstr(rig.fatal, "storing the vote failed"));
    core_rig_stop(&rig);
}

static void core_that_falls_silent_stops_the_process(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 0, 0, 9);
    /* Contradicts what is committed: the core shuts itself down. */
    core_rig_receive_entries(&rig, 3, 3, 4, 2, 0, 0, 9);
    assert_non_null(strstr(rig.fatal, "the raft core has stopped"));
    core_rig_stop(&rig);
}

/* ---- Life ---- */

static void leader_closes_with_several_appends_under_way(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_elect(&rig);
    core_rig_append_done(&rig, 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(core_rig_submit(&rig, 8), 0);
    }
    raft_close(&rig.raft, NULL);
    core_rig_append_done(&rig, RAFT_CANCELED); /* as raft_uv does */
    core_rig_append_done(&rig, RAFT_CANCELED);
    rig.close(&rig.inner);
    guard_free(rig.guard);
}

static void owner_hears_of_every_entry_into_the_core(void **state)
{
    struct core_rig rig;
    unsigned before;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    before = rig.entered;
    core_rig_tick(&rig, 100);
    assert_int_equal(rig.entered, before + 1);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 1, 2, 0);
    assert_int_equal(rig.entered, before + 2);
    core_rig_append_done(&rig, 0);
    assert_int_equal(rig.entered, before + 3);
    core_rig_stop(&rig);
}

static void installed_library_is_the_one_the_rules_are_for(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(guard_check_library(&err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_leader_writes_an_entry_of_its_own_term),
        cmocka_unit_test(old_entries_are_committed_with_an_own_one_only),
        cmocka_unit_test(refusals_do_not_wait),
        cmocka_unit_test(result_that_waited_is_void_in_another_term),
        cmocka_unit_test(own_entry_is_tried_again_when_the_core_refuses_it),
        cmocka_unit_test(
            server_with_writes_under_way_does_not_stand_for_election),
        cmocka_unit_test(server_that_installs_does_not_stand_for_election),
        cmocka_unit_test(sole_voter_starts_with_a_new_term_and_its_own_vote),
        cmocka_unit_test(sole_voter_votes_before_it_leads_again),
        cmocka_unit_test(failed_append_stops_the_process),
        cmocka_unit_test(refused_append_stops_the_process),
        cmocka_unit_test(term_that_cannot_be_stored_stops_the_process),
        cmocka_unit_test(vote_that_cannot_be_stored_stops_the_process),
        cmocka_unit_test(core_that_falls_silent_stops_the_process),
        cmocka_unit_test(leader_closes_with_several_appends_under_way),
        cmocka_unit_test(owner_hears_of_every_entry_into_the_core),
        cmocka_unit_test(installed_library_is_the_one_the_rules_are_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
