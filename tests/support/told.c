/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/told.h"

#include <stdlib.h>

#include "support/cmocka.h"

void told_on_submit(struct node_submit *submit, int status,
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

void told_on_read(struct node_read *read, int status)
{
    struct told *told = read->data;

    told->calls++;
    told->last_status = status;
}

void told_on_transfer(struct node_transfer *transfer, int status)
{
    struct told *told = transfer->data;

    told->calls++;
    told->last_status = status;
}

bool is_told(void *data)
{
    const struct told *told = data;

    return told->calls > 0;
}

bool told_is_enough(void *data)
{
    const struct expected *expected = data;

    return expected->told->calls >= expected->calls;
}

int told_submit_create(struct node *node, struct node_submit *submit,
                       uint64_t bytes_kept)
{
    const struct log_config_args args = {
        .log = {.data = (const uint8_t *)"log", .len = 3},
        .retention = {.bytes = bytes_kept},
        .token = 1};
    struct buf params = BUF_INIT;
    int rv;

    assert_int_equal(log_config_args_encode(&args, &params), 0);
    rv = node_submit(node, submit, COMMAND_LOG_CREATE,
                     (struct bytes){params.data, params.len}, told_on_submit);
    buf_close(&params);
    return rv;
}

int told_submit_append(struct node *node, struct node_submit *submit,
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
                     (struct bytes){params.data, params.len}, told_on_submit);
    buf_close(&params);
    free(value);
    return rv;
}

void seats_create(struct seats *seats, size_t place)
{
    seats_create_keeping(seats, place, 0);
}

void seats_create_keeping(struct seats *seats, size_t place,
                          uint64_t bytes_kept)
{
    struct told told = {0};
    struct node_submit submit = {.data = &told};

    assert_int_equal(
        told_submit_create(seats->seats[place].node, &submit, bytes_kept), 0);
    assert_int_equal(told.calls, 0);
    seats_run_until(seats, is_told, &told);
    assert_int_equal(told.applied, 1);
}

void seats_append(struct seats *seats, size_t place, size_t count,
                  size_t value_len)
{
    for (size_t i = 0; i < count; i++) {
        struct told told = {0};
        struct node_submit submit = {.data = &told};

        assert_int_equal(
            told_submit_append(seats->seats[place].node, &submit, value_len),
            0);
        seats_run_until(seats, is_told, &told);
        assert_int_equal(told.last_status, 0);
        assert_int_equal(told.applied, 1);
    }
}

uint64_t seats_tail(const struct seats *seats, size_t place)
{
    const struct bytes name = {.data = (const uint8_t *)"log", .len = 3};
    struct log_stat stat;

    assert_int_equal(
        machine_log_stat(node_machine(seats->seats[place].node), name, &stat),
        0);
    return stat.tail;
}
