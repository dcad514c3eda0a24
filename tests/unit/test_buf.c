/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <string.h>

#include "quorlog.h"
#include "support/cmocka.h"
#include "util/buf.h"
#include "util/cursor.h"

static void adds_stand_one_after_the_other(void **state)
{
    struct buf buf = BUF_INIT;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(buf_add(&buf, "abc", 3), 0);
    }
    assert_int_equal(buf.len, 3000);
    assert_true(buf.room >= buf.len);
    for (size_t i = 0; i < buf.len; i++) {
        assert_int_equal(buf.data[i], "abc"[i % 3]);
    }
    buf_close(&buf);
}

static void closed_buf_is_usable_again(void **state)
{
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(buf_add(&buf, "x", 1), 0);
    buf_close(&buf);
    buf_close(&buf);
    assert_null(buf.data);
    assert_int_equal(buf_add(&buf, "y", 1), 0);
    assert_int_equal(buf.data[0], 'y');
    buf_close(&buf);
}

static void nothing_can_be_added(void **state)
{
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(buf_add(&buf, NULL, 0), 0);
    assert_int_equal(buf.len, 0);
    buf_close(&buf);
}

static void impossible_room_is_no_memory(void **state)
{
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(buf_add(&buf, "x", 1), 0);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX), QL_NO_MEMORY);
    assert_int_equal(buf.len, 1);
    assert_int_equal(buf.data[0], 'x');
    buf_close(&buf);
}

static void consume_moves_the_rest_down(void **state)
{
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(buf_add(&buf, "abcdef", 6), 0);
    buf_consume(&buf, 0);
    buf_consume(&buf, 2);
    assert_int_equal(buf.len, 4);
    assert_memory_equal(buf.data, "cdef", 4);
    buf_consume(&buf, 4);
    assert_int_equal(buf.len, 0);
    buf_close(&buf);
}

static void integers_are_little_endian_at_any_address(void **state)
{
    static const uint8_t expected[] = {0x08, 0x07, 0x06, 0x05,
                                       0x04, 0x03, 0x02, 0x01};
    uint8_t bytes[9];

    (void)state;
    put_u64(bytes + 1, 0x0102030405060708u);
    assert_memory_equal(bytes + 1, expected, 8);
    assert_true(get_u64(bytes + 1) == 0x0102030405060708u);
    assert_int_equal(get_u32(bytes + 1), 0x05060708);
    assert_int_equal(get_u16(bytes + 1), 0x0708);
    put_u32(bytes + 3, UINT32_MAX);
    assert_int_equal(get_u32(bytes + 3), UINT32_MAX);
    put_u64(bytes, UINT64_MAX);
    assert_true(get_u64(bytes) == UINT64_MAX);
    put_u16(bytes, 0xfedc);
    assert_int_equal(get_u16(bytes), 0xfedc);
}

static void cursor_reads_back_what_was_added(void **state)
{
    struct buf buf = BUF_INIT;
    struct cursor cursor;
    struct bytes sized;

    (void)state;
    assert_int_equal(buf_add_u8(&buf, 0xab), 0);
    assert_int_equal(buf_add_u16(&buf, 0xabcd), 0);
    assert_int_equal(buf_add_u32(&buf, 0xabcdef01), 0);
    assert_int_equal(buf_add_u64(&buf, UINT64_MAX - 1), 0);
    assert_int_equal(buf_add_sized(&buf, "name", 4), 0);
    assert_int_equal(buf_add_sized(&buf, NULL, 0), 0);
    assert_int_equal(buf_add(&buf, "!", 1), 0);

    cursor_init(&cursor, buf.data, buf.len);
    assert_int_equal(cursor_u8(&cursor), 0xab);
    assert_int_equal(cursor_u16(&cursor), 0xabcd);
    assert_int_equal(cursor_u32(&cursor), 0xabcdef01);
    assert_true(cursor_u64(&cursor) == UINT64_MAX - 1);
    sized = cursor_sized(&cursor, 4);
    assert_int_equal(sized.len, 4);
    assert_memory_equal(sized.data, "name", 4);
    sized = cursor_sized(&cursor, 4);
    assert_int_equal(sized.len, 0);
    assert_int_equal(cursor_left(&cursor), 1);
    assert_int_equal(*cursor_bytes(&cursor, 1), '!');
    assert_int_equal(cursor_left(&cursor), 0);
    assert_true(cursor_ok(&cursor));
    buf_close(&buf);
}

static void cursor_stays_failed_after_the_end(void **state)
{
    static const uint8_t bytes[] = {1, 2, 3};
    struct cursor cursor;

    (void)state;
    cursor_init(&cursor, bytes, sizeof bytes);
    assert_int_equal(cursor_u32(&cursor), 0);
    assert_false(cursor_ok(&cursor));
    assert_int_equal(cursor_u8(&cursor), 0);
    assert_null(cursor_bytes(&cursor, 1));
    assert_null(cursor_sized(&cursor, 10).data);
    assert_int_equal(cursor_left(&cursor), 0);
}

static void cursor_over_nothing_fails_at_once(void **state)
{
    struct cursor cursor;

    (void)state;
    cursor_init(&cursor, NULL, 0);
    assert_true(cursor_ok(&cursor));
    assert_int_equal(cursor_u8(&cursor), 0);
    assert_false(cursor_ok(&cursor));
}

static void sized_bytes_have_two_bounds(void **state)
{
    static const uint8_t too_short[] = {5, 0, 0, 0, 'a', 'b'};
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 'a', 'b'};
    struct cursor cursor;

    (void)state;
    cursor_init(&cursor, too_short, sizeof too_short);
    assert_null(cursor_sized(&cursor, 100).data);
    assert_false(cursor_ok(&cursor));

    cursor_init(&cursor, huge, sizeof huge);
    assert_int_equal(cursor_sized(&cursor, 100).len, 0);
    assert_false(cursor_ok(&cursor));

    cursor_init(&cursor, "\2\0\0\0ab", 6);
    assert_null(cursor_sized(&cursor, 1).data);
    assert_false(cursor_ok(&cursor));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_stand_one_after_the_other),
        cmocka_unit_test(closed_buf_is_usable_again),
        cmocka_unit_test(nothing_can_be_added),
        cmocka_unit_test(impossible_room_is_no_memory),
        cmocka_unit_test(consume_moves_the_rest_down),
        cmocka_unit_test(integers_are_little_endian_at_any_address),
        cmocka_unit_test(cursor_reads_back_what_was_added),
        cmocka_unit_test(cursor_stays_failed_after_the_end),
        cmocka_unit_test(cursor_over_nothing_fails_at_once),
        cmocka_unit_test(sized_bytes_have_two_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
