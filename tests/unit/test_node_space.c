/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Nodes that say they are low on space, whatever their disk has. */
#include "consensus/node.h"

#include <unistd.h>

#include "support/cmocka.h"
#include "support/told.h"
#include "util/file.h"

#define NEVER_ENOUGH (1ull << 60)

static void start(struct seats *seats, size_t place, bool low)
{
    seats->options.low_space_bytes = low ? NEVER_ENOUGH : 0;
    seats_start(seats, place);
}

struct want {
    struct seats *seats;
    size_t place;
    bool refusing;
};

static bool refuses(void *data)
{
    const struct want *want = data;
    struct machine_counts counts;

    machine_counts(node_machine(want->seats->seats[want->place].node), &counts);
    return counts.space_low == want->refusing;
}

static void await_refusing(struct seats *seats, size_t place, bool refusing)
{
    struct want want = {seats, place, refusing};

    seats_run_until(seats, refuses, &want);
}

static bool knows_all(void *data)
{
    const struct want *want = data;
    struct node_status status;

    node_status(want->seats->seats[want->place].node, &status);
    for (size_t i = 0; i < want->seats->count; i++) {
        if (!status.peers[i].space_known) {
            return false;
        }
    }
    return true;
}

static void await_reports(struct seats *seats)
{
    for (size_t i = 0; i < seats->count; i++) {
        struct want want = {seats, i, false};

        seats_run_until(seats, knows_all, &want);
    }
}

static void nodes_tell_each_other_of_their_disks(void **state)
{
    struct node_status status;
    struct seats seats;
    size_t leader;

    (void)state;
    seats_open(&seats, 3);
    start(&seats, 0, true);
    start(&seats, 1, false);
    start(&seats, 2, false);
    await_reports(&seats);
    for (size_t i = 0; i < 3; i++) {
        node_status(seats.seats[i].node, &status);
        assert_true(status.peers[0].space_low);
        assert_false(status.peers[1].space_low);
        assert_false(status.peers[2].space_low);
        assert_true(status.peers[0].free_bytes > 0);
        assert_true(status.peers[0].free_bytes <= status.peers[0].total_bytes);
        assert_int_equal(status.peers[1].total_bytes,
                         status.peers[0].total_bytes);
    }
    /* One is not enough. */
    leader = seats_await_leader(&seats);
    seats_create(&seats, leader);
    seats_append(&seats, leader, 3, 100);
    seats_close(&seats);
}

static void two_of_three_have_appends_refused_until_one_has_room(void **state)
{
    struct told told = {0};
    struct expected expected = {&told, 1};
    struct node_submit submit = {.data = &told};
    struct seats seats;
    size_t leader;

    (void)state;
    seats_open(&seats, 3);
    for (size_t i = 0; i < 3; i++) {
        start(&seats, i, false);
    }
    leader = seats_await_leader(&seats);
    seats_create(&seats, leader);
    seats_append(&seats, leader, 3, 100);
    for (size_t i = 0; i < 3; i++) {
        if (i != leader) {
            seats_stop(&seats, i);
            start(&seats, i, true);
            (void)seats_await_leader(&seats);
        }
    }
    leader = seats_await_leader(&seats);
    await_refusing(&seats, leader, true);
    assert_int_equal(told_submit_append(seats.seats[leader].node, &submit, 10),
                     0);
    seats_run_until(&seats, told_is_enough, &expected);
    assert_int_equal(told.last_status, 0);
    assert_int_equal(told.applied, 0);

    for (size_t i = 0; i < 3; i++) {
        if (i != leader) {
            seats_stop(&seats, i);
            start(&seats, i, false);
            (void)seats_await_leader(&seats);
        }
    }
    leader = seats_await_leader(&seats);
    await_refusing(&seats, leader, false);
    seats_append(&seats, leader, 3, 100);
    seats_await_equal(&seats, leader);
    assert_int_equal(seats_tail(&seats, leader), 7);
    seats_close(&seats);
}

static void refusal_outlives_a_restart_and_the_reserve_is_made(void **state)
{
    char path[PATH_LEN_MAX + 16];
    struct seats seats;

    (void)state;
    seats_open(&seats, 1);
    seats.options.reserve_bytes = 1 * MIB;
    start(&seats, 0, true);
    (void)seats_await_leader(&seats);
    await_refusing(&seats, 0, true);
    assert_int_equal(
        path_join(path, sizeof path, seats.seats[0].dir, "raft/reserve", NULL),
        0);
    assert_int_not_equal(access(path, F_OK), 0);
    seats_stop(&seats, 0);
    start(&seats, 0, true);
    (void)seats_await_leader(&seats);
    await_refusing(&seats, 0, true);
    seats_stop(&seats, 0);

    start(&seats, 0, false);
    (void)seats_await_leader(&seats);
    await_refusing(&seats, 0, false);
    assert_int_equal(access(path, F_OK), 0);
    seats_create(&seats, 0);
    seats_append(&seats, 0, 1, 1);
    seats_close(&seats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_tell_each_other_of_their_disks),
        cmocka_unit_test(two_of_three_have_appends_refused_until_one_has_room),
        cmocka_unit_test(refusal_outlives_a_restart_and_the_reserve_is_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
