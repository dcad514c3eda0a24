/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Rule J's last step, by the node that has to start again. */
#include "consensus/node.h"

#include "support/cmocka.h"
#include "support/rollback.h"
#include "support/told.h"

static void seat_on_stopped(void *data)
{
    struct seat *seat = data;

    seat->stopped = true;
}

static void seat_on_restart(void *data)
{
    struct seat *seat = data;

    node_stop(seat->node, seat_on_stopped, seat);
}

static bool has_stopped(void *data)
{
    const struct seat *seat = data;

    return seat->stopped;
}

struct later_term {
    const struct seats *seats;
    uint64_t term;
};

static bool all_are_in_a_later_term(void *data)
{
    const struct later_term *later = data;
    struct node_status status;

    for (size_t i = 0; i < later->seats->count; i++) {
        node_status(later->seats->seats[i].node, &status);
        if (status.term <= later->term) {
            return false;
        }
    }
    return true;
}

static size_t open_three(struct seats *seats)
{
    size_t leader;

    seats_open(seats, 3);
    seats->options.on_restart = seat_on_restart;
    for (size_t i = 0; i < 3; i++) {
        seats_start(seats, i);
    }
    leader = seats_await_leader(seats);
    seats_create(seats, leader);
    seats_append(seats, leader, 10, 1000);
    seats_await_equal(seats, leader);
    return leader;
}

/* Until the node at @place has stopped by itself. */
static void roll_back(struct seats *seats, size_t place)
{
    struct seat *seat = &seats->seats[place];

    seat->stopped = false;
    rollback_next(seat->identity.node);
    seats_run_until(seats, has_stopped, seat);
    seats_end(seats, place);
}

static void node_that_rolls_back_stops_with_the_truncation_on_disk(void **state)
{
    struct node_status status;
    struct seats seats;
    uint64_t last;
    uint64_t term;
    size_t leader;
    size_t place;

    (void)state;
    leader = open_three(&seats);
    place = (leader + 1) % 3;
    node_status(seats.seats[place].node, &status);
    last = status.last_index;
    term = status.term;
    roll_back(&seats, place);

    /* Nobody to tell it what it misses. */
    for (size_t i = 0; i < 3; i++) {
        if (i != place) {
            seats_stop(&seats, i);
        }
    }
    seats_start(&seats, place);
    node_status(seats.seats[place].node, &status);
    assert_int_equal(status.last_index, last - 1);
    assert_int_equal(status.term, term + 1);
    seats_close(&seats);
}

static void node_that_rolled_back_goes_on_after_its_start(void **state)
{
    struct seats seats;
    struct later_term later = {.seats = &seats};
    struct node_status status;
    size_t leader;
    size_t place;

    (void)state;
    leader = open_three(&seats);
    place = (leader + 1) % 3;
    roll_back(&seats, place);
    node_status(seats.seats[leader].node, &status);
    later.term = status.term;
    seats_append(&seats, leader, 5, 1000);
    seats_start(&seats, place);
    seats_run_until(&seats, all_are_in_a_later_term, &later);
    leader = seats_await_leader(&seats);
    seats_append(&seats, leader, 5, 1000);
    seats_await_equal(&seats, leader);
    assert_int_equal(seats_tail(&seats, place), 21);
    seats_close(&seats);
}

static void silent_node_takes_nothing_while_it_stops(void **state)
{
    struct node_submit submit = {.data = NULL};
    struct node_transfer transfer = {.data = NULL};
    struct seats seats;
    struct told told = {0};
    size_t leader;
    size_t place;

    (void)state;
    leader = open_three(&seats);
    place = (leader + 1) % 3;
    seats.seats[place].stopped = false;
    rollback_next(seats.seats[place].identity.node);
    while (!seats.seats[place].stopped) {
        (void)uv_run(&seats.loop, UV_RUN_ONCE);
        submit.data = &told;
        assert_int_not_equal(
            told_submit_append(seats.seats[place].node, &submit, 10), 0);
        assert_int_not_equal(node_transfer(seats.seats[place].node, &transfer,
                                           0, told_on_transfer),
                             0);
    }
    assert_int_equal(told.calls, 0);
    seats_end(&seats, place);
    seats_close(&seats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            node_that_rolls_back_stops_with_the_truncation_on_disk),
        cmocka_unit_test(node_that_rolled_back_goes_on_after_its_start),
        cmocka_unit_test(silent_node_takes_nothing_while_it_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
