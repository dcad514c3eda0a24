/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/node.h"

#include <string.h>
#include <unistd.h>

#include "consensus/node_internal.h"
#include "support/cmocka.h"
#include "support/told.h"
#include "util/file.h"

static void single_node_keeps_its_state_over_a_restart(void **state)
{
    struct seats seats;
    struct told told = {0};
    struct node_read read = {.data = &told};
    uint8_t before[16];
    uint8_t after[16];

    (void)state;
    seats_open(&seats, 1);
    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    seats_create(&seats, 0);
    seats_append(&seats, 0, 10, 100);
    assert_int_equal(node_read(seats.seats[0].node, &read, told_on_read), 0);
    assert_int_equal(told.calls, 0);
    seats_run_until(&seats, is_told, &told);
    assert_int_equal(told.last_status, 0);
    assert_int_equal(seats_tail(&seats, 0), 11);
    machine_digest(node_machine(seats.seats[0].node), before);
    seats_stop(&seats, 0);

    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    machine_digest(node_machine(seats.seats[0].node), after);
    assert_memory_equal(before, after, sizeof after);
    assert_int_equal(seats_tail(&seats, 0), 11);
    seats_close(&seats);
}

static void submits_of_one_turn_become_few_raft_entries(void **state)
{
    static struct node_submit submits[5000];
    struct seats seats;
    struct node_status before;
    struct node_status after;
    struct told told = {0};
    struct expected expected = {&told, 5000};

    (void)state;
    seats_open(&seats, 1);
    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    seats_create(&seats, 0);
    node_status(seats.seats[0].node, &before);
    for (size_t i = 0; i < 5000; i++) {
        submits[i].data = &told;
        assert_int_equal(
            told_submit_append(seats.seats[0].node, &submits[i], 100), 0);
    }
    seats_run_until(&seats, told_is_enough, &expected);
    assert_int_equal(told.applied, 5000);
    node_status(seats.seats[0].node, &after);
    /* About 140 bytes each, in batches of at most BATCH_BYTES. */
    assert_in_range(after.last_index - before.last_index, 1, 4);
    seats_close(&seats);
}

struct want_snapshot {
    struct node *node;
    uint64_t after;
};

static bool has_snapshot(void *data)
{
    const struct want_snapshot *want = data;
    struct node_status status;

    node_status(want->node, &status);
    return status.snapshot_index > want->after;
}

static void node_restarts_from_its_snapshot(void **state)
{
    struct seats seats;
    struct want_snapshot want;
    struct node_status status;
    uint8_t before[16];
    uint8_t after[16];

    (void)state;
    seats_open(&seats, 1);
    seats.options.snapshot_entries = 8;
    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    seats_create(&seats, 0);
    seats_append(&seats, 0, 40, 1000);
    want = (struct want_snapshot){.node = seats.seats[0].node, .after = 8};
    seats_run_until(&seats, has_snapshot, &want);
    seats_append(&seats, 0, 3, 1000);
    machine_digest(node_machine(seats.seats[0].node), before);
    seats_stop(&seats, 0);

    seats_start(&seats, 0);
    node_status(seats.seats[0].node, &status);
    assert_true(status.snapshot_index > 8);
    (void)seats_await_leader(&seats);
    machine_digest(node_machine(seats.seats[0].node), after);
    assert_memory_equal(before, after, sizeof after);
    seats_close(&seats);
}

static void bytes_alone_bring_a_snapshot(void **state)
{
    struct seats seats;
    struct want_snapshot want;

    (void)state;
    seats_open(&seats, 1);
    seats.options.snapshot_bytes_min = 1 * MIB;
    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    seats_create(&seats, 0);
    seats_append(&seats, 0, 4, 512 * KIB);
    want = (struct want_snapshot){.node = seats.seats[0].node};
    seats_run_until(&seats, has_snapshot, &want);
    seats_close(&seats);
}

/* Much faster than the tick of every second. */
static void log_that_grows_fast_is_cut_before_the_second_is_over(void **state)
{
    static const char name[] = "log";
    const struct bytes log = {(const uint8_t *)name, 3};
    struct seats seats;
    struct log_stat stat;

    (void)state;
    seats_open(&seats, 1);
    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    seats_create_keeping(&seats, 0, 1 * MIB);
    for (unsigned i = 0; i < 96; i++) {
        seats_append(&seats, 0, 1, 512 * KIB);
        assert_int_equal(
            machine_log_stat(node_machine(seats.seats[0].node), log, &stat), 0);
        /* What it keeps, up to a chunk more, and an append that is under way
         * when the tick is asked for. */
        assert_true(stat.bytes <= 1 * MIB + CHUNK_BYTES + TICK_BYTES + 1 * MIB);
    }
    seats_close(&seats);
}

static void stopping_node_ends_what_it_took_and_takes_no_more(void **state)
{
    struct seats seats;
    struct told told = {0};
    struct node_submit submits[2] = {{.data = &told}, {.data = &told}};
    struct node_read read = {.data = &told};
    struct seat *seat = &seats.seats[0];

    (void)state;
    seats_open(&seats, 1);
    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    seats_create(&seats, 0);
    assert_int_equal(told_submit_append(seat->node, &submits[0], 10), 0);
    assert_int_equal(node_read(seat->node, &read, told_on_read), 0);
    seats_stop(&seats, 0);
    assert_int_equal(told.calls, 2);
    assert_int_equal(told.applied, 1);
    assert_int_equal(told.last_status, 0);
    assert_true(seat->states_told > 0);

    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    assert_int_equal(seats_tail(&seats, 0), 2);
    seats_close(&seats);
}

static void on_turn(uv_check_t *check)
{
    (void)check;
    (void)usleep(2000); /* a timer of 1 ms is due in each turn then */
}

/* What the core had is freed a turn before the timers of the node are closed. */
static void nothing_looks_at_a_core_that_is_closed(void **state)
{
    struct seats seats;
    struct node *node;
    uv_check_t turn;

    (void)state;
    seats_open(&seats, 1);
    assert_int_equal(uv_check_init(&seats.loop, &turn), 0);
    assert_int_equal(uv_check_start(&turn, on_turn), 0);
    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    node = seats.seats[0].node;
    uv_timer_set_repeat(&node->integrity.timer, 1);
    uv_timer_set_repeat(&node->space.timer, 1);
    uv_timer_set_repeat(&node->tick.timer, 1);
    assert_int_equal(uv_timer_again(&node->integrity.timer), 0);
    assert_int_equal(uv_timer_again(&node->space.timer), 0);
    assert_int_equal(uv_timer_again(&node->tick.timer), 0);
    seats_stop(&seats, 0);
    uv_close((uv_handle_t *)&turn, NULL);
    seats_close(&seats);
}

static void transfer_without_another_voter_is_refused(void **state)
{
    struct seats seats;
    struct node_transfer transfer = {0};

    (void)state;
    seats_open(&seats, 1);
    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    assert_int_equal(
        node_transfer(seats.seats[0].node, &transfer, 0, told_on_transfer),
        QL_NOT_FOUND);
    seats_close(&seats);
}

static void single_node_that_steps_down_leads_a_later_term(void **state)
{
    struct seats seats;
    struct told told = {0};
    struct told appended = {0};
    struct node_transfer down = {.data = &told};
    struct node_submit submit = {.data = &appended};
    struct node_status before;
    struct node_status after;
    struct node *node;

    (void)state;
    seats_open(&seats, 1);
    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    node = seats.seats[0].node;
    seats_create(&seats, 0);
    node_status(node, &before);
    assert_int_equal(told_submit_append(node, &submit, 10), 0);
    assert_int_equal(node_step_down(node, &down, told_on_transfer), 0);
    seats_run_until(&seats, is_told, &told);
    assert_int_equal(told.last_status, 0);
    /* What was taken before has ended well before the term did. */
    assert_int_equal(appended.applied, 1);
    (void)seats_await_leader(&seats);
    node_status(node, &after);
    assert_true(after.term > before.term + 1);
    seats_append(&seats, 0, 1, 10);
    assert_int_equal(node_step_down(node, &down, told_on_transfer), 0);
    seats_close(&seats);
}

static void stop_in_the_middle_of_a_snapshot_leaves_nothing_behind(void **state)
{
    struct seats seats;

    (void)state;
    seats_open(&seats, 1);
    seats.options.snapshot_entries = 2;
    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    seats_create(&seats, 0);
    for (size_t i = 0; i < 10; i++) {
        seats_append(&seats, 0, 1 + i % 3, 200000);
        seats_stop(&seats, 0);
        seats_start(&seats, 0);
        (void)seats_await_leader(&seats);
    }
    assert_int_equal(seats_tail(&seats, 0), 20);
    seats_close(&seats);
}

static int start_with(struct seats *seats, const char *listen, struct err *err)
{
    struct seat *seat = &seats->seats[0];
    struct node_options options = seats->options;

    options.loop = &seats->loop;
    options.identity = &seat->identity;
    options.dir = seat->dir;
    options.listen_peer = listen;
    return node_start(&seat->node, &options, err);
}

static void start_that_fails_says_why_and_leaves_nothing_open(void **state)
{
    struct seats seats;
    struct buf text = BUF_INIT;
    char path[PATH_LEN_MAX];
    struct err err = {0};

    (void)state;
    seats_open(&seats, 3);
    seats_start(&seats, 1);
    assert_int_equal(start_with(&seats,
                                seats.seats[1].identity.members[1].peer_address,
                                &err),
                     QL_IO);
    assert_non_null(strstr(err.text, "listen for peers on 127.0.0.1:"));
    assert_int_equal(start_with(&seats, "no host name:1", &err), QL_INVALID);

    seats.options.heartbeat_ms = seats.options.election_timeout_ms;
    assert_int_equal(start_with(&seats, NULL, &err), QL_INVALID);
    seats.options.heartbeat_ms = 30;

    /* Both copies of term and vote, one bit off. */
    assert_int_equal(
        path_join(path, sizeof path, seats.seats[0].dir, "raft/vote", &err), 0);
    assert_int_equal(file_read(path, MIB, &text, &err), 0);
    text.data[16] ^= 1;
    text.data[4096 + 16] ^= 1;
    assert_int_equal(file_replace(path, text.data, text.len, 0600, &err), 0);
    assert_int_equal(start_with(&seats, NULL, &err), QL_CORRUPT);
    assert_non_null(strstr(err.text, "must never vote again"));

    assert_int_equal(unlink(path), 0);
    assert_int_equal(start_with(&seats, NULL, &err), QL_CORRUPT);
    assert_non_null(strstr(err.text, "holds no term and vote"));
    seats.seats[0].node = NULL;
    buf_close(&text);
    seats_close(&seats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_node_keeps_its_state_over_a_restart),
        cmocka_unit_test(submits_of_one_turn_become_few_raft_entries),
        cmocka_unit_test(node_restarts_from_its_snapshot),
        cmocka_unit_test(bytes_alone_bring_a_snapshot),
        cmocka_unit_test(log_that_grows_fast_is_cut_before_the_second_is_over),
        cmocka_unit_test(stopping_node_ends_what_it_took_and_takes_no_more),
        cmocka_unit_test(nothing_looks_at_a_core_that_is_closed),
        cmocka_unit_test(transfer_without_another_voter_is_refused),
        cmocka_unit_test(single_node_that_steps_down_leads_a_later_term),
        cmocka_unit_test(
            stop_in_the_middle_of_a_snapshot_leaves_nothing_behind),
        cmocka_unit_test(start_that_fails_says_why_and_leaves_nothing_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
