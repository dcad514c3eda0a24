/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "support/cmocka.h"
#include "util/err.h"

static void set_keeps_code_and_text(void **state)
{
    struct err err = {.position = 7};

    (void)state;
    assert_int_equal(err_set(&err, QL_BUSY, "queue of %d", 3), QL_BUSY);
    assert_int_equal(err.code, QL_BUSY);
    assert_int_equal(err.position, 0);
    assert_string_equal(err.text, "queue of 3");
}

static void wrap_puts_what_was_done_in_front(void **state)
{
    struct err err;

    (void)state;
    err_set(&err, QL_NOT_FOUND, "inner");
    assert_int_equal(err_wrap(&err, "middle %d", 1), QL_NOT_FOUND);
    assert_int_equal(err_wrap(&err, "outer"), QL_NOT_FOUND);
    assert_string_equal(err.text, "outer: middle 1: inner");
}

static void wrap_keeps_the_position(void **state)
{
    struct err err;

    (void)state;
    err_set(&err, QL_TRIMMED, "gone");
    err.position = 12;
    err_wrap(&err, "read");
    assert_int_equal(err.position, 12);
}

static void errno_becomes_a_code_and_a_reason(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(err_errno(&err, ENOENT, "open /x"), QL_NOT_FOUND);
    assert_string_equal(err.text, "open /x: No such file or directory");
    assert_int_equal(err_errno(&err, EEXIST, "x"), QL_EXISTS);
    assert_int_equal(err_errno(&err, ENOMEM, "x"), QL_NO_MEMORY);
    assert_int_equal(err_errno(&err, EACCES, "x"), QL_IO);
}

static void no_err_still_gives_the_code(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, QL_BUSY, "x"), QL_BUSY);
    assert_int_equal(err_errno(NULL, ENOENT, "x"), QL_NOT_FOUND);
    assert_int_equal(err_wrap(NULL, "x"), QL_INTERNAL);
}

static void long_text_is_cut_and_shows_it(void **state)
{
    char longer[2 * ERR_TEXT_MAX];
    struct err err;

    (void)state;
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    err_set(&err, QL_IO, "%s", longer);
    assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
    assert_string_equal(err.text + ERR_TEXT_MAX - 6, "aa...");

    err_set(&err, QL_IO, "inner");
    err_wrap(&err, "%.505s", longer);
    assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
    assert_string_equal(err.text + ERR_TEXT_MAX - 4, "...");
}

static void own_text_may_be_an_argument(void **state)
{
    struct err err;

    (void)state;
    err_set(&err, QL_IO, "disk");
    err_set(&err, QL_CORRUPT, "after %s", err.text);
    assert_string_equal(err.text, "after disk");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_keeps_code_and_text),
        cmocka_unit_test(wrap_puts_what_was_done_in_front),
        cmocka_unit_test(wrap_keeps_the_position),
        cmocka_unit_test(errno_becomes_a_code_and_a_reason),
        cmocka_unit_test(no_err_still_gives_the_code),
        cmocka_unit_test(long_text_is_cut_and_shows_it),
        cmocka_unit_test(own_text_may_be_an_argument),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
