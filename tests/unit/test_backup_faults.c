/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A backup directory whose process is killed, whose machine loses power, and whose
 * disk refuses, at every step. */
#include <stdlib.h>
#include <string.h>

#include "support/pool_rig.h"
#include "support/cmocka.h"

#define LONG_MS 5000u
#define TWO_PACKS 8000u               /* entries */
#define HEALED_MS (20u * 60u * 1000u) /* whatever the delay has grown to */

/* What goes through everything that changes the directory. */
static void story(struct pool_rig *rig, uint64_t ms)
{
    pool_rig_run(rig, 500);
    pool_rig_take(rig, "first");
    pool_rig_run(rig, ms);
    pool_rig_append(rig, 30);
    pool_rig_take(rig, "second");
    pool_rig_run(rig, ms);
    pool_rig_drop(rig, "first");
    pool_rig_run(rig, ms);
}

static uint64_t operations(void)
{
    struct pool_rig *rig = malloc(sizeof(*rig));
    uint64_t count;

    pool_rig_init(rig, 3);
    story(rig, LONG_MS);
    count = fake_disk_stats(rig->fake).operations;
    pool_rig_close(rig);
    free(rig);
    return count;
}

static void assert_proves(struct pool_rig *rig, const struct backup_row *row)
{
    struct buf stream = BUF_INIT;

    assert_int_equal(pool_rig_stream(rig, row->name, 4000, &stream), 0);
    assert_true(pool_rig_proves((struct bytes){stream.data, stream.len}, row));
    buf_close(&stream);
}

/* ---- Crashes ------------------------------------------------------------- */

static void crash_at(uint64_t nth, enum fake_crash how)
{
    struct pool_rig *rig = malloc(sizeof(*rig));

    pool_rig_init(rig, nth);
    fake_disk_crash_at(rig->fake, nth);
    story(rig, LONG_MS);
    assert_true(fake_disk_is_dead(rig->fake));
    fake_disk_crash_at(rig->fake, 0);
    pool_rig_crash(rig, how);
    pool_rig_run(rig, LONG_MS);
    assert_true(pool_rig_status(rig).is_ready);
    for (size_t i = 0; i < rig->count; i++) {
        const struct backup_info *info = pool_rig_info(rig, rig->rows[i].name);

        if (info->state == BACKUP_MISSING) {
            assert_true(info->wants_fetch);
            continue;
        }
        assert_int_equal(info->state, BACKUP_VERIFIED);
        assert_proves(rig, &rig->rows[i]);
    }
    assert_int_equal(pool_rig_files(rig, "quorlog-", ".tmp"), 0);
    assert_int_equal(pool_rig_files(rig, "quarantine/", ""), 0);
    /* And it goes on from there, with nothing left over at the end. */
    pool_rig_take(rig, "third");
    pool_rig_run(rig, LONG_MS);
    assert_true(pool_rig_is_verified(rig, "third"));
    assert_proves(rig, &rig->rows[rig->count - 1]);
    while (rig->count > 0) {
        pool_rig_drop(rig, rig->rows[0].name);
    }
    pool_rig_run(rig, LONG_MS);
    /* But what left the table while nobody was there to remove it. */
    if (pool_rig_info(rig, "first") == NULL) {
        assert_int_equal(pool_rig_files(rig, "chunks/", ""), 0);
    }
    pool_rig_close(rig);
    free(rig);
}

static void a_kill_at_any_step_leaves_whole_backups_or_none(void **state)
{
    uint64_t count = operations();

    (void)state;
    for (uint64_t nth = 1; nth <= count; nth++) {
        crash_at(nth, FAKE_KILL);
    }
}

static void a_loss_of_power_at_any_step_leaves_whole_ones_or_none(void **state)
{
    uint64_t count = operations();

    (void)state;
    for (uint64_t nth = 1; nth <= count; nth++) {
        crash_at(nth, FAKE_POWER);
    }
}

/* ---- Refusals ------------------------------------------------------------ */

static void fail_at(uint64_t nth, int code)
{
    struct pool_rig *rig = malloc(sizeof(*rig));

    pool_rig_init(rig, nth);
    fake_disk_fail_at(rig->fake, nth, code);
    story(rig, LONG_MS);
    pool_rig_run(rig, HEALED_MS / 20);
    assert_true(pool_rig_is_verified(rig, "second"));
    assert_proves(rig, &rig->rows[0]);
    assert_null(pool_rig_info(rig, "first"));
    assert_string_equal(pool_rig_status(rig).problem, "");
    assert_int_equal(pool_rig_files(rig, "quorlog-", ".tmp"), 0);
    pool_rig_drop(rig, "second");
    pool_rig_run(rig, LONG_MS);
    assert_int_equal(pool_rig_files(rig, "chunks/", ""), 0);
    assert_int_equal(pool_rig_files(rig, "", ".manifest"), 0);
    pool_rig_close(rig);
    free(rig);
}

static void every_step_that_fails_once_is_made_good(void **state)
{
    static const int codes[] = {QL_IO, QL_NO_SPACE, QL_NOT_FOUND};
    uint64_t count = operations();

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (uint64_t nth = 1; nth <= count; nth++) {
            fail_at(nth, codes[i]);
        }
    }
}

static void a_full_disk_is_told_and_waited_for(void **state)
{
    struct pool_rig *rig = malloc(sizeof(*rig));
    uint64_t failures;

    (void)state;
    pool_rig_init(rig, 5);
    fake_disk_capacity(rig->fake, 2000);
    pool_rig_take(rig, "first");
    pool_rig_run(rig, LONG_MS);
    assert_true(strstr(pool_rig_status(rig).problem, "no space") != NULL);
    failures = pool_rig_status(rig).failures;
    assert_true(failures >= 1);
    /* The delay grows. */
    pool_rig_run(rig, 60000);
    assert_true(pool_rig_status(rig).failures <= failures + 4);
    assert_int_equal(pool_rig_info(rig, "first")->state, BACKUP_WRITING);
    fake_disk_capacity(rig->fake, 0);
    pool_rig_run(rig, BACKUP_RETRY_MAX_MS);
    assert_true(pool_rig_is_verified(rig, "first"));
    assert_string_equal(pool_rig_status(rig).problem, "");
    assert_proves(rig, &rig->rows[0]);
    pool_rig_close(rig);
    free(rig);
}

static void some_of_the_disk_is_left_free(void **state)
{
    struct pool_rig *rig = malloc(sizeof(*rig));

    (void)state;
    pool_rig_init(rig, 6);
    fake_disk_capacity(rig->fake, BACKUP_SPARE_BYTES + 1000);
    pool_rig_take(rig, "first");
    pool_rig_run(rig, LONG_MS);
    assert_true(strstr(pool_rig_status(rig).problem, "no space") != NULL);
    assert_int_equal(pool_rig_files(rig, "chunks/", ""), 0);
    fake_disk_capacity(rig->fake, BACKUP_SPARE_BYTES + 1024 * 1024);
    pool_rig_run(rig, BACKUP_RETRY_MAX_MS);
    assert_true(pool_rig_is_verified(rig, "first"));
    pool_rig_close(rig);
    free(rig);
}

static void append_two_packs(struct pool_rig *rig)
{
    for (unsigned i = 0; i < TWO_PACKS / 1000; i++) {
        pool_rig_append(rig, 1000);
        store_rig_settle(&rig->chunks);
    }
}

/* What all packs of one that has two of them take. */
static uint64_t two_packs(uint64_t seed)
{
    struct pool_rig *rig = malloc(sizeof(*rig));
    uint64_t bytes;

    pool_rig_init(rig, seed);
    append_two_packs(rig);
    pool_rig_take(rig, "first");
    pool_rig_run(rig, 2 * LONG_MS);
    assert_true(pool_rig_is_verified(rig, "first"));
    assert_int_equal(pool_rig_files(rig, "chunks/", ""), 2);
    bytes = pool_rig_status(rig).pool_bytes;
    pool_rig_close(rig);
    free(rig);
    return bytes;
}

static void drop_all_but(struct pool_rig *rig, uint64_t before)
{
    store_rig_trim(&rig->chunks, "a", before);
    for (unsigned i = 0; i < 3; i++) {
        store_rig_snapshot(&rig->chunks);
        store_rig_settle(&rig->chunks);
    }
}

static void what_cannot_be_written_makes_room_where_that_is_low(void **state)
{
    struct pool_rig *rig = malloc(sizeof(*rig));
    uint64_t held;

    (void)state;
    pool_rig_init(rig, 7);
    append_two_packs(rig);
    fake_disk_capacity(rig->fake, BACKUP_SPARE_BYTES + two_packs(7) - 1000);
    pool_rig_take(rig, "first");
    backup_store_relieve(rig->store); /* nothing says that it will not do */
    pool_rig_run(rig, 2 * LONG_MS);
    assert_int_equal(pool_rig_info(rig, "first")->state, BACKUP_WRITING);
    assert_int_equal(pool_rig_files(rig, "chunks/", ""), 1);
    drop_all_but(rig, TWO_PACKS);
    held = store_rig_status(&rig->chunks).disk_bytes;
    backup_store_relieve(rig->store);
    assert_int_equal(pool_rig_status(rig).waiting, 0);
    assert_int_equal(pool_rig_info(rig, "first")->state, BACKUP_MISSING);
    assert_int_equal(pool_rig_info(rig, "first")->code, QL_NO_SPACE);
    assert_true(pool_rig_info(rig, "first")->wants_fetch);
    pool_rig_run(rig, 500);
    assert_int_equal(pool_rig_files(rig, "chunks/", ""), 0);
    drop_all_but(rig, TWO_PACKS);
    assert_true(store_rig_status(&rig->chunks).disk_bytes < held / 2);
    /* The next one does not know of it. */
    pool_rig_take(rig, "second");
    pool_rig_run(rig, LONG_MS);
    assert_true(pool_rig_is_verified(rig, "second"));
    assert_string_equal(pool_rig_status(rig).problem, "");
    pool_rig_close(rig);
    free(rig);
}

static void what_is_deleted_makes_room_at_once(void **state)
{
    struct pool_rig *rig = malloc(sizeof(*rig));

    (void)state;
    pool_rig_init(rig, 8);
    pool_rig_take(rig, "first");
    pool_rig_run(rig, LONG_MS);
    fake_disk_capacity(rig->fake, BACKUP_SPARE_BYTES);
    pool_rig_append(rig, 30);
    pool_rig_take(rig, "second");
    pool_rig_run(rig, HEALED_MS); /* the delay has grown */
    assert_int_equal(pool_rig_info(rig, "second")->state, BACKUP_WRITING);
    pool_rig_drop(rig, "first");
    pool_rig_run(rig, 500);
    assert_int_equal(pool_rig_files(rig, "first", ".manifest"), 0);
    pool_rig_close(rig);
    free(rig);
}

static int refuse_remove(struct disk *disk, const char *name, struct err *err)
{
    (void)disk;
    return err_set(err, QL_IO, "remove %s: Read-only file system", name);
}

static int refuse_rename(struct disk *disk, const char *from, const char *to,
                         struct err *err)
{
    (void)disk;
    (void)to;
    return err_set(err, QL_IO, "rename %s: Read-only file system", from);
}

static int refuse_write(struct disk_file *file, uint64_t offset,
                        const void *bytes, size_t len, struct err *err)
{
    (void)file;
    (void)offset;
    (void)bytes;
    (void)len;
    return err_set(err, QL_IO, "write: Read-only file system");
}

static void a_directory_that_can_only_be_read_is_read(void **state)
{
    struct pool_rig *rig = malloc(sizeof(*rig));
    struct disk *disk;
    const struct disk_ops *ops;
    struct disk_ops read_only;
    struct backup_verify verify;

    (void)state;
    pool_rig_init(rig, 5);
    pool_rig_take(rig, "first");
    pool_rig_run(rig, LONG_MS);
    pool_rig_stop(rig);
    disk = fake_disk_disk(rig->fake);
    ops = disk->ops;
    read_only = *ops;
    read_only.remove = refuse_remove;
    read_only.rename = refuse_rename;
    read_only.write_sync = refuse_write;
    disk->ops = &read_only;
    pool_rig_open(rig);
    pool_rig_append(rig, 30);
    pool_rig_take(rig, "second");
    pool_rig_run(rig, 60000);
    assert_false(pool_rig_status(rig).is_ready);
    assert_non_null(strstr(pool_rig_status(rig).problem, "Read-only"));
    assert_int_equal(pool_rig_verify(rig, "first", &verify), 0);
    assert_proves(rig, &rig->rows[0]);
    disk->ops = ops;
    pool_rig_run(rig, HEALED_MS);
    assert_true(pool_rig_status(rig).is_ready);
    assert_string_equal(pool_rig_status(rig).problem, "");
    assert_proves(rig, &rig->rows[0]);
    assert_true(pool_rig_is_verified(rig, "second"));
    pool_rig_close(rig);
    free(rig);
}

struct names {
    char items[64][DISK_NAME_MAX];
    size_t count;
};

static void on_name(void *data, const char *name)
{
    struct names *names = data;

    strcpy(names->items[names->count], name);
    names->count++;
}

static void a_directory_that_lost_all_is_told_and_filled_anew(void **state)
{
    struct pool_rig *rig = malloc(sizeof(*rig));
    struct names names = {.count = 0};

    (void)state;
    pool_rig_init(rig, 5);
    pool_rig_take(rig, "first");
    pool_rig_run(rig, LONG_MS);
    fake_disk_each(rig->fake, on_name, &names);
    for (size_t i = 0; i < names.count; i++) {
        fake_disk_delete(rig->fake, names.items[i]);
    }
    pool_rig_append(rig, 30);
    pool_rig_take(rig, "second");
    pool_rig_run(rig, HEALED_MS / 20);
    assert_true(pool_rig_is_verified(rig, "second"));
    assert_proves(rig, &rig->rows[1]);
    pool_rig_close(rig);
    free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_at_any_step_leaves_whole_backups_or_none),
        cmocka_unit_test(a_loss_of_power_at_any_step_leaves_whole_ones_or_none),
        cmocka_unit_test(every_step_that_fails_once_is_made_good),
        cmocka_unit_test(a_full_disk_is_told_and_waited_for),
        cmocka_unit_test(some_of_the_disk_is_left_free),
        cmocka_unit_test(what_cannot_be_written_makes_room_where_that_is_low),
        cmocka_unit_test(what_is_deleted_makes_room_at_once),
        cmocka_unit_test(a_directory_that_can_only_be_read_is_read),
        cmocka_unit_test(a_directory_that_lost_all_is_told_and_filled_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
