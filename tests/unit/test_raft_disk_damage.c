/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the core loads from a damaged disk. */
#include <stdio.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/disk_rig.h"

#define CRASHES_MAX 200u

struct log_file {
    struct fake_disk *fake;
    uint64_t byte; /* which must have been written */
    char name[DISK_NAME_MAX];
};

static void find_log(void *data, const char *name)
{
    struct log_file *file = data;
    const uint8_t *bytes;
    size_t len;

    if (strncmp(name, "wal-", 4) != 0 || strchr(name, '.') != NULL) {
        return;
    }
    bytes = fake_disk_bytes(file->fake, name, &len);
    if (file->byte < len && bytes[file->byte] != 0) {
        (void)snprintf(file->name, sizeof file->name, "%s", name);
    }
}

/* One bit of the @nth block: of the write that is in it. */
static void damage_log(struct disk_rig *rig, unsigned block)
{
    struct log_file file = {.fake = rig->fake,
                            .byte = (uint64_t)block * DISK_BLOCK};

    fake_disk_each(rig->fake, find_log, &file);
    assert_string_not_equal(file.name, "");
    fake_disk_flip(rig->fake, file.name, (file.byte + 40) * 8);
}

/* A log of 2..40 in term 5, of which what follows about entry 20 is lost. */
static void open_damaged(struct disk_rig *rig)
{
    struct err err;

    disk_rig_open(rig, 9);
    disk_rig_must_load(rig);
    assert_int_equal(raft_disk_set_term(rig->disk, 5, &err), 0);
    assert_int_equal(raft_disk_set_vote(rig->disk, 1, &err), 0);
    for (raft_index index = 2; index <= 40; index++) {
        disk_rig_append_range(rig, index, index, 5);
    }
    disk_rig_stop(rig);
    damage_log(rig, 20);
}

static void node_that_lost_entries_is_in_doubt_in_a_new_term(void **state)
{
    struct disk_rig rig;
    raft_index last;

    (void)state;
    open_damaged(&rig);
    for (unsigned start = 0; start < 3; start++) {
        disk_rig_must_load(&rig);
        assert_true(raft_disk_in_doubt(rig.disk));
        assert_int_equal(rig.loaded.term, 6);
        assert_int_equal(rig.loaded.voted_for, 0);
        last = disk_rig_last_index(&rig);
        assert_in_range(last, 10, 39);
        /* A leader of the old term proves nothing. */
        disk_rig_append_range(&rig, last + 1, last + 1, 5);
        assert_true(raft_disk_in_doubt(rig.disk));
        disk_rig_stop(&rig);
    }
    disk_rig_close(&rig);
}

static void entry_of_a_later_leader_ends_the_doubt_for_good(void **state)
{
    struct disk_rig rig;
    raft_index last;

    (void)state;
    open_damaged(&rig);
    disk_rig_must_load(&rig);
    last = disk_rig_last_index(&rig);
    disk_rig_append_range(&rig, last + 1, last + 1, 6);
    assert_false(raft_disk_in_doubt(rig.disk));
    assert_int_equal(rig.healed, 1);
    disk_rig_crash(&rig);
    disk_rig_must_load(&rig);
    assert_false(raft_disk_in_doubt(rig.disk));
    disk_rig_append_range(&rig, last + 2, last + 3, 6);
    disk_rig_stop(&rig);
    disk_rig_must_load(&rig);
    assert_false(raft_disk_in_doubt(rig.disk));
    assert_int_equal(disk_rig_last_index(&rig), last + 3);
    disk_rig_stop(&rig);
    disk_rig_close(&rig);
}

static void second_damage_raises_the_doubt(void **state)
{
    struct disk_rig rig;
    struct err err;

    (void)state;
    open_damaged(&rig);
    disk_rig_must_load(&rig);
    assert_int_equal(raft_disk_set_term(rig.disk, 9, &err), 0);
    disk_rig_stop(&rig);
    damage_log(&rig, 10);
    disk_rig_must_load(&rig);
    assert_true(raft_disk_in_doubt(rig.disk));
    assert_int_equal(rig.loaded.term, 10);
    disk_rig_stop(&rig);
    disk_rig_close(&rig);
}

static void crash_in_the_repair_leaves_the_doubt(void **state)
{
    bool dead = true;

    (void)state;
    for (uint64_t crash = 1; dead; crash++) {
        struct err err;
        struct disk_rig rig;

        assert_true(crash < CRASHES_MAX);
        open_damaged(&rig);
        fake_disk_crash_at(rig.fake, crash);
        disk_rig_new(&rig);
        (void)raft_disk_load(rig.disk, &rig.loaded, &err);
        fake_disk_drain(rig.fake);
        dead = fake_disk_is_dead(rig.fake);
        disk_rig_crash(&rig);
        disk_rig_must_load(&rig);
        assert_true(raft_disk_in_doubt(rig.disk));
        /* Once more if the repair had begun: harmless. */
        assert_in_range(rig.loaded.term, 6, 7);
        disk_rig_stop(&rig);
        disk_rig_close(&rig);
    }
}

static void node_without_which_nobody_leads_refuses_untouched(void **state)
{
    struct disk_rig rig;
    struct err err = {0};

    (void)state;
    open_damaged(&rig);
    rig.others_elect = false;
    for (unsigned start = 0; start < 2; start++) {
        assert_int_equal(disk_rig_load(&rig, &err), QL_CORRUPT);
        assert_non_null(strstr(err.text, "cannot elect a leader"));
        assert_non_null(strstr(err.text, "wal-"));
    }
    disk_rig_close(&rig);
}

static void node_whose_log_is_gone_still_knows_the_members(void **state)
{
    struct log_file file;
    struct disk_rig rig;

    (void)state;
    open_damaged(&rig);
    do {
        file = (struct log_file){.fake = rig.fake};
        fake_disk_each(rig.fake, find_log, &file);
        if (file.name[0] != '\0') {
            fake_disk_delete(rig.fake, file.name);
        }
    } while (file.name[0] != '\0');
    for (unsigned start = 0; start < 2; start++) {
        disk_rig_must_load(&rig);
        assert_true(raft_disk_in_doubt(rig.disk));
        assert_int_equal(rig.loaded.count, 1);
        assert_int_equal(rig.loaded.entries[0].type, RAFT_CHANGE);
        disk_rig_stop(&rig);
    }
    disk_rig_close(&rig);
}

static void older_snapshot_takes_the_place_of_a_damaged_one(void **state)
{
    struct raft_io_snapshot_put requests[2];
    struct raft_buffer buffer;
    struct raft_snapshot snapshot;
    struct disk_rig rig;

    (void)state;
    disk_rig_open(&rig, 5);
    disk_rig_must_load(&rig);
    disk_rig_append_range(&rig, 2, 60, 2);
    snapshot = disk_rig_snapshot_of(&rig, 30, 2, &buffer);
    disk_rig_put(&rig, &requests[0], 5, &snapshot);
    fake_disk_drain(rig.fake);
    snapshot = disk_rig_snapshot_of(&rig, 50, 2, &buffer);
    disk_rig_put(&rig, &requests[1], 5, &snapshot);
    disk_rig_stop(&rig);
    disk_rig_must_load(&rig);
    assert_int_equal(rig.loaded.snapshot->index, 50);
    disk_rig_stop(&rig);
    fake_disk_flip(rig.fake, "snapshot-0000000000000032", 8u * 70u);
    disk_rig_must_load(&rig);
    assert_int_equal(raft_disk_report(rig.disk)->snapshots_aside, 1);
    assert_int_equal(rig.loaded.snapshot->index, 30);
    disk_rig_assert_entry(&rig, 31, 2);
    assert_int_equal(disk_rig_last_index(&rig), 60);
    assert_false(raft_disk_in_doubt(rig.disk));
    disk_rig_stop(&rig);
    disk_rig_close(&rig);
}

/* A log of 2..20 in term 5, truncated from 10, of which a snapshot covers what
 * came instead. The truncation is lost. */
static void open_without_truncation(struct disk_rig *rig)
{
    struct raft_io_snapshot_put put;
    struct raft_snapshot snapshot;
    struct raft_buffer buffer;
    struct err err;

    disk_rig_open(rig, 9);
    disk_rig_must_load(rig);
    assert_int_equal(raft_disk_set_term(rig->disk, 6, &err), 0);
    for (raft_index index = 2; index <= 20; index++) {
        disk_rig_append_range(rig, index, index, 5);
    }
    assert_int_equal(raft_disk_truncate(rig->disk, 10), 0);
    fake_disk_drain(rig->fake);
    disk_rig_append_range(rig, 10, 14, 6);
    snapshot = disk_rig_snapshot_of(rig, 12, 6, &buffer);
    disk_rig_put(rig, &put, 40, &snapshot);
    disk_rig_stop(rig);
    damage_log(rig, 21);
}

static void log_that_lost_a_truncation_begins_behind_its_snapshot(void **state)
{
    bool dead = true;

    (void)state;
    for (uint64_t crash = 1; dead; crash++) {
        struct disk_rig rig;
        struct err err;

        assert_true(crash < CRASHES_MAX);
        open_without_truncation(&rig);
        fake_disk_crash_at(rig.fake, crash);
        disk_rig_new(&rig);
        (void)raft_disk_load(rig.disk, &rig.loaded, &err);
        fake_disk_drain(rig.fake);
        dead = fake_disk_is_dead(rig.fake);
        disk_rig_crash(&rig);
        disk_rig_must_load(&rig);
        assert_true(raft_disk_in_doubt(rig.disk));
        assert_int_equal(rig.loaded.snapshot->index, 12);
        assert_int_equal(rig.loaded.start_index, 13);
        assert_int_equal(rig.loaded.count, 0);
        disk_rig_append_range(&rig, 13, 13, 8);
        assert_false(raft_disk_in_doubt(rig.disk));
        disk_rig_stop(&rig);
        disk_rig_must_load(&rig);
        assert_int_equal(disk_rig_last_index(&rig), 13);
        disk_rig_stop(&rig);
        disk_rig_close(&rig);
    }
}

static void lost_vote_and_old_directories_are_refused(void **state)
{
    struct disk_rig rig;
    struct err err = {0};

    (void)state;
    disk_rig_open(&rig, 6);
    fake_disk_flip(rig.fake, "vote", 8u * 20u);
    disk_rig_must_load(&rig);
    assert_true(raft_disk_report(rig.disk)->vote_repaired);
    disk_rig_stop(&rig);
    fake_disk_delete(rig.fake, "vote");
    assert_int_equal(disk_rig_load(&rig, &err), QL_CORRUPT);
    assert_non_null(strstr(err.text, "no term and vote"));
    fake_disk_put(rig.fake, "metadata1", "x", 1);
    assert_int_equal(disk_rig_load(&rig, &err), QL_INVALID);
    assert_non_null(strstr(err.text, "cannot read"));
    disk_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(node_that_lost_entries_is_in_doubt_in_a_new_term),
        cmocka_unit_test(entry_of_a_later_leader_ends_the_doubt_for_good),
        cmocka_unit_test(second_damage_raises_the_doubt),
        cmocka_unit_test(crash_in_the_repair_leaves_the_doubt),
        cmocka_unit_test(node_without_which_nobody_leads_refuses_untouched),
        cmocka_unit_test(node_whose_log_is_gone_still_knows_the_members),
        cmocka_unit_test(older_snapshot_takes_the_place_of_a_damaged_one),
        cmocka_unit_test(log_that_lost_a_truncation_begins_behind_its_snapshot),
        cmocka_unit_test(lost_vote_and_old_directories_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
