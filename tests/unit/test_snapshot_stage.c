/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Another node's snapshot in the place of one's own. */
#include <string.h>

#include "consensus/snapshot_dir.h"
#include "support/cmocka.h"
#include "support/fake_disk.h"

#define NAME_7 "snapshot-0000000000000007"
#define NAME_8 "snapshot-0000000000000008"
#define SEEDS 20u

static struct snapshot_meta meta_of(raft_index index)
{
    const struct snapshot_meta meta = {
        index, 3, 2, {(const uint8_t *)"configuration", 13}};

    return meta;
}

static struct bytes part_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static int store(struct fake_disk *fake, raft_index index, const char *text)
{
    const struct snapshot_meta meta = meta_of(index);
    const struct bytes part = part_of(text);

    return snapshot_dir_store(fake_disk_disk(fake), &meta, &part, 1, NULL);
}

static int stage(struct fake_disk *fake, raft_index index, const char *text)
{
    const struct snapshot_meta meta = meta_of(index);
    const struct bytes part = part_of(text);

    return snapshot_dir_stage(fake_disk_disk(fake), &meta, &part, 1, NULL);
}

static raft_index take(struct fake_disk *fake)
{
    raft_index index = 99;

    assert_int_equal(
        snapshot_dir_take_staged(fake_disk_disk(fake), &index, NULL), 0);
    return index;
}

/* The newest one is that of @index and holds @text. */
static void expect_loaded(struct fake_disk *fake, raft_index index,
                          const char *text)
{
    struct snapshot_meta meta = {0};
    struct buf data = BUF_INIT;
    unsigned aside;
    size_t at = 0;

    assert_int_equal(snapshot_dir_load(fake_disk_disk(fake), &meta, &data, &at,
                                       &aside, NULL),
                     0);
    assert_int_equal(meta.index, index);
    assert_int_equal(data.len - at, strlen(text));
    assert_memory_equal(data.data + at, text, strlen(text));
    buf_close(&data);
}

static void what_is_only_staged_means_nothing(void **state)
{
    struct fake_disk *fake = fake_disk_new(1);

    (void)state;
    store(fake, 7, "own");
    assert_int_equal(take(fake), 0);
    assert_int_equal(stage(fake, 8, "other"), 0);
    assert_int_equal(take(fake), 0);
    expect_loaded(fake, 7, "own");
    fake_disk_free(fake);
}

static void what_was_committed_takes_the_place_of_all(void **state)
{
    struct fake_disk *fake = fake_disk_new(1);

    (void)state;
    store(fake, 7, "own");
    store(fake, 8, "own too");
    store(fake, 9, "and newer");
    stage(fake, 8, "first");
    assert_int_equal(stage(fake, 8, "other"), 0);
    assert_int_equal(snapshot_dir_commit_staged(fake_disk_disk(fake), NULL), 0);
    assert_int_equal(take(fake), 8);
    expect_loaded(fake, 8, "other");
    assert_true(fake_disk_has(fake, NAME_7 ".suspect"));
    assert_true(fake_disk_has(fake, NAME_8 ".suspect"));
    assert_true(fake_disk_has(fake, "snapshot-0000000000000009.suspect"));
    /* Once. */
    assert_int_equal(take(fake), 0);
    expect_loaded(fake, 8, "other");
    fake_disk_free(fake);
}

static void what_was_set_aside_before_stays(void **state)
{
    struct fake_disk *fake = fake_disk_new(1);
    raft_index oldest;

    (void)state;
    for (int i = 0; i < 3; i++) {
        store(fake, 7, i == 0 ? "a" : "b");
        stage(fake, 7, "other");
        snapshot_dir_commit_staged(fake_disk_disk(fake), NULL);
        assert_int_equal(take(fake), 7);
    }
    assert_true(fake_disk_has(fake, NAME_7 ".suspect"));
    assert_true(fake_disk_has(fake, NAME_7 ".suspect-2"));
    assert_true(fake_disk_has(fake, NAME_7 ".suspect-3"));
    /* Nor does the cleaning of every day remove them. */
    assert_int_equal(snapshot_dir_clean(fake_disk_disk(fake), &oldest, NULL),
                     0);
    assert_true(fake_disk_has(fake, NAME_7 ".suspect"));
    fake_disk_free(fake);
}

static void a_damaged_one_leaves_all_as_it_was(void **state)
{
    struct fake_disk *fake = fake_disk_new(1);

    (void)state;
    store(fake, 7, "own");
    stage(fake, 8, "other");
    snapshot_dir_commit_staged(fake_disk_disk(fake), NULL);
    fake_disk_flip(fake, "snapshot.peer", 8 * 70);
    assert_int_equal(take(fake), 0);
    assert_true(fake_disk_has(fake, "snapshot.peer.corrupt"));
    expect_loaded(fake, 7, "own");
    fake_disk_free(fake);
}

static void wherever_a_start_is_cut_off_the_next_goes_on(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth <= SEEDS; nth++) {
        struct fake_disk *fake = fake_disk_new(nth);
        raft_index index;

        store(fake, 7, "own");
        store(fake, 8, "own too");
        stage(fake, 8, "other");
        snapshot_dir_commit_staged(fake_disk_disk(fake), NULL);
        fake_disk_crash_at(fake, nth);
        (void)snapshot_dir_take_staged(fake_disk_disk(fake), &index, NULL);
        fake_disk_crash(fake, FAKE_POWER);
        (void)take(fake);
        expect_loaded(fake, 8, "other");
        assert_true(fake_disk_has(fake, NAME_7 ".suspect"));
        assert_true(fake_disk_has(fake, NAME_8 ".suspect"));
        assert_false(fake_disk_has(fake, NAME_8 ".suspect-2"));
        fake_disk_free(fake);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_only_staged_means_nothing),
        cmocka_unit_test(what_was_committed_takes_the_place_of_all),
        cmocka_unit_test(what_was_set_aside_before_stays),
        cmocka_unit_test(a_damaged_one_leaves_all_as_it_was),
        cmocka_unit_test(wherever_a_start_is_cut_off_the_next_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
