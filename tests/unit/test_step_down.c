/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Server 1 of some leads, and is to no longer. Its election timeout is the core's
 * default, a second. */
#include "consensus/step_down.h"

#include "support/cmocka.h"
#include "support/core_rig.h"

#define LOG_LAST 11
#define STEP_MS 10u

struct fixture {
    struct core_rig rig;
    struct identity identity;
    struct peer_watch watch;
    struct handover handover;
    struct step_down down;
    raft_term term; /* that is led */
};

/* Leads, and its own entry is stored and applied. */
static void setup(struct fixture *fixture, unsigned servers)
{
    struct core_rig *rig = &fixture->rig;

    *fixture = (struct fixture){.identity = {.node = 1}};
    fixture->identity.members_count = servers;
    for (unsigned i = 0; i < servers; i++) {
        fixture->identity.members[i].id = i + 1;
    }
    core_rig_start(rig, servers, 10, NULL);
    if (rig->raft.state != RAFT_LEADER) {
        core_rig_elect(rig);
    }
    core_rig_append_done(rig, 0);
    fixture->term = rig->raft.current_term;
    for (unsigned i = 2; i <= servers; i++) {
        core_rig_receive_result(rig, i, fixture->term, 0, LOG_LAST + 1);
    }
    if (rig->deferred) {
        core_rig_run_deferred(rig);
    }
    fixture->watch =
        (struct peer_watch){.identity = &fixture->identity, .core = &rig->raft};
    fixture->handover = (struct handover){
        .core = &rig->raft, .guard = rig->guard, .watch = &fixture->watch};
    fixture->down = (struct step_down){.core = &rig->raft,
                                       .guard = rig->guard,
                                       .watch = &fixture->watch,
                                       .handover = &fixture->handover};
    assert_true(guard_is_ready_leader(rig->guard));
}

/* A turn as the node makes it. */
static bool turn(struct fixture *fixture, bool drained)
{
    if (handover_is_active(&fixture->handover)) {
        (void)handover_step(&fixture->handover, drained, fixture->rig.now);
    }
    return step_down_step(&fixture->down, drained, fixture->rig.now);
}

static void answer(struct fixture *fixture)
{
    for (unsigned i = 2; i <= fixture->identity.members_count; i++) {
        core_rig_receive_result(&fixture->rig, i, fixture->term, 0,
                                LOG_LAST + 1);
    }
}

/* Turns until it has ended, with peers that answer heartbeats or none. */
static raft_time time_until_it_ends(struct fixture *fixture, bool drained,
                                    bool answered)
{
    raft_time begun = fixture->rig.now;

    while (!turn(fixture, drained)) {
        if (answered) {
            answer(fixture);
        }
        core_rig_tick(&fixture->rig, STEP_MS);
        core_rig_sent(&fixture->rig);
        assert_in_range(fixture->rig.now - begun, 0, 10000);
    }
    assert_int_equal(fixture->rig.raft.state, RAFT_FOLLOWER);
    assert_false(step_down_is_active(&fixture->down));
    return fixture->rig.now - begun;
}

static void sole_voter_ends_its_term_at_once_and_leads_another(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, 1);
    assert_int_equal(step_down_begin(&fixture.down, fixture.rig.now), 0);
    assert_int_equal(step_down_begin(&fixture.down, fixture.rig.now), QL_BUSY);
    assert_true(turn(&fixture, true));
    assert_int_equal(fixture.rig.raft.state, RAFT_FOLLOWER);
    assert_int_equal(fixture.rig.raft.current_term, fixture.term + 1);
    assert_int_equal(fixture.rig.term, fixture.term + 1); /* on the disk */
    assert_int_equal(step_down_begin(&fixture.down, fixture.rig.now),
                     QL_NOT_LEADER);
    core_rig_tick(&fixture.rig, 2000);
    assert_int_equal(fixture.rig.raft.state, RAFT_LEADER);
    assert_true(fixture.rig.raft.current_term > fixture.term + 1);
    assert_int_equal(fixture.rig.vote, 1);
    core_rig_stop(&fixture.rig);
}

static void sole_voter_lets_end_what_it_has_taken(void **state)
{
    struct fixture fixture;
    unsigned applied;

    (void)state;
    setup(&fixture, 1);
    applied = fixture.rig.applied;
    assert_int_equal(core_rig_submit(&fixture.rig, 16), 0);
    assert_int_equal(step_down_begin(&fixture.down, fixture.rig.now), 0);
    assert_false(turn(&fixture, false));
    core_rig_append_done(&fixture.rig, 0);
    assert_int_equal(fixture.rig.applied, applied + 1);
    assert_int_equal(fixture.rig.raft.current_term, fixture.term);
    assert_true(turn(&fixture, true));
    assert_int_equal(fixture.rig.raft.current_term, fixture.term + 1);
    core_rig_stop(&fixture.rig);
}

static void what_never_ends_is_waited_for_no_longer_than_an_election(
    void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, 1);
    assert_int_equal(core_rig_submit(&fixture.rig, 16), 0);
    assert_int_equal(step_down_begin(&fixture.down, fixture.rig.now), 0);
    assert_in_range(time_until_it_ends(&fixture, false, false), 900, 1100);
    assert_int_equal(fixture.rig.raft.current_term, fixture.term + 1);
    core_rig_stop(&fixture.rig);
}

static void voter_that_answers_is_asked_and_takes_over(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, 3);
    assert_int_equal(step_down_begin(&fixture.down, fixture.rig.now), 0);
    assert_false(turn(&fixture, false));
    assert_null(core_rig_last_send(&fixture.rig, RAFT_IO_TIMEOUT_NOW, 2));
    assert_false(turn(&fixture, true));
    assert_false(turn(&fixture, true));
    assert_non_null(core_rig_last_send(&fixture.rig, RAFT_IO_TIMEOUT_NOW, 2));
    core_rig_receive_vote_request(&fixture.rig, 2, fixture.term + 1, false,
                                  true);
    assert_true(turn(&fixture, true));
    assert_int_equal(fixture.rig.raft.current_term, fixture.term + 1);
    assert_int_equal(fixture.rig.vote, 2);
    core_rig_stop(&fixture.rig);
}

static void voter_that_was_asked_and_does_nothing_does_not_help(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, 3);
    assert_int_equal(step_down_begin(&fixture.down, fixture.rig.now), 0);
    assert_in_range(time_until_it_ends(&fixture, true, true), 900, 1200);
    assert_int_equal(fixture.rig.raft.current_term, fixture.term + 1);
    core_rig_stop(&fixture.rig);
}

/* The core itself steps down for want of a majority, which is as good. */
static void nobody_is_there(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, 3);
    assert_int_equal(core_rig_submit(&fixture.rig, 16), 0);
    assert_int_equal(step_down_begin(&fixture.down, fixture.rig.now), 0);
    assert_in_range(time_until_it_ends(&fixture, false, false), 0, 2200);
    core_rig_stop(&fixture.rig);
}

static void handover_that_somebody_asked_for_is_used(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, 3);
    assert_int_equal(handover_ask(&fixture.handover, 3, fixture.rig.now), 0);
    assert_int_equal(step_down_begin(&fixture.down, fixture.rig.now), 0);
    assert_false(turn(&fixture, true));
    assert_non_null(core_rig_last_send(&fixture.rig, RAFT_IO_TIMEOUT_NOW, 3));
    assert_in_range(time_until_it_ends(&fixture, true, true), 900, 1200);
    assert_int_equal(fixture.rig.raft.current_term, fixture.term + 1);
    core_rig_stop(&fixture.rig);
}

static void entries_behind_the_first_of_a_term_are_its_own(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, 3);
    assert_false(guard_is_own_entry(fixture.rig.guard, LOG_LAST));
    assert_false(guard_is_own_entry(fixture.rig.guard, LOG_LAST + 1));
    assert_true(guard_is_own_entry(fixture.rig.guard, LOG_LAST + 2));
    guard_end_term(fixture.rig.guard);
    assert_false(guard_is_own_entry(fixture.rig.guard, LOG_LAST + 2));
    core_rig_stop(&fixture.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sole_voter_ends_its_term_at_once_and_leads_another),
        cmocka_unit_test(sole_voter_lets_end_what_it_has_taken),
        cmocka_unit_test(
            what_never_ends_is_waited_for_no_longer_than_an_election),
        cmocka_unit_test(voter_that_answers_is_asked_and_takes_over),
        cmocka_unit_test(voter_that_was_asked_and_does_nothing_does_not_help),
        cmocka_unit_test(nobody_is_there),
        cmocka_unit_test(handover_that_somebody_asked_for_is_used),
        cmocka_unit_test(entries_behind_the_first_of_a_term_are_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
