/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/cmocka.h"
#include "support/driver.h"

static int setup(void **state)
{
    static struct driver driver;

    driver_init(&driver);
    assert_int_equal(driver_create(&driver, "a"), 0);
    *state = &driver;
    return 0;
}

static int teardown(void **state)
{
    driver_close(*state);
    return 0;
}

static void each_acquire_makes_the_next_epoch(void **state)
{
    struct driver *driver = *state;
    const struct log_stat *stat = &driver->outcome.stat;

    assert_int_equal(driver_acquire(driver, "a", "one"), 0);
    assert_int_equal(stat->writer_epoch, 1);
    assert_memory_equal(stat->writer_name.data, "one", 3);
    assert_int_equal(driver_acquire(driver, "a", "one"), 0);
    assert_int_equal(stat->writer_epoch, 2);
    assert_int_equal(driver_acquire(driver, "none", "one"), QL_NOT_FOUND);
}

static void an_older_epoch_is_fenced(void **state)
{
    struct driver *driver = *state;

    driver_acquire(driver, "a", "one");
    assert_int_equal(driver_append_as(driver, "a", 1), 0);
    driver_acquire(driver, "a", "two");
    assert_int_equal(driver_append_as(driver, "a", 1), QL_FENCED);
    assert_int_equal(driver->outcome.position, 2);
    assert_int_equal(driver_append_as(driver, "a", 2), 0);
    assert_int_equal(driver_append_as(driver, "a", 3), QL_FENCED);
}

static void a_held_log_takes_only_its_holders_appends(void **state)
{
    struct driver *driver = *state;

    assert_int_equal(driver_append(driver, "a", "free"), 0);
    driver_acquire(driver, "a", "one");
    assert_int_equal(driver_append(driver, "a", "other"), QL_FENCED);
    assert_int_equal(driver->outcome.position, 1);
}

static void a_released_epoch_is_spent_and_the_log_is_free(void **state)
{
    struct driver *driver = *state;

    driver_acquire(driver, "a", "one");
    assert_int_equal(driver_release(driver, "a", 1), 0);
    assert_int_equal(driver->outcome.stat.writer_epoch, 1);
    assert_int_equal(driver->outcome.stat.writer_name.len, 0);
    assert_int_equal(driver_append_as(driver, "a", 1), QL_FENCED);
    assert_int_equal(driver_append(driver, "a", "free"), 0);
    driver_acquire(driver, "a", "two");
    assert_int_equal(driver->outcome.stat.writer_epoch, 2);
}

static void release_knows_old_equal_and_unknown_epochs(void **state)
{
    struct driver *driver = *state;

    driver_acquire(driver, "a", "one");
    driver_acquire(driver, "a", "two");
    assert_int_equal(driver_release(driver, "a", 1), QL_FENCED);
    assert_int_equal(driver->outcome.position, 2);
    assert_int_equal(driver_release(driver, "a", 3), QL_INVALID);
    assert_int_equal(driver_release(driver, "a", 2), 0);
    assert_int_equal(driver_release(driver, "a", 2), 0);
    assert_int_equal(driver_release(driver, "none", 2), QL_NOT_FOUND);
}

static void epochs_are_no_log_data(void **state)
{
    struct driver *driver = *state;

    driver_acquire(driver, "a", "one");
    driver_release(driver, "a", 1);
    assert_int_equal(driver_counts(driver).state_index, 1);
}

static void the_fence_is_looked_at_before_the_position(void **state)
{
    struct driver *driver = *state;
    struct append_entry entry = {{NULL, 0}, text("x")};
    struct append_part_args part = {text("a"), 9, 0, &entry, 1};
    struct append_args args = {.parts = &part, .parts_count = 1};

    driver_acquire(driver, "a", "one");
    assert_int_equal(driver_append_args(driver, &args), QL_FENCED);
    part.epoch = 1;
    assert_int_equal(driver_append_args(driver, &args), QL_CONDITION_FAILED);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_acquire_makes_the_next_epoch),
        TEST(an_older_epoch_is_fenced),
        TEST(a_held_log_takes_only_its_holders_appends),
        TEST(a_released_epoch_is_spent_and_the_log_is_free),
        TEST(release_knows_old_equal_and_unknown_epochs),
        TEST(epochs_are_no_log_data),
        TEST(the_fence_is_looked_at_before_the_position),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
