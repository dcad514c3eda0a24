/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/cmocka.h"
#include "support/driver.h"

#define VALUE_LEN 10216u   /* with its header 10 KiB: 103 fill a chunk */
#define CHUNK_ENTRIES 103u /* in a chunk sealed by its length */
#define HOUR_MS 3600000u

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

static void fill(struct driver *driver, const char *log, size_t chunks)
{
    for (size_t i = 0; i < chunks; i++) {
        assert_int_equal(
            driver_append_many(driver, log, CHUNK_ENTRIES, VALUE_LEN), 0);
    }
}

static void nothing_goes_without_a_tick(void **state)
{
    struct driver *driver = *state;

    driver_configure(driver, "a", (struct retention){1, 1, 1});
    fill(driver, "a", 3);
    assert_int_equal(driver_stat(driver, "a").head, 1);
}

static void whole_chunks_go_while_enough_entries_stay(void **state)
{
    struct driver *driver = *state;
    uint64_t state_index;

    driver_configure(driver, "a", (struct retention){CHUNK_ENTRIES, 0, 0});
    fill(driver, "a", 1);
    driver_tick(driver);
    assert_int_equal(driver_stat(driver, "a").head, 1);
    fill(driver, "a", 2);
    driver_append(driver, "a", "in the open chunk");
    assert_true(machine_wants_tick(driver->machine, driver->time_ms));
    state_index = driver_counts(driver).state_index;
    driver_tick(driver);
    assert_int_equal(driver_stat(driver, "a").head, 2 * CHUNK_ENTRIES + 1);
    assert_int_equal(driver_stat(driver, "a").entries, CHUNK_ENTRIES + 1);
    assert_int_equal(driver_counts(driver).state_index, state_index + 1);
    assert_false(machine_wants_tick(driver->machine, driver->time_ms));
    driver_tick(driver);
    assert_int_equal(driver_counts(driver).state_index, state_index + 1);
}

static void a_chunk_of_exactly_its_limit_is_sealed(void **state)
{
    struct driver *driver = *state;

    driver_configure(driver, "a", (struct retention){1, 0, 0});
    driver_append_many(driver, "a", CHUNK_BYTES / 1024 - 1, 1000);
    driver_append_many(driver, "a", 2, 1000);
    driver_tick(driver);
    assert_int_equal(driver_stat(driver, "a").entries, 1);
}

static void whole_chunks_go_while_enough_bytes_stay(void **state)
{
    struct driver *driver = *state;
    uint64_t chunk_bytes = CHUNK_ENTRIES * VALUE_LEN;

    driver_configure(driver, "a",
                     (struct retention){0, 2 * chunk_bytes + 1, 0});
    fill(driver, "a", 4);
    driver_tick(driver);
    assert_int_equal(driver_stat(driver, "a").bytes, 3 * chunk_bytes);
    driver_configure(driver, "a", (struct retention){0, 2 * chunk_bytes, 0});
    driver_tick(driver);
    assert_int_equal(driver_stat(driver, "a").bytes, 2 * chunk_bytes);
}

static void the_open_chunk_stays_whatever_the_limits(void **state)
{
    struct driver *driver = *state;

    driver_configure(driver, "a", (struct retention){1, 1, 0});
    driver_append_many(driver, "a", 50, 100);
    driver_tick(driver);
    assert_int_equal(driver_stat(driver, "a").entries, 50);
}

static void what_was_trimmed_does_not_count(void **state)
{
    struct driver *driver = *state;

    driver_configure(driver, "a", (struct retention){150, 0, 0});
    fill(driver, "a", 2);
    driver_trim(driver, "a", 51);
    driver_tick(driver);
    assert_int_equal(driver_stat(driver, "a").head, 51);
    assert_int_equal(driver_stat(driver, "a").entries, 2 * CHUNK_ENTRIES - 50);
}

static void old_chunks_go_and_the_open_one_too(void **state)
{
    struct driver *driver = *state;
    uint64_t tail;

    driver_configure(driver, "a", (struct retention){0, 0, HOUR_MS});
    fill(driver, "a", 1);
    driver->time_ms += HOUR_MS / 2;
    driver_append(driver, "a", "in the open chunk");
    tail = driver_stat(driver, "a").tail;
    driver->time_ms += HOUR_MS / 2;
    driver_tick(driver);
    assert_int_equal(driver_stat(driver, "a").head, 1);
    assert_false(machine_wants_tick(driver->machine, driver->time_ms));
    assert_true(machine_wants_tick(driver->machine, driver->time_ms + 1));
    driver->time_ms++;
    driver_tick(driver);
    assert_int_equal(driver_stat(driver, "a").head, tail - 1);
    driver->time_ms += HOUR_MS / 2;
    driver_tick(driver);
    assert_int_equal(driver_stat(driver, "a").head, tail);
    assert_int_equal(driver_stat(driver, "a").tail, tail);
    assert_int_equal(driver_stat(driver, "a").entries, 0);
    driver_append(driver, "a", "next");
    assert_int_equal(driver->outcome.append.places[0].first, tail);
}

static void a_clock_jump_suspends_age_until_confirmed(void **state)
{
    struct driver *driver = *state;

    driver_configure(driver, "a", (struct retention){0, 0, HOUR_MS});
    driver_append(driver, "a", "x");
    driver->time_ms += CLOCK_JUMP_MS + 1;
    driver_tick(driver);
    assert_true(driver_counts(driver).age_suspended);
    assert_int_equal(driver_stat(driver, "a").entries, 1);
    driver->time_ms += HOUR_MS;
    driver_tick(driver);
    assert_int_equal(driver_stat(driver, "a").entries, 1);
    driver_reborn(driver);
    assert_int_equal(driver_confirm_clock(driver), 0);
    driver_tick(driver);
    assert_int_equal(driver_stat(driver, "a").entries, 0);
}

static void the_first_time_is_no_jump(void **state)
{
    struct driver *driver = *state;

    assert_false(driver_counts(driver).age_suspended);
    assert_int_equal(driver_counts(driver).time_ms, driver->time_ms);
    driver->time_ms += CLOCK_JUMP_MS;
    driver_tick(driver);
    assert_false(driver_counts(driver).age_suspended);
}

/* A cluster at rest for hours must not look like one whose clock jumped. */
static void an_idle_machine_wants_its_clock_moved(void **state)
{
    struct driver *driver = *state;
    struct driver fresh;

    assert_false(machine_wants_tick(driver->machine, driver->time_ms + 1000));
    assert_true(machine_wants_tick(driver->machine,
                                   driver->time_ms + CLOCK_JUMP_MS / 2));
    driver_init(&fresh);
    assert_false(machine_wants_tick(fresh.machine, 77 * CLOCK_JUMP_MS));
    driver_close(&fresh);
}

/* 17 open chunks of nearly 1 MiB: the first ones opened are sealed, and so a
 * retention of one byte can drop them. */
static void too_many_open_bytes_seal_the_longest_open_chunk(void **state)
{
    struct driver *driver = *state;
    char name[] = "log-A";

    for (int i = 0; i < 17; i++) {
        name[4] = (char)('A' + i);
        driver_create_with(driver, name, (struct retention){0, 1, 0}, 0);
        driver_append_many(driver, name, CHUNK_ENTRIES - 1, VALUE_LEN);
    }
    driver_append(driver, "log-A", "opens another chunk");
    driver_append(driver, "log-B", "goes on in the same");
    driver_reborn(driver);
    driver_tick(driver);
    assert_int_equal(driver_stat(driver, "log-A").entries, 1);
    assert_int_equal(driver_stat(driver, "log-B").entries, CHUNK_ENTRIES);
    assert_int_equal(driver_stat(driver, "log-Q").entries, CHUNK_ENTRIES - 1);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_goes_without_a_tick),
        TEST(whole_chunks_go_while_enough_entries_stay),
        TEST(a_chunk_of_exactly_its_limit_is_sealed),
        TEST(whole_chunks_go_while_enough_bytes_stay),
        TEST(the_open_chunk_stays_whatever_the_limits),
        TEST(what_was_trimmed_does_not_count),
        TEST(old_chunks_go_and_the_open_one_too),
        TEST(a_clock_jump_suspends_age_until_confirmed),
        TEST(the_first_time_is_no_jump),
        TEST(an_idle_machine_wants_its_clock_moved),
        TEST(too_many_open_bytes_seal_the_longest_open_chunk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
