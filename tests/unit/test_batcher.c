/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/batcher.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"

#define SUBMITS 300u

static void on_done(struct node_submit *submit, int status,
                    const struct outcome *outcome)
{
    int *told = submit->data;

    assert_null(outcome);
    *told = status;
}

static int add(struct batcher *batcher, struct node_submit *submit,
               const void *params, size_t len)
{
    struct bytes bytes = {.data = params, .len = len};

    submit->kind = COMMAND_LOG_APPEND;
    submit->cb = on_done;
    return batcher_add(batcher, submit, bytes, 1234);
}

static void discard(struct batcher *batcher, struct proposal *proposal)
{
    proposal_finish_submits(proposal, QL_NOT_LEADER);
    proposal_free(batcher, proposal);
}

static void commands_come_out_in_order_in_one_padded_batch(void **state)
{
    struct node_submit submits[SUBMITS] = {0};
    struct batcher batcher;
    struct proposal *proposal;
    struct raft_buffer buffer;
    struct command command;
    struct batch batch;
    struct err err;
    uint32_t i;
    int told = 0;

    (void)state;
    batcher_init(&batcher);
    assert_true(batcher_is_empty(&batcher));
    for (i = 0; i < SUBMITS; i++) {
        submits[i].data = &told;
        assert_int_equal(add(&batcher, &submits[i], &i, sizeof i), 0);
    }
    proposal = batcher_take(&batcher);
    assert_non_null(proposal);
    assert_true(batcher_is_empty(&batcher));
    assert_null(batcher_take(&batcher));

    proposal_seal(proposal, &buffer);
    assert_int_equal(buffer.len % 8, 0);
    assert_int_equal(proposal->writer.room, buffer.len); /* no more than that */
    assert_int_equal(batch_decode(&batch, buffer.base, buffer.len, &err), 0);
    assert_int_equal(batch.time_ms, 1234);
    assert_int_equal(batch.count, SUBMITS);
    for (i = 0; i < SUBMITS; i++) {
        assert_true(batch_next(&batch, &command));
        assert_int_equal(command.params.len, sizeof i);
        assert_memory_equal(command.params.data, &i, sizeof i);
    }
    assert_false(batch_next(&batch, &command));
    discard(&batcher, proposal);
    assert_int_equal(told, QL_NOT_LEADER);
    assert_int_equal(batcher.bytes, 0);
}

static void full_batch_closes_and_the_next_one_opens(void **state)
{
    static uint8_t params[100000];
    struct node_submit submits[5] = {0};
    struct batcher batcher;
    size_t batches = 0;
    int told;

    (void)state;
    batcher_init(&batcher);
    for (size_t i = 0; i < 5; i++) {
        submits[i].data = &told;
        assert_int_equal(add(&batcher, &submits[i], params, sizeof params), 0);
    }
    while (!batcher_is_empty(&batcher)) {
        struct proposal *proposal = batcher_take(&batcher);

        assert_true(proposal->writer.at <= BATCH_BYTES);
        /* In the order of arrival. */
        assert_ptr_equal(
            LIST_ITEM(proposal->submits.next, struct node_submit, link),
            &submits[2 * batches]);
        discard(&batcher, proposal);
        batches++;
    }
    assert_int_equal(batches, 3);
}

static void large_command_travels_alone_and_a_larger_one_not_at_all(
    void **state)
{
    uint8_t *params = calloc(1, BATCH_BYTES_MAX);
    struct node_submit small = {0};
    struct node_submit large = {0};
    struct batcher batcher;
    struct proposal *proposal;
    struct raft_buffer buffer;
    int told;

    (void)state;
    assert_non_null(params);
    batcher_init(&batcher);
    small.data = &told;
    large.data = &told;
    assert_int_equal(add(&batcher, &small, params, 1), 0);
    assert_int_equal(add(&batcher, &large, params, BATCH_BYTES_MAX),
                     QL_TOO_LARGE);
    assert_int_equal(add(&batcher, &large, params, 4 * MIB), 0);
    proposal = batcher_take(&batcher);
    assert_int_equal(proposal->writer.count, 1);
    discard(&batcher, proposal);
    proposal = batcher_take(&batcher);
    proposal_seal(proposal, &buffer);
    assert_int_equal(buffer.len, batch_len(1, 4 * MIB));
    discard(&batcher, proposal);
    free(params);
}

static void waiting_bytes_are_bounded(void **state)
{
    static uint8_t params[3 * MIB];
    static struct node_submit submits[64];
    struct batcher batcher;
    struct proposal *proposal;
    size_t count = 0;
    int told;

    (void)state;
    batcher_init(&batcher);
    for (;;) {
        submits[count].data = &told;
        if (add(&batcher, &submits[count], params, sizeof params) != 0) {
            break;
        }
        count++;
    }
    assert_int_equal(count, SUBMIT_BYTES_MAX / (3 * MIB));
    /* What is under way counts still. */
    proposal = batcher_take(&batcher);
    assert_int_equal(add(&batcher, &submits[count], params, sizeof params),
                     QL_BUSY);
    discard(&batcher, proposal);
    assert_int_equal(add(&batcher, &submits[count], params, sizeof params), 0);
    while (!batcher_is_empty(&batcher)) {
        discard(&batcher, batcher_take(&batcher));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_come_out_in_order_in_one_padded_batch),
        cmocka_unit_test(full_batch_closes_and_the_next_one_opens),
        cmocka_unit_test(
            large_command_travels_alone_and_a_larger_one_not_at_all),
        cmocka_unit_test(waiting_bytes_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
