/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/cmocka.h"
#include "util/code.h"

static void every_code_of_the_header_has_a_row(void **state)
{
    static const int codes[] = {
        QL_OK,           QL_INVALID,           QL_NO_MEMORY,
        QL_TOO_LARGE,    QL_UNKNOWN_METHOD,    QL_PROTOCOL,
        QL_DENIED,       QL_NOT_FOUND,         QL_EXISTS,
        QL_TRIMMED,      QL_CONDITION_FAILED,  QL_FENCED,
        QL_OUT_OF_ORDER, QL_DUPLICATE_UNKNOWN, QL_PRODUCER_EXPIRED,
        QL_LIMIT,        QL_NOT_LEADER,        QL_NO_LEADER,
        QL_BUSY,         QL_TIMEOUT,           QL_CONNECT,
        QL_DISCONNECTED, QL_OUTCOME_UNKNOWN,   QL_SHUTTING_DOWN,
        QL_CANCELED,     QL_NO_SPACE,          QL_IO,
        QL_CORRUPT,      QL_INTERNAL,          QL_FROZEN,
        QL_RESTORED,
    };

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_string_not_equal(code_name(codes[i]), "UNKNOWN");
        assert_in_range(code_exit_status(codes[i]), codes[i] == 0 ? 0 : 1, 9);
    }
}

static void names_have_no_prefix(void **state)
{
    (void)state;
    assert_string_equal(code_name(QL_NOT_LEADER), "NOT_LEADER");
    assert_string_equal(code_name(QL_OK), "OK");
}

static void strange_numbers_are_fatal_and_unknown(void **state)
{
    static const int strange[] = {-1, 8, 1000};

    (void)state;
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        assert_string_equal(code_name(strange[i]), "UNKNOWN");
        assert_int_equal(code_class(strange[i]), QL_CLASS_FATAL);
        assert_int_equal(code_exit_status(strange[i]), 1);
    }
}

static void classes_tell_what_to_do(void **state)
{
    (void)state;
    assert_int_equal(code_class(QL_OK), QL_CLASS_NONE);
    assert_int_equal(code_class(QL_INVALID), QL_CLASS_USAGE);
    assert_int_equal(code_class(QL_NOT_LEADER), QL_CLASS_REDIRECT);
    assert_int_equal(code_class(QL_BUSY), QL_CLASS_RETRY);
    assert_int_equal(code_class(QL_NO_SPACE), QL_CLASS_RETRY);
    /* Only a person ends it, so nothing waits for that by itself. */
    assert_int_equal(code_class(QL_FROZEN), QL_CLASS_CONDITION);
    assert_int_equal(code_class(QL_FENCED), QL_CLASS_FENCED);
    assert_int_equal(code_class(QL_CONDITION_FAILED), QL_CLASS_CONDITION);
    assert_int_equal(code_class(QL_OUTCOME_UNKNOWN), QL_CLASS_OUTCOME_UNKNOWN);
    /* A retry under a forgotten number may have been applied before. */
    assert_int_equal(code_class(QL_DUPLICATE_UNKNOWN),
                     QL_CLASS_OUTCOME_UNKNOWN);
    assert_int_equal(code_class(QL_PRODUCER_EXPIRED), QL_CLASS_OUTCOME_UNKNOWN);
    assert_int_equal(code_class(QL_CORRUPT), QL_CLASS_FATAL);
}

static void exit_statuses_are_those_of_the_manual(void **state)
{
    (void)state;
    assert_int_equal(code_exit_status(QL_OK), 0);
    assert_int_equal(code_exit_status(QL_IO), 1);
    assert_int_equal(code_exit_status(QL_INVALID), 2);
    assert_int_equal(code_exit_status(QL_CONNECT), 3);
    assert_int_equal(code_exit_status(QL_NO_LEADER), 4);
    assert_int_equal(code_exit_status(QL_CONDITION_FAILED), 5);
    assert_int_equal(code_exit_status(QL_FENCED), 5);
    assert_int_equal(code_exit_status(QL_NOT_FOUND), 6);
    assert_int_equal(code_exit_status(QL_TRIMMED), 6);
    assert_int_equal(code_exit_status(QL_CORRUPT), 7);
    assert_int_equal(code_exit_status(QL_DENIED), 8);
    assert_int_equal(code_exit_status(QL_OUTCOME_UNKNOWN), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_of_the_header_has_a_row),
        cmocka_unit_test(names_have_no_prefix),
        cmocka_unit_test(strange_numbers_are_fatal_and_unknown),
        cmocka_unit_test(classes_tell_what_to_do),
        cmocka_unit_test(exit_statuses_are_those_of_the_manual),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
