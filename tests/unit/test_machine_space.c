/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the machine does while disks are nearly full. */
#include "support/cmocka.h"
#include "support/driver.h"

static int setup(void **state)
{
    static struct driver driver;

    driver_init(&driver);
    driver_create(&driver, "a");
    driver_append_many(&driver, "a", 4, 10);
    *state = &driver;
    return 0;
}

static int teardown(void **state)
{
    driver_close(*state);
    return 0;
}

static void what_would_grow_is_refused(void **state)
{
    struct driver *driver = *state;

    assert_int_equal(driver_space(driver, true), 0);
    assert_true(driver_counts(driver).space_low);
    assert_int_equal(driver_append(driver, "a", "x"), QL_NO_SPACE);
    assert_int_equal(driver_create(driver, "b"), QL_NO_SPACE);
    assert_int_equal(driver_apply(driver, COMMAND_PRODUCER_OPEN, text("\x80")),
                     QL_NO_SPACE);
    assert_int_equal(driver_stat(driver, "a").tail, 5);
    assert_int_equal(driver_counts(driver).producers, 0);
    assert_int_equal(driver_space(driver, false), 0);
    assert_false(driver_counts(driver).space_low);
    assert_int_equal(driver_append(driver, "a", "x"), 0);
    assert_int_equal(driver_create(driver, "b"), 0);
    assert_true(driver_open_producer(driver) != 0);
}

static void what_frees_or_fences_goes_on(void **state)
{
    struct driver *driver = *state;
    uint64_t id = driver_open_producer(driver);

    driver_create(driver, "b");
    driver_space(driver, true);
    assert_int_equal(driver_trim(driver, "a", 3), 0);
    assert_int_equal(driver_acquire(driver, "a", "w"), 0);
    assert_int_equal(driver_release(driver, "a", 1), 0);
    assert_int_equal(
        driver_configure(driver, "a", (struct retention){.entries = 1}), 0);
    assert_int_equal(driver_tick(driver), 0);
    assert_int_equal(driver_confirm_clock(driver), 0);
    assert_int_equal(driver_close_producer(driver, id), 0);
    assert_int_equal(driver_delete(driver, "b"), 0);
}

static void a_more_lasting_reason_is_told_first(void **state)
{
    struct driver *driver = *state;

    driver_acquire(driver, "a", "w");
    driver_space(driver, true);
    assert_int_equal(driver_append(driver, "none", "x"), QL_NOT_FOUND);
    assert_int_equal(driver_append_as(driver, "a", 7), QL_FENCED);
    assert_int_equal(driver_append_as(driver, "a", 1), QL_NO_SPACE);
    assert_int_equal(driver_create(driver, "a"), QL_EXISTS);
}

static void a_refusal_uses_up_the_number_and_is_kept(void **state)
{
    struct driver *driver = *state;
    uint64_t id = driver_open_producer(driver);

    assert_int_equal(driver_append_numbered(driver, "a", id, 1), 0);
    driver_space(driver, true);
    assert_int_equal(driver_append_numbered(driver, "a", id, 2), QL_NO_SPACE);
    assert_false(driver->outcome.duplicate);
    /* Decided before there was too little room. */
    assert_int_equal(driver_append_numbered(driver, "a", id, 1), 0);
    assert_true(driver->outcome.duplicate);
    assert_int_equal(driver->outcome.append.places[0].first, 5);
    driver_space(driver, false);
    assert_int_equal(driver_append_numbered(driver, "a", id, 2), QL_NO_SPACE);
    assert_true(driver->outcome.duplicate);
    assert_int_equal(driver_append_numbered(driver, "a", id, 3), 0);
    assert_int_equal(driver_stat(driver, "a").tail, 7);
}

static void a_repeated_creation_finds_its_log(void **state)
{
    struct driver *driver = *state;

    driver_create_with(driver, "b", (struct retention){0}, 42);
    driver_space(driver, true);
    assert_int_equal(driver_create_with(driver, "b", (struct retention){0}, 42),
                     0);
}

static void it_is_part_of_the_state(void **state)
{
    struct driver *driver = *state;
    uint64_t state_index = driver_counts(driver).state_index;
    uint8_t digests[3][16];

    machine_digest(driver->machine, digests[0]);
    driver_space(driver, true);
    machine_digest(driver->machine, digests[1]);
    assert_memory_not_equal(digests[0], digests[1], 16);
    driver_reborn(driver);
    assert_true(driver_counts(driver).space_low);
    machine_digest(driver->machine, digests[2]);
    assert_memory_equal(digests[1], digests[2], 16);
    assert_int_equal(driver_append(driver, "a", "x"), QL_NO_SPACE);
    assert_int_equal(driver_counts(driver).state_index, state_index);
}

static void a_malformed_command_changes_nothing(void **state)
{
    struct driver *driver = *state;

    driver_space(driver, true);
    assert_int_equal(driver_apply(driver, COMMAND_SPACE, text("")), QL_INVALID);
    assert_int_equal(driver_apply(driver, COMMAND_SPACE, text("\x80")),
                     QL_INVALID);
    assert_true(driver_counts(driver).space_low);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_would_grow_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_frees_or_fences_goes_on, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_more_lasting_reason_is_told_first,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_refusal_uses_up_the_number_and_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(a_repeated_creation_finds_its_log,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_part_of_the_state, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_malformed_command_changes_nothing,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
