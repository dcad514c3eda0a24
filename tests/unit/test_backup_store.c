/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A backup directory that follows the table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_file.h"
#include "support/pool_rig.h"
#include "support/cmocka.h"
#include "util/crc32c.h"

#define LONG_MS 5000u

static int setup(void **state)
{
    struct pool_rig *rig = malloc(sizeof(*rig));

    pool_rig_init(rig, 7);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    pool_rig_close(*state);
    free(*state);
    return 0;
}

static void assert_proves(struct pool_rig *rig, const char *name,
                          const struct backup_row *row)
{
    struct buf stream = BUF_INIT;

    assert_int_equal(pool_rig_stream(rig, name, 700, &stream), 0);
    assert_true(pool_rig_proves((struct bytes){stream.data, stream.len}, row));
    buf_close(&stream);
}

/* ---- Writing ------------------------------------------------------------- */

static void a_backup_is_written_and_reads_back(void **state)
{
    struct pool_rig *rig = *state;
    const struct backup_info *info;
    struct backup_verify verify;

    pool_rig_take(rig, "first");
    assert_int_equal(pool_rig_info(rig, "first")->state, BACKUP_WRITING);
    pool_rig_run(rig, LONG_MS);
    info = pool_rig_info(rig, "first");
    assert_int_equal(info->state, BACKUP_VERIFIED);
    assert_true(info->in_table);
    assert_false(info->wants_fetch);
    assert_true(info->new_bytes > 0);
    assert_true(info->verified_at_ms > 0);
    assert_true(rig->changes > 0);
    assert_int_equal(pool_rig_status(rig).saved, 1);
    assert_string_equal(pool_rig_status(rig).problem, "");
    assert_proves(rig, "first", &rig->rows[0]);
    assert_int_equal(pool_rig_verify(rig, "first", &verify), 0);
    assert_int_equal(verify.chunks, rig->rows[0].chunks);
    assert_int_equal(verify.entries, rig->rows[0].entries);
    assert_int_equal(pool_rig_files(rig, "quorlog-", ".tmp"), 0);
}

static void an_unchanged_state_costs_only_a_manifest(void **state)
{
    struct pool_rig *rig = *state;
    size_t packs;

    pool_rig_take(rig, "first");
    pool_rig_run(rig, LONG_MS);
    packs = pool_rig_files(rig, "chunks/", ".pack");
    pool_rig_take(rig, "second");
    pool_rig_run(rig, LONG_MS);
    assert_true(pool_rig_is_verified(rig, "second"));
    assert_int_equal(pool_rig_files(rig, "chunks/", ".pack"), packs);
    assert_int_equal(pool_rig_info(rig, "second")->new_bytes, 0);
    assert_proves(rig, "second", &rig->rows[1]);
}

static void a_backup_of_chunks_not_on_disk_yet_is_whole(void **state)
{
    struct pool_rig *rig = *state;

    pool_rig_append(rig, 50);
    pool_rig_take(rig, "hot");
    pool_rig_append(rig, 50);
    pool_rig_run(rig, LONG_MS);
    assert_true(pool_rig_is_verified(rig, "hot"));
    assert_proves(rig, "hot", &rig->rows[0]);
}

static void a_backup_of_nothing_is_one(void **state)
{
    struct pool_rig *rig = *state;

    store_rig_delete(&rig->chunks, "a");
    store_rig_delete(&rig->chunks, "b");
    pool_rig_take(rig, "empty");
    pool_rig_run(rig, LONG_MS);
    assert_true(pool_rig_is_verified(rig, "empty"));
    assert_proves(rig, "empty", &rig->rows[0]);
    assert_int_equal(pool_rig_files(rig, "chunks/", ".pack"), 0);
}

static void a_third_view_makes_the_oldest_be_fetched(void **state)
{
    struct pool_rig *rig = *state;

    pool_rig_take(rig, "one");
    pool_rig_take(rig, "two");
    pool_rig_take(rig, "three");
    pool_rig_run(rig, LONG_MS);
    assert_int_equal(pool_rig_info(rig, "one")->state, BACKUP_MISSING);
    assert_true(pool_rig_info(rig, "one")->wants_fetch);
    assert_true(pool_rig_is_verified(rig, "two"));
    assert_true(pool_rig_is_verified(rig, "three"));
}

static void a_restart_finds_what_was_there(void **state)
{
    struct pool_rig *rig = *state;

    pool_rig_take(rig, "first");
    pool_rig_run(rig, LONG_MS);
    pool_rig_stop(rig);
    pool_rig_open(rig);
    pool_rig_run(rig, 1000);
    assert_true(pool_rig_info(rig, "first")->state == BACKUP_WAITING ||
                pool_rig_is_verified(rig, "first"));
    pool_rig_run(rig, LONG_MS);
    assert_true(pool_rig_is_verified(rig, "first"));
    assert_proves(rig, "first", &rig->rows[0]);
}

static void what_was_read_when_is_noted(void **state)
{
    struct pool_rig *rig = *state;
    uint64_t verified;

    pool_rig_take(rig, "first");
    pool_rig_run(rig, BACKUP_CHECKED_MS + LONG_MS);
    assert_true(fake_disk_has(rig->fake, BACKUP_CHECKED));
    verified = pool_rig_info(rig, "first")->verified_at_ms;
    pool_rig_stop(rig);
    pool_rig_open(rig);
    pool_rig_run(rig, 500);
    assert_int_equal(pool_rig_info(rig, "first")->verified_at_ms, verified);
}

/* ---- The table ----------------------------------------------------------- */

static void what_left_the_table_goes_and_shared_packs_stay(void **state)
{
    struct pool_rig *rig = *state;
    size_t packs;

    pool_rig_take(rig, "first");
    pool_rig_run(rig, LONG_MS);
    packs = pool_rig_files(rig, "chunks/", ".pack");
    pool_rig_append(rig, 50);
    pool_rig_take(rig, "second");
    pool_rig_run(rig, LONG_MS);
    assert_true(pool_rig_files(rig, "chunks/", ".pack") > packs);
    pool_rig_drop(rig, "first");
    pool_rig_run(rig, LONG_MS);
    assert_false(fake_disk_has(rig->fake, "first.manifest"));
    assert_null(pool_rig_info(rig, "first"));
    assert_true(pool_rig_is_verified(rig, "second"));
    assert_proves(rig, "second", &rig->rows[0]);
    pool_rig_drop(rig, "second");
    pool_rig_run(rig, LONG_MS);
    assert_int_equal(pool_rig_files(rig, "chunks/", ".pack"), 0);
    assert_int_equal(pool_rig_files(rig, "", ".manifest"), 0);
}

static void a_row_that_goes_while_it_is_written_leaves_nothing(void **state)
{
    struct pool_rig *rig = *state;

    for (unsigned steps = 0; steps < 12; steps++) {
        pool_rig_take(rig, "first");
        rig->now_ms += 250;
        backup_store_tick(rig->store, rig->now_ms, rig->wall_ms);
        for (unsigned i = 0; i < steps; i++) {
            if (!fake_disk_end_work(rig->fake)) {
                (void)fake_disk_end_work(rig->chunks.fake);
            }
        }
        pool_rig_drop(rig, "first");
        pool_rig_run(rig, LONG_MS);
        assert_null(pool_rig_info(rig, "first"));
        assert_int_equal(pool_rig_files(rig, "", ".manifest"), 0);
        assert_int_equal(pool_rig_files(rig, "chunks/", ".pack"), 0);
    }
}

static void packs_that_a_backup_is_about_to_name_stay(void **state)
{
    struct pool_rig *rig = *state;
    char name[16];

    pool_rig_take(rig, "base");
    pool_rig_run(rig, LONG_MS);
    for (unsigned steps = 0; steps < 12; steps++) {
        char before[BACKUP_NAME_MAX + 1];

        (void)snprintf(before, sizeof(before), "%s", rig->rows[0].name);
        (void)snprintf(name, sizeof(name), "next-%u", steps);
        pool_rig_append(rig, 10);
        pool_rig_take(rig, name);
        for (unsigned i = 0; i < steps; i++) {
            rig->now_ms += 250;
            backup_store_tick(rig->store, rig->now_ms, rig->wall_ms);
            if (!fake_disk_end_work(rig->fake)) {
                (void)fake_disk_end_work(rig->chunks.fake);
            }
        }
        pool_rig_drop(rig, before);
        /* The chunk store is slow. */
        for (unsigned i = 0; i < 40; i++) {
            rig->now_ms += 250;
            backup_store_tick(rig->store, rig->now_ms, rig->wall_ms);
            (void)fake_disk_end_work(rig->fake);
            if (i % 8 == 7) {
                (void)fake_disk_end_work(rig->chunks.fake);
            }
            assert_int_not_equal(pool_rig_info(rig, name)->state,
                                 BACKUP_DAMAGED);
        }
        for (unsigned i = 0; i < 20; i++) {
            pool_rig_run(rig, 250);
            assert_int_not_equal(pool_rig_info(rig, name)->state,
                                 BACKUP_DAMAGED);
        }
        assert_true(pool_rig_is_verified(rig, name));
        assert_proves(rig, name, &rig->rows[0]);
    }
}

static void a_file_without_a_row_is_kept_and_told(void **state)
{
    struct pool_rig *rig = *state;

    pool_rig_take(rig, "first");
    pool_rig_run(rig, LONG_MS);
    pool_rig_stop(rig);
    rig->count = 0;
    pool_rig_open(rig);
    pool_rig_run(rig, LONG_MS);
    assert_false(pool_rig_info(rig, "first")->in_table);
    assert_true(pool_rig_is_verified(rig, "first"));
    /* And the table learns of it again. */
    rig->count = 1;
    backup_store_set_table(rig->store, rig->rows, 1, rig->id_last);
    assert_true(pool_rig_info(rig, "first")->in_table);
    assert_true(pool_rig_is_verified(rig, "first"));
}

static void a_backup_that_was_deleted_meanwhile_goes_after_a_while(void **state)
{
    struct pool_rig *rig = *state;

    pool_rig_take(rig, "first");
    pool_rig_take(rig, "second");
    pool_rig_run(rig, LONG_MS);
    pool_rig_stop(rig);
    /* The table has given both ids, and has the second one only. */
    rig->rows[0] = rig->rows[1];
    rig->count = 1;
    rig->id_last = rig->rows[0].id;
    pool_rig_open(rig);
    pool_rig_run(rig, BACKUP_STRAY_MS - 1000);
    assert_true(pool_rig_is_verified(rig, "first"));
    pool_rig_run(rig, LONG_MS);
    assert_null(pool_rig_info(rig, "first"));
    assert_int_equal(pool_rig_files(rig, "first", ".manifest"), 0);
    assert_true(pool_rig_is_verified(rig, "second"));
}

/* ---- Strangers ----------------------------------------------------------- */

static void files_of_others_stay_as_they_are(void **state)
{
    struct pool_rig *rig = *state;
    struct pool_rig *other = malloc(sizeof(*other));
    char pack[DISK_NAME_MAX];
    const uint8_t *bytes;
    struct buf manifest = BUF_INIT;
    size_t len;

    pool_rig_init(other, 8);
    pool_rig_stop(other);
    memset(other->cluster, 0xc2, sizeof(other->cluster));
    pool_rig_open(other);
    pool_rig_take(other, "theirs");
    pool_rig_run(other, LONG_MS);
    assert_true(pool_rig_is_verified(other, "theirs"));
    assert_true(pool_rig_pack(other, pack));
    bytes = fake_disk_bytes(other->fake, pack, &len);
    fake_disk_put(rig->fake, pack, bytes, len);
    bytes = fake_disk_bytes(other->fake, "theirs.manifest", &len);
    assert_int_equal(buf_add(&manifest, bytes, len), 0);
    fake_disk_put(rig->fake, "theirs.manifest", bytes, len);
    fake_disk_put(rig->fake, "notes.txt", "hello", 5);
    fake_disk_put(rig->fake, "odd.manifest", "hello", 5);
    fake_disk_put(rig->fake, "chunks/00000000000000ff.pack", "hello", 5);
    pool_rig_take(rig, "first");
    pool_rig_run(rig, LONG_MS);
    assert_true(pool_rig_is_verified(rig, "first"));
    assert_null(pool_rig_info(rig, "theirs"));
    assert_true(strstr(pool_rig_status(rig).problem, "stay as they are") !=
                NULL);
    pool_rig_drop(rig, "first");
    pool_rig_run(rig, LONG_MS);
    assert_true(fake_disk_has(rig->fake, pack));
    assert_true(fake_disk_has(rig->fake, "notes.txt"));
    assert_true(fake_disk_has(rig->fake, "odd.manifest"));
    assert_true(fake_disk_has(rig->fake, "chunks/00000000000000ff.pack"));
    bytes = fake_disk_bytes(rig->fake, "theirs.manifest", &len);
    assert_int_equal(len, manifest.len);
    assert_memory_equal(bytes, manifest.data, len);
    buf_close(&manifest);
    pool_rig_close(other);
    free(other);
}

static void a_name_that_is_taken_is_not_written_over(void **state)
{
    struct pool_rig *rig = *state;
    size_t len;

    fake_disk_put(rig->fake, "first.manifest", "hello", 5);
    pool_rig_take(rig, "first");
    pool_rig_run(rig, LONG_MS);
    assert_int_equal(pool_rig_info(rig, "first")->state, BACKUP_MISSING);
    assert_int_equal(pool_rig_info(rig, "first")->code, QL_EXISTS);
    assert_false(pool_rig_info(rig, "first")->wants_fetch);
    assert_memory_equal(fake_disk_bytes(rig->fake, "first.manifest", &len),
                        "hello", 5);
}

static void what_a_newer_version_wrote_is_told_and_kept(void **state)
{
    struct pool_rig *rig = *state;
    const uint8_t *bytes;
    uint8_t *copy;
    size_t len;

    pool_rig_take(rig, "first");
    pool_rig_run(rig, LONG_MS);
    bytes = fake_disk_bytes(rig->fake, "first.manifest", &len);
    copy = malloc(len);
    memcpy(copy, bytes, len);
    copy[12] = 2;
    pool_rig_stop(rig);
    fake_disk_put(rig->fake, "first.manifest", copy, len);
    pool_rig_open(rig);
    pool_rig_run(rig, LONG_MS);
    /* Its checksum does not fit: that is damage. */
    assert_int_equal(pool_rig_info(rig, "first")->code, QL_CORRUPT);
    pool_rig_stop(rig);
    put_u32(copy + 16, crc32c(crc32c(0, copy + 4, 12), copy + 20, 236));
    fake_disk_put(rig->fake, "first.manifest", copy, len);
    pool_rig_open(rig);
    pool_rig_run(rig, LONG_MS);
    assert_int_equal(pool_rig_info(rig, "first")->code, QL_INVALID);
    assert_true(strstr(pool_rig_info(rig, "first")->error,
                       "a newer quorlog wrote it") != NULL);
    assert_false(pool_rig_info(rig, "first")->wants_fetch);
    /* It may name any pack. */
    assert_true(pool_rig_files(rig, "chunks/", ".pack") > 0);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_backup_is_written_and_reads_back,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_unchanged_state_costs_only_a_manifest, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_backup_of_chunks_not_on_disk_yet_is_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(a_backup_of_nothing_is_one, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_third_view_makes_the_oldest_be_fetched, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restart_finds_what_was_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_read_when_is_noted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            what_left_the_table_goes_and_shared_packs_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_row_that_goes_while_it_is_written_leaves_nothing, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            packs_that_a_backup_is_about_to_name_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_backup_that_was_deleted_meanwhile_goes_after_a_while, setup,
            teardown),
        cmocka_unit_test_setup_teardown(a_file_without_a_row_is_kept_and_told,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(files_of_others_stay_as_they_are, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_name_that_is_taken_is_not_written_over, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_a_newer_version_wrote_is_told_and_kept, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
