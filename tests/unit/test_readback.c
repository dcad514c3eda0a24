/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a disk gives back is not always what it was given. */
#include <stdlib.h>
#include <string.h>

#include "store/readback.h"
#include "consensus/snapshot_dir.h"
#include "support/cmocka.h"
#include "support/disk_rig.h"

#define FRONT "the front of it"
#define FRONT_LEN (sizeof FRONT - 1)
#define NAME "file"

static int read_back(struct fake_disk *fake, const char *text)
{
    const struct bytes front = {(const uint8_t *)FRONT, FRONT_LEN};
    struct disk *disk = fake_disk_disk(fake);
    struct disk_file *file;
    uint8_t hash[HASH128_LEN];
    struct err err;
    int rv;

    hash128(text, strlen(text), hash);
    assert_int_equal(disk->ops->open(disk, NAME, false, &file, NULL), 0);
    rv = readback(disk, file, front, strlen(text), hash, &err);
    disk->ops->close(file);
    return rv;
}

static void every_bit_that_is_read_differently_is_found(void **state)
{
    static const char text[] = "and what it is about";
    static const char both[] = FRONT "and what it is about";
    struct fake_disk *fake = fake_disk_new(1);
    size_t len = strlen(both);

    (void)state;
    fake_disk_put(fake, NAME, both, len);
    assert_int_equal(read_back(fake, text), 0);
    for (uint64_t bit = 0; bit < len * 8; bit++) {
        fake_disk_flip(fake, NAME, bit);
        assert_int_equal(read_back(fake, text), QL_CORRUPT);
        fake_disk_flip(fake, NAME, bit);
    }
    for (size_t shorter = 0; shorter < len; shorter++) {
        fake_disk_put(fake, NAME, both, shorter);
        assert_int_equal(read_back(fake, text), QL_CORRUPT);
    }
    /* With the zero at its end. */
    fake_disk_put(fake, NAME, both, len + 1);
    assert_int_equal(read_back(fake, text), QL_CORRUPT);
    fake_disk_free(fake);
}

static void long_file_is_read_to_its_end(void **state)
{
    struct fake_disk *fake = fake_disk_new(1);
    size_t len = 3 * MIB;
    char *both = malloc(len + 1);

    (void)state;
    assert_non_null(both);
    memset(both, 'x', len);
    both[len] = '\0';
    memcpy(both, FRONT, FRONT_LEN);
    fake_disk_put(fake, NAME, both, len);
    assert_int_equal(read_back(fake, both + FRONT_LEN), 0);
    fake_disk_flip(fake, NAME, (len - 1) * 8);
    assert_int_equal(read_back(fake, both + FRONT_LEN), QL_CORRUPT);
    fake_disk_free(fake);
    free(both);
}

/* ---- A disk that changes a bit of what it is given ---- */

static struct disk_ops bad_ops;
static const struct disk_ops *good_ops;

static int bad_write_sync(struct disk_file *file, uint64_t offset,
                          const void *bytes, size_t len, struct err *err)
{
    uint8_t *changed = malloc(len);
    int rv;

    assert_non_null(changed);
    memcpy(changed, bytes, len);
    changed[len / 2] ^= 4;
    rv = good_ops->write_sync(file, offset, changed, len, err);
    free(changed);
    return rv;
}

static void make_bad(struct fake_disk *fake)
{
    struct disk *disk = fake_disk_disk(fake);

    good_ops = disk->ops;
    bad_ops = *disk->ops;
    bad_ops.write_sync = bad_write_sync;
    disk->ops = &bad_ops;
}

static void make_good(struct fake_disk *fake)
{
    fake_disk_disk(fake)->ops = good_ops;
}

static void snapshot_that_is_not_what_was_meant_does_not_count(void **state)
{
    const struct snapshot_meta meta = {7, 3, 2, {(const uint8_t *)"c", 1}};
    const struct bytes part = {(const uint8_t *)"machine", 7};
    struct fake_disk *fake = fake_disk_new(1);
    struct err err;

    (void)state;
    make_bad(fake);
    assert_int_equal(
        snapshot_dir_store(fake_disk_disk(fake), &meta, &part, 1, &err),
        QL_CORRUPT);
    assert_non_null(strstr(err.text, "reads back differently"));
    assert_false(fake_disk_has(fake, "snapshot-0000000000000007"));
    assert_false(fake_disk_has(fake, "snapshot.new"));
    make_good(fake);
    assert_int_equal(
        snapshot_dir_store(fake_disk_disk(fake), &meta, &part, 1, &err), 0);
    fake_disk_free(fake);
}

static void log_keeps_what_such_a_snapshot_would_have_covered(void **state)
{
    struct raft_io_snapshot_put requests[2];
    struct raft_buffer buffer;
    struct raft_snapshot snapshot;
    struct disk_rig rig;

    (void)state;
    disk_rig_open(&rig, 1);
    disk_rig_must_load(&rig);
    disk_rig_append_range(&rig, 2, 60, 2);
    snapshot = disk_rig_snapshot_of(&rig, 10, 2, &buffer);
    disk_rig_put(&rig, &requests[0], 1, &snapshot);
    fake_disk_drain(rig.fake);
    assert_false(rig.fatal);
    make_bad(rig.fake);
    snapshot = disk_rig_snapshot_of(&rig, 50, 2, &buffer);
    disk_rig_put(&rig, &requests[1], 1, &snapshot);
    fake_disk_drain(rig.fake);
    assert_true(rig.fatal);
    make_good(rig.fake);
    disk_rig_crash(&rig);
    disk_rig_must_load(&rig);
    assert_false(raft_disk_in_doubt(rig.disk));
    assert_int_equal(rig.loaded.snapshot->index, 10);
    assert_true(rig.loaded.start_index <= 11);
    for (raft_index index = 11; index <= 60; index++) {
        disk_rig_assert_entry(&rig, index, 2);
    }
    disk_rig_stop(&rig);
    disk_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_that_is_read_differently_is_found),
        cmocka_unit_test(long_file_is_read_to_its_end),
        cmocka_unit_test(snapshot_that_is_not_what_was_meant_does_not_count),
        cmocka_unit_test(log_keeps_what_such_a_snapshot_would_have_covered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
