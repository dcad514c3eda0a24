/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/node.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/cmocka.h"
#include "support/seats.h"
#include "util/file.h"

/* What became of some submits, reads or a transfer. */
struct told {
    size_t calls;
    size_t applied; /* with outcome code 0 */
    int last_status;
};

static void on_submit(struct node_submit *submit, int status,
                      const struct outcome *outcome)
{
    struct told *told = submit->data;

    told->calls++;
    told->last_status = status;
    if (status == 0) {
        assert_non_null(outcome);
        assert_int_equal(outcome->kind, submit->kind);
        told->applied += outcome->code == 0 ? 1 : 0;
    }
}

static void on_read(struct node_read *read, int status)
{
    struct told *told = read->data;

    told->calls++;
    told->last_status = status;
}

static void on_transfer(struct node_transfer *transfer, int status)
{
    struct told *told = transfer->data;

    told->calls++;
    told->last_status = status;
}

static bool is_told(void *data)
{
    const struct told *told = data;

    return told->calls > 0;
}

struct expected {
    const struct told *told;
    size_t calls;
};

static bool has_calls(void *data)
{
    const struct expected *expected = data;

    return expected->told->calls >= expected->calls;
}

static int submit_create(struct node *node, struct node_submit *submit)
{
    const struct log_config_args args = {
        .log = {.data = (const uint8_t *)"log", .len = 3}, .token = 1};
    struct buf params = BUF_INIT;
    int rv;

    assert_int_equal(log_config_args_encode(&args, &params), 0);
    rv = node_submit(node, submit, COMMAND_LOG_CREATE,
                     (struct bytes){params.data, params.len}, on_submit);
    buf_close(&params);
    return rv;
}

static int submit_append(struct node *node, struct node_submit *submit,
                         size_t value_len)
{
    uint8_t *value = calloc(1, value_len);
    const struct append_entry entry = {
        .value = {.data = value, .len = value_len}};
    struct append_part_args part = {
        .log = {.data = (const uint8_t *)"log", .len = 3},
        .entries = &entry,
        .entries_count = 1};
    const struct append_args args = {.parts = &part, .parts_count = 1};
    struct buf params = BUF_INIT;
    int rv;

    assert_non_null(value);
    assert_int_equal(append_args_encode(&args, &params), 0);
    rv = node_submit(node, submit, COMMAND_LOG_APPEND,
                     (struct bytes){params.data, params.len}, on_submit);
    buf_close(&params);
    free(value);
    return rv;
}

static void create(struct seats *seats, size_t place)
{
    struct told told = {0};
    struct node_submit submit = {.data = &told};

    assert_int_equal(submit_create(seats->seats[place].node, &submit), 0);
    assert_int_equal(told.calls, 0);
    seats_run_until(seats, is_told, &told);
    assert_int_equal(told.applied, 1);
}

/* One after the other, so that each is a raft entry of its own. */
static void append_each(struct seats *seats, size_t place, size_t count,
                        size_t value_len)
{
    for (size_t i = 0; i < count; i++) {
        struct told told = {0};
        struct node_submit submit = {.data = &told};

        assert_int_equal(
            submit_append(seats->seats[place].node, &submit, value_len), 0);
        seats_run_until(seats, is_told, &told);
        assert_int_equal(told.last_status, 0);
        assert_int_equal(told.applied, 1);
    }
}

static uint64_t tail_of(const struct seats *seats, size_t place)
{
    const struct bytes name = {.data = (const uint8_t *)"log", .len = 3};
    struct log_stat stat;

    assert_int_equal(
        machine_log_stat(node_machine(seats->seats[place].node), name, &stat),
        0);
    return stat.tail;
}

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
    create(&seats, 0);
    append_each(&seats, 0, 10, 100);
    assert_int_equal(node_read(seats.seats[0].node, &read, on_read), 0);
    assert_int_equal(told.calls, 0);
    seats_run_until(&seats, is_told, &told);
    assert_int_equal(told.last_status, 0);
    assert_int_equal(tail_of(&seats, 0), 11);
    machine_digest(node_machine(seats.seats[0].node), before);
    seats_stop(&seats, 0);

    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    machine_digest(node_machine(seats.seats[0].node), after);
    assert_memory_equal(before, after, sizeof after);
    assert_int_equal(tail_of(&seats, 0), 11);
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
    create(&seats, 0);
    node_status(seats.seats[0].node, &before);
    for (size_t i = 0; i < 5000; i++) {
        submits[i].data = &told;
        assert_int_equal(submit_append(seats.seats[0].node, &submits[i], 100),
                         0);
    }
    seats_run_until(&seats, has_calls, &expected);
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
    create(&seats, 0);
    append_each(&seats, 0, 40, 1000);
    want = (struct want_snapshot){.node = seats.seats[0].node, .after = 8};
    seats_run_until(&seats, has_snapshot, &want);
    append_each(&seats, 0, 3, 1000);
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
    create(&seats, 0);
    append_each(&seats, 0, 4, 512 * KIB);
    want = (struct want_snapshot){.node = seats.seats[0].node};
    seats_run_until(&seats, has_snapshot, &want);
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
    create(&seats, 0);
    assert_int_equal(submit_append(seat->node, &submits[0], 10), 0);
    assert_int_equal(node_read(seat->node, &read, on_read), 0);
    seats_stop(&seats, 0);
    assert_int_equal(told.calls, 2);
    assert_int_equal(told.applied, 1);
    assert_int_equal(told.last_status, 0);
    assert_true(seat->states_told > 0);

    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    assert_int_equal(tail_of(&seats, 0), 2);
    seats_close(&seats);
}

static void three_nodes_go_on_when_their_leader_stops(void **state)
{
    struct seats seats;
    struct told told = {0};
    struct node_submit submit = {.data = &told};
    struct node_read read = {.data = &told};
    size_t first;
    size_t second;

    (void)state;
    seats_open(&seats, 3);
    for (size_t i = 0; i < 3; i++) {
        seats_start(&seats, i);
    }
    first = seats_await_leader(&seats);
    create(&seats, first);
    append_each(&seats, first, 20, 100);
    seats_await_equal(&seats, first);
    assert_int_equal(
        submit_append(seats.seats[(first + 1) % 3].node, &submit, 1),
        QL_NOT_LEADER);
    assert_int_equal(
        node_read(seats.seats[(first + 1) % 3].node, &read, on_read),
        QL_NOT_LEADER);
    seats_stop(&seats, first);

    second = seats_await_leader(&seats);
    assert_int_not_equal(first, second);
    append_each(&seats, second, 20, 100);
    seats_await_equal(&seats, second);

    seats_start(&seats, first);
    append_each(&seats, second, 5, 100);
    seats_await_equal(&seats, second);
    assert_int_equal(tail_of(&seats, first), 46);
    seats_close(&seats);
}

static void leadership_goes_to_the_node_that_was_named(void **state)
{
    struct seats seats;
    struct told told = {0};
    struct node_transfer transfer = {.data = &told};
    struct node *leader;
    size_t first;
    size_t next;

    (void)state;
    seats_open(&seats, 3);
    for (size_t i = 0; i < 3; i++) {
        seats_start(&seats, i);
    }
    first = seats_await_leader(&seats);
    next = (first + 1) % 3;
    leader = seats.seats[first].node;
    assert_int_equal(node_transfer(leader, &transfer, 9, on_transfer),
                     QL_INVALID);
    assert_int_equal(node_transfer(leader, &transfer, first + 1, on_transfer),
                     QL_INVALID);
    assert_int_equal(
        node_transfer(seats.seats[next].node, &transfer, 0, on_transfer),
        QL_NOT_LEADER);
    assert_int_equal(node_transfer(leader, &transfer, next + 1, on_transfer),
                     0);
    assert_int_equal(node_transfer(leader, &transfer, 0, on_transfer), QL_BUSY);
    seats_run_until(&seats, is_told, &told);
    assert_int_equal(told.last_status, 0);
    assert_int_equal(seats_await_leader(&seats), next);
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
        node_transfer(seats.seats[0].node, &transfer, 0, on_transfer),
        QL_NOT_FOUND);
    seats_close(&seats);
}

static void transfer_to_a_dead_node_fails_and_service_goes_on(void **state)
{
    struct seats seats;
    struct told told = {0};
    struct node_transfer transfer = {.data = &told};
    struct node_submit submit = {.data = &told};
    size_t first;
    size_t dead;

    (void)state;
    seats_open(&seats, 3);
    for (size_t i = 0; i < 3; i++) {
        seats_start(&seats, i);
    }
    first = seats_await_leader(&seats);
    create(&seats, first);
    dead = (first + 1) % 3;
    seats_stop(&seats, dead);
    append_each(&seats, first, 1, 10);
    assert_int_equal(node_transfer(seats.seats[first].node, &transfer, dead + 1,
                                   on_transfer),
                     0);
    assert_int_equal(submit_append(seats.seats[first].node, &submit, 10),
                     QL_NO_LEADER);
    seats_run_until(&seats, is_told, &told);
    assert_int_equal(told.last_status, QL_TIMEOUT);
    assert_int_equal(seats_await_leader(&seats), first);
    append_each(&seats, first, 1, 10);
    seats_close(&seats);
}

static void node_that_fell_far_behind_gets_a_snapshot(void **state)
{
    struct seats seats;
    struct node_status status;
    size_t first;
    size_t late;

    (void)state;
    seats_open(&seats, 3);
    seats.options.snapshot_bytes_min = 1 * MIB;
    for (size_t i = 0; i < 3; i++) {
        seats_start(&seats, i);
    }
    first = seats_await_leader(&seats);
    late = (first + 1) % 3;
    create(&seats, first);
    seats_stop(&seats, late);
    first = seats_await_leader(&seats);
    append_each(&seats, first, 48, 1 * MIB);
    seats_start(&seats, late);
    seats_await_equal(&seats, first);
    node_status(seats.seats[late].node, &status);
    assert_true(status.snapshot_index > 0);
    append_each(&seats, first, 2, 100);
    seats_await_equal(&seats, first);
    seats_close(&seats);
}

static void leader_without_quorum_says_what_it_does_not_know(void **state)
{
    enum { SENT = BATCHES_IN_FLIGHT, ALL = SENT + 2 };
    static struct node_submit submits[ALL];
    struct seats seats;
    struct told told[ALL] = {{0}};
    struct told read_told = {0};
    struct node_read read = {.data = &read_told};
    struct node *leader;
    size_t first;

    (void)state;
    seats_open(&seats, 3);
    for (size_t i = 0; i < 3; i++) {
        seats_start(&seats, i);
    }
    first = seats_await_leader(&seats);
    leader = seats.seats[first].node;
    create(&seats, first);
    seats_stop(&seats, (first + 1) % 3);
    seats_stop(&seats, (first + 2) % 3);
    /* Each fills a batch; no more than BATCHES_IN_FLIGHT are sent. */
    for (size_t i = 0; i < ALL; i++) {
        submits[i].data = &told[i];
        assert_int_equal(submit_append(leader, &submits[i], BATCH_BYTES), 0);
    }
    assert_int_equal(node_read(leader, &read, on_read), 0);
    seats_run_until(&seats, is_told, &told[ALL - 1]);
    for (size_t i = 0; i < ALL; i++) {
        assert_int_equal(told[i].calls, 1);
        assert_int_equal(told[i].last_status,
                         i < SENT ? QL_OUTCOME_UNKNOWN : QL_NOT_LEADER);
    }
    seats_run_until(&seats, is_told, &read_told);
    assert_int_equal(read_told.last_status, QL_NOT_LEADER);
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
    create(&seats, 0);
    for (size_t i = 0; i < 10; i++) {
        append_each(&seats, 0, 1 + i % 3, 200000);
        seats_stop(&seats, 0);
        seats_start(&seats, 0);
        (void)seats_await_leader(&seats);
    }
    assert_int_equal(tail_of(&seats, 0), 20);
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
    assert_int_equal(start_with(&seats, "localhost:1", &err), QL_INVALID);

    seats.options.heartbeat_ms = seats.options.election_timeout_ms;
    assert_int_equal(start_with(&seats, NULL, &err), QL_INVALID);
    seats.options.heartbeat_ms = 30;

    /* The first segment of the raft log, one bit off. */
    assert_int_equal(path_join(path, sizeof path, seats.seats[0].dir,
                               "raft/0000000000000001-0000000000000001", &err),
                     0);
    assert_int_equal(file_read(path, MIB, &text, &err), 0);
    text.data[40] ^= 1;
    assert_int_equal(file_replace(path, text.data, text.len, 0600, &err), 0);
    assert_int_equal(start_with(&seats, NULL, &err), QL_CORRUPT);
    assert_non_null(strstr(err.text, "load the raft log"));

    assert_int_equal(unlink(path), 0);
    assert_int_equal(start_with(&seats, NULL, &err), QL_CORRUPT);
    assert_non_null(strstr(err.text, "holds no raft log"));
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
        cmocka_unit_test(stopping_node_ends_what_it_took_and_takes_no_more),
        cmocka_unit_test(three_nodes_go_on_when_their_leader_stops),
        cmocka_unit_test(leadership_goes_to_the_node_that_was_named),
        cmocka_unit_test(transfer_without_another_voter_is_refused),
        cmocka_unit_test(transfer_to_a_dead_node_fails_and_service_goes_on),
        cmocka_unit_test(node_that_fell_far_behind_gets_a_snapshot),
        cmocka_unit_test(leader_without_quorum_says_what_it_does_not_know),
        cmocka_unit_test(
            stop_in_the_middle_of_a_snapshot_leaves_nothing_behind),
        cmocka_unit_test(start_that_fails_says_why_and_leaves_nothing_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
