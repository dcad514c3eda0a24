/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* After a commit: holes, going back, and the clock. */
#include <string.h>

#include "support/cmocka.h"
#include "support/saved_rig.h"

/* ---- Holes ---- */

static void reads_pass_over_a_hole_and_appends_go_behind_it(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct machine_reader reader;
    struct read_entry entry;
    uint64_t expected = 3;

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 77), 0);
    assert_int_equal(
        machine_reader_open(&reader, driver->machine, 1, 11, 0, NULL), 0);
    assert_int_equal(machine_reader_next(&reader, &entry), MACHINE_READ_END);
    assert_int_equal(reader.at, 14);
    assert_int_equal(driver_append(driver, "a", "behind"), 0);
    assert_int_equal(driver->outcome.append.places[0].first, 14);
    driver_reborn(driver);
    assert_int_equal(driver_append(driver, "a", "and on"), 0);
    assert_int_equal(
        machine_reader_open(&reader, driver->machine, 1, 0, 0, NULL), 0);
    while (machine_reader_next(&reader, &entry) == MACHINE_READ_ENTRY) {
        assert_int_equal(entry.position, expected);
        expected = expected == 10 ? 14 : expected + 1;
    }
    assert_int_equal(expected, 16);
    assert_int_equal(
        machine_reader_open(&reader, driver->machine, 1, 12, 0, NULL), 0);
    assert_int_equal(machine_reader_next(&reader, &entry), MACHINE_READ_ENTRY);
    assert_int_equal(entry.position, 14);
}

static void a_log_is_trimmed_into_its_hole(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 77), 0);
    assert_int_equal(driver_trim(driver, "a", 12), 0);
    assert_int_equal(driver_stat(driver, "a").entries, 0);
    assert_int_equal(driver_stat(driver, "a").head, 12);
    driver_reborn(driver);
    assert_int_equal(
        driver_append_many(driver, "a", RIG_CHUNK_ENTRIES + 1, RIG_ENTRY_BYTES),
        0);
    assert_int_equal(driver_stat(driver, "a").entries, RIG_CHUNK_ENTRIES + 1);
    assert_int_equal(driver_trim(driver, "a", 15), 0);
    assert_int_equal(driver_stat(driver, "a").entries, RIG_CHUNK_ENTRIES);
    driver_reborn(driver);
    assert_int_equal(driver_stat(driver, "a").entries, RIG_CHUNK_ENTRIES);
}

static void retention_goes_over_a_hole(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 77), 0);
    assert_int_equal(driver_configure(driver, "a", (struct retention){2, 0, 0}),
                     0);
    assert_int_equal(
        driver_append_many(driver, "a", RIG_CHUNK_ENTRIES, RIG_ENTRY_BYTES), 0);
    assert_int_equal(driver_tick(driver), 0);
    assert_int_equal(driver_stat(driver, "a").head, 14);
    assert_int_equal(driver_stat(driver, "a").entries, RIG_CHUNK_ENTRIES);
    assert_int_equal(driver_configure(driver, "a", (struct retention){0, 0, 1}),
                     0);
    driver->time_ms += 1000;
    assert_int_equal(driver_tick(driver), 0);
    assert_int_equal(driver_stat(driver, "a").entries, 0);
    assert_int_equal(driver_stat(driver, "a").head, 18);
}

/* ---- Undo ---- */

static void undo_brings_back_what_was_live(void **state)
{
    static const char *const newer[] = {"second", "third", NULL};
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct log_stat a = driver_stat(driver, "a");
    struct machine_part_info info;
    struct log_stat stat;

    assert_int_equal(driver_undo(driver, 76), QL_NOT_FOUND);
    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 77), 0);
    info = rig_part(driver, MACHINE_UNDO);
    assert_int_equal(info.logs, 4);
    assert_int_equal(info.entries, 13);
    assert_int_equal(info.from_index, driver->index);
    assert_memory_equal(info.source.data, "before", 6);
    rig_expect_texts(driver->machine, MACHINE_UNDO, "c", newer);
    assert_int_equal(driver_append(driver, "a", "lost"), 0);

    assert_int_equal(driver_undo(driver, 78), 0);
    assert_string_equal(driver->outcome.recovery.last.source, "undo");
    assert_int_equal(driver->outcome.recovery.last.kind, RECOVERY_UNDO);
    stat = driver_stat(driver, "a");
    assert_memory_equal(stat.digest, a.digest, 16);
    assert_int_equal(stat.entries, a.entries);
    assert_int_equal(stat.tail, 15);
    assert_int_equal(stat.incarnation, 3);
    assert_int_equal(stat.writer_epoch, 2);
    rig_expect_texts(driver->machine, MACHINE_LIVE, "c", newer);
    assert_int_equal(driver_stat(driver, "c").incarnation, 3);
    assert_int_equal(driver_stat(driver, "d").incarnation, 2);
    assert_int_equal(driver_undo(driver, 78), 0);
    assert_true(driver->outcome.duplicate);
}

/* To take one for the other would be to say that it was carried out. */
static void the_number_of_one_recovery_does_not_do_for_another(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    uint64_t state_index;

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 77), 0);
    state_index = driver_counts(driver).state_index;
    assert_int_equal(driver_undo(driver, 77), QL_EXISTS);
    assert_false(driver->outcome.duplicate);
    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 77), QL_EXISTS);
    assert_non_null(strstr(machine_refusal_text(&driver->outcome), "new one"));
    assert_int_equal(driver_counts(driver).state_index, state_index);
    assert_int_equal(rig_part(driver, MACHINE_STAGED).revision, 1);
    assert_int_equal(driver_undo(driver, 78), 0);
    assert_int_equal(driver_commit(driver, 78), QL_EXISTS);
    assert_int_equal(driver_commit(driver, 79), 0);
}

static void an_undo_can_be_undone(void **state)
{
    static const char *const first[] = {"first", NULL};
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_BYTES), 0);
    assert_int_equal(driver_commit(driver, 77), 0);
    assert_int_equal(driver_undo(driver, 78), 0);
    assert_memory_equal(rig_part(driver, MACHINE_UNDO).source.data, "undo", 4);
    assert_int_equal(driver_undo(driver, 79), 0);
    assert_int_equal(driver_counts(driver).logs, 3);
    rig_expect_texts(driver->machine, MACHINE_LIVE, "c", first);
    assert_int_equal(driver_unload(driver, true), 0);
    assert_int_equal(driver_undo(driver, 80), QL_NOT_FOUND);
    driver_reborn(driver);
    rig_expect_texts(driver->machine, MACHINE_LIVE, "c", first);
}

static void what_only_undo_has_is_found_by_name(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_BYTES), 0);
    assert_int_equal(driver_commit(driver, 77), 0);
    assert_int_equal(driver_delete(driver, "a"), 0);
    /* All of it but the end of a, which is cut otherwise, is in undo. */
    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 78), 0);
    assert_int_equal(driver_stat(driver, "a").entries, 8);
    assert_int_equal(rig_part(driver, MACHINE_UNDO).logs, 2);
}

/* ---- Time ---- */

/* A writer of the log as it was between would else not be fenced, and a reader
 * of it not be told. */
static void a_log_that_comes_back_twice_is_another_each_time(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct log_stat once;
    struct log_stat twice;

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 1), 0);
    driver_acquire(driver, "b", "between");
    assert_int_equal(machine_log_stat(driver->machine, text("b"), &once), 0);
    driver_delete(driver, "b");
    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 2), 0);
    assert_int_equal(machine_log_stat(driver->machine, text("b"), &twice), 0);
    assert_true(twice.incarnation > once.incarnation);
    assert_true(twice.writer_epoch > once.writer_epoch);
}

/* The one that has its name meanwhile is not the one that went. */
static void a_log_made_anew_does_not_hide_the_one_that_comes_back(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct log_stat once;
    struct log_stat twice;

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 1), 0);
    driver_acquire(driver, "b", "between");
    assert_int_equal(machine_log_stat(driver->machine, text("b"), &once), 0);
    driver_delete(driver, "b");
    driver_create(driver, "b");
    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 2), 0);
    assert_int_equal(machine_log_stat(driver->machine, text("b"), &twice), 0);
    assert_int_equal(twice.uid, once.uid);
    assert_true(twice.incarnation > once.incarnation);
    assert_true(twice.writer_epoch > once.writer_epoch);
}

/* It was in the undo slot, which another commit takes. */
static void a_log_that_went_with_the_undo_slot_is_another_when_it_is_back(
    void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct saved with_d;
    struct log_stat before;
    struct log_stat after;

    saved_take(&with_d, driver, "with-d");
    driver_acquire(driver, "d", "one");
    assert_int_equal(machine_log_stat(driver->machine, text("d"), &before), 0);
    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 1), 0);
    assert_int_equal(saved_stage(&with_d, driver, SAVED_BYTES), 0);
    assert_int_equal(driver_commit(driver, 2), 0);
    assert_int_equal(machine_log_stat(driver->machine, text("d"), &after), 0);
    assert_true(after.incarnation > before.incarnation);
    assert_true(after.writer_epoch > before.writer_epoch);
    saved_close(&with_d);
}

static void the_clock_is_not_behind_what_was_restored(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct driver other;

    driver_init_limited(&other, &saved_rig_limits);
    other.time_ms = 500;
    driver_create(&other, "a");
    assert_int_equal(saved_stage(&fixture->saved, &other, SAVED_BYTES), 0);
    assert_int_equal(driver_commit(&other, 77), 0);
    assert_int_equal(driver_counts(&other).time_ms, driver->time_ms);
    assert_false(driver_counts(&other).age_suspended);
    assert_int_equal(driver_append(&other, "a", "x"), 0);
    driver_reborn(&other);
    driver_close(&other);
}

static void what_came_back_old_is_not_dropped_for_its_age_at_once(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct saved saved;

    driver_create_with(driver, "aged", (struct retention){0, 0, 1000}, 7);
    driver_append_many(driver, "aged", RIG_CHUNK_ENTRIES, RIG_ENTRY_BYTES);
    saved_take(&saved, driver, "aged");
    driver->time_ms += 2000;
    assert_int_equal(driver_tick(driver), 0);
    assert_int_equal(driver_stat(driver, "aged").entries, 0);
    assert_int_equal(saved_stage(&saved, driver, SAVED_BYTES), 0);
    assert_int_equal(driver_commit(driver, 1), 0);
    assert_true(driver_counts(driver).age_suspended);
    assert_int_equal(driver_tick(driver), 0);
    assert_int_equal(driver_stat(driver, "aged").entries, RIG_CHUNK_ENTRIES);
    assert_int_equal(driver_confirm_clock(driver), 0);
    assert_int_equal(driver_tick(driver), 0);
    assert_int_equal(driver_stat(driver, "aged").entries, 0);
    saved_close(&saved);
}

/* Its first chunk would go for another limit anyway. */
static void what_came_back_old_stays_beside_other_limits(void **state)
{
    static const struct retention both = {RIG_CHUNK_ENTRIES, 0, 1000};
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct saved saved;

    driver_create_with(driver, "aged", both, 7);
    driver_append_many(driver, "aged", 2 * RIG_CHUNK_ENTRIES, RIG_ENTRY_BYTES);
    saved_take(&saved, driver, "aged");
    driver->time_ms += 2000;
    assert_int_equal(saved_stage(&saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 1), 0);
    assert_int_equal(driver_tick(driver), 0);
    assert_int_equal(driver_stat(driver, "aged").entries, RIG_CHUNK_ENTRIES);
    saved_close(&saved);
}

static void a_jump_by_a_restore_suspends_age(void **state)
{
    struct saved_rig *fixture = *state;
    struct saved saved;
    struct driver other;

    (void)fixture;
    driver_init_limited(&other, &saved_rig_limits);
    other.time_ms = 2 * CLOCK_JUMP_MS;
    driver_create(&other, "a");
    driver_append(&other, "a", "x");
    saved_take(&saved, &other, "later");
    driver_close(&other);
    driver_init_limited(&other, &saved_rig_limits);
    other.time_ms = 500;
    driver_create(&other, "a");
    assert_int_equal(saved_stage(&saved, &other, SAVED_BYTES), 0);
    assert_int_equal(driver_commit(&other, 77), 0);
    assert_true(driver_counts(&other).age_suspended);
    driver_close(&other);
    saved_close(&saved);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, saved_rig_setup_changed,         \
                                    saved_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_pass_over_a_hole_and_appends_go_behind_it),
        TEST(a_log_is_trimmed_into_its_hole),
        TEST(retention_goes_over_a_hole),
        TEST(undo_brings_back_what_was_live),
        TEST(the_number_of_one_recovery_does_not_do_for_another),
        TEST(an_undo_can_be_undone),
        TEST(what_only_undo_has_is_found_by_name),
        TEST(a_log_that_comes_back_twice_is_another_each_time),
        TEST(a_log_made_anew_does_not_hide_the_one_that_comes_back),
        TEST(a_log_that_went_with_the_undo_slot_is_another_when_it_is_back),
        TEST(the_clock_is_not_behind_what_was_restored),
        TEST(what_came_back_old_is_not_dropped_for_its_age_at_once),
        TEST(what_came_back_old_stays_beside_other_limits),
        TEST(a_jump_by_a_restore_suspends_age),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
