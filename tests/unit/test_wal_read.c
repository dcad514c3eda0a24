/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The reading of the WAL at a start: once, of what is wanted, and again only when
 * damage stands before what is needed. */
#include <string.h>

#include "consensus/wal_segment.h"
#include "support/cmocka.h"
#include "support/wal_rig.h"

#define SEGMENT (4u * DISK_BLOCK)
#define ENTRIES 12u
#define NEEDED 9u /* not in the first segment, and not the first of its own */

/* Entries 1 to ENTRIES, each in a write of its own. */
static void log_make(struct wal_rig *rig)
{
    wal_rig_init(rig, 1, SEGMENT);
    assert_int_equal(wal_rig_open(rig, 1), 0);
    for (unsigned i = 1; i <= ENTRIES; i++) {
        assert_int_equal(wal_rig_append(rig, i, NULL, NULL), 0);
        fake_disk_drain(rig->fake);
    }
    wal_rig_crash(rig, FAKE_POWER);
}

static void assert_reaches_back(const struct wal_rig *rig, raft_index needed)
{
    assert_false(rig->wrong);
    assert_false(rig->report.corrupt);
    assert_true(rig->from <= needed);
    assert_true(rig->from == rig->report.first_index);
    assert_int_equal(rig->report.entries, rig->count);
    assert_int_equal(rig->from + rig->count, ENTRIES + 1);
    for (size_t i = 0; i < rig->count; i++) {
        assert_int_equal(rig->ids[i], rig->from + i);
    }
}

static void whole_log_is_read_once(void **state)
{
    struct wal_rig rig;

    (void)state;
    log_make(&rig);
    assert_int_equal(wal_rig_inspect(&rig, 1), 0);
    assert_true(rig.report.segments > 3);
    assert_int_equal(wal_rig_read(&rig, 1, NEEDED), 0);
    assert_reaches_back(&rig, NEEDED);
    assert_int_equal(rig.from, 1);
    /* And the one that is prepared. */
    assert_int_equal(rig.report.bytes, (rig.report.segments + 1) * SEGMENT);
    assert_int_equal(wal_rig_begin(&rig), 0);
    wal_rig_close(&rig);
}

static void log_that_does_not_reach_what_is_wanted_is_read_from_its_begin(
    void **state)
{
    struct wal_rig rig;
    raft_index first;

    (void)state;
    wal_rig_init(&rig, 1, SEGMENT);
    assert_int_equal(wal_rig_open(&rig, 100), 0);
    for (first = 100; first < 110; first++) {
        assert_int_equal(wal_rig_append(&rig, first, NULL, NULL), 0);
        fake_disk_drain(rig.fake);
    }
    wal_rig_crash(&rig, FAKE_POWER);
    assert_int_equal(wal_rig_read(&rig, 7, 105), 0);
    assert_int_equal(rig.from, 100);
    assert_int_equal(rig.count, 10);
    assert_int_equal(wal_rig_begin(&rig), 0);
    assert_int_equal(wal_last_index(rig.wal), 109);
    wal_rig_close(&rig);
}

/* Each bit of each byte in turn would take long and say no more. */
static void damage_of_what_is_not_needed_costs_only_that(void **state)
{
    struct wal_rig rig;
    char name[DISK_NAME_MAX];
    size_t len = 0;
    uint64_t number = 1;
    size_t byte;
    unsigned shorter = 0;

    (void)state;
    log_make(&rig);
    wal_name(number, name);
    assert_non_null(fake_disk_bytes(rig.fake, name, &len));
    for (byte = 0; byte < len; byte++) {
        uint64_t bit = byte * 8 + byte % 8;

        fake_disk_flip(rig.fake, name, bit);
        assert_int_equal(wal_rig_read(&rig, 1, NEEDED), 0);
        assert_reaches_back(&rig, NEEDED);
        shorter += rig.from > 1;
        wal_rig_forget(&rig);
        fake_disk_flip(rig.fake, name, bit);
    }
    assert_true(shorter > 100);
    wal_rig_close(&rig);
}

static void damage_of_what_is_needed_is_still_damage(void **state)
{
    struct wal_rig rig;
    char name[DISK_NAME_MAX];
    struct wal_report first;
    size_t len = 0;
    uint64_t number = 1;

    (void)state;
    log_make(&rig);
    /* The last but the prepared one. */
    do {
        wal_name(++number, name);
    } while (fake_disk_has(rig.fake, name));
    wal_name(number - 2, name);
    assert_non_null(fake_disk_bytes(rig.fake, name, &len));
    fake_disk_flip(rig.fake, name, (DISK_BLOCK + WAL_TAG + WAL_HEAD) * 8);
    assert_int_equal(wal_rig_read(&rig, 1, NEEDED), 0);
    assert_true(rig.report.corrupt);
    assert_true(rig.report.corrupt_index > NEEDED);
    assert_int_equal(rig.from, NEEDED);
    assert_int_equal(rig.from + rig.count, rig.report.corrupt_index);

    /* Reading changed nothing. */
    first = rig.report;
    wal_rig_forget(&rig);
    assert_true(fake_disk_has(rig.fake, name));
    assert_int_equal(wal_rig_read(&rig, 1, NEEDED), 0);
    assert_string_equal(rig.report.corrupt_at, first.corrupt_at);
    assert_int_equal(rig.report.aside, 0);
    assert_int_equal(wal_rig_begin(&rig), 0);
    assert_true(rig.report.aside > 0);
    assert_false(fake_disk_has(rig.fake, name));
    wal_rig_close(&rig);
}

static void log_that_ends_before_what_is_needed_tells_nothing(void **state)
{
    struct wal_rig rig;

    (void)state;
    log_make(&rig);
    assert_int_equal(wal_rig_read(&rig, 1, ENTRIES + 5), 0);
    assert_false(rig.wrong);
    assert_false(rig.report.corrupt);
    assert_int_equal(rig.count, 0);
    assert_int_equal(rig.report.entries, 0);
    assert_int_equal(wal_rig_begin(&rig), 0);
    assert_int_equal(wal_last_index(rig.wal), ENTRIES + 4);
    wal_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_log_is_read_once),
        cmocka_unit_test(
            log_that_does_not_reach_what_is_wanted_is_read_from_its_begin),
        cmocka_unit_test(damage_of_what_is_not_needed_costs_only_that),
        cmocka_unit_test(damage_of_what_is_needed_is_still_damage),
        cmocka_unit_test(log_that_ends_before_what_is_needed_tells_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
