/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a restore, and starting frozen, mean for who leads. */
#include "consensus/node.h"

#include <string.h>

#include "machine/machine_parts.h"
#include "support/cmocka.h"
#include "support/told.h"

/* Told of one command. */
struct done {
    struct seats *seats;
    struct node *node;
    size_t calls;
    int status;
    int code;
    uint64_t position;
    uint64_t stage;
    uint64_t revision;
    uint64_t term; /* when it was told */
};

static void on_done(struct node_submit *submit, int status,
                    const struct outcome *outcome)
{
    struct done *done = submit->data;
    struct node_status now;

    node_status(done->node, &now);
    done->calls++;
    done->status = status;
    done->term = now.term;
    if (status == 0) {
        done->code = outcome->code;
        done->position = outcome->position;
        done->stage = outcome->recovery.stage;
        done->revision = outcome->recovery.revision;
    }
}

static bool is_done(void *data)
{
    const struct done *done = data;

    return done->calls > 0;
}

static void submit(struct seats *seats, size_t place, enum command_kind kind,
                   struct buf *params, struct done *ret)
{
    struct node_submit submit = {.data = ret};

    *ret = (struct done){.seats = seats, .node = seats->seats[place].node};
    assert_int_equal(node_submit(ret->node, &submit, kind,
                                 (struct bytes){params->data, params->len},
                                 on_done),
                     0);
    buf_close(params);
    seats_run_until(seats, is_done, ret);
    assert_int_equal(ret->calls, 1);
    assert_int_equal(ret->status, 0);
}

/* Stages a state without logs; tells which. */
static void stage(struct seats *seats, size_t place, struct done *ret)
{
    const struct recovery_begin_args begin = {.source = "a-backup"};
    struct recovery_end_args end = {.seq = 0};
    struct buf params = BUF_INIT;

    assert_int_equal(recovery_begin_args_encode(&begin, &params), 0);
    submit(seats, place, COMMAND_RECOVERY_BEGIN, &params, ret);
    assert_int_equal(ret->code, 0);
    end.draft = ret->position;
    assert_int_equal(recovery_end_args_encode(&end, &params), 0);
    submit(seats, place, COMMAND_RECOVERY_END, &params, ret);
    assert_int_equal(ret->code, 0);
}

static void commit(struct seats *seats, size_t place, const struct done *staged,
                   uint64_t operation, struct done *ret)
{
    const struct recovery_commit_args args = {.stage = staged->stage,
                                              .revision = staged->revision,
                                              .operation = operation};
    struct buf params = BUF_INIT;

    assert_int_equal(recovery_commit_args_encode(&args, &params), 0);
    submit(seats, place, COMMAND_RECOVERY_COMMIT, &params, ret);
}

struct term_is_over {
    const struct seats *seats;
    uint64_t term;
};

static bool term_is_over(void *data)
{
    const struct term_is_over *over = data;
    struct node_status status;

    for (size_t i = 0; i < over->seats->count; i++) {
        node_status(over->seats->seats[i].node, &status);
        if (status.term > over->term && status.ready) {
            return true;
        }
    }
    return false;
}

static void commit_on(size_t count)
{
    struct seats seats;
    struct done staged;
    struct done committed;
    struct node_status before;
    struct node_status after;
    struct term_is_over over = {.seats = &seats};
    struct machine_counts counts;
    size_t leader;

    seats_open(&seats, count);
    for (size_t i = 0; i < count; i++) {
        seats_start(&seats, i);
    }
    leader = seats_await_leader(&seats);
    seats_create(&seats, leader);
    seats_append(&seats, leader, 3, 10);
    stage(&seats, leader, &staged);
    node_status(seats.seats[leader].node, &before);
    commit(&seats, leader, &staged, 77, &committed);
    assert_int_equal(committed.code, 0);
    /* Whoever asked has its answer before the term ends. */
    assert_int_equal(committed.term, before.term);
    node_status(seats.seats[leader].node, &after);
    assert_false(after.ready);
    over.term = before.term;
    seats_run_until(&seats, term_is_over, &over);
    leader = seats_await_leader(&seats);
    machine_counts(node_machine(seats.seats[leader].node), &counts);
    assert_int_equal(counts.logs, 0);

    /* Done already: the answer is repeated, and the term goes on. */
    node_status(seats.seats[leader].node, &before);
    commit(&seats, leader, &staged, 77, &committed);
    assert_int_equal(committed.code, 0);
    seats_create(&seats, leader);
    seats_append(&seats, leader, 1, 10);
    node_status(seats.seats[leader].node, &after);
    assert_int_equal(after.term, before.term);
    seats_await_equal(&seats, leader);
    seats_close(&seats);
}

static void sole_leader_steps_down_after_a_commit(void **state)
{
    (void)state;
    commit_on(1);
}

static void leader_of_three_steps_down_after_a_commit(void **state)
{
    (void)state;
    commit_on(3);
}

static void commit_that_is_refused_ends_nothing(void **state)
{
    struct seats seats;
    struct done staged;
    struct done refused;
    struct node_status before;
    struct node_status after;

    (void)state;
    seats_open(&seats, 1);
    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    seats_create(&seats, 0);
    stage(&seats, 0, &staged);
    node_status(seats.seats[0].node, &before);
    staged.revision++;
    commit(&seats, 0, &staged, 78, &refused);
    assert_int_not_equal(refused.code, 0);
    seats_append(&seats, 0, 1, 10);
    node_status(seats.seats[0].node, &after);
    assert_int_equal(after.term, before.term);
    assert_true(after.ready);
    seats_close(&seats);
}

/* ---- Starting frozen ---- */

static void assert_frozen(struct node *node, bool frozen)
{
    struct machine_standstill standstill;

    machine_standstill(node_machine(node), &standstill);
    assert_int_equal(standstill.frozen, frozen);
    if (frozen) {
        assert_int_equal(standstill.reason.len,
                         strlen("started with --frozen"));
    }
}

static void thaw(struct seats *seats)
{
    struct buf params = BUF_INIT;
    struct done done;

    submit(seats, 0, COMMAND_THAW, &params, &done);
    assert_int_equal(done.code, 0);
}

static void node_that_starts_frozen_is_so_before_it_serves(void **state)
{
    struct seats seats;
    struct told told = {0};
    struct node_transfer down = {.data = &told};

    (void)state;
    seats_open(&seats, 1);
    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    assert_frozen(seats.seats[0].node, false);
    seats_create(&seats, 0);
    seats_stop(&seats, 0);

    seats.options.frozen = true;
    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    assert_frozen(seats.seats[0].node, true);

    /* Once: whoever thaws them means it, also for its next term. */
    thaw(&seats);
    assert_int_equal(
        node_step_down(seats.seats[0].node, &down, told_on_transfer), 0);
    seats_run_until(&seats, is_told, &told);
    (void)seats_await_leader(&seats);
    assert_frozen(seats.seats[0].node, false);
    seats_append(&seats, 0, 1, 10);
    seats_close(&seats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sole_leader_steps_down_after_a_commit),
        cmocka_unit_test(leader_of_three_steps_down_after_a_commit),
        cmocka_unit_test(commit_that_is_refused_ends_nothing),
        cmocka_unit_test(node_that_starts_frozen_is_so_before_it_serves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
