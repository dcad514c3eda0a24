/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Disks that fail, fill up and lie, and files that change under a store. */
#include <stdlib.h>
#include <string.h>

#include "store/chunk_store_internal.h"
#include "support/cmocka.h"
#include "support/store_rig.h"
#include "util/crc32c.h"

static int setup(void **state)
{
    static struct store_rig rig;

    store_rig_init(&rig, 7);
    store_rig_must_open(&rig);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    store_rig_close(*state);
    return 0;
}

/* Chunks of 4 KiB, one each. */
static void fill(struct store_rig *rig, const char *log, unsigned chunks)
{
    if (!store_rig_has_log(rig, log)) {
        store_rig_create(rig, log);
    }
    for (unsigned i = 0; i < chunks; i++) {
        store_rig_append(rig, log, 4, 1000);
    }
}

static uint8_t *copy_pack(struct store_rig *rig, const char *name, size_t *ret)
{
    const uint8_t *bytes = fake_disk_bytes(rig->fake, name, ret);
    uint8_t *copy = malloc(*ret);

    assert_non_null(copy);
    memcpy(copy, bytes, *ret);
    return copy;
}

/* A snapshot that names @chunks chunks, all in one pack; stopped. */
static void make_one_pack(struct store_rig *rig, unsigned chunks,
                          char ret_name[DISK_NAME_MAX])
{
    fill(rig, "a", chunks);
    store_rig_snapshot(rig);
    assert_int_equal(store_rig_status(rig).packs, 1);
    store_rig_stop(rig);
    assert_true(store_rig_find_pack(rig, NULL, ret_name));
}

/* ---- Writing ------------------------------------------------------------- */

static void failed_write_is_fatal_and_not_repeated(void **state)
{
    struct store_rig *rig = *state;
    uint64_t operations;

    /* Each operation of a batch: open, write, read back, rename. */
    for (uint64_t nth = 1; nth <= 4; nth++) {
        fill(rig, "a", 3);
        fake_disk_fail_at(rig->fake, nth, QL_IO);
        store_rig_tick(rig);
        assert_int_equal(rig->fatals, 1);
        operations = fake_disk_stats(rig->fake).operations;
        store_rig_settle(rig);
        assert_int_equal(rig->fatals, 1);
        assert_int_equal(fake_disk_stats(rig->fake).operations, operations);
        assert_int_equal(store_rig_status(rig).written_packs, 0);
        (void)store_rig_prove(rig);
        store_rig_stop(rig);
        rig->fatals = 0;
        rig->steps_count = 0;
        store_rig_must_open(rig);
    }
}

static struct disk_ops lying_ops;
static const struct disk_ops *honest_ops;

static int lie(struct disk_file *file, uint64_t offset, const void *bytes,
               size_t len, struct err *err)
{
    uint8_t *copy = malloc(len);
    int rv;

    assert_non_null(copy);
    memcpy(copy, bytes, len);
    copy[len / 2] ^= 4;
    rv = honest_ops->write_sync(file, offset, copy, len, err);
    free(copy);
    return rv;
}

static void pack_that_reads_back_differently_is_fatal(void **state)
{
    struct store_rig *rig = *state;
    struct disk *disk = fake_disk_disk(rig->fake);

    honest_ops = disk->ops;
    lying_ops = *honest_ops;
    lying_ops.write_sync = lie;
    disk->ops = &lying_ops;
    fill(rig, "a", 3);
    store_rig_tick(rig);
    assert_int_equal(rig->fatals, 1);
    assert_int_equal(store_rig_count(rig, "", ".pack"), 0);
    assert_int_equal(store_rig_count(rig, "", ".tmp"), 0);
    (void)store_rig_prove(rig);
}

static void full_disk_is_waited_for(void **state)
{
    struct store_rig *rig = *state;
    struct chunk_store_status status;

    fake_disk_capacity(rig->fake, 500);
    fill(rig, "a", 5);
    store_rig_settle(rig);
    status = store_rig_status(rig);
    assert_true(status.is_full);
    assert_int_equal(status.waiting, 5);
    assert_int_equal(status.packs, 0);
    assert_int_equal(rig->fatals, 0);
    assert_int_equal(store_rig_prove(rig), 5);
    store_rig_begin_snapshot(rig);
    store_rig_settle(rig);
    assert_int_equal(rig->flushed, 0);
    fake_disk_capacity(rig->fake, 0);
    store_rig_drain(rig);
    assert_true(store_rig_status(rig).is_full); /* until the next tick */
    store_rig_tick(rig);
    status = store_rig_status(rig);
    assert_false(status.is_full);
    assert_int_equal(status.waiting, 0);
    assert_int_equal(status.chunks, 5);
    assert_int_equal(rig->flushed, 1);
    assert_int_equal(store_rig_count(rig, "", ".tmp"), 0);
}

/* ---- While it runs ------------------------------------------------------- */

static void file_that_is_not_the_pack_we_know_is_not_removed(void **state)
{
    struct store_rig *rig = *state;
    char name[DISK_NAME_MAX];

    fill(rig, "a", 3);
    store_rig_tick(rig);
    assert_true(store_rig_find_pack(rig, NULL, name));
    fake_disk_put(rig->fake, name, "somebody's", 10);
    store_rig_delete(rig, "a");
    store_rig_settle(rig);
    assert_false(fake_disk_has(rig->fake, name));
    assert_int_equal(store_rig_count(rig, PACK_QUARANTINE, ".pack"), 1);
    assert_int_equal(rig->fatals, 0);
}

static void pack_that_is_gone_already_is_forgotten(void **state)
{
    struct store_rig *rig = *state;
    char name[DISK_NAME_MAX];

    fill(rig, "a", 3);
    store_rig_tick(rig);
    assert_true(store_rig_find_pack(rig, NULL, name));
    fake_disk_delete(rig->fake, name);
    store_rig_delete(rig, "a");
    store_rig_settle(rig);
    assert_int_equal(store_rig_status(rig).packs, 0);
    assert_int_equal(store_rig_status(rig).quarantined, 0);
    assert_int_equal(rig->fatals, 0);
}

/* Eight logs, whose small chunks wait to be merged; one pack has them all. */
static void prepare_merges(struct store_rig *rig, char ret_name[DISK_NAME_MAX])
{
    char log[4] = "l-";

    for (unsigned round = 0; round < 30; round++) {
        for (char i = 'a'; i <= 'h'; i++) {
            log[1] = i;
            if (!store_rig_has_log(rig, log)) {
                store_rig_create(rig, log);
            }
            store_rig_append(rig, log, 1, 200);
        }
    }
    store_rig_snapshot(rig);
    assert_true(store_rig_status(rig).merges_bytes > 0);
    assert_int_equal(store_rig_status(rig).packs, 1);
    assert_true(store_rig_find_pack(rig, NULL, ret_name));
}

static void damaged_part_makes_its_merge_wait(void **state)
{
    struct store_rig *rig = *state;
    struct chunk_store_status status;
    char name[DISK_NAME_MAX];
    size_t len;

    prepare_merges(rig, name);
    (void)fake_disk_bytes(rig->fake, name, &len);
    fake_disk_flip(rig->fake, name, 8 * (len - 20)); /* the last frame */
    store_rig_settle(rig);
    status = store_rig_status(rig);
    assert_int_equal(rig->fatals, 0);
    assert_int_equal(status.damaged, 1);
    assert_int_equal(rig->missing_count, 1);
    /* One merge waits; all that is good has left the pack. */
    assert_int_equal(status.waiting, 1);
    assert_int_equal(rig->store->queue.lanes[LANE_MERGES].stuck,
                     status.merges_bytes);
    assert_int_equal(store_rig_count(rig, PACK_QUARANTINE, ".pack"), 1);
    assert_false(fake_disk_has(rig->fake, name));
}

static struct disk_ops failing_ops;
static unsigned reads_left; /* that fail */

static int fail_to_read(struct disk_file *file, uint64_t offset,
                        void *ret_bytes, size_t len, size_t *ret_len,
                        struct err *err)
{
    if (reads_left > 0) {
        reads_left--;
        return err_set(err, QL_IO, "the path is lost for a moment");
    }
    return honest_ops->read(file, offset, ret_bytes, len, ret_len, err);
}

static void read_that_fails_for_a_while_is_no_damage(void **state)
{
    struct store_rig *rig = *state;
    struct disk *disk = fake_disk_disk(rig->fake);
    char name[DISK_NAME_MAX];

    prepare_merges(rig, name);
    honest_ops = disk->ops;
    failing_ops = *honest_ops;
    failing_ops.read = fail_to_read;
    disk->ops = &failing_ops;
    reads_left = 10; /* more than one round of all merges */
    store_rig_settle(rig);
    store_rig_settle(rig);
    assert_int_equal(reads_left, 0);
    assert_int_equal(store_rig_status(rig).damaged, 0);
    assert_int_equal(store_rig_status(rig).quarantined, 0);
    assert_int_equal(store_rig_status(rig).waiting, 0);
    assert_int_equal(rig->missing_count, 0);
    (void)store_rig_prove(rig);
}

static void read_that_fails_for_ever_is(void **state)
{
    struct store_rig *rig = *state;
    struct disk *disk = fake_disk_disk(rig->fake);
    char name[DISK_NAME_MAX];

    prepare_merges(rig, name);
    honest_ops = disk->ops;
    failing_ops = *honest_ops;
    failing_ops.read = fail_to_read;
    disk->ops = &failing_ops;
    reads_left = UINT32_MAX;
    for (unsigned i = 0; i < 4; i++) {
        store_rig_settle(rig);
    }
    assert_true(store_rig_status(rig).damaged > 0);
    assert_true(rig->missing_count > 0);
    assert_int_equal(rig->fatals, 0);
}

/* The last chunk of a pack with another value in it; all checksums are right, as
 * if it had been wrong when it was written. */
static void forge_last_chunk(struct store_rig *rig, const char *name)
{
    struct buf file = BUF_INIT;
    struct bytes front = {NULL, 0};
    struct pack_header header;
    struct pack_row *rows;
    struct pack_row *last;
    uint64_t end;
    uint8_t *raw;
    size_t len;
    const uint8_t *bytes = fake_disk_bytes(rig->fake, name, &len);

    assert_int_equal(pack_front_measure(bytes, &front.len, NULL), 0);
    assert_int_equal(buf_add(&file, bytes, len), 0);
    front.data = file.data;
    assert_int_equal(pack_front_decode(front, &header, NULL), 0);
    rows = calloc(header.rows, sizeof(*rows));
    assert_non_null(rows);
    assert_int_equal(pack_rows_decode(front, rows, &end, NULL), 0);
    last = &rows[header.rows - 1];
    raw = malloc(last->facts.len);
    assert_non_null(raw);
    assert_int_equal(
        pack_chunk_decompress(
            last, (struct bytes){file.data + last->frame_at, last->frame_len},
            raw, NULL),
        0);
    raw[last->facts.len - 1] ^= 1;
    hash128(raw, last->facts.len, last->hash);
    file.len = (size_t)last->frame_at;
    assert_int_equal(
        pack_frame_compress((struct bytes){raw, last->facts.len}, &file, NULL),
        0);
    last->frame_len = (uint32_t)(file.len - last->frame_at);
    last->frame_crc = crc32c(0, file.data + last->frame_at, last->frame_len);
    pack_front_encode(&header, rows, file.data);
    fake_disk_put(rig->fake, name, file.data, file.len);
    free(raw);
    free(rows);
    buf_close(&file);
}

static void part_that_does_not_give_its_chain_is_blamed(void **state)
{
    struct store_rig *rig = *state;
    struct chunk_store_status status;
    char name[DISK_NAME_MAX];

    prepare_merges(rig, name);
    forge_last_chunk(rig, name);
    store_rig_settle(rig);
    status = store_rig_status(rig);
    assert_int_equal(rig->fatals, 0);
    assert_int_equal(status.damaged, 1);
    assert_int_equal(rig->missing_count, 1);
    assert_int_equal(status.waiting, 1);
    assert_int_equal(store_rig_count(rig, PACK_QUARANTINE, ".pack"), 1);
}

static void flip_in_memory(void *data, struct chunk *chunk,
                           const uint8_t from[HASH128_LEN])
{
    (void)data;
    (void)from;
    chunk_memory_bytes(chunk->memory)[chunk->len - 1] ^= 1;
}

static void chunk_that_changed_in_memory_is_fatal(void **state)
{
    struct store_rig *rig = *state;

    fill(rig, "a", 1);
    machine_each_chunk(rig->driver.machine, flip_in_memory, NULL);
    store_rig_tick(rig);
    assert_int_equal(rig->fatals, 1);
    assert_int_equal(store_rig_count(rig, "", ".pack"), 0);
}

static void chunk_that_cannot_be_moved_is_missing(void **state)
{
    struct store_rig *rig = *state;
    char name[DISK_NAME_MAX];
    uint8_t *bytes;
    size_t len;

    make_one_pack(rig, 6, name);
    bytes = copy_pack(rig, name, &len);
    bytes[len - 300] ^= 1; /* the last but one or the last */
    fake_disk_put(rig->fake, name, bytes, len - 1);
    free(bytes);
    store_rig_must_open(rig);
    store_rig_settle(rig);
    assert_true(rig->missing_count >= 1);
    assert_int_equal(store_rig_status(rig).chunks, 6 - rig->missing_count);
    assert_int_equal(store_rig_status(rig).packs, 1);
    assert_int_equal(store_rig_count(rig, PACK_QUARANTINE, ".pack"), 1);
    assert_int_equal(rig->fatals, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(failed_write_is_fatal_and_not_repeated),
        TEST(pack_that_reads_back_differently_is_fatal),
        TEST(full_disk_is_waited_for),
        TEST(file_that_is_not_the_pack_we_know_is_not_removed),
        TEST(pack_that_is_gone_already_is_forgotten),
        TEST(damaged_part_makes_its_merge_wait),
        TEST(read_that_fails_for_a_while_is_no_damage),
        TEST(read_that_fails_for_ever_is),
        TEST(part_that_does_not_give_its_chain_is_blamed),
        TEST(chunk_that_changed_in_memory_is_fatal),
        TEST(chunk_that_cannot_be_moved_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
