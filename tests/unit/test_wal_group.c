/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the WAL gives the disk in one write, and how many of them. */
#include "support/cmocka.h"
#include "support/wal_rig.h"

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

static void what_is_queued_goes_out_in_one_write(void **state)
{
    struct wal_rig rig;
    uint64_t writes;
    unsigned i;

    (void)state;
    wal_rig_init(&rig, 1, 256 * DISK_BLOCK);
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

static void large_group_is_with_the_disk_behind_another(void **state)
{
    struct wal_rig rig;
    unsigned i;

    (void)state;
    wal_rig_init(&rig, 1, 64 * DISK_BLOCK);
    assert_int_equal(wal_rig_open(&rig, 1), 0);
    fake_disk_drain(rig.fake);
    /* The third and what follows gathers. */
    for (i = 0; i < 200; i++) {
        assert_int_equal(wal_rig_append(&rig, i + 1, NULL, NULL), 0);
        assert_true(fake_disk_writes(rig.fake) <= 2);
    }
    assert_int_equal(fake_disk_writes(rig.fake), 2);
    assert_true(fake_disk_end_write(rig.fake));
    assert_int_equal(rig.acks, 1);
    assert_int_equal(fake_disk_writes(rig.fake), 2);
    fake_disk_drain(rig.fake);
    assert_int_equal(rig.acks, 200);
    reopen(&rig, 1);
    assert_ids(&rig, 1, 200);
    wal_rig_close(&rig);
}

static void nothing_follows_a_write_that_failed(void **state)
{
    struct wal_rig rig;
    unsigned i;

    (void)state;
    wal_rig_init(&rig, 1, 64 * DISK_BLOCK);
    assert_int_equal(wal_rig_open(&rig, 1), 0);
    fake_disk_drain(rig.fake);
    fake_disk_fail_at(rig.fake, 1, QL_IO);
    for (i = 0; i < 200; i++) {
        assert_int_equal(wal_rig_append(&rig, i + 1, NULL, NULL), 0);
    }
    assert_int_equal(fake_disk_writes(rig.fake), 2);
    fake_disk_drain(rig.fake);
    assert_true(rig.fatal);
    assert_int_equal(rig.acks, 0);
    wal_rig_crash(&rig, FAKE_POWER);
    assert_int_equal(wal_rig_open(&rig, 1), 0);
    assert_false(rig.report.corrupt);
    assert_ids(&rig, 1, 0);
    wal_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_queued_goes_out_in_one_write),
        cmocka_unit_test(large_group_is_with_the_disk_behind_another),
        cmocka_unit_test(nothing_follows_a_write_that_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
