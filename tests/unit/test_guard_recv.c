/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The guard's rules on what comes in. Server 1 of 3; its log holds the
 * configuration at index 1 and ten commands of term 1. */
#include <string.h>

#include "support/cmocka.h"
#include "support/core_rig.h"
#include "util/limits.h"

#define LOG_LAST 11

static struct guard_counts counts_of(const struct core_rig *rig)
{
    struct guard_counts counts;

    guard_counts(rig->guard, &counts);
    return counts;
}

static void receive_timeout_now(struct core_rig *rig, raft_id from)
{
    struct raft_message message = {.type = RAFT_IO_TIMEOUT_NOW};

    message.timeout_now.term = rig->raft.current_term;
    message.timeout_now.last_log_index = raft_last_index(&rig->raft);
    message.timeout_now.last_log_term = rig->raft.current_term;
    core_rig_receive(rig, from, &message);
}

/* ---- F ---- */

static void second_vote_of_a_term_is_refused_during_a_transfer(void **state)
{
    struct raft_transfer transfer;
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_elect(&rig);
    core_rig_append_done(&rig, 0);
    assert_int_equal(raft_transfer(&rig.raft, &transfer, 3, NULL), 0);
    guard_after(rig.guard);
    core_rig_receive_vote_request(&rig, 2, 9, false, true);
    assert_int_equal(rig.vote, 2);
    core_rig_receive_vote_request(&rig, 3, 9, false, true);
    assert_int_equal(rig.vote, 2);
    assert_int_equal(counts_of(&rig).dropped_votes, 1);
    core_rig_stop(&rig);
}

/* ---- G ---- */

static void address_from_the_wire_is_never_used(void **state)
{
    const struct core_rig_send *send;
    struct core_rig rig;
    const char *address;
    raft_id leader;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 2, 5, 1, 0, 0, 0);
    send = core_rig_last_send(&rig, RAFT_IO_APPEND_ENTRIES_RESULT, 2);
    assert_string_equal(send->address, "addr-2");
    raft_leader(&rig.raft, &leader, &address);
    assert_int_equal(leader, 2);
    assert_string_equal(address, "addr-2");
    core_rig_stop(&rig);
}

static void message_of_nobody_or_itself_is_dropped(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 0, 9, LOG_LAST, 1, 3, 9, 0);
    core_rig_receive_entries(&rig, 1, 9, LOG_LAST, 1, 3, 9, 0);
    core_rig_receive_snapshot(&rig, 0, 9, 50, 9);
    assert_int_equal(rig.raft.current_term, 1);
    assert_int_equal(rig.append_count, 0);
    core_rig_stop(&rig);
}

/* ---- L, M ---- */

static void handover_waits_for_own_writes(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 2, 2, 0);
    receive_timeout_now(&rig, 2);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    core_rig_append_done(&rig, 0);
    receive_timeout_now(&rig, 2);
    assert_int_equal(rig.raft.state, RAFT_CANDIDATE);
    core_rig_stop(&rig);
}

static void nobody_hands_over_to_a_sole_voter(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 1, 0, NULL);
    core_rig_append_done(&rig, 0);
    core_rig_receive_entries(&rig, 2, 9, 2, 2, 1, 9, 0);
    core_rig_append_done(&rig, 0);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    receive_timeout_now(&rig, 2);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    assert_int_equal(rig.term, 9);
    core_rig_stop(&rig);
}

/* ---- N ---- */

static void truncation_waits_for_the_writes_before_it(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 2, 2, 0);
    core_rig_receive_entries(&rig, 3, 3, LOG_LAST, 1, 1, 3, 0);
    assert_int_equal(rig.truncates, 0);
    assert_false(rig.deferred);
    core_rig_append_done(&rig, 0);
    assert_int_equal(rig.truncates, 0); /* not from inside the core */
    core_rig_run_deferred(&rig);
    assert_int_equal(rig.truncates, 1);
    assert_int_equal(rig.truncated_from, LOG_LAST + 1);
    assert_int_equal(rig.append_count, 1);
    assert_int_equal(counts_of(&rig).held_truncations, 1);
    core_rig_stop(&rig);
}

static void install_waits_for_the_writes_before_it(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 2, 2, 0);
    core_rig_receive_snapshot(&rig, 3, 3, 50, 2);
    assert_null(rig.put);
    core_rig_append_done(&rig, 0);
    core_rig_run_deferred(&rig);
    assert_non_null(rig.put);
    core_rig_put_done(&rig);
    assert_int_equal(rig.raft.last_applied, 50);
    core_rig_stop(&rig);
}

/* The core would forget it, and the leader wait for a long time. */
static void newer_install_waits_for_the_one_under_way(void **state)
{
    struct raft_io_snapshot_put *first;
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_snapshot(&rig, 3, 3, 50, 2);
    first = rig.put;
    assert_non_null(first);
    core_rig_receive_snapshot(&rig, 3, 3, 50, 2); /* again: not needed */
    core_rig_receive_snapshot(&rig, 3, 3, 60, 2);
    core_rig_receive_snapshot(&rig, 3, 3, 70, 2); /* in its place */
    assert_ptr_equal(rig.put, first);
    assert_false(rig.deferred);
    assert_int_equal(counts_of(&rig).held_truncations, 2);
    core_rig_put_done(&rig);
    core_rig_run_deferred(&rig);
    assert_non_null(rig.put);
    core_rig_put_done(&rig);
    assert_int_equal(rig.raft.last_applied, 70);
    core_rig_stop(&rig);
}

static void messages_that_append_only_do_not_wait(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 2, 2, 0);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST + 2, 2, 2, 2, 0);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 3, 2, 0);
    assert_int_equal(rig.append_count, 2);
    assert_int_equal(counts_of(&rig).held_truncations, 0);
    core_rig_stop(&rig);
}

static void few_messages_wait_and_the_rest_is_dropped(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 2, 2, 0);
    for (unsigned i = 0; i < 2 * GUARD_HELD_MAX; i++) {
        core_rig_receive_entries(&rig, 3, 3, LOG_LAST, 1, 1, 3, 0);
    }
    assert_int_equal(counts_of(&rig).held_truncations, GUARD_HELD_MAX);
    core_rig_stop(&rig); /* frees those that wait */
}

/* ---- T ---- */

/* A follower whose log begins behind a snapshot of index 50. */
static void start_behind_snapshot(struct core_rig *rig)
{
    core_rig_start(rig, 3, 10, NULL);
    core_rig_receive_snapshot(rig, 2, 2, 50, 1);
    core_rig_put_done(rig);
    core_rig_sent(rig);
}

static void entries_inside_the_snapshot_are_stripped(void **state)
{
    const struct core_rig_send *send;
    struct core_rig rig;

    (void)state;
    start_behind_snapshot(&rig);
    core_rig_receive_entries(&rig, 2, 2, 0, 0, 60, 1, 0);
    assert_int_equal(rig.append_count, 1);
    assert_int_equal(rig.appends[0].count, 10);
    core_rig_append_done(&rig, 0);
    send = core_rig_last_send(&rig, RAFT_IO_APPEND_ENTRIES_RESULT, 2);
    assert_int_equal(send->message.append_entries_result.rejected, 0);
    assert_int_equal(send->message.append_entries_result.last_log_index, 60);
    assert_int_equal(counts_of(&rig).stripped_messages, 1);
    core_rig_stop(&rig);
}

static void message_inside_the_snapshot_confirms_the_snapshot(void **state)
{
    const struct core_rig_send *send;
    struct core_rig rig;

    (void)state;
    start_behind_snapshot(&rig);
    core_rig_receive_entries(&rig, 2, 2, 20, 1, 10, 1, 0);
    assert_int_equal(rig.append_count, 0);
    send = core_rig_last_send(&rig, RAFT_IO_APPEND_ENTRIES_RESULT, 2);
    assert_int_equal(send->message.append_entries_result.rejected, 0);
    assert_int_equal(send->message.append_entries_result.last_log_index, 50);
    core_rig_stop(&rig);
}

static void entries_below_a_snapshot_being_installed_are_dropped(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_receive_snapshot(&rig, 2, 2, 50, 1);
    core_rig_receive_entries(&rig, 2, 2, 0, 0, 60, 1, 0);
    core_rig_receive_entries(&rig, 2, 2, 50, 1, 3, 2, 0);
    assert_int_equal(rig.append_count, 0);
    core_rig_put_done(&rig);
    core_rig_stop(&rig);
}

/* ---- Two leaders ---- */

static void another_leader_of_its_own_term_stops_the_process(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_elect(&rig);
    core_rig_receive_entries(&rig, 3, 2, LOG_LAST, 1, 1, 2, 0);
    assert_non_null(strstr(rig.fatal, "leads term 2"));
    core_rig_stop(&rig);
}

/* ---- V ---- */

static void in_doubt_it_neither_votes_nor_stands(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    guard_doubt(rig.guard, true);
    core_rig_receive_vote_request(&rig, 2, 9, false, true);
    assert_int_equal(rig.vote, 0);
    assert_int_equal(counts_of(&rig).doubtful_votes, 1);
    receive_timeout_now(&rig, 2);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    core_rig_tick(&rig, 60000);
    core_rig_tick(&rig, 60000);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);

    guard_doubt(rig.guard, false);
    core_rig_receive_vote_request(&rig, 2, 9, false, true);
    assert_int_equal(rig.vote, 2);
    core_rig_stop(&rig);
}

static void standing_back_it_votes_and_does_not_stand(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    guard_stand_back(rig.guard, true);
    receive_timeout_now(&rig, 2);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    /* Its leader falls silent: as long as it thinks it has one it votes for
     * nobody. */
    core_rig_receive_entries(&rig, 2, 1, LOG_LAST, 1, 0, 1, 0);
    assert_int_equal(rig.raft.follower_state.current_leader.id, 2);
    core_rig_receive_vote_request(&rig, 3, 9, false, false);
    assert_int_equal(rig.vote, 0);
    core_rig_tick(&rig, 60000);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    core_rig_receive_vote_request(&rig, 3, 9, false, false);
    assert_int_equal(rig.vote, 3);
    core_rig_tick(&rig, 60000);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);

    guard_stand_back(rig.guard, false);
    core_rig_tick(&rig, 60000);
    assert_int_not_equal(rig.raft.state, RAFT_FOLLOWER);
    core_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_vote_of_a_term_is_refused_during_a_transfer),
        cmocka_unit_test(address_from_the_wire_is_never_used),
        cmocka_unit_test(message_of_nobody_or_itself_is_dropped),
        cmocka_unit_test(handover_waits_for_own_writes),
        cmocka_unit_test(nobody_hands_over_to_a_sole_voter),
        cmocka_unit_test(truncation_waits_for_the_writes_before_it),
        cmocka_unit_test(install_waits_for_the_writes_before_it),
        cmocka_unit_test(newer_install_waits_for_the_one_under_way),
        cmocka_unit_test(messages_that_append_only_do_not_wait),
        cmocka_unit_test(few_messages_wait_and_the_rest_is_dropped),
        cmocka_unit_test(entries_inside_the_snapshot_are_stripped),
        cmocka_unit_test(message_inside_the_snapshot_confirms_the_snapshot),
        cmocka_unit_test(entries_below_a_snapshot_being_installed_are_dropped),
        cmocka_unit_test(another_leader_of_its_own_term_stops_the_process),
        cmocka_unit_test(in_doubt_it_neither_votes_nor_stands),
        cmocka_unit_test(standing_back_it_votes_and_does_not_stand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
