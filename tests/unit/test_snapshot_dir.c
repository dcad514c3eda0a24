/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <string.h>

#include "consensus/snapshot_dir.h"
#include "support/cmocka.h"
#include "support/fake_disk.h"

#define NAME_7 "snapshot-0000000000000007"

static const struct snapshot_meta META = {
    7, 3, 2, {(const uint8_t *)"configuration", 13}};

static int store(struct fake_disk *fake, raft_index index, const char *text)
{
    struct snapshot_meta meta = META;
    struct bytes parts[2] = {{(const uint8_t *)"head ", 5},
                             {(const uint8_t *)text, strlen(text)}};

    meta.index = index;
    return snapshot_dir_store(fake_disk_disk(fake), &meta, parts, 2, NULL);
}

/* The index of what is loaded, 0 with *ret_rv set if nothing. */
static raft_index load(struct fake_disk *fake, int *ret_rv, unsigned *ret_aside)
{
    struct snapshot_meta meta = {0};
    struct buf data = BUF_INIT;
    size_t at = 0;

    *ret_rv = snapshot_dir_load(fake_disk_disk(fake), &meta, &data, &at,
                                ret_aside, NULL);
    if (*ret_rv == 0) {
        assert_int_equal(meta.term, META.term);
        assert_int_equal(meta.configuration_index, META.configuration_index);
        assert_int_equal(meta.configuration.len, META.configuration.len);
        assert_memory_equal(meta.configuration.data, META.configuration.data,
                            meta.configuration.len);
        assert_true(data.len - at >= 6);
        assert_memory_equal(data.data + at, "head ", 5);
    }
    buf_close(&data);
    return meta.index;
}

static void newest_one_is_loaded_and_old_ones_are_cleaned(void **state)
{
    struct fake_disk *fake = fake_disk_new(1);
    raft_index oldest = 0;
    unsigned aside;
    int rv;

    (void)state;
    assert_int_equal(load(fake, &rv, &aside), 0);
    assert_int_equal(rv, QL_NOT_FOUND);
    assert_int_equal(store(fake, 7, "seven"), 0);
    assert_int_equal(store(fake, 300, "three hundred"), 0);
    assert_int_equal(store(fake, 20, "twenty"), 0);
    assert_int_equal(load(fake, &rv, &aside), 300);
    assert_int_equal(snapshot_dir_clean(fake_disk_disk(fake), &oldest, NULL),
                     0);
    assert_int_equal(oldest, 20);
    assert_false(fake_disk_has(fake, NAME_7));
    fake_disk_free(fake);
}

static void damaged_one_is_set_aside_for_the_one_before(void **state)
{
    struct fake_disk *fake = fake_disk_new(1);
    unsigned aside;
    int rv;

    (void)state;
    assert_int_equal(store(fake, 5, "five"), 0);
    assert_int_equal(store(fake, 7, "seven"), 0);
    fake_disk_flip(fake, NAME_7, 64 * 8 + 3);
    assert_int_equal(load(fake, &rv, &aside), 5);
    assert_int_equal(aside, 1);
    assert_true(fake_disk_has(fake, NAME_7 ".corrupt"));
    fake_disk_free(fake);
}

static void any_flipped_bit_or_missing_byte_is_found(void **state)
{
    struct fake_disk *fake = fake_disk_new(1);
    uint8_t good[256];
    size_t len = 0;
    size_t i;
    unsigned aside;
    int rv;

    (void)state;
    assert_int_equal(store(fake, 7, "seven"), 0);
    (void)fake_disk_bytes(fake, NAME_7, &len);
    assert_true(len < sizeof(good));
    memcpy(good, fake_disk_bytes(fake, NAME_7, &len), len);
    for (i = 0; i < len * 9; i++) {
        fake_disk_put(fake, NAME_7, good, i < len ? i : len);
        if (i >= len) {
            fake_disk_flip(fake, NAME_7, i - len);
        }
        assert_int_equal(load(fake, &rv, &aside), 0);
        assert_int_equal(rv, QL_CORRUPT);
        assert_int_equal(aside, 1);
    }
    fake_disk_free(fake);
}

static void crash_leaves_the_old_one_or_the_new_one(void **state)
{
    uint64_t seed;
    uint64_t nth;

    (void)state;
    for (seed = 1; seed <= 20; seed++) {
        bool cut = true;

        for (nth = 1; cut; nth++) {
            struct fake_disk *fake = fake_disk_new(seed);
            raft_index oldest;
            raft_index index;
            unsigned aside;
            int rv;

            assert_int_equal(store(fake, 5, "five"), 0);
            fake_disk_crash_at(fake, nth);
            cut = store(fake, 7, "seven") != 0;
            fake_disk_crash(fake, seed % 2 == 0 ? FAKE_KILL : FAKE_POWER);
            index = load(fake, &rv, &aside);
            assert_int_equal(rv, 0);
            assert_int_equal(aside, 0);
            assert_true(index == 7 || (cut && index == 5));
            assert_int_equal(
                snapshot_dir_clean(fake_disk_disk(fake), &oldest, NULL), 0);
            assert_false(fake_disk_has(fake, "snapshot.new"));
            fake_disk_crash(fake, FAKE_POWER);
            assert_int_equal(load(fake, &rv, &aside), index);
            fake_disk_free(fake);
        }
        assert_true(nth > 5);
    }
}

static void full_disk_is_said(void **state)
{
    struct fake_disk *fake = fake_disk_new(1);
    unsigned aside;
    int rv;

    (void)state;
    assert_int_equal(store(fake, 5, "five"), 0);
    fake_disk_capacity(fake, 150);
    assert_int_equal(store(fake, 7, "seven"), QL_NO_SPACE);
    assert_false(fake_disk_has(fake, "snapshot.new"));
    assert_int_equal(load(fake, &rv, &aside), 5);
    fake_disk_free(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest_one_is_loaded_and_old_ones_are_cleaned),
        cmocka_unit_test(damaged_one_is_set_aside_for_the_one_before),
        cmocka_unit_test(any_flipped_bit_or_missing_byte_is_found),
        cmocka_unit_test(crash_leaves_the_old_one_or_the_new_one),
        cmocka_unit_test(full_disk_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
