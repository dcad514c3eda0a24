/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <string.h>

#include "machine/command.h"
#include "support/cmocka.h"
#include "util/crc32c.h"

struct fixture {
    uint8_t bytes[256];
    size_t len;
};

static struct bytes run(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

/* A batch of two commands that ends in padding. */
static int setup(void **state)
{
    static struct fixture fixture;
    struct batch_writer writer;

    memset(&fixture, 0, sizeof(fixture));
    batch_open(&writer, fixture.bytes, sizeof(fixture.bytes), 77);
    batch_add(&writer, COMMAND_LOG_APPEND, run("params"));
    batch_add(&writer, COMMAND_TICK, run(""));
    fixture.len = batch_close(&writer);
    *state = &fixture;
    return 0;
}

/* Makes the checksum fit again after a change. */
static void seal_again(struct fixture *fixture)
{
    put_u32(fixture->bytes + 4,
            crc32c(0, fixture->bytes + 8, fixture->len - 8));
}

static int decode(const struct fixture *fixture, struct batch *ret)
{
    struct err err;

    return batch_decode(ret, fixture->bytes, fixture->len, &err);
}

static void what_was_added_comes_out_in_order(void **state)
{
    struct fixture *fixture = *state;
    struct command command;
    struct batch batch;

    assert_int_equal(decode(fixture, &batch), 0);
    assert_int_equal(batch.time_ms, 77);
    assert_int_equal(batch.count, 2);
    assert_true(batch_next(&batch, &command));
    assert_int_equal(command.kind, COMMAND_LOG_APPEND);
    assert_int_equal(command.params.len, 6);
    assert_memory_equal(command.params.data, "params", 6);
    assert_true(batch_next(&batch, &command));
    assert_int_equal(command.kind, COMMAND_TICK);
    assert_int_equal(command.params.len, 0);
    assert_false(batch_next(&batch, &command));
}

static void length_is_foreseen_and_a_multiple_of_8(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(fixture->len, batch_len(2, 6));
    assert_int_equal(fixture->len, 48);
    assert_int_equal(batch_len(0, 0), 24);
    assert_int_equal(batch_len(1, 1), 40);
}

static void a_batch_may_be_empty(void **state)
{
    struct fixture *fixture = *state;
    struct batch_writer writer;
    struct command command;
    struct batch batch;

    batch_open(&writer, fixture->bytes, BATCH_HEADER_LEN, 1);
    fixture->len = batch_close(&writer);
    assert_int_equal(fixture->len, BATCH_HEADER_LEN);
    assert_int_equal(decode(fixture, &batch), 0);
    assert_false(batch_next(&batch, &command));
}

static void every_changed_bit_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct batch batch;

    for (size_t i = 0; i < fixture->len * 8; i++) {
        uint8_t bit = (uint8_t)(1u << (i % 8));

        fixture->bytes[i / 8] ^= bit;
        assert_int_equal(decode(fixture, &batch), QL_CORRUPT);
        fixture->bytes[i / 8] ^= bit;
    }
}

static void every_truncation_is_found(void **state)
{
    struct fixture *fixture = *state;
    size_t len = fixture->len;
    struct batch batch;

    for (fixture->len = 0; fixture->len < len; fixture->len++) {
        assert_int_equal(decode(fixture, &batch), QL_CORRUPT);
    }
}

/* The checksum fits in all of these, so the shape itself must be looked at. */
static void a_wrong_shape_with_a_right_checksum_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct fixture good = *fixture;
    struct batch batch;
    static const struct {
        size_t at;
        uint32_t value;
    } changes[] = {
        {16, 1},          /* fewer commands than there are */
        {16, 3},          /* more */
        {20, 23},         /* the commands end in the middle of one */
        {20, 8},          /* they end far before the bytes do */
        {20, 0xffffffff}, /* and behind them */
        {28, 100},        /* a command's params go on behind the batch */
        {28, 0xfffffff0}, /* a length that wraps around */
        {24, 0x10005},    /* the zeros of a command */
    };

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        *fixture = good;
        put_u32(fixture->bytes + changes[i].at, changes[i].value);
        seal_again(fixture);
        assert_int_equal(decode(fixture, &batch), QL_CORRUPT);
    }
}

static void padding_that_is_not_zero_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct batch batch;

    fixture->bytes[fixture->len - 1] = 1;
    seal_again(fixture);
    assert_int_equal(decode(fixture, &batch), QL_CORRUPT);
}

static void an_unknown_kind_is_the_readers_business(void **state)
{
    struct fixture *fixture = *state;
    struct command command;
    struct batch batch;

    put_u16(fixture->bytes + 24, 999);
    seal_again(fixture);
    assert_int_equal(decode(fixture, &batch), 0);
    assert_true(batch_next(&batch, &command));
    assert_int_equal(command.kind, 999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_was_added_comes_out_in_order, setup),
        cmocka_unit_test_setup(length_is_foreseen_and_a_multiple_of_8, setup),
        cmocka_unit_test_setup(a_batch_may_be_empty, setup),
        cmocka_unit_test_setup(every_changed_bit_is_found, setup),
        cmocka_unit_test_setup(every_truncation_is_found, setup),
        cmocka_unit_test_setup(a_wrong_shape_with_a_right_checksum_is_refused,
                               setup),
        cmocka_unit_test_setup(padding_that_is_not_zero_is_refused, setup),
        cmocka_unit_test_setup(an_unknown_kind_is_the_readers_business, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
