/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the disk layer does when the disk is full. */
#include "support/cmocka.h"
#include "support/disk_rig.h"

#define RESERVE DISK_RIG_SEGMENT
/* Of one block each. */
#define WRITES_IN_SEGMENT (DISK_RIG_SEGMENT / DISK_BLOCK - 1)

struct used {
    const struct fake_disk *fake;
    uint64_t bytes;
};

static void on_name(void *data, const char *name)
{
    struct used *used = data;
    size_t len = 0;

    (void)fake_disk_bytes(used->fake, name, &len);
    used->bytes += len;
}

/* So much is free from now on. */
static void leave_free(struct disk_rig *rig, uint64_t bytes)
{
    struct used used = {rig->fake, 0};

    fake_disk_each(rig->fake, on_name, &used);
    fake_disk_capacity(rig->fake, used.bytes + bytes);
}

static void on_look(void *data, const struct reserve_look *look)
{
    *(struct reserve_look *)data = *look;
}

static struct reserve_look look(struct disk_rig *rig, uint64_t needs)
{
    struct reserve_look found = {.total_bytes = 1};

    assert_int_equal(raft_disk_look(rig->disk, needs, on_look, &found), 0);
    assert_int_equal(raft_disk_look(rig->disk, needs, on_look, &found),
                     QL_BUSY);
    assert_true(raft_disk_is_busy(rig->disk));
    fake_disk_drain(rig->fake);
    return found;
}

static void open_with_reserve(struct disk_rig *rig)
{
    disk_rig_open(rig, 1);
    rig->reserve_bytes = RESERVE;
    disk_rig_must_load(rig);
    fake_disk_drain(rig->fake);
    assert_false(look(rig, 0).missing);
    assert_true(fake_disk_has(rig->fake, RESERVE_NAME));
}

/* Each in a block of its own; until told to stop. Returns the last index. */
static raft_index append_until(struct disk_rig *rig, raft_index from,
                               raft_index to)
{
    raft_index index;

    for (index = from; index <= to && !rig->fatal; index++) {
        disk_rig_append_range(rig, index, index, 2);
    }
    return index - 1;
}

static struct raft_io_snapshot_put requests[2];

static void put_snapshot(struct disk_rig *rig, raft_index index, unsigned nth)
{
    struct raft_buffer buffer;
    struct raft_snapshot snapshot =
        disk_rig_snapshot_of(rig, index, 2, &buffer);

    disk_rig_put(rig, &requests[nth], 1, &snapshot);
    fake_disk_drain(rig->fake);
}

static void assert_loads_up_to(struct disk_rig *rig, raft_index last)
{
    disk_rig_stop(rig);
    fake_disk_capacity(rig->fake, 0);
    disk_rig_must_load(rig);
    assert_int_equal(disk_rig_last_index(rig), last);
    disk_rig_assert_entry(rig, last, 2);
    disk_rig_stop(rig);
    disk_rig_close(rig);
}

static void segment_that_is_needed_takes_the_reserve(void **state)
{
    raft_index last = 2 + 2 * WRITES_IN_SEGMENT;
    struct disk_rig rig;

    (void)state;
    open_with_reserve(&rig);
    leave_free(&rig, DISK_RIG_SEGMENT / 2);
    /* The spare is gone, and no other could be made; the reserve waits for
     * whoever cannot go on without it. */
    append_until(&rig, 2, last - WRITES_IN_SEGMENT);
    assert_true(fake_disk_has(rig.fake, RESERVE_NAME));
    append_until(&rig, last - WRITES_IN_SEGMENT + 1, last);
    assert_false(rig.fatal);
    assert_false(fake_disk_has(rig.fake, RESERVE_NAME));
    assert_true(look(&rig, UINT64_MAX).missing);
    assert_true(rig.grown > 0);
    assert_loads_up_to(&rig, last);
}

static void snapshot_takes_the_reserve(void **state)
{
    struct disk_rig rig;

    (void)state;
    open_with_reserve(&rig);
    append_until(&rig, 2, 20);
    leave_free(&rig, 16);
    put_snapshot(&rig, 10, 0);
    assert_false(rig.fatal);
    assert_false(fake_disk_has(rig.fake, RESERVE_NAME));
    assert_false(fake_disk_has(rig.fake, "snapshot.new"));
    /* One of them fits into what the reserve has left. */
    put_snapshot(&rig, 15, 1);
    assert_false(rig.fatal);
    assert_loads_up_to(&rig, 20);
}

static void older_snapshot_goes_before_the_reserve(void **state)
{
    struct disk_rig rig;

    (void)state;
    open_with_reserve(&rig);
    append_until(&rig, 2, 20);
    put_snapshot(&rig, 5, 0);
    put_snapshot(&rig, 10, 1);
    assert_true(fake_disk_has(rig.fake, "snapshot-0000000000000005"));
    leave_free(&rig, 16);
    put_snapshot(&rig, 15, 0);
    assert_false(rig.fatal);
    assert_true(fake_disk_has(rig.fake, RESERVE_NAME));
    assert_false(fake_disk_has(rig.fake, "snapshot-0000000000000005"));
    assert_true(fake_disk_has(rig.fake, "snapshot-000000000000000a"));
    assert_true(fake_disk_has(rig.fake, "snapshot-000000000000000f"));
    assert_loads_up_to(&rig, 20);
}

static void full_disk_without_a_reserve_is_fatal(void **state)
{
    struct disk_rig rig;
    raft_index last;

    (void)state;
    disk_rig_open(&rig, 1);
    disk_rig_must_load(&rig);
    fake_disk_drain(rig.fake);
    leave_free(&rig, DISK_RIG_SEGMENT - 1);
    last = append_until(&rig, 2, 3 * WRITES_IN_SEGMENT);
    assert_true(rig.fatal);
    disk_rig_crash(&rig);
    fake_disk_capacity(rig.fake, 0);
    disk_rig_must_load(&rig);
    /* All but the one that found no segment was told to be there, and is. */
    assert_int_equal(disk_rig_last_index(&rig), last - 1);
    disk_rig_stop(&rig);
    disk_rig_close(&rig);
}

static void snapshots_free_the_disk_and_the_reserve_returns(void **state)
{
    raft_index last = 2 + 2 * WRITES_IN_SEGMENT;
    struct disk_rig rig;
    struct reserve_look found;

    (void)state;
    open_with_reserve(&rig);
    leave_free(&rig, DISK_RIG_SEGMENT / 2);
    append_until(&rig, 2, last);
    assert_true(look(&rig, DISK_RIG_SEGMENT).missing);
    /* Two, as the one before is kept, with the log from there on. */
    put_snapshot(&rig, last - 2, 0);
    put_snapshot(&rig, last - 1, 1);
    assert_true(look(&rig, DISK_RIG_SEGMENT).missing);
    raft_disk_set_lean(rig.disk, true);
    fake_disk_drain(rig.fake);
    found = look(&rig, DISK_RIG_SEGMENT);
    assert_false(found.missing);
    assert_true(fake_disk_has(rig.fake, RESERVE_NAME));
    raft_disk_set_lean(rig.disk, false);
    last = append_until(&rig, last + 1, last + WRITES_IN_SEGMENT / 2);
    assert_false(rig.fatal);
    assert_loads_up_to(&rig, last);
}

static void look_that_fails_is_fatal(void **state)
{
    struct reserve_look found;
    struct disk_rig rig;

    (void)state;
    open_with_reserve(&rig);
    /* The first is that the work is taken. */
    fake_disk_fail_at(rig.fake, 2, QL_IO);
    assert_int_equal(raft_disk_look(rig.disk, 0, on_look, &found), 0);
    fake_disk_drain(rig.fake);
    assert_true(rig.fatal);
    disk_rig_stop(&rig);
    disk_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segment_that_is_needed_takes_the_reserve),
        cmocka_unit_test(snapshot_takes_the_reserve),
        cmocka_unit_test(older_snapshot_goes_before_the_reserve),
        cmocka_unit_test(full_disk_without_a_reserve_is_fatal),
        cmocka_unit_test(snapshots_free_the_disk_and_the_reserve_returns),
        cmocka_unit_test(look_that_fails_is_fatal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
