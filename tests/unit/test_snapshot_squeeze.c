/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/snapshot_squeeze.h"

#include "support/cmocka.h"

static void node_without_a_snapshot_takes_none_for_room(void **state)
{
    const struct snapshot_squeeze squeeze = {0};

    (void)state;
    assert_false(snapshot_squeeze_is_due(&squeeze, 0));
    assert_false(snapshot_squeeze_is_due(&squeeze, 100));
    assert_int_equal(snapshot_squeeze_needs(&squeeze, 70), 140);
}

static void trim_brings_two_snapshots(void **state)
{
    struct snapshot_squeeze squeeze = {0};

    (void)state;
    snapshot_squeeze_on_taken(&squeeze, 400, 200);
    snapshot_squeeze_on_taken(&squeeze, 800, 400);
    assert_false(snapshot_squeeze_is_due(&squeeze, 800));
    assert_false(snapshot_squeeze_is_due(&squeeze, 700));
    assert_true(snapshot_squeeze_is_due(&squeeze, 699));
    snapshot_squeeze_on_taken(&squeeze, 10, 5);
    assert_true(snapshot_squeeze_is_due(&squeeze, 10));
    snapshot_squeeze_on_taken(&squeeze, 10, 5);
    assert_false(snapshot_squeeze_is_due(&squeeze, 10));
    assert_true(snapshot_squeeze_is_due(&squeeze, 0));
}

static void next_two_need_what_those_that_are_kept_do_not_give(void **state)
{
    struct snapshot_squeeze squeeze = {0};

    (void)state;
    snapshot_squeeze_on_taken(&squeeze, 400, 200);
    snapshot_squeeze_on_taken(&squeeze, 800, 500);
    assert_int_equal(snapshot_squeeze_needs(&squeeze, 0), 300);
    assert_int_equal(snapshot_squeeze_needs(&squeeze, 70), 440);
    snapshot_squeeze_on_taken(&squeeze, 10, 5);
    assert_int_equal(snapshot_squeeze_needs(&squeeze, 70), 0);
}

static void after_a_start_both_are_taken_for_equal(void **state)
{
    struct snapshot_squeeze squeeze = {0};

    (void)state;
    snapshot_squeeze_on_taken(&squeeze, 1, 1);
    snapshot_squeeze_on_restored(&squeeze, 800, 500);
    assert_int_equal(snapshot_squeeze_needs(&squeeze, 70), 140);
    assert_false(snapshot_squeeze_is_due(&squeeze, 800));
    assert_true(snapshot_squeeze_is_due(&squeeze, 699));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(node_without_a_snapshot_takes_none_for_room),
        cmocka_unit_test(trim_brings_two_snapshots),
        cmocka_unit_test(next_two_need_what_those_that_are_kept_do_not_give),
        cmocka_unit_test(after_a_start_both_are_taken_for_equal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
