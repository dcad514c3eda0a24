/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "compare/protobuf.h"
#include "support/cmocka.h"

/* 1: {2: 300}, 2: "3.4.23", 9: 1, with a fixed64 and a fixed32 between. */
static const uint8_t answer[] = {
    0x0a, 0x03, 0x10, 0xac, 0x02,                   /* 1 */
    0x19, 1,    2,    3,    4,    5,   6,   7,   8, /* 3, fixed64 */
    0x25, 1,    2,    3,    4,                      /* 4, fixed32 */
    0x12, 0x06, '3',  '.',  '4',  '.', '2', '3',    /* 2 */
    0x48, 0x01,                                     /* 9 */
};
static const struct bytes whole = {answer, sizeof answer};

static void numbers_and_heads_are_as_the_format_says(void **state)
{
    static const uint8_t wanted[] = {0x48, 0xac, 0x02, 0x12, 0x80, 0x01};
    uint8_t bytes[2 * PROTOBUF_HEAD_MAX];
    size_t len;

    (void)state;
    len = protobuf_number_put(bytes, 9, 300);
    len += protobuf_head_put(bytes + len, 2, 128);
    assert_int_equal(len, sizeof wanted);
    assert_memory_equal(bytes, wanted, sizeof wanted);
}

static void largest_number_has_ten_bytes(void **state)
{
    uint8_t bytes[PROTOBUF_HEAD_MAX];
    uint64_t value = 0;

    (void)state;
    assert_int_equal(protobuf_number_put(bytes, 1, UINT64_MAX), 11);
    assert_true(protobuf_number_find((struct bytes){bytes, 11}, 1, &value));
    assert_true(value == UINT64_MAX);
}

static void fields_are_found_wherever_they_are(void **state)
{
    struct bytes inner;
    struct bytes text;
    uint64_t value = 0;

    (void)state;
    assert_true(protobuf_bytes_find(whole, 1, &inner));
    assert_true(protobuf_number_find(inner, 2, &value));
    assert_int_equal(value, 300);
    assert_true(protobuf_bytes_find(whole, 2, &text));
    assert_int_equal(text.len, 6);
    assert_memory_equal(text.data, "3.4.23", 6);
    assert_true(protobuf_number_find(whole, 9, &value));
    assert_int_equal(value, 1);
}

static void field_of_another_kind_is_not_found(void **state)
{
    struct bytes bytes;
    uint64_t value;

    (void)state;
    assert_false(protobuf_number_find(whole, 1, &value));
    assert_false(protobuf_bytes_find(whole, 9, &bytes));
    assert_false(protobuf_number_find(whole, 8, &value));
}

static void cut_message_has_no_field_behind_the_cut(void **state)
{
    (void)state;
    for (size_t len = 1; len < sizeof answer; len++) {
        uint8_t *part = malloc(len);
        uint64_t value;

        assert_non_null(part);
        memcpy(part, answer, len);
        assert_false(
            protobuf_number_find((struct bytes){part, len}, 9, &value));
        free(part);
    }
}

static void length_past_the_end_is_damage(void **state)
{
    static const uint8_t bytes[] = {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0x01, 0x48};
    struct bytes found;

    (void)state;
    assert_false(
        protobuf_bytes_find((struct bytes){bytes, sizeof bytes}, 1, &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_heads_are_as_the_format_says),
        cmocka_unit_test(largest_number_has_ten_bytes),
        cmocka_unit_test(fields_are_found_wherever_they_are),
        cmocka_unit_test(field_of_another_kind_is_not_found),
        cmocka_unit_test(cut_message_has_no_field_behind_the_cut),
        cmocka_unit_test(length_past_the_end_is_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
