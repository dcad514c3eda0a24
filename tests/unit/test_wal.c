/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The WAL one case at a time: damage, truncated files, and what a full disk
 * does. Crashes: test_wal_crash.c. */
#include <stdlib.h>
#include <string.h>

#include "consensus/wal_segment.h"
#include "support/cmocka.h"
#include "support/wal_rig.h"

#define SEGMENT (4u * DISK_BLOCK)

/* @count entries, each in a write of its own. */
static void append_each(struct wal_rig *rig, uint64_t first_id, unsigned count)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        assert_int_equal(wal_rig_append(rig, first_id + i, NULL, NULL), 0);
        fake_disk_drain(rig->fake);
    }
}

static void reopen(struct wal_rig *rig, raft_index from)
{
    wal_rig_crash(rig, FAKE_POWER);
    assert_int_equal(wal_rig_open(rig, from), 0);
    assert_false(rig->wrong);
}

static void assert_ids(const struct wal_rig *rig, uint64_t first, size_t count)
{
    size_t i;

    assert_int_equal(rig->count, count);
    for (i = 0; i < count; i++) {
        assert_int_equal(rig->ids[i], first + i);
    }
}

static void what_was_appended_is_read_again(void **state)
{
    struct wal_rig rig;

    (void)state;
    wal_rig_init(&rig, 1, SEGMENT);
    assert_int_equal(wal_rig_open(&rig, 1), 0);
    assert_int_equal(rig.report.segments, 0);
    append_each(&rig, 1, 20);
    assert_int_equal(rig.acks, 20);
    assert_int_equal(wal_last_index(rig.wal), 20);
    reopen(&rig, 1);
    assert_ids(&rig, 1, 20);
    assert_int_equal(rig.report.entries, 20);
    assert_int_equal(rig.report.last_index, 20);
    assert_int_equal(rig.report.torn_bytes, 0);
    assert_false(rig.report.corrupt);
    reopen(&rig, 11);
    assert_ids(&rig, 11, 10);
    wal_rig_close(&rig);
}

static void what_is_queued_goes_out_in_one_write(void **state)
{
    struct wal_rig rig;
    uint64_t writes;
    unsigned i;

    (void)state;
    wal_rig_init(&rig, 1, 64 * DISK_BLOCK);
    assert_int_equal(wal_rig_open(&rig, 1), 0);
    fake_disk_drain(rig.fake);
    writes = fake_disk_stats(rig.fake).writes;
    for (i = 0; i < 50; i++) {
        assert_int_equal(wal_rig_append(&rig, i + 1, NULL, NULL), 0);
    }
    assert_int_equal(fake_disk_writes(rig.fake), 1);
    assert_int_equal(rig.acks, 0);
    fake_disk_drain(rig.fake);
    assert_int_equal(fake_disk_stats(rig.fake).writes - writes, 2);
    assert_int_equal(rig.acks, 50);
    wal_rig_close(&rig);
}

static void truncated_entries_do_not_come_back(void **state)
{
    struct wal_rig rig;

    (void)state;
    wal_rig_init(&rig, 1, SEGMENT);
    assert_int_equal(wal_rig_open(&rig, 1), 0);
    append_each(&rig, 1, 12);
    assert_int_equal(wal_truncate(rig.wal, 5), 0);
    assert_int_equal(wal_last_index(rig.wal), 4);
    fake_disk_drain(rig.fake);
    reopen(&rig, 1);
    assert_ids(&rig, 1, 4);
    append_each(&rig, 5, 3);
    reopen(&rig, 1);
    assert_ids(&rig, 1, 7);
    wal_rig_close(&rig);
}

static unsigned segments_on_disk;

static void on_name(void *data, const char *name)
{
    uint64_t number;
    bool aside;

    (void)data;
    segments_on_disk += wal_name_parse(name, &number, &aside);
}

static void dropped_segments_are_recycled(void **state)
{
    struct wal_rig rig;
    unsigned i;

    (void)state;
    wal_rig_init(&rig, 1, SEGMENT);
    assert_int_equal(wal_rig_open(&rig, 1), 0);
    for (i = 0; i < 100; i++) {
        append_each(&rig, i + 1, 1);
        wal_drop_before(rig.wal, i);
        fake_disk_drain(rig.fake);
    }
    segments_on_disk = 0;
    fake_disk_each(rig.fake, on_name, NULL);
    assert_true(segments_on_disk <= WAL_POOL_MAX + 3);
    reopen(&rig, 99);
    assert_ids(&rig, 99, 2);
    wal_rig_close(&rig);
}

static void on_reset(struct wal_append *append, int status)
{
    assert_int_equal(status, 0);
    *(bool *)append->data = true;
}

static void reset_begins_an_empty_log(void **state)
{
    struct wal_append reset = {0};
    struct wal_rig rig;
    bool done = false;

    (void)state;
    wal_rig_init(&rig, 1, SEGMENT);
    assert_int_equal(wal_rig_open(&rig, 1), 0);
    append_each(&rig, 1, 9);
    reset.data = &done;
    assert_int_equal(wal_reset(rig.wal, &reset, 501, on_reset), 0);
    assert_int_equal(wal_rig_append(&rig, 501, NULL, NULL), 0);
    assert_false(done);
    fake_disk_drain(rig.fake);
    assert_true(done);
    reopen(&rig, 501);
    assert_ids(&rig, 501, 1);
    wal_rig_close(&rig);
}

/* A log that a snapshot has overtaken. */
static void log_that_ends_before_what_is_wanted_begins_anew(void **state)
{
    struct wal_rig rig;

    (void)state;
    wal_rig_init(&rig, 1, SEGMENT);
    assert_int_equal(wal_rig_open(&rig, 1), 0);
    append_each(&rig, 1, 9);
    reopen(&rig, 100);
    assert_int_equal(rig.count, 0);
    assert_false(rig.report.corrupt);
    append_each(&rig, 100, 2);
    reopen(&rig, 100);
    assert_ids(&rig, 100, 2);
    wal_rig_close(&rig);
}

/* ---- Damage ---- */

/* A small log whose last segment is "wal-...NAME". */
static void small_log(struct wal_rig *rig, char ret_last[DISK_NAME_MAX])
{
    uint64_t number = 1;

    wal_rig_init(rig, 1, SEGMENT);
    assert_int_equal(wal_rig_open(rig, 1), 0);
    append_each(rig, 1, 5);
    wal_rig_crash(rig, FAKE_POWER);
    /* The highest number is the prepared one. */
    do {
        number++;
        wal_name(number, ret_last);
    } while (fake_disk_has(rig->fake, ret_last));
    wal_name(number - 2, ret_last);
}

/* Reading must not fail, must tell the truth as far as it goes, and must say so
 * when it does not go to the end. */
static void assert_no_silence(struct wal_rig *rig, size_t entries)
{
    assert_int_equal(wal_rig_inspect(rig, 1), 0);
    assert_false(rig->wrong);
    assert_true(rig->count <= entries);
    if (rig->count < entries) {
        assert_true(rig->report.corrupt);
        assert_int_equal(rig->report.corrupt_index, rig->count + 1);
        assert_int_equal(rig->report.torn_bytes, 0);
    }
}

static void flipped_bits_are_never_taken_for_a_torn_tail(void **state)
{
    unsigned back;

    (void)state;
    for (back = 0; back < 3; back++) {
        struct wal_rig rig;
        char name[DISK_NAME_MAX];
        uint64_t number;
        uint64_t bit;
        bool aside;
        size_t len = 0;

        /* The last one, the one before it, and the prepared one. */
        small_log(&rig, name);
        assert_true(wal_name_parse(name, &number, &aside));
        wal_name(back == 2 ? number + 1 : number - back, name);
        assert_non_null(fake_disk_bytes(rig.fake, name, &len));
        for (bit = 0; bit < len * 8; bit++) {
            fake_disk_flip(rig.fake, name, bit);
            assert_no_silence(&rig, 5);
            fake_disk_flip(rig.fake, name, bit);
        }
        wal_rig_close(&rig);
    }
}

/* The last of the written sectors of @name never arrived. */
static void lose_last_sector(struct fake_disk *fake, const char *name)
{
    size_t len = 0;
    const uint8_t *bytes = fake_disk_bytes(fake, name, &len);
    uint8_t copy[SEGMENT];
    size_t at = SEGMENT - DISK_SECTOR;

    assert_int_equal(len, SEGMENT);
    memcpy(copy, bytes, len);
    while (copy[at] == 0) {
        at -= DISK_SECTOR;
    }
    memset(copy + at, 0, DISK_SECTOR);
    fake_disk_put(fake, name, copy, len);
}

/* What was taken at a start may be confirmed after it. */
static void flipped_bits_are_no_torn_tail_of_a_write_that_was_taken(
    void **state)
{
    struct wal_rig rig;
    char name[DISK_NAME_MAX];
    uint64_t bit;

    (void)state;
    small_log(&rig, name);
    lose_last_sector(rig.fake, name);
    reopen(&rig, 1);
    assert_ids(&rig, 1, 5);
    wal_rig_crash(&rig, FAKE_POWER);
    for (bit = 0; bit < SEGMENT * 8; bit++) {
        fake_disk_flip(rig.fake, name, bit);
        assert_no_silence(&rig, 5);
        fake_disk_flip(rig.fake, name, bit);
    }
    wal_rig_close(&rig);
}

static const struct disk_ops *true_ops;
static unsigned wrong_read; /* counts down to it; 0: none */

static int read_one_wrong(struct disk_file *file, uint64_t offset,
                          void *ret_bytes, size_t len, size_t *ret_len,
                          struct err *err)
{
    int rv = true_ops->read(file, offset, ret_bytes, len, ret_len, err);

    if (wrong_read > 0 && --wrong_read == 0 && rv == 0 && *ret_len > 100) {
        ((uint8_t *)ret_bytes)[100] ^= 1;
    }
    return rv;
}

/* The last write is read twice at a start: to take it, and to write it again. */
static void what_is_read_wrong_once_is_not_written_back(void **state)
{
    static const unsigned counts[] = {1, 5};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (unsigned nth = 1; nth <= 12; nth++) {
            struct wal_rig rig;
            struct disk_ops ops;

            wal_rig_init(&rig, 1, SEGMENT);
            assert_int_equal(wal_rig_open(&rig, 1), 0);
            append_each(&rig, 1, (unsigned)counts[i]);
            wal_rig_crash(&rig, FAKE_POWER);
            true_ops = fake_disk_disk(rig.fake)->ops;
            ops = *true_ops;
            ops.read = read_one_wrong;
            fake_disk_disk(rig.fake)->ops = &ops;
            wrong_read = nth;
            if (wal_rig_open(&rig, 1) == 0 && !rig.report.corrupt) {
                wal_rig_crash(&rig, FAKE_POWER);
                wrong_read = 0;
                assert_int_equal(wal_rig_open(&rig, 1), 0);
                assert_false(rig.report.corrupt);
                assert_ids(&rig, 1, counts[i]);
            }
            fake_disk_disk(rig.fake)->ops = true_ops;
            wal_rig_close(&rig);
        }
    }
}

static void shorter_segment_is_never_a_shorter_log(void **state)
{
    unsigned back;

    (void)state;
    for (back = 0; back < 2; back++) {
        struct wal_rig rig;
        char name[DISK_NAME_MAX];
        uint8_t *bytes;
        uint64_t number;
        bool aside;
        size_t len = 0;
        size_t cut;

        small_log(&rig, name);
        assert_true(wal_name_parse(name, &number, &aside));
        wal_name(number - back, name);
        bytes = malloc(SEGMENT);
        assert_non_null(bytes);
        memcpy(bytes, fake_disk_bytes(rig.fake, name, &len), SEGMENT);
        assert_int_equal(len, SEGMENT);
        for (cut = 0; cut < len; cut++) {
            fake_disk_put(rig.fake, name, bytes, cut);
            assert_no_silence(&rig, 5);
        }
        free(bytes);
        wal_rig_close(&rig);
    }
}

/* Damage in the last write: what is before it stays, and every later start says
 * so until the node is healed, wherever a start was cut. */
static void corruption_is_remembered_until_healed(void **state)
{
    uint64_t nth;
    bool cut = true;

    (void)state;
    for (nth = 1; cut; nth++) {
        struct wal_rig rig;
        char name[DISK_NAME_MAX];

        small_log(&rig, name);
        fake_disk_flip(rig.fake, name, (DISK_BLOCK + 60) * 8);
        fake_disk_crash_at(rig.fake, nth);
        cut = wal_rig_open(&rig, 1) != 0;
        if (cut) {
            rig.wal = NULL;
        }
        reopen(&rig, 1);
        assert_true(rig.report.corrupt);
        assert_in_range(rig.count, 1, 4);
        assert_int_equal(rig.report.corrupt_index, rig.count + 1);
        assert_true(rig.report.aside > 0);
        append_each(&rig, 100, 3);
        reopen(&rig, 1);
        assert_true(rig.report.corrupt);
        wal_heal(rig.wal);
        append_each(&rig, 103, 1);
        reopen(&rig, 1);
        assert_false(rig.report.corrupt);
        assert_true(rig.report.aside > 0);
        wal_rig_close(&rig);
    }
    assert_true(nth > 10);
}

static void missing_segment_is_corruption(void **state)
{
    struct wal_rig rig;
    char name[DISK_NAME_MAX];
    uint64_t number;
    bool aside;

    (void)state;
    small_log(&rig, name);
    assert_true(wal_name_parse(name, &number, &aside));
    wal_name(number - 1, name);
    fake_disk_delete(rig.fake, name);
    assert_int_equal(wal_rig_open(&rig, 1), 0);
    assert_true(rig.report.corrupt);
    assert_int_equal(rig.count, 0);
    wal_rig_close(&rig);
}

/* ---- Failures ---- */

static void full_disk_stops_only_when_a_segment_is_needed(void **state)
{
    struct wal_rig rig;
    unsigned i;

    (void)state;
    wal_rig_init(&rig, 1, SEGMENT);
    assert_int_equal(wal_rig_open(&rig, 1), 0);
    fake_disk_capacity(rig.fake, SEGMENT + 100);
    fake_disk_drain(rig.fake);
    assert_false(rig.fatal);
    append_each(&rig, 1, 2);
    assert_int_equal(rig.acks, 2);
    for (i = 0; i < 3 && !rig.fatal; i++) {
        (void)wal_rig_append(&rig, 3 + i, NULL, NULL);
        fake_disk_drain(rig.fake);
    }
    assert_true(rig.fatal);
    i = rig.acks;
    assert_int_equal(wal_rig_append(&rig, 9, NULL, NULL), QL_IO);
    fake_disk_capacity(rig.fake, 0);
    reopen(&rig, 1);
    assert_ids(&rig, 1, i);
    wal_rig_close(&rig);
}

static void failed_write_is_the_last_one(void **state)
{
    struct wal_rig rig;

    (void)state;
    wal_rig_init(&rig, 1, SEGMENT);
    assert_int_equal(wal_rig_open(&rig, 1), 0);
    append_each(&rig, 1, 1);
    fake_disk_fail_at(rig.fake, 1, QL_IO);
    assert_int_equal(wal_rig_append(&rig, 2, NULL, NULL), 0);
    assert_int_equal(wal_rig_append(&rig, 3, NULL, NULL), 0);
    fake_disk_drain(rig.fake);
    assert_true(rig.fatal);
    assert_false(rig.wrong);
    assert_int_equal(rig.acks, 1);
    assert_int_equal(wal_truncate(rig.wal, 1), QL_IO);
    wal_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_appended_is_read_again),
        cmocka_unit_test(what_is_queued_goes_out_in_one_write),
        cmocka_unit_test(truncated_entries_do_not_come_back),
        cmocka_unit_test(dropped_segments_are_recycled),
        cmocka_unit_test(reset_begins_an_empty_log),
        cmocka_unit_test(log_that_ends_before_what_is_wanted_begins_anew),
        cmocka_unit_test(flipped_bits_are_never_taken_for_a_torn_tail),
        cmocka_unit_test(
            flipped_bits_are_no_torn_tail_of_a_write_that_was_taken),
        cmocka_unit_test(what_is_read_wrong_once_is_not_written_back),
        cmocka_unit_test(shorter_segment_is_never_a_shorter_log),
        cmocka_unit_test(corruption_is_remembered_until_healed),
        cmocka_unit_test(missing_segment_is_corruption),
        cmocka_unit_test(full_disk_stops_only_when_a_segment_is_needed),
        cmocka_unit_test(failed_write_is_the_last_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
