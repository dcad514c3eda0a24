/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/space.h"

#include <string.h>

#include "consensus/space_report.h"
#include "quorlog.h"
#include "support/cmocka.h"
#include "util/buf.h"

#define VOTERS_MAX 5u

static const uint64_t voters[VOTERS_MAX] = {1, 2, 3, 4, 5};

static bool sample(struct space *space, uint64_t free_bytes)
{
    const struct space_sample taken = {.free_bytes = free_bytes,
                                       .total_bytes = 10000};

    return space_take_sample(space, &taken);
}

static void hear(struct space *space, uint64_t node, bool low, uint64_t now_ms)
{
    const struct space_report report = {
        .low = low, .free_bytes = low ? 1 : 5000, .total_bytes = 10000};

    space_hear(space, node, &report, now_ms);
}

static void node_is_low_until_it_is_above_the_clear_mark(void **state)
{
    struct space space;

    (void)state;
    space_init(&space, 1, 100);
    assert_null(space_own(&space));
    assert_true(sample(&space, 100)); /* the first is always told */
    assert_false(space_own(&space)->low);
    assert_false(sample(&space, 101));
    assert_true(sample(&space, 99));
    assert_true(space_own(&space)->low);
    assert_false(sample(&space, 149));
    assert_true(space_own(&space)->low);
    assert_true(sample(&space, 150));
    assert_false(space_own(&space)->low);
    assert_int_equal(space_own(&space)->free_bytes, 150);
}

static void what_the_next_snapshot_takes_is_not_free(void **state)
{
    struct space_sample taken = {.free_bytes = 600, .total_bytes = 1000};
    struct space space;

    (void)state;
    space_init(&space, 1, 100);
    taken.needed_bytes = 500;
    space_take_sample(&space, &taken);
    assert_false(space_own(&space)->low);
    taken.needed_bytes = 501;
    space_take_sample(&space, &taken);
    assert_true(space_own(&space)->low);
    taken.needed_bytes = UINT64_MAX;
    space_take_sample(&space, &taken);
    assert_true(space_own(&space)->low);
    taken.needed_bytes = 450;
    space_take_sample(&space, &taken);
    assert_false(space_own(&space)->low);
}

static void node_is_lean_before_it_is_low(void **state)
{
    struct space_sample taken = {
        .total_bytes = 1000, .needed_bytes = 50, .ahead_bytes = 30};
    struct space space;

    (void)state;
    space_init(&space, 1, 100);
    taken.free_bytes = 230;
    space_take_sample(&space, &taken);
    assert_false(space_is_lean(&space));
    taken.free_bytes = 229;
    space_take_sample(&space, &taken);
    assert_true(space_is_lean(&space));
    assert_false(space_own(&space)->low);
    space_init(&space, 1, 0);
    space_take_sample(&space, &taken);
    assert_false(space_is_lean(&space));
}

static void node_without_its_reserve_is_low(void **state)
{
    struct space_sample taken = {.free_bytes = 600, .total_bytes = 1000};
    struct space space;

    (void)state;
    space_init(&space, 1, 100);
    space_take_sample(&space, &taken);
    taken.reserve_missing = true;
    assert_true(space_take_sample(&space, &taken));
    assert_true(space_own(&space)->low);
    taken.reserve_missing = false;
    assert_true(space_take_sample(&space, &taken));
    assert_false(space_own(&space)->low);
}

static void node_without_a_mark_is_never_low(void **state)
{
    struct space space;

    (void)state;
    space_init(&space, 1, 0);
    sample(&space, 0);
    assert_false(space_own(&space)->low);
}

static void reserve_is_made_only_if_the_node_is_not_low_then(void **state)
{
    struct space space;

    (void)state;
    space_init(&space, 1, 100);
    sample(&space, 100);
    assert_int_equal(space_reserve_needs(&space, 30, 7), 137);
    sample(&space, 99);
    assert_int_equal(space_reserve_needs(&space, 30, 7), 187);
    assert_int_equal(space_reserve_needs(&space, UINT64_MAX, 7), UINT64_MAX);
}

static void more_free_than_there_is_is_not_reported(void **state)
{
    struct space space;

    (void)state;
    space_init(&space, 1, 100);
    sample(&space, 20000);
    assert_int_equal(space_own(&space)->free_bytes, 10000);
}

static void leader_refuses_when_those_with_room_are_no_majority(void **state)
{
    struct space space;

    (void)state;
    space_init(&space, 1, 100);
    sample(&space, 5000);
    hear(&space, 2, true, 1);
    hear(&space, 3, false, 1);
    assert_int_equal(space_wish(&space, voters, 3, false, 1), SPACE_NOTHING);
    hear(&space, 3, true, 2);
    assert_int_equal(space_wish(&space, voters, 3, false, 2), SPACE_REFUSE);
    /* Its own word counts like any other. */
    hear(&space, 3, false, 3);
    sample(&space, 1);
    assert_int_equal(space_wish(&space, voters, 3, false, 3), SPACE_REFUSE);
}

static void one_of_two_and_two_of_four_are_enough(void **state)
{
    struct space space;

    (void)state;
    space_init(&space, 1, 100);
    sample(&space, 1);
    hear(&space, 2, false, 1);
    assert_int_equal(space_wish(&space, voters, 1, false, 1), SPACE_REFUSE);
    assert_int_equal(space_wish(&space, voters, 2, false, 1), SPACE_REFUSE);
    hear(&space, 3, false, 1);
    hear(&space, 4, false, 1);
    assert_int_equal(space_wish(&space, voters, 4, false, 1), SPACE_NOTHING);
    hear(&space, 4, true, 1);
    assert_int_equal(space_wish(&space, voters, 4, false, 1), SPACE_REFUSE);
}

static void silence_does_not_refuse(void **state)
{
    struct space space;

    (void)state;
    space_init(&space, 1, 100);
    assert_int_equal(space_wish(&space, voters, 5, false, 1), SPACE_NOTHING);
    sample(&space, 1);
    assert_int_equal(space_wish(&space, voters, 5, false, 1), SPACE_NOTHING);
    hear(&space, 2, true, 1);
    assert_int_equal(space_wish(&space, voters, 5, false, 1), SPACE_NOTHING);
    /* The last word counts, however old. */
    hear(&space, 3, true, 1000000);
    assert_int_equal(space_wish(&space, voters, 5, false, 1000000),
                     SPACE_REFUSE);
}

static void silence_does_not_clear(void **state)
{
    struct space space;

    (void)state;
    space_init(&space, 1, 100);
    space_wished(&space, 10);
    assert_int_equal(space_wish(&space, voters, 3, true, 10), SPACE_NOTHING);
    sample(&space, 5000);
    assert_int_equal(space_wish(&space, voters, 3, true, 10), SPACE_NOTHING);
    hear(&space, 2, true, 10);
    assert_int_equal(space_wish(&space, voters, 3, true, 10), SPACE_NOTHING);
    hear(&space, 3, false, 10);
    assert_int_equal(space_wish(&space, voters, 3, true, 10), SPACE_ADMIT);
}

static void refusing_cluster_is_nudged_now_and_then(void **state)
{
    struct space space;

    (void)state;
    space_init(&space, 1, 100);
    sample(&space, 1);
    /* A new leader does not know when that was done last. */
    assert_int_equal(space_wish(&space, voters, 1, true, 7), SPACE_REFUSE);
    space_wished(&space, 7);
    assert_int_equal(space_wish(&space, voters, 1, true, 6 + SPACE_NUDGE_MS),
                     SPACE_NOTHING);
    assert_int_equal(space_wish(&space, voters, 1, true, 7 + SPACE_NUDGE_MS),
                     SPACE_REFUSE);
}

static void who_was_silent_longest_makes_room_for_another(void **state)
{
    struct space space;

    (void)state;
    space_init(&space, 1, 100);
    for (uint64_t node = 2; node < 2 + SPACE_PEERS_MAX; node++) {
        hear(&space, node, true, 1000 - node);
    }
    hear(&space, 2, false, 2000);
    hear(&space, 100, true, 2001);
    assert_non_null(space_of(&space, 100));
    assert_non_null(space_of(&space, 2));
    assert_false(space_of(&space, 2)->low);
    assert_non_null(space_of(&space, SPACE_PEERS_MAX));
    assert_null(space_of(&space, SPACE_PEERS_MAX + 1));
}

/* ---- The frame ---- */

static void report_comes_back_as_it_went(void **state)
{
    const struct space_report report = {true, 5, UINT64_MAX};
    uint8_t bytes[SPACE_REPORT_LEN + 3] = {0};
    struct space_report got;

    (void)state;
    space_report_encode(&report, bytes);
    assert_int_equal(space_report_decode(&got, bytes, SPACE_REPORT_LEN), 0);
    assert_true(got.low);
    assert_int_equal(got.free_bytes, 5);
    assert_int_equal(got.total_bytes, UINT64_MAX);
    /* A newer version may say more. */
    put_u32(bytes, 2);
    put_u32(bytes + 4, 0xfffffffe);
    assert_int_equal(space_report_decode(&got, bytes, sizeof bytes), 0);
    assert_false(got.low);
}

static void report_that_makes_no_sense_is_refused(void **state)
{
    static const uint8_t zeros[SPACE_REPORT_LEN_MAX + 1];
    const struct space_report report = {false, 5, 6};
    uint8_t bytes[sizeof zeros] = {0};
    struct space_report got;

    (void)state;
    assert_int_equal(space_report_decode(&got, zeros, SPACE_REPORT_LEN),
                     QL_PROTOCOL);
    space_report_encode(&report, bytes);
    for (size_t len = 0; len < SPACE_REPORT_LEN; len++) {
        assert_int_equal(space_report_decode(&got, bytes, len), QL_PROTOCOL);
    }
    assert_int_equal(space_report_decode(&got, bytes, SPACE_REPORT_LEN_MAX), 0);
    assert_int_equal(space_report_decode(&got, bytes, sizeof bytes),
                     QL_PROTOCOL);
    put_u64(bytes + 8, 7);
    assert_int_equal(space_report_decode(&got, bytes, SPACE_REPORT_LEN),
                     QL_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(node_is_low_until_it_is_above_the_clear_mark),
        cmocka_unit_test(what_the_next_snapshot_takes_is_not_free),
        cmocka_unit_test(node_is_lean_before_it_is_low),
        cmocka_unit_test(node_without_its_reserve_is_low),
        cmocka_unit_test(node_without_a_mark_is_never_low),
        cmocka_unit_test(reserve_is_made_only_if_the_node_is_not_low_then),
        cmocka_unit_test(more_free_than_there_is_is_not_reported),
        cmocka_unit_test(leader_refuses_when_those_with_room_are_no_majority),
        cmocka_unit_test(one_of_two_and_two_of_four_are_enough),
        cmocka_unit_test(silence_does_not_refuse),
        cmocka_unit_test(silence_does_not_clear),
        cmocka_unit_test(refusing_cluster_is_nudged_now_and_then),
        cmocka_unit_test(who_was_silent_longest_makes_room_for_another),
        cmocka_unit_test(report_comes_back_as_it_went),
        cmocka_unit_test(report_that_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
