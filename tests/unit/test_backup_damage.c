/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What is damaged in a backup directory is found, set aside, and made anew. */
#include <stdlib.h>
#include <string.h>

#include "backup/backup_file.h"
#include "backup/backup_front.h"
#include "support/pool_rig.h"
#include "support/cmocka.h"

#define LONG_MS 5000u

static int setup(void **state)
{
    struct pool_rig *rig = malloc(sizeof(*rig));

    pool_rig_init(rig, 11);
    pool_rig_take(rig, "first");
    pool_rig_run(rig, LONG_MS);
    assert_true(pool_rig_is_verified(rig, "first"));
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    pool_rig_close(*state);
    free(*state);
    return 0;
}

static void assert_proves(struct pool_rig *rig, const struct backup_row *row)
{
    struct buf stream = BUF_INIT;

    assert_int_equal(pool_rig_stream(rig, row->name, 4000, &stream), 0);
    assert_true(pool_rig_proves((struct bytes){stream.data, stream.len}, row));
    buf_close(&stream);
}

/* A store over a copy of the rig's directory in which one file is changed, that
 * looks at it for the first time, and what verify says then. */
static int verify_copy(struct pool_rig *rig, const char *file, uint64_t bit)
{
    struct fake_disk *whole = rig->fake;
    struct backup_verify verify;
    int rv;

    pool_rig_stop(rig);
    rig->fake = fake_disk_copy(whole, bit);
    fake_disk_flip(rig->fake, file, bit);
    pool_rig_open(rig);
    rig->now_ms += 250;
    backup_store_tick(rig->store, rig->now_ms, rig->wall_ms);
    pool_rig_drain(rig);
    rv = pool_rig_verify(rig, "first", &verify);
    if (rv == 0) {
        print_message("bit %llu of %s\n", (unsigned long long)bit, file);
    }
    pool_rig_stop(rig);
    fake_disk_free(rig->fake);
    rig->fake = whole;
    pool_rig_open(rig);
    return rv;
}

static void every_byte_of_a_manifest_that_changes_is_found(void **state)
{
    struct pool_rig *rig = *state;
    size_t len;

    (void)fake_disk_bytes(rig->fake, "first.manifest", &len);
    for (uint64_t at = 0; at < len; at++) {
        assert_int_not_equal(
            verify_copy(rig, "first.manifest", at * 8 + at % 8), 0);
    }
}

static void every_byte_of_a_pack_that_changes_is_found(void **state)
{
    struct pool_rig *rig = *state;
    char pack[DISK_NAME_MAX];
    size_t len;

    assert_true(pool_rig_pack(rig, pack));
    (void)fake_disk_bytes(rig->fake, pack, &len);
    /* Every byte of the front, and of frames some. */
    for (uint64_t at = 0; at < len; at += at < 2000 ? 1 : 37) {
        assert_int_not_equal(verify_copy(rig, pack, at * 8 + at % 8), 0);
    }
}

static void a_file_that_is_cut_off_is_found(void **state)
{
    struct pool_rig *rig = *state;
    struct backup_verify verify;
    const uint8_t *bytes;
    struct buf copy = BUF_INIT;
    size_t len;

    bytes = fake_disk_bytes(rig->fake, "first.manifest", &len);
    assert_int_equal(buf_add(&copy, bytes, len), 0);
    for (size_t cut = len - 1; cut > 300; cut -= cut > 400 ? 97 : 1) {
        fake_disk_put(rig->fake, "first.manifest", copy.data, cut);
        assert_int_equal(pool_rig_verify(rig, "first", &verify), QL_CORRUPT);
        assert_int_equal(pool_rig_info(rig, "first")->state, BACKUP_DAMAGED);
        assert_true(pool_rig_info(rig, "first")->wants_fetch);
        pool_rig_stop(rig);
        fake_disk_put(rig->fake, "first.manifest", copy.data, copy.len);
        pool_rig_open(rig);
        pool_rig_run(rig, 2000);
        assert_true(pool_rig_is_verified(rig, "first"));
    }
    buf_close(&copy);
}

static void a_damaged_pack_is_set_aside_and_made_anew(void **state)
{
    struct pool_rig *rig = *state;
    struct backup_verify verify;
    char pack[DISK_NAME_MAX];

    assert_true(pool_rig_pack(rig, pack));
    fake_disk_flip(rig->fake, pack, 8 * 700);
    assert_int_equal(pool_rig_verify(rig, "first", &verify), QL_CORRUPT);
    assert_int_equal(pool_rig_files(rig, BACKUP_QUARANTINE, ".pack"), 1);
    assert_int_equal(pool_rig_status(rig).quarantined, 1);
    pool_rig_run(rig, LONG_MS);
    assert_true(pool_rig_is_verified(rig, "first"));
    assert_proves(rig, &rig->rows[0]);
    assert_int_equal(pool_rig_verify(rig, "first", &verify), 0);
}

static void what_cannot_be_made_anew_is_to_be_fetched(void **state)
{
    struct pool_rig *rig = *state;
    struct backup_verify verify;
    char pack[DISK_NAME_MAX];

    store_rig_delete(&rig->chunks, "a");
    store_rig_settle(&rig->chunks);
    assert_true(pool_rig_pack(rig, pack));
    fake_disk_flip(rig->fake, pack, 8 * 700);
    assert_int_equal(pool_rig_verify(rig, "first", &verify), QL_CORRUPT);
    pool_rig_run(rig, LONG_MS);
    assert_int_equal(pool_rig_info(rig, "first")->state, BACKUP_DAMAGED);
    assert_int_equal(pool_rig_info(rig, "first")->code, QL_CORRUPT);
    assert_true(pool_rig_info(rig, "first")->wants_fetch);
    assert_int_equal(pool_rig_status(rig).saved, 0);
}

static void a_later_backup_uses_no_damaged_pack(void **state)
{
    struct pool_rig *rig = *state;
    struct backup_verify verify;
    char pack[DISK_NAME_MAX];

    assert_true(pool_rig_pack(rig, pack));
    fake_disk_flip(rig->fake, pack, 8 * 700);
    (void)pool_rig_verify(rig, "first", &verify);
    pool_rig_take(rig, "second");
    pool_rig_run(rig, LONG_MS);
    assert_true(pool_rig_is_verified(rig, "second"));
    assert_proves(rig, &rig->rows[1]);
}

static void the_scrub_finds_what_nobody_reads(void **state)
{
    struct pool_rig *rig = *state;
    char pack[DISK_NAME_MAX];

    pool_rig_stop(rig);
    rig->scrub_bytes = 1024 * 1024;
    pool_rig_open(rig);
    pool_rig_run(rig, LONG_MS);
    assert_true(pool_rig_pack(rig, pack));
    fake_disk_flip(rig->fake, pack, 8 * 700);
    pool_rig_run(rig, LONG_MS);
    assert_int_equal(pool_rig_status(rig).damaged, 0);
    rig->wall_ms += BACKUP_SCRUB_AGE_MS;
    pool_rig_run(rig, LONG_MS);
    assert_int_equal(pool_rig_status(rig).damaged, 1);
    assert_true(pool_rig_is_verified(rig, "first"));
    assert_proves(rig, &rig->rows[0]);
}

static void on_read(struct backup_read *read, int status)
{
    *(int *)read->data = status;
}

static void a_chunk_that_reads_badly_is_looked_at_again(void **state)
{
    struct pool_rig *rig = *state;
    int status = -1;
    struct backup_read read = {.data = &status};
    char pack[DISK_NAME_MAX];

    assert_true(pool_rig_pack(rig, pack));
    assert_int_equal(
        backup_store_read_chunk(rig->store, &read, "first", 0, on_read), 0);
    pool_rig_drain(rig);
    assert_int_equal(status, 0);
    for (uint64_t at = 700; at < 1600; at += 20) {
        fake_disk_flip(rig->fake, pack, at * 8);
    }
    assert_int_equal(
        backup_store_read_chunk(rig->store, &read, "first", 0, on_read), 0);
    pool_rig_drain(rig);
    assert_int_equal(status, QL_CORRUPT);
    pool_rig_run(rig, LONG_MS);
    assert_int_equal(pool_rig_status(rig).damaged, 1);
    assert_true(pool_rig_is_verified(rig, "first"));
    assert_int_equal(
        backup_store_read_chunk(rig->store, &read, "first", 999, on_read), 0);
    pool_rig_drain(rig);
    assert_int_equal(status, QL_NOT_FOUND);
    assert_int_equal(
        backup_store_read_chunk(rig->store, &read, "other", 0, on_read), 0);
    pool_rig_drain(rig);
    assert_int_equal(status, QL_NOT_FOUND);
}

/* Each row has a checksum of its own, so that one may be good and out of place. */
static void a_row_out_of_place_is_not_followed(void **state)
{
    struct pool_rig *rig = *state;
    uint64_t at = backup_front_row_at(1);
    struct buf copy = BUF_INIT;
    struct buf stream = BUF_INIT;
    struct pack_row row;
    const uint8_t *bytes;
    size_t len;

    assert_true(pool_rig_info(rig, "first")->row.chunks > 1);
    for (int shift = -1; shift <= 1; shift += 2) {
        bytes = fake_disk_bytes(rig->fake, "first.manifest", &len);
        copy.len = 0;
        assert_int_equal(buf_add(&copy, bytes, len), 0);
        assert_int_equal(pack_row_decode(copy.data + at, &row, NULL), 0);
        row.frame_at += (uint64_t)(int64_t)shift * 3;
        pack_row_encode(&row, copy.data + at);
        fake_disk_put(rig->fake, "first.manifest", copy.data, copy.len);
        stream.len = 0;
        assert_int_equal(
            pool_rig_stream(rig, "first", EXPORT_BYTES_MAX, &stream),
            QL_CORRUPT);
        row.frame_at -= (uint64_t)(int64_t)shift * 3;
        pack_row_encode(&row, copy.data + at);
        fake_disk_put(rig->fake, "first.manifest", copy.data, copy.len);
    }
    stream.len = 0;
    assert_int_equal(pool_rig_stream(rig, "first", EXPORT_BYTES_MAX, &stream),
                     0);
    buf_close(&stream);
    buf_close(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            every_byte_of_a_manifest_that_changes_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(
            every_byte_of_a_pack_that_changes_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_cut_off_is_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_damaged_pack_is_set_aside_and_made_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_cannot_be_made_anew_is_to_be_fetched, setup, teardown),
        cmocka_unit_test_setup_teardown(a_later_backup_uses_no_damaged_pack,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(the_scrub_finds_what_nobody_reads,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_chunk_that_reads_badly_is_looked_at_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_out_of_place_is_not_followed,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
