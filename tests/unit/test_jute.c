/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "compare/jute.h"
#include "support/cmocka.h"

static void session_begins_with_nothing_known(void **state)
{
    uint8_t wanted[49] = {0, 0, 0, 45};
    uint8_t bytes[JUTE_MAX];

    (void)state;
    wanted[18] = 0x75; /* 30,000 ms */
    wanted[19] = 0x30;
    wanted[31] = 16; /* of the password */
    assert_int_equal(jute_connect_put(bytes, 30000), sizeof wanted);
    assert_memory_equal(bytes, wanted, sizeof wanted);
}

static void set_says_the_length_of_the_data_between(void **state)
{
    static const uint8_t wanted[] = {0,   0,   0, 22 + 128, 0, 0,  0, 7,
                                     0,   0,   0, 5,        0, 0,  0, 2,
                                     '/', 'x', 0, 0,        0, 128};
    static const uint8_t wanted_end[] = {0xff, 0xff, 0xff, 0xff};
    uint8_t bytes[JUTE_MAX];

    (void)state;
    assert_int_equal(jute_set_put(bytes, 7, "/x", 128), sizeof wanted);
    assert_memory_equal(bytes, wanted, sizeof wanted);
    assert_int_equal(jute_set_end_put(bytes), sizeof wanted_end);
    assert_memory_equal(bytes, wanted_end, sizeof wanted_end);
}

static void create_lets_everybody_do_all(void **state)
{
    static const char wanted[] = "\0\0\0\x31\0\0\0\1\0\0\0\1\0\0\0\2/x\0\0\0\0"
                                 "\0\0\0\1\0\0\0\x1f\0\0\0\5world\0\0\0\6"
                                 "anyone\0\0\0\0";
    uint8_t bytes[JUTE_MAX];

    (void)state;
    assert_int_equal(jute_create_put(bytes, 1, "/x"), sizeof wanted - 1);
    assert_memory_equal(bytes, wanted, sizeof wanted - 1);
}

static void exists_sets_no_watch(void **state)
{
    static const char wanted[] = "\0\0\0\xf\0\0\0\1\0\0\0\3\0\0\0\2/x\0";
    uint8_t bytes[JUTE_MAX];

    (void)state;
    assert_int_equal(jute_exists_put(bytes, 1, "/x"), sizeof wanted - 1);
    assert_memory_equal(bytes, wanted, sizeof wanted - 1);
}

static void answer_has_a_number_an_error_and_a_body(void **state)
{
    static const uint8_t bytes[] = {0,    0,    0,    18,   0,   0,   1,  2,
                                    9,    9,    9,    9,    9,   9,   9,  9,
                                    0xff, 0xff, 0xff, 0x92, 'o', 'k', 'x'};
    struct jute_answer answer;
    struct bytes message;
    bool is_damaged;

    (void)state;
    assert_int_equal(
        jute_take((struct bytes){bytes, sizeof bytes}, &message, &is_damaged),
        sizeof bytes - 1);
    assert_true(jute_answer_read(message, &answer));
    assert_int_equal(answer.xid, 258);
    assert_int_equal(answer.error, -110);
    assert_int_equal(answer.body.len, 2);
    assert_memory_equal(answer.body.data, "ok", 2);
}

static void part_of_a_message_is_none(void **state)
{
    static const uint8_t bytes[] = {0, 0, 0, 6, 1, 2, 3, 4, 5, 6};

    (void)state;
    for (size_t len = 1; len < sizeof bytes; len++) {
        uint8_t *part = malloc(len);
        struct bytes message;
        bool is_damaged;

        assert_non_null(part);
        memcpy(part, bytes, len);
        assert_int_equal(
            jute_take((struct bytes){part, len}, &message, &is_damaged), 0);
        assert_false(is_damaged);
        free(part);
    }
}

static void length_that_cannot_be_is_damage(void **state)
{
    static const uint8_t bytes[] = {0x80, 0, 0, 0};
    struct bytes message;
    bool is_damaged;

    (void)state;
    assert_int_equal(
        jute_take((struct bytes){bytes, sizeof bytes}, &message, &is_damaged),
        0);
    assert_true(is_damaged);
}

static void short_answers_say_nothing(void **state)
{
    static const uint8_t bytes[36] = {[35] = 9};
    struct jute_answer answer;
    uint32_t version = 0;

    (void)state;
    assert_false(jute_answer_read((struct bytes){bytes, 15}, &answer));
    assert_false(jute_version_read((struct bytes){bytes, 35}, &version));
    assert_true(jute_version_read((struct bytes){bytes, 36}, &version));
    assert_int_equal(version, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_begins_with_nothing_known),
        cmocka_unit_test(set_says_the_length_of_the_data_between),
        cmocka_unit_test(create_lets_everybody_do_all),
        cmocka_unit_test(exists_sets_no_watch),
        cmocka_unit_test(answer_has_a_number_an_error_and_a_body),
        cmocka_unit_test(part_of_a_message_is_none),
        cmocka_unit_test(length_that_cannot_be_is_damage),
        cmocka_unit_test(short_answers_say_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
