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

static int status(struct driver *driver, uint64_t producer, uint64_t sequence)
{
    struct append_result result;

    return machine_append_status(driver->machine, producer, sequence, &result);
}

static void ids_rise_with_the_raft_index_also_within_a_batch(void **state)
{
    struct driver *driver = *state;
    struct command command = {COMMAND_PRODUCER_OPEN, {NULL, 0}};
    uint64_t first = driver_open_producer(driver);

    assert_int_equal(first, driver->index);
    machine_apply(driver->machine, &command, &driver->outcome);
    assert_int_equal(driver->outcome.producer, first + 1);
    assert_int_equal(driver_open_producer(driver), first + 2);
    driver->index += 99;
    assert_int_equal(driver_open_producer(driver), first + 101);
}

static void a_sequence_is_applied_once(void **state)
{
    struct driver *driver = *state;
    uint64_t id = driver_open_producer(driver);

    assert_int_equal(driver_append_numbered(driver, "a", id, 1), 0);
    assert_false(driver->outcome.duplicate);
    driver->time_ms += 50;
    assert_int_equal(driver_append_numbered(driver, "a", id, 1), 0);
    assert_true(driver->outcome.duplicate);
    assert_int_equal(driver->outcome.log_uid, 1);
    assert_int_equal(driver->outcome.append.count, 1);
    assert_int_equal(driver->outcome.append.places[0].first, 1);
    assert_int_equal(driver->outcome.append.time_ms, driver->time_ms - 50);
    assert_int_equal(driver_stat(driver, "a").entries, 1);
    assert_int_equal(driver_append_numbered(driver, "a", id, 2), 0);
    assert_int_equal(driver_stat(driver, "a").entries, 2);
}

static void a_gap_is_refused_and_uses_up_nothing(void **state)
{
    struct driver *driver = *state;
    uint64_t id = driver_open_producer(driver);

    assert_int_equal(driver_append_numbered(driver, "a", id, 2),
                     QL_OUT_OF_ORDER);
    assert_int_equal(driver->outcome.position, 1);
    assert_int_equal(status(driver, id, 2), QL_NOT_FOUND);
    assert_int_equal(driver_append_numbered(driver, "a", id, 1), 0);
    assert_int_equal(driver_append_numbered(driver, "a", id, 2), 0);
}

static void a_refusal_uses_up_its_number(void **state)
{
    struct driver *driver = *state;
    uint64_t id = driver_open_producer(driver);

    assert_int_equal(driver_append_numbered(driver, "none", id, 1),
                     QL_NOT_FOUND);
    driver_acquire(driver, "a", "writer");
    assert_int_equal(driver_append_numbered(driver, "a", id, 2), QL_FENCED);
    driver_release(driver, "a", 1);
    driver_create(driver, "none");
    assert_int_equal(driver_append_numbered(driver, "none", id, 1),
                     QL_NOT_FOUND);
    assert_true(driver->outcome.duplicate);
    assert_int_equal(driver_append_numbered(driver, "a", id, 2), QL_FENCED);
    assert_int_equal(driver->outcome.position, 1);
    assert_int_equal(status(driver, id, 1), QL_NOT_FOUND);
    assert_int_equal(status(driver, id, 2), QL_FENCED);
    assert_int_equal(driver_append_numbered(driver, "a", id, 3), 0);
    assert_int_equal(status(driver, id, 3), 0);
}

static void results_are_kept_for_a_window(void **state)
{
    struct driver *driver = *state;
    uint64_t id = driver_open_producer(driver);
    struct append_result result;

    assert_int_equal(driver->outcome.window, PRODUCER_WINDOW_WIDE);
    for (uint64_t sequence = 1; sequence <= 2000; sequence++) {
        uint64_t oldest = sequence > PRODUCER_WINDOW_WIDE
                              ? sequence - PRODUCER_WINDOW_WIDE + 1
                              : 1;

        assert_int_equal(driver_append_numbered(driver, "a", id, sequence), 0);
        assert_int_equal(
            machine_append_status(driver->machine, id, oldest, &result), 0);
        assert_int_equal(result.places[0].first, oldest);
        if (oldest > 1) {
            assert_int_equal(status(driver, id, oldest - 1),
                             QL_DUPLICATE_UNKNOWN);
        }
    }
    assert_int_equal(driver_append_numbered(driver, "a", id, 976),
                     QL_DUPLICATE_UNKNOWN);
    assert_int_equal(driver_append_numbered(driver, "a", id, 977), 0);
    assert_true(driver->outcome.duplicate);
    assert_int_equal(driver_stat(driver, "a").entries, 2000);
}

static void wide_windows_are_few_and_pass_on_from_who_is_idle(void **state)
{
    struct driver *driver = *state;
    uint64_t ids[PRODUCERS_WIDE_MAX];
    uint8_t digest[HASH128_LEN];
    uint8_t same[HASH128_LEN];
    uint64_t id;

    for (size_t i = 0; i < PRODUCERS_WIDE_MAX; i++) {
        ids[i] = driver_open_producer(driver);
        assert_int_equal(driver->outcome.window, PRODUCER_WINDOW_WIDE);
    }
    for (uint64_t sequence = 1; sequence <= 100; sequence++) {
        assert_int_equal(driver_append_numbered(driver, "a", ids[1], sequence),
                         0);
    }
    id = driver_open_producer(driver);
    assert_int_equal(driver->outcome.window, PRODUCER_WINDOW);

    /* One that is closed makes room at once, an idle one when it is wanted. */
    assert_int_equal(driver_close_producer(driver, ids[0]), 0);
    (void)driver_open_producer(driver);
    assert_int_equal(driver->outcome.window, PRODUCER_WINDOW_WIDE);
    driver->time_ms += PRODUCER_WIDE_IDLE_MS;
    for (size_t i = 2; i < PRODUCERS_WIDE_MAX; i++) {
        assert_int_equal(driver_append_numbered(driver, "a", ids[i], 1), 0);
    }
    assert_int_equal(status(driver, ids[1], 1), 0);
    machine_digest(driver->machine, digest);
    driver->time_ms++;
    (void)driver_open_producer(driver);
    assert_int_equal(driver->outcome.window, PRODUCER_WINDOW_WIDE);
    machine_digest(driver->machine, digest);
    driver_reborn(driver);
    machine_digest(driver->machine, same);
    assert_memory_equal(digest, same, sizeof(same));
    assert_int_equal(status(driver, ids[1], 36), QL_DUPLICATE_UNKNOWN);
    assert_int_equal(status(driver, ids[1], 37), 0);
    assert_int_equal(driver_append_numbered(driver, "a", ids[1], 101), 0);
    assert_int_equal(status(driver, ids[1], 37), QL_DUPLICATE_UNKNOWN);
    assert_int_equal(driver_append_numbered(driver, "a", id, 1), 0);
    driver_reborn(driver);
    assert_int_equal(status(driver, ids[1], 37), QL_DUPLICATE_UNKNOWN);
    assert_int_equal(status(driver, ids[1], 38), 0);
}

static void a_result_of_several_parts_is_kept_whole(void **state)
{
    struct driver *driver = *state;
    struct append_entry entries[2] = {{{NULL, 0}, text("x")},
                                      {{NULL, 0}, text("y")}};
    struct append_part_args parts[] = {
        {text("a"), 0, 0, entries, 1},
        {text("b"), 0, 0, entries, 2},
    };
    struct append_args args = {.parts = parts, .parts_count = 2, .sequence = 1};
    struct append_result result;

    driver_create(driver, "b");
    args.producer = driver_open_producer(driver);
    assert_int_equal(driver_append_args(driver, &args), 0);
    driver_reborn(driver);
    assert_int_equal(
        machine_append_status(driver->machine, args.producer, 1, &result), 0);
    assert_int_equal(result.count, 2);
    assert_int_equal(result.places[0].count, 1);
    assert_int_equal(result.places[1].count, 2);
    assert_int_equal(driver_append_args(driver, &args), 0);
    assert_int_equal(driver->outcome.append.places[1].count, 2);
}

static void an_id_that_was_never_given_is_not_new(void **state)
{
    struct driver *driver = *state;
    uint64_t id = driver_open_producer(driver);

    assert_int_equal(driver_append_numbered(driver, "a", id + 1, 1),
                     QL_NOT_FOUND);
    assert_string_equal(machine_refusal_text(&driver->outcome),
                        "no producer was ever given this id");
    assert_int_equal(driver_append_numbered(driver, "none", id, 1),
                     QL_NOT_FOUND);
    assert_string_equal(machine_refusal_text(&driver->outcome),
                        "there is no such log");
    assert_int_equal(driver_close_producer(driver, id + 1), QL_NOT_FOUND);
    assert_int_equal(status(driver, id + 1, 1), QL_NOT_FOUND);
    assert_int_equal(driver_append_numbered(driver, "a", id - 1, 1),
                     QL_PRODUCER_EXPIRED);
    assert_int_equal(driver_stat(driver, "a").entries, 0);
}

static void a_closed_producer_is_gone(void **state)
{
    struct driver *driver = *state;
    uint64_t id = driver_open_producer(driver);

    assert_int_equal(driver_close_producer(driver, id), 0);
    assert_int_equal(driver_counts(driver).producers, 0);
    assert_int_equal(driver_append_numbered(driver, "a", id, 1),
                     QL_PRODUCER_EXPIRED);
    assert_int_equal(driver_close_producer(driver, id), QL_PRODUCER_EXPIRED);
    assert_int_equal(status(driver, id, 1), QL_PRODUCER_EXPIRED);
}

static void the_least_recently_used_makes_room(void **state)
{
    struct driver *driver = *state;
    uint64_t first = driver_open_producer(driver);
    uint64_t second = driver_open_producer(driver);

    for (uint32_t i = 2; i < PRODUCERS_MAX; i++) {
        driver_open_producer(driver);
    }
    assert_int_equal(driver_append_numbered(driver, "a", first, 1), 0);
    driver_reborn(driver);
    driver_open_producer(driver);
    assert_int_equal(driver_counts(driver).producers, PRODUCERS_MAX);
    assert_int_equal(driver_append_numbered(driver, "a", second, 1),
                     QL_PRODUCER_EXPIRED);
    assert_int_equal(driver_append_numbered(driver, "a", first, 2), 0);
}

/* Moves the clock by @ms in steps that are no jump. */
static void pass(struct driver *driver, uint64_t ms)
{
    uint64_t end = driver->time_ms + ms;

    while (driver->time_ms < end) {
        driver->time_ms += CLOCK_JUMP_MS;
        if (driver->time_ms > end) {
            driver->time_ms = end;
        }
        driver_tick(driver);
    }
}

static void an_idle_producer_expires_on_a_tick(void **state)
{
    struct driver *driver = *state;
    uint64_t idle = driver_open_producer(driver);
    uint64_t busy = driver_open_producer(driver);

    pass(driver, PRODUCER_TTL_MS / 2);
    assert_int_equal(driver_append_numbered(driver, "a", busy, 1), 0);
    pass(driver, PRODUCER_TTL_MS / 2);
    assert_int_equal(driver_counts(driver).producers, 2);
    assert_true(machine_wants_tick(driver->machine, driver->time_ms + 1));
    assert_false(machine_wants_tick(driver->machine, driver->time_ms));
    pass(driver, 1);
    assert_int_equal(driver_counts(driver).producers, 1);
    assert_int_equal(driver_append_numbered(driver, "a", idle, 1),
                     QL_PRODUCER_EXPIRED);
    assert_int_equal(driver_append_numbered(driver, "a", busy, 2), 0);
}

static void a_clock_jump_expires_nobody_until_confirmed(void **state)
{
    struct driver *driver = *state;

    driver_open_producer(driver);
    driver->time_ms += PRODUCER_TTL_MS * 2;
    driver_tick(driver);
    assert_true(driver_counts(driver).age_suspended);
    assert_int_equal(driver_counts(driver).producers, 1);
    assert_false(machine_wants_tick(driver->machine, driver->time_ms));
    driver_confirm_clock(driver);
    assert_true(machine_wants_tick(driver->machine, driver->time_ms));
    driver_tick(driver);
    assert_int_equal(driver_counts(driver).producers, 0);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

/* All seem idle then, and have as much in flight as ever. */
static void a_clock_jump_takes_no_results_until_confirmed(void **state)
{
    struct driver *driver = *state;
    uint64_t first = driver_open_producer(driver);

    for (size_t i = 1; i < PRODUCERS_WIDE_MAX; i++) {
        (void)driver_open_producer(driver);
    }
    for (uint64_t sequence = 1; sequence <= 200; sequence++) {
        assert_int_equal(driver_append_numbered(driver, "a", first, sequence),
                         0);
    }
    driver->time_ms += CLOCK_JUMP_MS + 1;
    (void)driver_open_producer(driver);
    assert_int_equal(driver->outcome.window, PRODUCER_WINDOW);
    assert_int_equal(driver_append_numbered(driver, "a", first, 1), 0);
    assert_true(driver->outcome.duplicate);
    driver_confirm_clock(driver);
    (void)driver_open_producer(driver);
    assert_int_equal(driver->outcome.window, PRODUCER_WINDOW_WIDE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ids_rise_with_the_raft_index_also_within_a_batch),
        TEST(a_sequence_is_applied_once),
        TEST(a_gap_is_refused_and_uses_up_nothing),
        TEST(a_refusal_uses_up_its_number),
        TEST(results_are_kept_for_a_window),
        TEST(wide_windows_are_few_and_pass_on_from_who_is_idle),
        TEST(a_result_of_several_parts_is_kept_whole),
        TEST(an_id_that_was_never_given_is_not_new),
        TEST(a_closed_producer_is_gone),
        TEST(the_least_recently_used_makes_room),
        TEST(an_idle_producer_expires_on_a_tick),
        TEST(a_clock_jump_expires_nobody_until_confirmed),
        TEST(a_clock_jump_takes_no_results_until_confirmed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
