/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/append_number.h"

#include "support/cmocka.h"
#include "wire/args_append.h"

static void encode(struct buf *buf, uint64_t number)
{
    const struct append_entry entry = {.value = {(const uint8_t *)"v", 1}};
    struct append_part_args part = {
        .log = {(const uint8_t *)"log", 3},
        .entries = &entry,
        .entries_count = 1,
    };
    const struct append_args args = {
        .parts = &part,
        .parts_count = 1,
        .producer = number,
        .sequence = number,
    };

    assert_int_equal(append_args_encode(&args, buf), 0);
}

static void numbers_are_changed_in_place(void **state)
{
    static const uint64_t numbers[] = {1, 127, 128, 65536, UINT64_MAX - 1};
    struct buf buf = BUF_INIT;
    struct append_args args;
    size_t i;

    (void)state;
    encode(&buf, APPEND_NUMBER_ROOM);
    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_int_equal(
            append_number_set(buf.data, buf.len, numbers[i], numbers[i] + 1),
            0);
        assert_int_equal(
            append_args_decode(&args, (struct bytes){buf.data, buf.len}, NULL),
            0);
        assert_true(args.producer == numbers[i]);
        assert_true(args.sequence == numbers[i] + 1);
        assert_int_equal(args.parts_count, 1);
        append_args_close(&args);
    }
    buf_close(&buf);
}

static void an_append_without_room_for_them_is_refused(void **state)
{
    struct buf buf = BUF_INIT;
    size_t len;

    (void)state;
    encode(&buf, 0);
    assert_int_equal(append_number_set(buf.data, buf.len, 1, 1), QL_INVALID);
    buf.len = 0;
    encode(&buf, 5);
    assert_int_equal(append_number_set(buf.data, buf.len, 1, 1), QL_INVALID);
    buf.len = 0;
    encode(&buf, APPEND_NUMBER_ROOM);
    for (len = 0; len < 37; len++) {
        assert_int_equal(append_number_set(buf.data, len, 1, 1), QL_INVALID);
    }
    buf_close(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_changed_in_place),
        cmocka_unit_test(an_append_without_room_for_them_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
