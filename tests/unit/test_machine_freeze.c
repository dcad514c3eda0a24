/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the machine does while its logs are frozen. */
#include <string.h>

#include "support/cmocka.h"
#include "support/driver.h"
#include "util/limits.h"
#include "wire/args_freeze.h"

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

static int freeze(struct driver *driver, const char *reason, const char *by)
{
    const struct freeze_args args = {text(reason), text(by)};
    struct buf params = BUF_INIT;
    int rv;

    assert_int_equal(freeze_args_encode(&args, &params), 0);
    rv = driver_apply(driver, COMMAND_FREEZE,
                      (struct bytes){params.data, params.len});
    buf_close(&params);
    return rv;
}

static int thaw(struct driver *driver)
{
    return driver_apply(driver, COMMAND_THAW, text("\x80"));
}

static void expect_reason(const struct driver *driver, const char *reason,
                          const char *by)
{
    struct machine_standstill standstill;

    machine_standstill(driver->machine, &standstill);
    assert_true(standstill.frozen);
    assert_int_equal(standstill.reason.len, strlen(reason));
    assert_memory_equal(standstill.reason.data, reason, strlen(reason));
    assert_int_equal(standstill.by.len, strlen(by));
    if (strlen(by) > 0) {
        assert_memory_equal(standstill.by.data, by, strlen(by));
    }
}

static void nothing_changes_log_data(void **state)
{
    struct driver *driver = *state;
    uint64_t state_index = driver_counts(driver).state_index;
    struct log_stat before;
    struct log_stat after;

    assert_int_equal(freeze(driver, "a look", "me"), 0);
    before = driver_stat(driver, "a");
    assert_true(driver_counts(driver).frozen);
    assert_int_equal(driver_append(driver, "a", "x"), QL_FROZEN);
    assert_int_equal(driver_create(driver, "b"), QL_FROZEN);
    assert_int_equal(driver_trim(driver, "a", 3), QL_FROZEN);
    assert_int_equal(
        driver_configure(driver, "a", (struct retention){.entries = 1}),
        QL_FROZEN);
    assert_int_equal(driver_delete(driver, "a"), QL_FROZEN);
    assert_int_equal(driver_apply(driver, COMMAND_PRODUCER_OPEN, text("\x80")),
                     QL_FROZEN);
    after = driver_stat(driver, "a");
    assert_int_equal(after.head, before.head);
    assert_int_equal(after.tail, before.tail);
    assert_memory_equal(after.digest, before.digest, sizeof(after.digest));
    assert_int_equal(driver_counts(driver).state_index, state_index);
    assert_int_equal(driver_counts(driver).producers, 0);
}

static void after_a_thaw_all_goes_on(void **state)
{
    struct driver *driver = *state;

    freeze(driver, "a look", "me");
    assert_int_equal(thaw(driver), 0);
    assert_false(driver_counts(driver).frozen);
    assert_int_equal(driver_append(driver, "a", "x"), 0);
    assert_int_equal(driver_create(driver, "b"), 0);
    assert_int_equal(driver_trim(driver, "a", 3), 0);
    assert_int_equal(driver_delete(driver, "a"), 0);
    assert_true(driver_open_producer(driver) != 0);
    /* Thawing what is not frozen is fine. */
    assert_int_equal(thaw(driver), 0);
}

static void a_tick_drops_nothing(void **state)
{
    struct driver *driver = *state;
    uint64_t id = driver_open_producer(driver);

    driver_create_with(driver, "old", (struct retention){.age_ms = 1000}, 0);
    driver_append_many(driver, "old", 3, 400000);
    driver_append_many(driver, "old", 3, 400000);
    freeze(driver, "a look", "me");
    driver->time_ms += CLOCK_JUMP_MS / 8;
    assert_false(machine_wants_tick(driver->machine, driver->time_ms));
    driver_tick(driver);
    assert_int_equal(driver_stat(driver, "old").head, 1);
    for (int i = 0; i < 50; i++) {
        driver->time_ms += CLOCK_JUMP_MS / 2;
        driver_tick(driver);
    }
    assert_int_equal(driver_append_numbered(driver, "a", id, 1), QL_FROZEN);
    thaw(driver);
    driver_tick(driver);
    assert_true(driver_stat(driver, "old").head > 1);
}

static void writers_are_fenced_and_producers_closed_all_the_same(void **state)
{
    struct driver *driver = *state;
    uint64_t id = driver_open_producer(driver);

    freeze(driver, "a look", "me");
    assert_int_equal(driver_acquire(driver, "a", "w"), 0);
    assert_int_equal(driver_append_as(driver, "a", 7), QL_FENCED);
    assert_int_equal(driver_append_as(driver, "a", 1), QL_FROZEN);
    assert_int_equal(driver_release(driver, "a", 1), 0);
    assert_int_equal(driver_close_producer(driver, id), 0);
    assert_int_equal(driver_confirm_clock(driver), 0);
}

static void what_was_decided_before_is_still_answered(void **state)
{
    struct driver *driver = *state;
    uint64_t id = driver_open_producer(driver);

    driver_create_with(driver, "b", (struct retention){0}, 42);
    assert_int_equal(driver_append_numbered(driver, "a", id, 1), 0);
    freeze(driver, "a look", "me");
    assert_int_equal(driver_append_numbered(driver, "a", id, 1), 0);
    assert_true(driver->outcome.duplicate);
    assert_int_equal(driver_append_numbered(driver, "a", id, 2), QL_FROZEN);
    assert_int_equal(driver_create_with(driver, "b", (struct retention){0}, 42),
                     0);
    thaw(driver);
    /* The refusal has used up its number. */
    assert_int_equal(driver_append_numbered(driver, "a", id, 2), QL_FROZEN);
    assert_true(driver->outcome.duplicate);
    assert_int_equal(driver_append_numbered(driver, "a", id, 3), 0);
}

static void the_first_reason_stays(void **state)
{
    struct driver *driver = *state;

    freeze(driver, "first", "me");
    assert_int_equal(freeze(driver, "second", "you"), 0);
    expect_reason(driver, "first", "me");
    thaw(driver);
    freeze(driver, "second", "");
    expect_reason(driver, "second", "");
}

static void it_is_part_of_the_state(void **state)
{
    struct driver *driver = *state;
    uint8_t digests[4][16];

    machine_digest(driver->machine, digests[0]);
    freeze(driver, "a look", "me");
    machine_digest(driver->machine, digests[1]);
    assert_memory_not_equal(digests[0], digests[1], 16);
    driver_reborn(driver);
    expect_reason(driver, "a look", "me");
    machine_digest(driver->machine, digests[2]);
    assert_memory_equal(digests[1], digests[2], 16);
    assert_int_equal(driver_append(driver, "a", "x"), QL_FROZEN);
    thaw(driver);
    freeze(driver, "a book", "me");
    machine_digest(driver->machine, digests[3]);
    assert_memory_not_equal(digests[1], digests[3], 16);
}

static void without_a_reason_it_is_refused(void **state)
{
    struct driver *driver = *state;

    assert_int_equal(driver_apply(driver, COMMAND_FREEZE, text("")),
                     QL_INVALID);
    assert_int_equal(driver_apply(driver, COMMAND_FREEZE, text("\x80")),
                     QL_INVALID);
    assert_false(driver_counts(driver).frozen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_changes_log_data, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(after_a_thaw_all_goes_on, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_tick_drops_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(
            writers_are_fenced_and_producers_closed_all_the_same, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            what_was_decided_before_is_still_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(the_first_reason_stays, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(it_is_part_of_the_state, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(without_a_reason_it_is_refused, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
