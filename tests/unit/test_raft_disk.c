/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the core loads after a crash at any moment. */
#include "support/cmocka.h"
#include "support/disk_rig.h"

#define CRASHES_MAX 200u

static void new_node_begins_with_the_members(void **state)
{
    struct disk_rig rig;

    (void)state;
    disk_rig_open(&rig, 1);
    disk_rig_must_load(&rig);
    assert_int_equal(rig.loaded.term, 1);
    assert_int_equal(rig.loaded.voted_for, 0);
    assert_null(rig.loaded.snapshot);
    assert_int_equal(rig.loaded.start_index, 1);
    assert_int_equal(rig.loaded.count, 1);
    assert_int_equal(rig.loaded.entries[0].type, RAFT_CHANGE);
    assert_memory_equal(rig.loaded.entries[0].buf.base, rig.first.base,
                        rig.first.len);
    assert_false(raft_disk_in_doubt(rig.disk));
    disk_rig_stop(&rig);
    disk_rig_close(&rig);
}

static void log_term_and_vote_survive_the_loss_of_power(void **state)
{
    struct disk_rig rig;
    struct err err;

    (void)state;
    disk_rig_open(&rig, 2);
    disk_rig_must_load(&rig);
    assert_int_equal(raft_disk_set_term(rig.disk, 7, &err), 0);
    assert_int_equal(raft_disk_set_vote(rig.disk, 3, &err), 0);
    disk_rig_append_range(&rig, 2, 20, 7);
    assert_int_equal(raft_disk_truncate(rig.disk, 11), 0);
    disk_rig_append_range(&rig, 11, 12, 8);
    disk_rig_crash(&rig);
    disk_rig_must_load(&rig);
    assert_int_equal(rig.loaded.term, 7);
    assert_int_equal(rig.loaded.voted_for, 3);
    assert_int_equal(disk_rig_last_index(&rig), 12);
    disk_rig_assert_entry(&rig, 10, 7);
    disk_rig_assert_entry(&rig, 12, 8);
    assert_false(raft_disk_in_doubt(rig.disk));
    disk_rig_stop(&rig);
    disk_rig_close(&rig);
}

static void own_snapshot_is_loaded_with_entries_before_it(void **state)
{
    struct raft_io_snapshot_put request;
    struct raft_buffer buffer;
    struct raft_snapshot snapshot;
    struct disk_rig rig;

    (void)state;
    disk_rig_open(&rig, 3);
    disk_rig_must_load(&rig);
    disk_rig_append_range(&rig, 2, 40, 2);
    snapshot = disk_rig_snapshot_of(&rig, 30, 2, &buffer);
    disk_rig_put(&rig, &request, 5, &snapshot);
    disk_rig_stop(&rig);
    disk_rig_must_load(&rig);
    assert_non_null(rig.loaded.snapshot);
    assert_int_equal(rig.loaded.snapshot->index, 30);
    assert_int_equal(rig.loaded.snapshot->bufs[0].len, buffer.len);
    assert_string_equal(rig.loaded.snapshot->bufs[0].base, "the machine");
    assert_int_equal(rig.loaded.snapshot->configuration.n, 3);
    assert_true(rig.loaded.start_index <= 26);
    disk_rig_assert_entry(&rig, 26, 2);
    assert_int_equal(disk_rig_last_index(&rig), 40);
    disk_rig_stop(&rig);
    disk_rig_close(&rig);
}

static void on_get(struct raft_io_snapshot_get *request,
                   struct raft_snapshot *snapshot, int status)
{
    struct disk_rig *rig = request->data;

    assert_int_equal(status, 0);
    assert_int_equal(snapshot->index, 30);
    disk_rig_free_loaded(rig);
    rig->loaded.snapshot = snapshot;
}

static void snapshot_can_be_read_again(void **state)
{
    struct raft_io_snapshot_put request;
    struct raft_io_snapshot_get get;
    struct raft_buffer buffer;
    struct raft_snapshot snapshot;
    struct disk_rig rig;

    (void)state;
    disk_rig_open(&rig, 3);
    disk_rig_must_load(&rig);
    disk_rig_append_range(&rig, 2, 40, 2);
    snapshot = disk_rig_snapshot_of(&rig, 30, 2, &buffer);
    disk_rig_put(&rig, &request, 5, &snapshot);
    get.data = &rig;
    assert_int_equal(raft_disk_get(rig.disk, &get, on_get), 0);
    disk_rig_stop(&rig);
    disk_rig_close(&rig);
}

/* ---- An install that is cut off ---- */

/* @index and @term contradict a log of 2..40 in term 2, or lie behind it. The
 * state before, or the state after. Returns false when it was not cut off. */
static bool install_is_one_step(raft_index index, uint64_t crash)
{
    struct raft_io_snapshot_put request;
    struct raft_buffer buffer;
    struct raft_snapshot snapshot;
    struct disk_rig rig;
    bool dead;

    disk_rig_open(&rig, crash);
    disk_rig_must_load(&rig);
    disk_rig_append_range(&rig, 2, 40, 2);
    rig.told = 0;
    snapshot = disk_rig_snapshot_of(&rig, index, 3, &buffer);
    fake_disk_crash_at(rig.fake, crash);
    disk_rig_put(&rig, &request, 0, &snapshot);
    fake_disk_drain(rig.fake);
    dead = fake_disk_is_dead(rig.fake);
    disk_rig_crash(&rig);
    disk_rig_must_load(&rig);
    assert_false(raft_disk_in_doubt(rig.disk));
    if (rig.loaded.snapshot == NULL) {
        assert_int_equal(rig.told, 0);
        assert_int_equal(rig.loaded.start_index, 1);
        assert_true(disk_rig_last_index(&rig) == 40 ||
                    disk_rig_last_index(&rig) == index - 1);
    } else {
        assert_int_equal(rig.loaded.snapshot->index, index);
        assert_int_equal(rig.loaded.start_index, index + 1);
        assert_int_equal(rig.loaded.count, 0);
    }
    /* It goes on behind what it has. */
    disk_rig_append_range(&rig, disk_rig_last_index(&rig) + 1,
                          disk_rig_last_index(&rig) + 3, 4);
    disk_rig_stop(&rig);
    disk_rig_must_load(&rig);
    disk_rig_assert_entry(&rig, disk_rig_last_index(&rig), 4);
    disk_rig_stop(&rig);
    disk_rig_close(&rig);
    return dead;
}

static void install_over_another_log_is_one_step(void **state)
{
    uint64_t crash = 1;

    (void)state;
    while (install_is_one_step(20, crash)) {
        crash++;
        assert_true(crash < CRASHES_MAX);
    }
    assert_true(crash > 5);
}

static void install_far_ahead_is_one_step(void **state)
{
    uint64_t crash = 1;

    (void)state;
    while (install_is_one_step(100, crash)) {
        crash++;
        assert_true(crash < CRASHES_MAX);
    }
    assert_true(crash > 5);
}

static void own_snapshot_loses_nothing_at_any_crash(void **state)
{
    bool dead = true;

    (void)state;
    for (uint64_t crash = 1; dead; crash++) {
        struct raft_io_snapshot_put requests[2];
        struct raft_buffer buffer;
        struct raft_snapshot snapshot;
        struct disk_rig rig;

        assert_true(crash < CRASHES_MAX);
        disk_rig_open(&rig, crash);
        disk_rig_must_load(&rig);
        disk_rig_append_range(&rig, 2, 60, 2);
        snapshot = disk_rig_snapshot_of(&rig, 30, 2, &buffer);
        disk_rig_put(&rig, &requests[0], 5, &snapshot);
        fake_disk_drain(rig.fake);
        fake_disk_crash_at(rig.fake, crash);
        snapshot = disk_rig_snapshot_of(&rig, 50, 2, &buffer);
        disk_rig_put(&rig, &requests[1], 5, &snapshot);
        fake_disk_drain(rig.fake);
        dead = fake_disk_is_dead(rig.fake);
        disk_rig_crash(&rig);
        disk_rig_must_load(&rig);
        assert_false(raft_disk_in_doubt(rig.disk));
        assert_non_null(rig.loaded.snapshot);
        assert_int_equal(disk_rig_last_index(&rig), 60);
        disk_rig_assert_entry(&rig, rig.loaded.snapshot->index + 1, 2);
        disk_rig_stop(&rig);
        disk_rig_close(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_node_begins_with_the_members),
        cmocka_unit_test(log_term_and_vote_survive_the_loss_of_power),
        cmocka_unit_test(own_snapshot_is_loaded_with_entries_before_it),
        cmocka_unit_test(snapshot_can_be_read_again),
        cmocka_unit_test(install_over_another_log_is_one_step),
        cmocka_unit_test(install_far_ahead_is_one_step),
        cmocka_unit_test(own_snapshot_loses_nothing_at_any_crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
