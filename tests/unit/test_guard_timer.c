/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* When a server stands for election. Server 1 of 3; its log holds the
 * configuration at index 1 and ten commands of term 1. Server 2 leads term 2.
 * Election timeout 1000 ms, heartbeat 100 ms. */
#include "support/cmocka.h"
#include "support/core_rig.h"
#include "util/limits.h"

#define LOG_LAST 11
#define ELECTION_MS 1000
#define TICK_MS 100

static void hear_leader(struct core_rig *rig)
{
    core_rig_receive_entries(rig, 2, 2, LOG_LAST, 1, 0, 2, 0);
    assert_int_equal(rig->raft.state, RAFT_FOLLOWER);
    assert_int_equal(rig->raft.follower_state.current_leader.id, 2);
    core_rig_sent(rig);
}

static void start(struct core_rig *rig)
{
    core_rig_start(rig, 3, 10, NULL);
    core_rig_tick(rig, TICK_MS);
    hear_leader(rig);
}

/* Ticks that come as early as they are asked for, until @ms have passed. */
static void pass(struct core_rig *rig, unsigned ms)
{
    raft_time end = rig->now + ms;

    while (rig->now < end) {
        raft_time step = rig->tick_within == 0 ? TICK_MS : rig->tick_within;

        step = end - rig->now < step ? end - rig->now : step;
        rig->tick_within = 0;
        core_rig_tick(rig, step);
    }
}

static bool granted(struct core_rig *rig, raft_id to)
{
    const struct core_rig_send *send =
        core_rig_last_send(rig, RAFT_IO_REQUEST_VOTE_RESULT, to);

    assert_non_null(send);
    return send->message.request_vote_result.vote_granted;
}

/* ---- The core's own ---- */

static unsigned silence_until_it_stands(bool draws_high)
{
    struct core_rig rig;
    raft_time begin;

    core_rig_start(&rig, 3, 10, NULL);
    pass(&rig, ELECTION_MS);
    assert_int_equal(rig.raft.state, RAFT_CANDIDATE);
    /* Whoever becomes a follower draws one. */
    rig.random_is_high = draws_high;
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 0, 2, 0);
    core_rig_sent(&rig);
    begin = rig.now;
    while (rig.raft.state == RAFT_FOLLOWER && rig.now - begin < 3000) {
        pass(&rig, 1);
    }
    core_rig_stop(&rig);
    return (unsigned)(rig.now - begin);
}

static void timers_end_after_once_to_one_and_a_half_times_it(void **state)
{
    (void)state;
    assert_int_equal(silence_until_it_stands(false), ELECTION_MS);
    assert_int_equal(silence_until_it_stands(true), ELECTION_MS * 3 / 2 - 1);
}

/* ---- W ---- */

static void follower_of_a_leader_that_is_gone_stands_at_once(void **state)
{
    struct core_rig rig;

    (void)state;
    start(&rig);
    guard_leader_gone(rig.guard, 2);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    pass(&rig, 2 * GUARD_STAND_FIRST_MS);
    assert_int_equal(rig.raft.state, RAFT_CANDIDATE);
    core_rig_vote(&rig, 3, true);
    core_rig_vote(&rig, 3, false);
    assert_int_equal(rig.raft.state, RAFT_LEADER);
    assert_int_equal(rig.raft.current_term, 3);
    core_rig_stop(&rig);
}

static void word_of_another_server_changes_nothing(void **state)
{
    struct core_rig rig;

    (void)state;
    start(&rig);
    guard_leader_gone(rig.guard, 3);
    guard_leader_gone(rig.guard, 0);
    pass(&rig, ELECTION_MS / 2);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    assert_int_equal(rig.raft.follower_state.current_leader.id, 2);
    core_rig_stop(&rig);
}

static void others_get_the_vote_of_whoever_knows_the_leader_gone(void **state)
{
    struct core_rig rig;

    (void)state;
    start(&rig);
    core_rig_receive_vote_request(&rig, 3, 3, true, false);
    assert_false(granted(&rig, 3));
    guard_leader_gone(rig.guard, 2);
    core_rig_receive_vote_request(&rig, 3, 3, true, false);
    assert_true(granted(&rig, 3));
    core_rig_stop(&rig);
}

/* The way to the leader is broken, and nobody else thinks that it is gone. */
static void false_word_begins_no_term(void **state)
{
    struct core_rig rig;

    (void)state;
    start(&rig);
    guard_leader_gone(rig.guard, 2);
    for (int i = 0; i < 5; i++) {
        pass(&rig, ELECTION_MS);
        assert_int_equal(rig.raft.current_term, 2);
        assert_int_equal(rig.raft.state, RAFT_CANDIDATE);
        core_rig_sent(&rig);
        guard_leader_gone(rig.guard, 2);
    }
    hear_leader(&rig);
    assert_int_equal(rig.raft.current_term, 2);
    pass(&rig, ELECTION_MS / 2);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    core_rig_stop(&rig);
}

static void leader_that_is_heard_again_ends_the_attempt(void **state)
{
    struct core_rig rig;

    (void)state;
    start(&rig);
    guard_leader_gone(rig.guard, 2);
    hear_leader(&rig);
    pass(&rig, ELECTION_MS / 2);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    core_rig_stop(&rig);
}

static void attempts_wait_for_writes_under_way(void **state)
{
    struct core_rig rig;

    (void)state;
    start(&rig);
    core_rig_receive_entries(&rig, 2, 2, LOG_LAST, 1, 2, 2, 0);
    guard_leader_gone(rig.guard, 2);
    pass(&rig, ELECTION_MS);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    core_rig_append_done(&rig, 0);
    pass(&rig, 2 * GUARD_STAND_SOON_MS);
    assert_int_equal(rig.raft.state, RAFT_CANDIDATE);
    core_rig_stop(&rig);
}

static void attempt_is_put_off_while_another_is_elected(void **state)
{
    struct core_rig rig;

    (void)state;
    start(&rig);
    guard_leader_gone(rig.guard, 2);
    core_rig_receive_vote_request(&rig, 3, 3, false, false);
    assert_int_equal(rig.vote, 3);
    pass(&rig, 2 * GUARD_STAND_FIRST_MS);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    /* Nothing comes of it. */
    pass(&rig, 4 * GUARD_STAND_STEP_MS);
    assert_int_equal(rig.raft.state, RAFT_CANDIDATE);
    core_rig_stop(&rig);
}

/* Server 1 is the first survivor of three always; so it is made one of two here,
 * behind a server that comes before it. */
static void the_next_survivor_stands_a_step_later(void **state)
{
    struct raft_configuration *configuration;
    struct raft_server first;
    struct core_rig rig;

    (void)state;
    start(&rig);
    configuration = &rig.raft.configuration;
    first = configuration->servers[0];
    configuration->servers[0] = configuration->servers[2];
    configuration->servers[2] = first;
    guard_leader_gone(rig.guard, 2);
    pass(&rig, GUARD_STAND_STEP_MS);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    pass(&rig, 2 * GUARD_STAND_FIRST_MS);
    assert_int_equal(rig.raft.state, RAFT_CANDIDATE);
    core_rig_stop(&rig);
}

/* When the next round of votes is asked for, from now. */
static unsigned until_asked(struct core_rig *rig)
{
    raft_time begun = rig->now;

    core_rig_sent(rig);
    while (core_rig_last_send(rig, RAFT_IO_REQUEST_VOTE, 3) == NULL) {
        pass(rig, 1);
        assert_true(rig->now - begun < 3 * ELECTION_MS);
    }
    return (unsigned)(rig->now - begun);
}

static void attempts_come_more_and_more_rarely_and_end(void **state)
{
    unsigned wait = 2 * GUARD_STAND_STEP_MS; /* there are two survivors */
    struct core_rig rig;

    (void)state;
    start(&rig);
    for (unsigned turn = 0; turn < 2; turn++) {
        guard_leader_gone(rig.guard, 2);
        assert_in_range(until_asked(&rig), 1, 2 * GUARD_STAND_FIRST_MS);
        for (unsigned i = 1; i < GUARD_STANDS_MAX; i++) {
            unsigned next = wait << (i - 1);

            assert_in_range(until_asked(&rig), next,
                            next + GUARD_STAND_FIRST_MS + 1);
        }
        rig.raft.candidate_state.randomized_election_timeout =
            2 * ELECTION_MS - 1;
        assert_int_equal(until_asked(&rig), 2 * ELECTION_MS - 1);
        assert_int_equal(rig.raft.current_term, 2);
        /* Once it is heard again its end is news. */
        hear_leader(&rig);
    }
    core_rig_stop(&rig);
}

static void leader_that_is_told_of_its_own_end_goes_on(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_elect(&rig);
    for (raft_id id = 1; id <= 3; id++) {
        guard_leader_gone(rig.guard, id);
    }
    pass(&rig, ELECTION_MS / 2);
    assert_int_equal(rig.raft.state, RAFT_LEADER);
    core_rig_stop(&rig);
}

/* ---- X ---- */

static void follower_that_was_away_does_not_take_it_for_silence(void **state)
{
    struct core_rig rig;

    (void)state;
    start(&rig);
    rig.now += 60000;
    rig.tick(&rig.inner);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    pass(&rig, ELECTION_MS - 2 * TICK_MS);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    pass(&rig, ELECTION_MS + TICK_MS);
    assert_int_equal(rig.raft.state, RAFT_CANDIDATE);
    core_rig_stop(&rig);
}

static void leader_that_was_away_goes_on_leading(void **state)
{
    struct core_rig rig;

    (void)state;
    core_rig_start(&rig, 3, 10, NULL);
    core_rig_elect(&rig);
    core_rig_append_done(&rig, 0);
    core_rig_sent(&rig);
    rig.now += 60000;
    rig.tick(&rig.inner);
    assert_int_equal(rig.raft.state, RAFT_LEADER);
    core_rig_sent(&rig);
    pass(&rig, ELECTION_MS + TICK_MS);
    assert_int_equal(rig.raft.state, RAFT_FOLLOWER);
    core_rig_stop(&rig);
}

static void ticks_that_are_a_little_late_count(void **state)
{
    struct core_rig rig;

    (void)state;
    start(&rig);
    for (int i = 0; i < 10; i++) {
        rig.now += 2 * TICK_MS;
        rig.tick(&rig.inner);
    }
    assert_int_equal(rig.raft.state, RAFT_CANDIDATE);
    core_rig_stop(&rig);
}

/* Most of what passes is its own absence, but not all. */
static void server_that_is_always_late_stands_at_last(void **state)
{
    struct core_rig rig;

    (void)state;
    start(&rig);
    for (int i = 0; i < 2 * ELECTION_MS / TICK_MS; i++) {
        rig.now += 5 * TICK_MS;
        rig.tick(&rig.inner);
    }
    assert_int_equal(rig.raft.state, RAFT_CANDIDATE);
    core_rig_stop(&rig);
}

/* ---- Y ---- */

static void vote_is_refused_for_an_election_timeout_and_no_longer(void **state)
{
    struct core_rig rig;

    (void)state;
    start(&rig);
    core_rig_tick(&rig, ELECTION_MS - 1);
    core_rig_receive_vote_request(&rig, 3, 3, true, false);
    assert_false(granted(&rig, 3));
    rig.now += 1;
    core_rig_receive_vote_request(&rig, 3, 3, true, false);
    assert_true(granted(&rig, 3));
    core_rig_stop(&rig);
}

static void vote_of_one_that_was_away_is_refused(void **state)
{
    struct core_rig rig;

    (void)state;
    start(&rig);
    rig.now += 60000;
    core_rig_receive_vote_request(&rig, 3, 3, true, false);
    assert_false(granted(&rig, 3));
    core_rig_stop(&rig);
}

/* ---- Ticks ---- */

static void tick_is_asked_for_when_the_timer_runs_out_before_the_next(
    void **state)
{
    struct core_rig rig;
    raft_time end;

    (void)state;
    start(&rig);
    rig.raft.follower_state.randomized_election_timeout = ELECTION_MS + 30;
    end = rig.raft.election_timer_start + ELECTION_MS + 30;
    while (rig.now + TICK_MS < end) {
        assert_int_equal(rig.tick_within, 0);
        core_rig_tick(&rig, TICK_MS);
    }
    assert_int_equal(rig.now + rig.tick_within, end);
    core_rig_tick(&rig, rig.tick_within);
    assert_int_equal(rig.raft.state, RAFT_CANDIDATE);
    core_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_end_after_once_to_one_and_a_half_times_it),
        cmocka_unit_test(follower_of_a_leader_that_is_gone_stands_at_once),
        cmocka_unit_test(word_of_another_server_changes_nothing),
        cmocka_unit_test(others_get_the_vote_of_whoever_knows_the_leader_gone),
        cmocka_unit_test(false_word_begins_no_term),
        cmocka_unit_test(leader_that_is_heard_again_ends_the_attempt),
        cmocka_unit_test(attempts_wait_for_writes_under_way),
        cmocka_unit_test(attempt_is_put_off_while_another_is_elected),
        cmocka_unit_test(the_next_survivor_stands_a_step_later),
        cmocka_unit_test(attempts_come_more_and_more_rarely_and_end),
        cmocka_unit_test(leader_that_is_told_of_its_own_end_goes_on),
        cmocka_unit_test(follower_that_was_away_does_not_take_it_for_silence),
        cmocka_unit_test(leader_that_was_away_goes_on_leading),
        cmocka_unit_test(ticks_that_are_a_little_late_count),
        cmocka_unit_test(server_that_is_always_late_stands_at_last),
        cmocka_unit_test(vote_is_refused_for_an_election_timeout_and_no_longer),
        cmocka_unit_test(vote_of_one_that_was_away_is_refused),
        cmocka_unit_test(
            tick_is_asked_for_when_the_timer_runs_out_before_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
