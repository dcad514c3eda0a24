/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Rounds of linearizable reads: terms, repetition, answers, frames. */
#include "consensus/read_index.h"

#include "support/cmocka.h"
#include "support/read_rig.h"

/* ---- Terms ---- */

static void reads_end_when_leadership_is_lost(void **state)
{
    struct read_rig rig;
    struct node_read reads[2] = {0};
    struct read_rig_told told = {0};

    (void)state;
    read_rig_setup(&rig, 3, 0);
    read_rig_add(&rig, &reads[0], &told);
    read_rig_step(&rig);
    read_rig_add(&rig, &reads[1], &told);
    rig.facts.role = NODE_FOLLOWER;
    read_rig_say_yes(&rig, 2, 1);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.status, QL_NOT_LEADER);
    assert_true(read_index_is_empty(&rig.reads));
}

static void reads_end_when_the_node_leads_a_newer_term(void **state)
{
    struct read_rig rig;
    struct node_read reads[2] = {0};
    struct read_rig_told told[2] = {0};

    (void)state;
    read_rig_setup(&rig, 3, 0);
    read_rig_add(&rig, &reads[0], &told[0]);
    read_rig_step(&rig);
    rig.facts.term = 8;
    /* Before anybody has noticed. */
    read_rig_add(&rig, &reads[1], &told[1]);
    assert_int_equal(told[0].count, 0);
    /* A late yes of the old term. */
    assert_int_equal(read_rig_say(&rig, 2, 7, READ_RIG_NONCE, 1), 0);
    read_rig_step(&rig);
    assert_int_equal(told[0].count, 1);
    assert_int_equal(told[0].status, QL_NOT_LEADER);
    assert_int_equal(told[1].count, 0);
    /* The new term's round begins without delay, and has a new number. */
    assert_int_equal(rig.frames_count, 4);
    read_rig_expect_frame(&rig, 2, 2, LINK_READ_INDEX, 8, 2);
    assert_int_equal(read_rig_say(&rig, 3, 7, READ_RIG_NONCE, 2), 0);
    read_rig_step(&rig);
    assert_int_equal(told[1].count, 0);
    read_rig_say_yes(&rig, 3, 2);
    assert_int_equal(told[1].count, 1);
    assert_int_equal(told[1].status, 0);
}

static void what_was_said_in_an_older_term_is_forgotten(void **state)
{
    struct read_rig rig;
    struct node_read reads[2] = {0};
    struct read_rig_told told[2] = {0};

    (void)state;
    read_rig_setup(&rig, 5, 0);
    read_rig_add(&rig, &reads[0], &told[0]);
    read_rig_step(&rig);
    read_rig_say_yes(&rig, 2, 1);
    rig.facts.role = NODE_FOLLOWER;
    read_rig_step(&rig);
    rig.facts.role = NODE_LEADER;
    rig.facts.term = 9;
    read_rig_add(&rig, &reads[1], &told[1]);
    read_rig_step(&rig);
    read_rig_say_yes(&rig, 3, 2);
    assert_int_equal(told[1].count, 0);
    read_rig_say_yes(&rig, 4, 2);
    assert_int_equal(told[1].count, 1);
}

static void a_yes_to_an_earlier_process_is_passed_over(void **state)
{
    struct read_rig rig;
    struct node_read read = {0};
    struct read_rig_told told = {0};

    (void)state;
    read_rig_setup(&rig, 3, 0);
    read_rig_add(&rig, &read, &told);
    read_rig_step(&rig);
    assert_int_equal(read_rig_say(&rig, 2, 7, READ_RIG_NONCE + 1, 1), 0);
    assert_int_equal(read_rig_say(&rig, 2, 7, READ_RIG_NONCE + 1, 1000), 0);
    read_rig_step(&rig);
    assert_int_equal(told.count, 0);
    read_index_refuse(&rig.reads, QL_SHUTTING_DOWN);
}

/* ---- Rounds ---- */

static void rounds_are_repeated_each_heartbeat_while_reads_wait(void **state)
{
    struct read_rig rig;
    struct node_read read = {0};
    struct read_rig_told told = {0};

    (void)state;
    read_rig_setup(&rig, 3, 0);
    read_rig_add(&rig, &read, &told);
    read_rig_step(&rig);
    read_rig_step(&rig);
    rig.now_ms += READ_RIG_HEARTBEAT_MS - 1;
    read_rig_step(&rig);
    assert_int_equal(rig.frames_count, 2);
    rig.now_ms += 1;
    read_rig_step(&rig);
    assert_int_equal(rig.frames_count, 4);
    read_rig_expect_frame(&rig, 2, 2, LINK_READ_INDEX, 7, 2);
    rig.now_ms += 20 * READ_RIG_HEARTBEAT_MS;
    read_rig_step(&rig);
    assert_int_equal(rig.frames_count, 6);
    /* Late is not too late. */
    read_rig_say_yes(&rig, 3, 1);
    assert_int_equal(told.count, 1);
    rig.now_ms += 20 * READ_RIG_HEARTBEAT_MS;
    read_rig_step(&rig);
    assert_int_equal(rig.frames_count, 6);
}

static void few_rounds_are_under_way_at_once(void **state)
{
    struct read_rig rig;
    struct node_read reads[10] = {0};
    struct read_rig_told told = {0};
    size_t frames = (size_t)READ_ROUNDS_IN_FLIGHT * 2;

    (void)state;
    read_rig_setup(&rig, 3, 0);
    for (size_t i = 0; i < 10; i++) {
        read_rig_add(&rig, &reads[i], &told);
        read_rig_step(&rig);
    }
    assert_int_equal(rig.frames_count, frames);
    /* What came after them shares the next. */
    read_rig_say_yes(&rig, 2, 1);
    assert_int_equal(rig.frames_count, frames + 2);
    read_rig_say_yes(&rig, 2, READ_ROUNDS_IN_FLIGHT + 1);
    assert_int_equal(told.count, 10);
}

static void no_round_begins_during_a_handover(void **state)
{
    struct read_rig rig;
    struct node_read reads[2] = {0};
    struct read_rig_told told[2] = {0};

    (void)state;
    read_rig_setup(&rig, 3, 0);
    read_rig_add(&rig, &reads[0], &told[0]);
    read_rig_step(&rig);
    read_rig_add(&rig, &reads[1], &told[1]);
    rig.facts.may_ask = false;
    rig.now_ms += 3 * READ_RIG_HEARTBEAT_MS;
    read_rig_step(&rig);
    assert_int_equal(rig.frames_count, 2);
    /* One that was begun before may end well. */
    read_rig_say_yes(&rig, 2, 1);
    assert_int_equal(told[0].count, 1);
    assert_int_equal(told[0].status, 0);
    assert_int_equal(told[1].count, 0);
    /* It failed: things go on. */
    rig.facts.may_ask = true;
    read_rig_step(&rig);
    assert_int_equal(rig.frames_count, 4);
    read_rig_say_yes(&rig, 2, 2);
    assert_int_equal(told[1].count, 1);
}

static void a_read_added_in_a_callback_gets_a_round_of_its_own(void **state)
{
    struct read_rig rig;
    struct node_read reads[2] = {0};
    struct read_rig_told told[2] = {0};

    (void)state;
    read_rig_setup(&rig, 1, 0);
    told[0].then = &reads[1];
    reads[1].data = &told[1];
    read_rig_add(&rig, &reads[0], &told[0]);
    read_rig_step(&rig);
    assert_int_equal(told[0].count, 1);
    assert_int_equal(told[1].count, 0);
    read_rig_step(&rig);
    assert_int_equal(told[1].count, 1);
    assert_int_equal(rig.frames_count, 0);
}

static void waiting_reads_are_bounded(void **state)
{
    static struct node_read reads[READS_WAITING_MAX + 1];
    struct read_rig rig;
    struct read_rig_told told = {0};

    (void)state;
    read_rig_setup(&rig, 3, 0);
    for (size_t i = 0; i < READS_WAITING_MAX; i++) {
        read_rig_add(&rig, &reads[i], &told);
    }
    assert_int_equal(read_index_add(&rig.reads, &rig.facts,
                                    &reads[READS_WAITING_MAX],
                                    read_rig_on_read),
                     QL_BUSY);
    read_index_refuse(&rig.reads, QL_SHUTTING_DOWN);
    assert_int_equal(told.count, READS_WAITING_MAX);
    assert_int_equal(told.status, QL_SHUTTING_DOWN);
    read_rig_add(&rig, &reads[0], &told);
    read_index_refuse(&rig.reads, QL_SHUTTING_DOWN);
}

/* ---- Follower ---- */

static void a_follower_says_yes_to_its_leader_in_its_term(void **state)
{
    struct read_rig rig;

    (void)state;
    read_rig_setup(&rig, 3, 0);
    rig.facts.role = NODE_FOLLOWER;
    rig.facts.ready = false;
    rig.facts.leader = 2;
    assert_int_equal(read_rig_ask(&rig, 2, 7), 0);
    assert_int_equal(rig.frames_count, 1);
    read_rig_expect_frame(&rig, 0, 2, LINK_READ_INDEX_OK, 7, 33);
}

static void all_others_are_silent(void **state)
{
    struct read_rig rig;

    (void)state;
    read_rig_setup(&rig, 3, 0);
    rig.facts.role = NODE_FOLLOWER;
    rig.facts.leader = 2;
    assert_int_equal(read_rig_ask(&rig, 2, 6), 0);
    assert_int_equal(read_rig_ask(&rig, 2, 8), 0);
    assert_int_equal(read_rig_ask(&rig, 3, 7), 0);
    rig.facts.leader = 0;
    assert_int_equal(read_rig_ask(&rig, 2, 7), 0);
    rig.facts.leader = 2;
    rig.facts.role = NODE_CANDIDATE;
    assert_int_equal(read_rig_ask(&rig, 2, 7), 0);
    rig.facts.role = NODE_LEADER;
    assert_int_equal(read_rig_ask(&rig, 2, 7), 0);
    rig.facts.role = NODE_FOLLOWER;
    rig.facts.in_doubt = true;
    assert_int_equal(read_rig_ask(&rig, 2, 7), 0);
    assert_int_equal(rig.frames_count, 0);
}

/* ---- Frames ---- */

static void frames_that_make_no_sense_are_refused(void **state)
{
    static const enum link_frame types[] = {LINK_READ_INDEX,
                                            LINK_READ_INDEX_OK};
    uint8_t bytes[READ_INDEX_FRAME_LEN + 1] = {[0] = 7, [16] = 1};
    struct read_rig rig;
    struct node_read read = {0};
    struct read_rig_told told = {0};

    (void)state;
    read_rig_setup(&rig, 3, 0);
    for (size_t i = 0; i < 2; i++) {
        for (size_t len = 0; len <= sizeof bytes; len++) {
            int rv = read_index_on_frame(&rig.reads, &rig.facts, 2, types[i],
                                         bytes, len);

            assert_int_equal(rv, len == READ_INDEX_FRAME_LEN ? 0 : QL_PROTOCOL);
        }
    }
    assert_int_equal(read_rig_ask(&rig, 2, 0), QL_PROTOCOL);
    assert_int_equal(read_rig_say(&rig, 2, 7, READ_RIG_NONCE, 0), QL_PROTOCOL);
    /* A yes to what was never asked. */
    read_rig_add(&rig, &read, &told);
    read_rig_step(&rig);
    assert_int_equal(read_rig_say(&rig, 2, 7, READ_RIG_NONCE, 2), QL_PROTOCOL);
    assert_int_equal(read_rig_say(&rig, 2, 7, READ_RIG_NONCE, UINT64_MAX),
                     QL_PROTOCOL);
    read_rig_step(&rig);
    assert_int_equal(told.count, 0);
    read_index_refuse(&rig.reads, QL_SHUTTING_DOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_end_when_leadership_is_lost),
        cmocka_unit_test(reads_end_when_the_node_leads_a_newer_term),
        cmocka_unit_test(what_was_said_in_an_older_term_is_forgotten),
        cmocka_unit_test(a_yes_to_an_earlier_process_is_passed_over),
        cmocka_unit_test(rounds_are_repeated_each_heartbeat_while_reads_wait),
        cmocka_unit_test(few_rounds_are_under_way_at_once),
        cmocka_unit_test(no_round_begins_during_a_handover),
        cmocka_unit_test(a_read_added_in_a_callback_gets_a_round_of_its_own),
        cmocka_unit_test(waiting_reads_are_bounded),
        cmocka_unit_test(a_follower_says_yes_to_its_leader_in_its_term),
        cmocka_unit_test(all_others_are_silent),
        cmocka_unit_test(frames_that_make_no_sense_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
