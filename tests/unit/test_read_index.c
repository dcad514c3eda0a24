/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/read_index.h"

#include "support/cmocka.h"
#include "support/read_rig.h"

static void a_majority_of_yes_makes_a_read_good(void **state)
{
    (void)state;
    for (unsigned voters = 1; voters <= 5; voters++) {
        struct read_rig rig;
        struct node_read read = {0};
        struct read_rig_told told = {0};

        read_rig_setup(&rig, voters, 1);
        read_rig_add(&rig, &read, &told);
        assert_int_equal(told.count, 0);
        read_rig_step(&rig);
        /* Each other voter is asked, standbys are not. */
        assert_int_equal(rig.frames_count, voters - 1);
        for (unsigned i = 0; i < voters - 1; i++) {
            read_rig_expect_frame(&rig, i, i + 2, LINK_READ_INDEX, 7, 1);
        }
        /* The leader is one of the majority. */
        for (unsigned yes = 1; yes < voters / 2 + 1; yes++) {
            assert_int_equal(told.count, 0);
            read_rig_say_yes(&rig, yes + 1, 1);
        }
        assert_int_equal(told.count, 1);
        assert_int_equal(told.status, 0);
        assert_true(read_index_is_empty(&rig.reads));
        assert_int_equal(rig.frames_count, voters - 1);
    }
}

static void a_leader_that_does_not_vote_does_not_count_itself(void **state)
{
    (void)state;
    for (unsigned voters = 1; voters <= 5; voters++) {
        struct read_rig rig;
        struct node_read read = {0};
        struct read_rig_told told = {0};

        /* Servers 2 to voters + 1 vote. */
        read_rig_setup(&rig, voters + 1, 0);
        rig.servers[0].role = voters % 2 == 0 ? RAFT_SPARE : RAFT_STANDBY;
        read_rig_add(&rig, &read, &told);
        read_rig_step(&rig);
        assert_int_equal(rig.frames_count, voters);
        for (unsigned yes = 1; yes <= voters / 2 + 1; yes++) {
            assert_int_equal(told.count, 0);
            read_rig_say_yes(&rig, yes + 1, 1);
        }
        assert_int_equal(told.count, 1);
        assert_int_equal(told.status, 0);
    }
}

static void a_leader_that_was_removed_does_not_count_itself(void **state)
{
    struct read_rig rig;
    struct node_read read = {0};
    struct read_rig_told told = {0};

    (void)state;
    read_rig_setup(&rig, 3, 0);
    rig.configuration.servers = &rig.servers[1];
    rig.configuration.n = 2;
    read_rig_add(&rig, &read, &told);
    read_rig_step(&rig);
    assert_int_equal(rig.frames_count, 2);
    read_rig_say_yes(&rig, 2, 1);
    assert_int_equal(told.count, 0);
    read_rig_say_yes(&rig, 3, 1);
    assert_int_equal(told.count, 1);
}

static void an_empty_configuration_makes_no_read_good(void **state)
{
    struct read_rig rig;
    struct node_read read = {0};
    struct read_rig_told told = {0};

    (void)state;
    read_rig_setup(&rig, 0, 1);
    read_rig_add(&rig, &read, &told);
    read_rig_step(&rig);
    assert_int_equal(told.count, 0);
    read_index_refuse(&rig.reads, QL_SHUTTING_DOWN);
    assert_int_equal(told.status, QL_SHUTTING_DOWN);
}

static void only_a_leader_that_is_ready_takes_reads(void **state)
{
    struct read_rig rig;
    struct node_read read = {0};

    (void)state;
    read_rig_setup(&rig, 3, 0);
    rig.facts.ready = false;
    assert_int_equal(
        read_index_add(&rig.reads, &rig.facts, &read, read_rig_on_read),
        QL_NO_LEADER);
    rig.facts.role = NODE_CANDIDATE;
    assert_int_equal(
        read_index_add(&rig.reads, &rig.facts, &read, read_rig_on_read),
        QL_NOT_LEADER);
    rig.facts.role = NODE_FOLLOWER;
    assert_int_equal(
        read_index_add(&rig.reads, &rig.facts, &read, read_rig_on_read),
        QL_NOT_LEADER);
    assert_true(read_index_is_empty(&rig.reads));
}

static void a_read_waits_until_the_noted_index_is_applied(void **state)
{
    struct read_rig rig;
    struct node_read reads[2] = {0};
    struct read_rig_told told[2] = {0};

    (void)state;
    read_rig_setup(&rig, 3, 0);
    rig.facts.commit_index = 12;
    read_rig_add(&rig, &reads[0], &told[0]);
    rig.facts.commit_index = 14;
    read_rig_add(&rig, &reads[1], &told[1]);
    read_rig_step(&rig);
    read_rig_say_yes(&rig, 2, 1);
    rig.facts.applied_index = 11;
    read_rig_step(&rig);
    assert_int_equal(told[0].count, 0);
    /* What is committed later is none of its business. */
    rig.facts.commit_index = 100;
    rig.facts.applied_index = 12;
    read_rig_step(&rig);
    assert_int_equal(told[0].count, 1);
    assert_int_equal(told[1].count, 0);
    rig.facts.applied_index = 14;
    rig.now_ms += 10 * READ_RIG_HEARTBEAT_MS;
    read_rig_step(&rig);
    assert_int_equal(told[1].count, 1);
    /* Nobody was asked again meanwhile. */
    assert_int_equal(rig.frames_count, 2);
}

static void one_round_serves_all_reads_that_wait(void **state)
{
    struct read_rig rig;
    struct node_read reads[100] = {0};
    struct read_rig_told told = {0};

    (void)state;
    read_rig_setup(&rig, 3, 0);
    for (size_t i = 0; i < 100; i++) {
        read_rig_add(&rig, &reads[i], &told);
    }
    read_rig_step(&rig);
    assert_int_equal(rig.frames_count, 2);
    read_rig_say_yes(&rig, 3, 1);
    assert_int_equal(told.count, 100);
}

static void a_round_begun_before_the_read_came_does_not_serve_it(void **state)
{
    struct read_rig rig;
    struct node_read reads[2] = {0};
    struct read_rig_told told[2] = {0};

    (void)state;
    read_rig_setup(&rig, 3, 0);
    read_rig_add(&rig, &reads[0], &told[0]);
    read_rig_step(&rig);
    read_rig_add(&rig, &reads[1], &told[1]);
    read_rig_say_yes(&rig, 2, 1);
    assert_int_equal(told[0].count, 1);
    assert_int_equal(told[1].count, 0);
    read_rig_expect_frame(&rig, 2, 2, LINK_READ_INDEX, 7, 2);
    /* The other one's yes to the first round does not help either. */
    read_rig_say_yes(&rig, 3, 1);
    assert_int_equal(told[1].count, 0);
    read_rig_say_yes(&rig, 3, 2);
    assert_int_equal(told[1].count, 1);
}

static void a_yes_to_a_later_round_counts_for_earlier_ones(void **state)
{
    struct read_rig rig;
    struct node_read reads[2] = {0};
    struct read_rig_told told[2] = {0};

    (void)state;
    read_rig_setup(&rig, 5, 0);
    read_rig_add(&rig, &reads[0], &told[0]);
    read_rig_step(&rig);
    read_rig_add(&rig, &reads[1], &told[1]);
    read_rig_step(&rig);
    assert_int_equal(rig.frames_count, 8);
    read_rig_say_yes(&rig, 2, 1);
    read_rig_say_yes(&rig, 3, 2);
    assert_int_equal(told[0].count, 1);
    assert_int_equal(told[1].count, 0);
    read_rig_say_yes(&rig, 4, 2);
    assert_int_equal(told[1].count, 1);
}

static void a_yes_said_twice_counts_once(void **state)
{
    struct read_rig rig;
    struct node_read read = {0};
    struct read_rig_told told = {0};

    (void)state;
    read_rig_setup(&rig, 5, 0);
    read_rig_add(&rig, &read, &told);
    read_rig_step(&rig);
    for (unsigned i = 0; i < 5; i++) {
        read_rig_say_yes(&rig, 2, 1);
    }
    assert_int_equal(told.count, 0);
    read_rig_say_yes(&rig, 5, 1);
    assert_int_equal(told.count, 1);
    /* After the fact. */
    read_rig_say_yes(&rig, 5, 1);
    read_rig_say_yes(&rig, 3, 1);
    assert_int_equal(told.count, 1);
}

static void an_earlier_yes_does_not_take_back_a_later_one(void **state)
{
    struct read_rig rig;
    struct node_read reads[2] = {0};
    struct read_rig_told told = {0};

    (void)state;
    read_rig_setup(&rig, 5, 0);
    read_rig_add(&rig, &reads[0], &told);
    read_rig_step(&rig);
    read_rig_add(&rig, &reads[1], &told);
    read_rig_step(&rig);
    read_rig_say_yes(&rig, 2, 2);
    read_rig_say_yes(&rig, 2, 1);
    read_rig_say_yes(&rig, 3, 2);
    assert_int_equal(told.count, 2);
}

static void who_does_not_vote_has_no_say(void **state)
{
    struct read_rig rig;
    struct node_read read = {0};
    struct read_rig_told told = {0};

    (void)state;
    read_rig_setup(&rig, 3, 1);
    read_rig_add(&rig, &read, &told);
    read_rig_step(&rig);
    read_rig_say_yes(&rig, 4, 1); /* a standby */
    read_rig_say_yes(&rig, 9, 1); /* nobody */
    read_rig_say_yes(&rig, 1, 1); /* itself */
    assert_int_equal(told.count, 0);
    read_rig_say_yes(&rig, 3, 1);
    assert_int_equal(told.count, 1);
}

static void majorities_are_those_of_the_latest_configuration(void **state)
{
    struct read_rig rig;
    struct node_read read = {0};
    struct read_rig_told told = {0};

    (void)state;
    /* 3 voters become 4 while the round is under way: 2 were enough. */
    read_rig_setup(&rig, 3, 1);
    read_rig_add(&rig, &read, &told);
    read_rig_step(&rig);
    rig.servers[3].role = RAFT_VOTER;
    read_rig_say_yes(&rig, 2, 1);
    assert_int_equal(told.count, 0);
    /* The new one was not asked; it is by the next round. */
    rig.now_ms += READ_RIG_HEARTBEAT_MS;
    read_rig_step(&rig);
    assert_int_equal(rig.frames_count, 5);
    read_rig_expect_frame(&rig, 4, 4, LINK_READ_INDEX, 7, 2);
    read_rig_say_yes(&rig, 4, 2);
    assert_int_equal(told.count, 1);
}

static void the_yes_of_one_who_votes_no_more_does_not_count(void **state)
{
    struct read_rig rig;
    struct node_read read = {0};
    struct read_rig_told told = {0};

    (void)state;
    read_rig_setup(&rig, 5, 0);
    read_rig_add(&rig, &read, &told);
    read_rig_step(&rig);
    read_rig_say_yes(&rig, 5, 1);
    rig.servers[4].role = RAFT_SPARE;
    read_rig_say_yes(&rig, 2, 1);
    assert_int_equal(told.count, 0);
    read_rig_say_yes(&rig, 3, 1);
    assert_int_equal(told.count, 1);
}

static void places_of_voters_who_left_are_used_again(void **state)
{
    struct read_rig rig;
    struct read_rig_told told = {0};

    (void)state;
    read_rig_setup(&rig, 2, 0);
    for (unsigned i = 0; i < 5 * GUARD_PEERS_MAX; i++) {
        struct node_read read = {0};

        rig.frames_count = 0;
        rig.servers[1].id = 2 + i;
        read_rig_add(&rig, &read, &told);
        read_rig_step(&rig);
        read_rig_say_yes(&rig, 2 + i, i + 1);
        assert_int_equal(told.count, i + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_majority_of_yes_makes_a_read_good),
        cmocka_unit_test(a_leader_that_does_not_vote_does_not_count_itself),
        cmocka_unit_test(a_leader_that_was_removed_does_not_count_itself),
        cmocka_unit_test(an_empty_configuration_makes_no_read_good),
        cmocka_unit_test(only_a_leader_that_is_ready_takes_reads),
        cmocka_unit_test(a_read_waits_until_the_noted_index_is_applied),
        cmocka_unit_test(one_round_serves_all_reads_that_wait),
        cmocka_unit_test(a_round_begun_before_the_read_came_does_not_serve_it),
        cmocka_unit_test(a_yes_to_a_later_round_counts_for_earlier_ones),
        cmocka_unit_test(a_yes_said_twice_counts_once),
        cmocka_unit_test(an_earlier_yes_does_not_take_back_a_later_one),
        cmocka_unit_test(who_does_not_vote_has_no_say),
        cmocka_unit_test(majorities_are_those_of_the_latest_configuration),
        cmocka_unit_test(the_yes_of_one_who_votes_no_more_does_not_count),
        cmocka_unit_test(places_of_voters_who_left_are_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
