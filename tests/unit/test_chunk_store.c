/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Chunks on their way to packs, and what becomes of packs. */
#include <string.h>

#include "store/chunk_store_internal.h"
#include "support/cmocka.h"
#include "support/store_rig.h"

static int setup(void **state)
{
    static struct store_rig rig;

    store_rig_init(&rig, 1);
    store_rig_must_open(&rig);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    struct store_rig *rig = *state;

    assert_int_equal(rig->fatals, 0);
    store_rig_close(rig);
    return 0;
}

/* Sixteen logs in turn, so that they seal small chunks, which merge. */
static void fill_in_turn(struct store_rig *rig, unsigned rounds)
{
    char log[4] = "l-";

    for (unsigned round = 0; round < rounds; round++) {
        for (char i = 'a'; i <= 'p'; i++) {
            log[1] = i;
            if (!store_rig_has_log(rig, log)) {
                store_rig_create(rig, log);
            }
            store_rig_append(rig, log, 1, 200);
        }
    }
}

static void fill_one(struct store_rig *rig, const char *log, unsigned chunks)
{
    for (unsigned i = 0; i < chunks; i++) {
        store_rig_append(rig, log, 4, 1000); /* 24 bytes of header each */
    }
}

static void is_away(void *data, struct chunk *chunk,
                    const uint8_t from[HASH128_LEN])
{
    (void)data;
    (void)from;
    assert_non_null(chunk->home);
    assert_null(chunk->memory);
    assert_null(chunk->parts);
    assert_null(chunk->keeper);
}

static void sealed_chunks_are_written_and_leave_the_memory(void **state)
{
    struct store_rig *rig = *state;
    struct chunk_store_status status;

    store_rig_create(rig, "a");
    fill_one(rig, "a", 10);
    status = store_rig_status(rig);
    assert_int_equal(status.waiting, 10);
    assert_true(status.waiting_bytes >= 10 * 4 * KIB);
    assert_int_equal(status.packs, 0);
    store_rig_tick(rig);
    status = store_rig_status(rig);
    assert_int_equal(status.waiting, 0);
    assert_int_equal(status.waiting_bytes, 0);
    assert_int_equal(status.packs, 1);
    assert_int_equal(status.chunks, 10);
    assert_int_equal(status.dead_bytes, 0);
    machine_each_chunk(rig->driver.machine, is_away, NULL);
    assert_int_equal(store_rig_prove(rig), 10);
}

static void small_chunks_are_merged_and_their_packs_removed(void **state)
{
    struct store_rig *rig = *state;
    struct chunk_store_status status;

    for (unsigned i = 0; i < 6; i++) {
        fill_in_turn(rig, 25);
        store_rig_settle(rig);
    }
    machine_each_chunk(rig->driver.machine, is_away, NULL);
    assert_true(store_rig_prove(rig) > 16);
    status = store_rig_status(rig);
    assert_int_equal(status.waiting, 0);
    assert_int_equal(status.merges_bytes, 0);
    assert_true(status.written_packs > status.packs);
    assert_true(status.dead_bytes < 4 * status.raw_bytes);
    assert_int_equal(store_rig_count(rig, "", ".pack"), status.packs);
    assert_int_equal(store_rig_count(rig, "", ".tmp"), 0);
}

static void merge_taken_up_by_a_larger_one_is_not_written(void **state)
{
    struct store_rig *rig = *state;
    struct chunk_store_status status;

    /* All without a moment for the compactor. */
    fill_in_turn(rig, 27);
    store_rig_settle(rig);
    status = store_rig_status(rig);
    assert_int_equal(status.waiting, 0);
    /* One pack of what was sealed, one of the last merges. */
    assert_int_equal(status.written_packs, 2);
    (void)store_rig_prove(rig);
}

static void restart_finds_what_a_snapshot_names(void **state)
{
    struct store_rig *rig = *state;
    size_t chunks;

    fill_in_turn(rig, 20);
    store_rig_snapshot(rig);
    assert_int_equal(rig->flushed, 1);
    chunks = store_rig_prove(rig);
    store_rig_stop(rig);
    store_rig_must_open(rig);
    assert_int_equal(rig->adopted_missing, 0);
    store_rig_settle(rig);
    assert_int_equal(store_rig_prove(rig), chunks);
    assert_int_equal(rig->missing_count, 0);
    machine_each_chunk(rig->driver.machine, is_away, NULL);
}

static void replay_does_not_write_again_what_is_there(void **state)
{
    struct store_rig *rig = *state;
    uint64_t packs;

    store_rig_create(rig, "a");
    fill_one(rig, "a", 3);
    store_rig_snapshot(rig);
    fill_one(rig, "a", 7);
    fill_in_turn(rig, 20);
    store_rig_settle(rig);
    packs = store_rig_status(rig).packs;
    store_rig_stop(rig);
    store_rig_must_open(rig);
    store_rig_settle(rig);
    assert_int_equal(store_rig_status(rig).written_packs, 0);
    assert_int_equal(store_rig_status(rig).packs, packs);
    machine_each_chunk(rig->driver.machine, is_away, NULL);
    (void)store_rig_prove(rig);
}

static void merge_that_a_restart_left_undone_is_made_from_parts(void **state)
{
    struct store_rig *rig = *state;

    fill_in_turn(rig, 27);
    store_rig_snapshot(rig);
    assert_int_equal(rig->flushed, 1);
    /* The parts are there; no time has passed for the merges. */
    assert_true(store_rig_status(rig).merges_bytes > 0);
    store_rig_stop(rig);
    store_rig_must_open(rig);
    assert_int_equal(rig->adopted_missing, 0);
    assert_true(store_rig_status(rig).merges_bytes > 0);
    (void)store_rig_prove(rig);
    store_rig_settle(rig);
    assert_int_equal(store_rig_status(rig).merges_bytes, 0);
    machine_each_chunk(rig->driver.machine, is_away, NULL);
    (void)store_rig_prove(rig);
}

static void state_without_its_files_says_what_is_missing(void **state)
{
    struct store_rig *rig = *state;
    char name[DISK_NAME_MAX];
    size_t chunks;

    store_rig_create(rig, "a");
    fill_one(rig, "a", 8);
    store_rig_snapshot(rig);
    chunks = store_rig_prove(rig);
    store_rig_stop(rig);
    while (store_rig_find_pack(rig, NULL, name)) {
        fake_disk_delete(rig->fake, name);
    }
    store_rig_must_open(rig);
    assert_int_equal(rig->adopted_missing, chunks);
    assert_int_equal(chunk_store_missing(rig->store), chunks);
    assert_int_equal(rig->missing_count, 0); /* not from inside the call */
    store_rig_drain(rig);
    assert_int_equal(rig->missing_count, chunks);
    store_rig_settle(rig);
    assert_int_equal(rig->missing_count, chunks); /* and once */
}

static void on_flush(struct chunk_flush *flush)
{
    bool *is_done = flush->data;

    assert_false(*is_done);
    *is_done = true;
}

static void flush_waits_for_what_was_sealed_before_it(void **state)
{
    struct store_rig *rig = *state;
    bool is_done = false;
    struct chunk_flush flush = {.data = &is_done};

    store_rig_create(rig, "a");
    fill_one(rig, "a", 2);
    chunk_store_flush(rig->store, &flush, on_flush);
    assert_false(is_done);
    fill_one(rig, "a", 2);
    while (!is_done) {
        assert_true(fake_disk_end_work(rig->fake));
    }
    assert_int_equal(store_rig_status(rig).chunks, 2);
    /* Nobody waits for the others. */
    store_rig_drain(rig);
    assert_int_equal(store_rig_status(rig).chunks, 2);
    store_rig_tick(rig);
    assert_int_equal(store_rig_status(rig).chunks, 4);
}

static void flush_of_nothing_is_called_back_but_later(void **state)
{
    struct store_rig *rig = *state;
    bool is_done = false;
    struct chunk_flush flush = {.data = &is_done};

    chunk_store_flush(rig->store, &flush, on_flush);
    assert_false(is_done);
    store_rig_drain(rig);
    assert_true(is_done);
    chunk_store_flush_cancel(&flush);
}

static void cancelled_flush_is_not_called_back(void **state)
{
    struct store_rig *rig = *state;
    bool is_done = false;
    struct chunk_flush flush = {.data = &is_done};

    store_rig_create(rig, "a");
    fill_one(rig, "a", 2);
    chunk_store_flush(rig->store, &flush, on_flush);
    chunk_store_flush_cancel(&flush);
    store_rig_drain(rig);
    assert_false(is_done);
}

static void packs_of_a_dropped_log_are_removed(void **state)
{
    struct store_rig *rig = *state;

    store_rig_create(rig, "a");
    fill_one(rig, "a", 10);
    store_rig_tick(rig);
    assert_int_equal(store_rig_count(rig, "", ".pack"), 1);
    store_rig_delete(rig, "a");
    store_rig_tick(rig);
    assert_int_equal(store_rig_count(rig, "", ".pack"), 0);
    assert_int_equal(store_rig_status(rig).packs, 0);
    assert_int_equal(store_rig_status(rig).disk_bytes, 0);
}

static void chunk_dropped_before_it_is_written_is_not(void **state)
{
    struct store_rig *rig = *state;

    store_rig_create(rig, "a");
    fill_one(rig, "a", 10);
    store_rig_delete(rig, "a");
    store_rig_tick(rig);
    assert_int_equal(store_rig_status(rig).written_packs, 0);
    assert_int_equal(store_rig_status(rig).waiting, 0);
    assert_int_equal(rig->store->table.count, 0);
}

static void what_a_snapshot_names_stays_until_it_is_unpinned(void **state)
{
    struct store_rig *rig = *state;

    store_rig_create(rig, "a");
    fill_one(rig, "a", 10);
    store_rig_snapshot(rig);
    store_rig_delete(rig, "a");
    store_rig_settle(rig);
    assert_int_equal(store_rig_count(rig, "", ".pack"), 1);
    store_rig_snapshot(rig); /* the first one is kept beside it */
    store_rig_settle(rig);
    assert_int_equal(store_rig_count(rig, "", ".pack"), 1);
    store_rig_snapshot(rig);
    store_rig_settle(rig);
    assert_int_equal(store_rig_count(rig, "", ".pack"), 0);
}

static void lease_keeps_a_snapshot_for_a_while(void **state)
{
    struct store_rig *rig = *state;
    uint64_t index;

    store_rig_create(rig, "a");
    fill_one(rig, "a", 10);
    store_rig_snapshot(rig);
    index = rig->snapshots[0].index;
    store_rig_delete(rig, "a");
    assert_true(chunk_store_lease(rig->store, index));
    assert_false(chunk_store_lease(rig->store, index + 100));
    store_rig_snapshot(rig);
    store_rig_snapshot(rig);
    store_rig_settle(rig);
    assert_int_equal(store_rig_count(rig, "", ".pack"), 1);
    assert_true(chunk_store_lease(rig->store, index));
    rig->now_ms += STORE_LEASE_MS - 2000;
    store_rig_tick(rig);
    assert_int_equal(store_rig_count(rig, "", ".pack"), 1);
    store_rig_tick(rig);
    assert_int_equal(store_rig_count(rig, "", ".pack"), 0);
    assert_false(chunk_store_lease(rig->store, index));
}

static void orphans_stay_until_a_newer_snapshot_is_stored(void **state)
{
    struct store_rig *rig = *state;

    store_rig_create(rig, "a");
    fill_one(rig, "a", 10);
    store_rig_snapshot(rig);
    store_rig_delete(rig, "a");
    store_rig_snapshot(rig);
    store_rig_stop(rig);
    /* The newest names no chunk, but the older one may be needed yet. */
    store_rig_must_open(rig);
    store_rig_settle(rig);
    assert_int_equal(store_rig_count(rig, "", ".pack"), 1);
    store_rig_snapshot(rig);
    store_rig_settle(rig);
    assert_int_equal(store_rig_count(rig, "", ".pack"), 0);
}

static void sparse_pack_is_moved_and_removed(void **state)
{
    struct store_rig *rig = *state;
    char first[DISK_NAME_MAX];
    char now[DISK_NAME_MAX];

    store_rig_create(rig, "a");
    store_rig_create(rig, "b");
    fill_one(rig, "b", 1);
    fill_one(rig, "a", 10);
    store_rig_tick(rig);
    assert_true(store_rig_find_pack(rig, NULL, first));
    for (unsigned i = 0; i < 6; i++) {
        fill_one(rig, "a", 1);
        store_rig_tick(rig);
    }
    store_rig_delete(rig, "a");
    store_rig_settle(rig);
    assert_int_equal(store_rig_count(rig, "", ".pack"), 1);
    assert_true(store_rig_find_pack(rig, NULL, now));
    assert_string_not_equal(first, now);
    assert_int_equal(store_rig_status(rig).dead_bytes, 0);
    assert_int_equal(store_rig_prove(rig), 1);
}

static void sealed_bytes_that_wait_make_it_crowded(void **state)
{
    struct store_rig *rig = *state;

    store_rig_create(rig, "a");
    fill_one(rig, "a", 2);
    assert_false(chunk_store_is_crowded(rig->store));
    while (store_rig_status(rig).waiting_bytes <= STORE_WAITING_BYTES) {
        assert_false(chunk_store_is_crowded(rig->store));
        assert_int_equal(driver_append_many(&rig->driver, "a", 64, 8 * KIB), 0);
    }
    assert_true(chunk_store_is_crowded(rig->store));
    store_rig_settle(rig);
    assert_false(chunk_store_is_crowded(rig->store));
    assert_int_equal(store_rig_status(rig).waiting, 0);
}

static void chunks_outlive_their_store(void **state)
{
    struct store_rig *rig = *state;

    fill_in_turn(rig, 20);
    store_rig_tick(rig);
    fill_in_turn(rig, 3);
    chunk_store_stop(rig->store);
    store_rig_drain(rig);
    chunk_store_free(rig->store);
    rig->store = NULL;
    driver_close(&rig->driver);
    store_rig_must_open(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            sealed_chunks_are_written_and_leave_the_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(
            small_chunks_are_merged_and_their_packs_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(
            merge_taken_up_by_a_larger_one_is_not_written, setup, teardown),
        cmocka_unit_test_setup_teardown(restart_finds_what_a_snapshot_names,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            replay_does_not_write_again_what_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(
            merge_that_a_restart_left_undone_is_made_from_parts, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            state_without_its_files_says_what_is_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(
            flush_waits_for_what_was_sealed_before_it, setup, teardown),
        cmocka_unit_test_setup_teardown(
            flush_of_nothing_is_called_back_but_later, setup, teardown),
        cmocka_unit_test_setup_teardown(cancelled_flush_is_not_called_back,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(packs_of_a_dropped_log_are_removed,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            chunk_dropped_before_it_is_written_is_not, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_a_snapshot_names_stays_until_it_is_unpinned, setup, teardown),
        cmocka_unit_test_setup_teardown(lease_keeps_a_snapshot_for_a_while,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            orphans_stay_until_a_newer_snapshot_is_stored, setup, teardown),
        cmocka_unit_test_setup_teardown(sparse_pack_is_moved_and_removed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(sealed_bytes_that_wait_make_it_crowded,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(chunks_outlive_their_store, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
