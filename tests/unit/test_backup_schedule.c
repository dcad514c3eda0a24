/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/backup_schedule.h"

#include <string.h>

#include "support/cmocka.h"

#define HOUR (3600u * 1000u)
#define NOON 1700000000000ull /* a time of day */
#define UP 5000000ull         /* the monotonic clock then */

/* ---- When ---- */

static void first_backup_is_due_at_once(void **state)
{
    struct backup_schedule schedule = {0};

    (void)state;
    backup_schedule_look(&schedule, NULL, 0, UP);
    assert_true(backup_schedule_is_due(&schedule, HOUR, UP, NOON));
}

static void nothing_is_due_without_an_interval(void **state)
{
    struct backup_schedule schedule = {0};

    (void)state;
    backup_schedule_look(&schedule, NULL, 0, UP);
    assert_false(backup_schedule_is_due(&schedule, 0, UP, NOON));
}

static void next_one_is_due_an_interval_after_the_newest(void **state)
{
    struct backup_schedule schedule = {0};
    const struct backup_row rows[] = {{.id = 5, .time_ms = NOON - 2 * HOUR},
                                      {.id = 9, .time_ms = NOON}};

    (void)state;
    backup_schedule_look(&schedule, rows, 2, UP);
    assert_false(backup_schedule_is_due(&schedule, HOUR, UP + HOUR - 1,
                                        NOON + HOUR - 1));
    assert_true(
        backup_schedule_is_due(&schedule, HOUR, UP + HOUR, NOON + HOUR));
    /* Shorter than when it was made: it counts from now on. */
    assert_true(
        backup_schedule_is_due(&schedule, 1000, UP + 1000, NOON + 1000));
}

static void one_by_hand_counts_and_one_of_another_cluster_does_not(void **state)
{
    struct backup_schedule schedule = {0};
    const struct backup_row rows[] = {
        {.id = 5, .time_ms = NOON - HOUR, .scheduled = true},
        {.id = 7, .time_ms = NOON, .foreign = true},
        {.id = 9, .time_ms = NOON - HOUR / 2}};

    (void)state;
    backup_schedule_look(&schedule, rows, 2, UP);
    assert_true(backup_schedule_is_due(&schedule, HOUR, UP, NOON));
    backup_schedule_look(&schedule, rows, 3, UP);
    assert_false(backup_schedule_is_due(&schedule, HOUR, UP, NOON));
    assert_true(backup_schedule_is_due(&schedule, HOUR, UP, NOON + HOUR / 2));
}

/* An import of what this cluster made last week is not newer for it. */
static void old_one_that_came_in_late_is_not_the_newest(void **state)
{
    struct backup_schedule schedule = {0};
    const struct backup_row rows[] = {{.id = 5, .time_ms = NOON},
                                      {.id = 9, .time_ms = NOON - 9 * HOUR}};

    (void)state;
    backup_schedule_look(&schedule, rows, 2, UP);
    assert_false(backup_schedule_is_due(&schedule, HOUR, UP, NOON + HOUR / 2));
    assert_true(backup_schedule_is_due(&schedule, HOUR, UP, NOON + HOUR));
}

static void clock_that_went_back_does_not_stop_backups(void **state)
{
    struct backup_schedule schedule = {0};
    const struct backup_row row = {.id = 5, .time_ms = NOON + 1000ull * HOUR};

    (void)state;
    backup_schedule_look(&schedule, &row, 1, UP);
    assert_false(backup_schedule_is_due(&schedule, HOUR, UP + HOUR - 1, NOON));
    backup_schedule_look(&schedule, &row, 1, UP + HOUR);
    assert_true(backup_schedule_is_due(&schedule, HOUR, UP + HOUR, NOON));
}

static void refusals_make_the_next_proposal_wait_longer_and_longer(void **state)
{
    struct backup_schedule schedule = {0};
    uint64_t now = UP;
    uint64_t delay = BACKUP_PROPOSE_MIN_MS;

    (void)state;
    assert_true(backup_schedule_may_propose(&schedule, now));
    for (int i = 0; i < 20; i++) {
        backup_schedule_refused(&schedule, now);
        assert_false(backup_schedule_may_propose(&schedule, now + delay - 1));
        now += delay;
        assert_true(backup_schedule_may_propose(&schedule, now));
        delay = delay * 2 > BACKUP_PROPOSE_MAX_MS ? BACKUP_PROPOSE_MAX_MS
                                                  : delay * 2;
    }
    backup_schedule_done(&schedule);
    backup_schedule_refused(&schedule, now);
    assert_true(
        backup_schedule_may_propose(&schedule, now + BACKUP_PROPOSE_MIN_MS));
}

/* ---- Rotation ---- */

/* A letter for each row, oldest first, on three nodes: W whole on all, m whole on
 * two, o whole on one, k being made, d damaged, n nobody has anything. */
static size_t rotate(const char *rows, uint64_t max)
{
    struct backup_sight sights[16] = {{0}};
    size_t count = strlen(rows);

    for (size_t i = 0; i < count; i++) {
        switch (rows[i]) {
        case 'W':
            sights[i] = (struct backup_sight){.whole = 3, .parts = 3};
            break;
        case 'm':
            sights[i] =
                (struct backup_sight){.whole = 2, .making = 1, .parts = 3};
            break;
        case 'o':
            sights[i] = (struct backup_sight){.whole = 1, .parts = 1};
            break;
        case 'k':
            sights[i] = (struct backup_sight){.making = 3, .parts = 3};
            break;
        case 'd':
            sights[i] = (struct backup_sight){.parts = 3};
            break;
        default:
            break;
        }
    }
    return backup_schedule_rotate(sights, count, max, 2);
}

static void nothing_goes_while_there_are_not_too_many(void **state)
{
    (void)state;
    assert_int_equal(rotate("", 1), 0);
    assert_int_equal(rotate("W", 1), 1);
    assert_int_equal(rotate("WWW", 3), 3);
    assert_int_equal(rotate("nnn", 3), 3);
}

static void oldest_goes_first(void **state)
{
    (void)state;
    assert_int_equal(rotate("WWWW", 3), 0);
    assert_int_equal(rotate("mWWW", 3), 0);
    assert_int_equal(rotate("dWWW", 3), 0);
    assert_int_equal(rotate("oWWW", 3), 0);
}

static void the_only_whole_one_stays(void **state)
{
    (void)state;
    assert_int_equal(rotate("Wdd", 1), 1);
    assert_int_equal(rotate("Wd", 1), 2);
    assert_int_equal(rotate("Wk", 1), 2);
    assert_int_equal(rotate("Wo", 1), 2);
    /* No majority has any: what one node has is all there is. */
    assert_int_equal(rotate("oddd", 3), 1);
    assert_int_equal(rotate("ooo", 2), 0);
}

static void once_the_new_one_is_whole_the_old_one_goes(void **state)
{
    (void)state;
    assert_int_equal(rotate("Wkk", 1), 3);
    assert_int_equal(rotate("WkW", 1), 0);
    assert_int_equal(rotate("Wm", 1), 0);
}

static void what_is_being_made_stays(void **state)
{
    (void)state;
    assert_int_equal(rotate("kWW", 2), 1);
    assert_int_equal(rotate("kkkk", 1), 4);
    assert_int_equal(rotate("Wkdk", 1), 2);
}

static void nothing_whole_goes_for_what_nobody_has(void **state)
{
    (void)state;
    assert_int_equal(rotate("ddd", 1), 3);
    assert_int_equal(rotate("dnd", 1), 1);
    assert_int_equal(rotate("nnn", 1), 0);
    assert_int_equal(rotate("Wnnn", 2), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_backup_is_due_at_once),
        cmocka_unit_test(nothing_is_due_without_an_interval),
        cmocka_unit_test(next_one_is_due_an_interval_after_the_newest),
        cmocka_unit_test(
            one_by_hand_counts_and_one_of_another_cluster_does_not),
        cmocka_unit_test(old_one_that_came_in_late_is_not_the_newest),
        cmocka_unit_test(clock_that_went_back_does_not_stop_backups),
        cmocka_unit_test(
            refusals_make_the_next_proposal_wait_longer_and_longer),
        cmocka_unit_test(nothing_goes_while_there_are_not_too_many),
        cmocka_unit_test(oldest_goes_first),
        cmocka_unit_test(the_only_whole_one_stays),
        cmocka_unit_test(once_the_new_one_is_whole_the_old_one_goes),
        cmocka_unit_test(what_is_being_made_stays),
        cmocka_unit_test(nothing_whole_goes_for_what_nobody_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
