/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_settings.h"

#include "support/cmocka.h"
#include "support/notation.h"
#include "support/wire_check.h"
#include "util/limits.h"

static int decode_args(struct bytes encoded, struct err *err)
{
    struct settings_args args;

    return settings_args_decode(&args, encoded, err);
}

static struct settings_args round_trip(const struct settings_args *args)
{
    struct buf buf = BUF_INIT;
    struct settings_args got;

    assert_int_equal(settings_args_encode(args, &buf), 0);
    assert_int_equal(settings_args_decode(&got, view_of(&buf), NULL), 0);
    buf_close(&buf);
    return got;
}

static void an_interval_of_zero_is_not_an_absent_one(void **state)
{
    struct settings_args got;

    (void)state;
    got = round_trip(&(struct settings_args){.has_interval = true});
    assert_true(got.has_interval);
    assert_int_equal(got.backup_interval_ms, 0);
    assert_int_equal(got.max_saved_backups, 0);
    assert_false(got.only_if_unset);

    got = round_trip(&(struct settings_args){
        .max_saved_backups = 7,
        .only_if_unset = true,
    });
    assert_false(got.has_interval);
    assert_int_equal(got.max_saved_backups, 7);
    assert_true(got.only_if_unset);
}

static void settings_are_bounded(void **state)
{
    static const struct refusal rows[] = {
        {"{}", 0, NULL},
        {"{'backup_interval_ms': 0}", 0, NULL},
        {"{'backup_interval_ms': nil}", 0, NULL},
        {"{'backup_interval_ms': 1000}", 0, NULL},
        {"{'backup_interval_ms': 31622400000}", 0, NULL},
        {"{'backup_interval_ms': 999}", QL_INVALID,
         "cluster.settings: 'backup_interval_ms' must be 0 or at least 1000"},
        {"{'backup_interval_ms': 31622400001}", QL_INVALID, NULL},
        {"{'backup_interval_ms': -1}", QL_INVALID, NULL},
        {"{'max_saved_backups': 1000}", 0, NULL},
        {"{'max_saved_backups': 1001}", QL_INVALID,
         "cluster.settings: 'max_saved_backups' must be at most 1000"},
        {"{'max_saved_backups': 0}", QL_INVALID,
         "cluster.settings: 'max_saved_backups' must be at least 1"},
        {"{'only_if_unset': 1}", QL_INVALID, NULL},
    };

    (void)state;
    refusals_check(decode_args, rows, COUNT_OF(rows));
    cuts_check(decode_args, "{'backup_interval_ms': 0, 'x': 1}");
}

static void settings_come_back_as_they_went(void **state)
{
    const struct settings_result result = {3600000, 48};
    struct settings_result got;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(settings_result_encode(&result, &buf), 0);
    assert_int_equal(settings_result_decode(&got, view_of(&buf), NULL), 0);
    assert_int_equal(got.backup_interval_ms, 3600000);
    assert_int_equal(got.max_saved_backups, 48);
    buf_close(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interval_of_zero_is_not_an_absent_one),
        cmocka_unit_test(settings_are_bounded),
        cmocka_unit_test(settings_come_back_as_they_went),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
