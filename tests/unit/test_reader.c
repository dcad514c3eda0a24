/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Linearizable reads of real nodes, over their links. */
#include "consensus/reader.h"

#include "support/cmocka.h"
#include "support/told.h"

#define READS 50u

static size_t open_three(struct seats *seats)
{
    size_t leader;

    seats_open(seats, 3);
    for (size_t i = 0; i < 3; i++) {
        seats_start(seats, i);
    }
    leader = seats_await_leader(seats);
    seats_create(seats, leader);
    return leader;
}

static void reads_write_nothing(void **state)
{
    struct node_status before;
    struct node_status after;
    struct seats seats;
    size_t leader;

    (void)state;
    leader = open_three(&seats);
    seats_append(&seats, leader, 3, 10);
    node_status(seats.seats[leader].node, &before);
    for (size_t i = 0; i < READS; i++) {
        struct told told = {0};
        struct node_read read = {.data = &told};

        assert_int_equal(
            node_read(seats.seats[leader].node, &read, told_on_read), 0);
        assert_int_equal(told.calls, 0);
        seats_run_until(&seats, is_told, &told);
        assert_int_equal(told.last_status, 0);
    }
    node_status(seats.seats[leader].node, &after);
    assert_int_equal(after.term, before.term);
    assert_int_equal(after.last_index, before.last_index);
    seats_close(&seats);
}

static void one_follower_is_majority_enough(void **state)
{
    struct told told = {0};
    struct node_read read = {.data = &told};
    struct seats seats;
    size_t leader;

    (void)state;
    leader = open_three(&seats);
    seats_stop(&seats, (leader + 1) % 3);
    assert_int_equal(node_read(seats.seats[leader].node, &read, told_on_read),
                     0);
    seats_run_until(&seats, is_told, &told);
    assert_int_equal(told.last_status, 0);
    seats_close(&seats);
}

static void a_leader_whose_followers_are_gone_answers_no_read(void **state)
{
    struct told told = {0};
    struct node_read read = {.data = &told};
    struct seats seats;
    size_t leader;

    (void)state;
    leader = open_three(&seats);
    seats_stop(&seats, (leader + 1) % 3);
    seats_stop(&seats, (leader + 2) % 3);
    assert_int_equal(node_read(seats.seats[leader].node, &read, told_on_read),
                     0);
    seats_run_until(&seats, is_told, &told);
    assert_int_equal(told.last_status, QL_NOT_LEADER);
    seats_close(&seats);
}

static void a_handover_ends_reads_once(void **state)
{
    struct told read_told = {0};
    struct told told = {0};
    struct node_read read = {.data = &read_told};
    struct node_transfer transfer = {.data = &told};
    struct seats seats;
    size_t leader;

    (void)state;
    leader = open_three(&seats);
    assert_int_equal(node_read(seats.seats[leader].node, &read, told_on_read),
                     0);
    assert_int_equal(
        node_transfer(seats.seats[leader].node, &transfer, 0, told_on_transfer),
        0);
    seats_run_until(&seats, is_told, &told);
    seats_run_until(&seats, is_told, &read_told);
    assert_int_equal(told.last_status, 0);
    assert_int_equal(read_told.calls, 1);
    assert_int_equal(read_told.last_status, QL_NOT_LEADER);
    seats_close(&seats);
}

static void a_stopping_leader_ends_its_reads(void **state)
{
    struct told told = {0};
    struct node_read read = {.data = &told};
    struct seats seats;
    size_t leader;

    (void)state;
    leader = open_three(&seats);
    assert_int_equal(node_read(seats.seats[leader].node, &read, told_on_read),
                     0);
    seats_stop(&seats, leader);
    assert_int_equal(told.calls, 1);
    seats_close(&seats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_write_nothing),
        cmocka_unit_test(one_follower_is_majority_enough),
        cmocka_unit_test(a_leader_whose_followers_are_gone_answers_no_read),
        cmocka_unit_test(a_handover_ends_reads_once),
        cmocka_unit_test(a_stopping_leader_ends_its_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
