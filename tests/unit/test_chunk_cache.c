/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The bytes of chunks that stay in memory, and how many. */
#include <string.h>

#include "support/chunk_rig.h"
#include "support/cmocka.h"
#include "util/limits.h"

#define CACHED 3u /* chunks that the cache has room for */
#define CHUNKS 8u

static int setup(void **state)
{
    static struct chunk_rig rig;

    memset(&rig, 0, sizeof(rig));
    rig.cache_bytes = CACHED * CHUNK_RIG_LEN;
    chunk_rig_open(&rig);
    chunk_rig_fill(&rig, CHUNKS);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    chunk_rig_close(*state);
    return 0;
}

static struct chunk *nth(struct chunk_rig *rig, uint64_t index)
{
    return chunk_rig_chunk(rig, 1 + index * CHUNK_RIG_ENTRIES);
}

static bool is_loaded(struct chunk_rig *rig, uint64_t index)
{
    return nth(rig, index)->memory != NULL;
}

static size_t count_loaded(struct chunk_rig *rig)
{
    size_t count = 0;

    for (uint64_t i = 0; i < CHUNKS; i++) {
        count += is_loaded(rig, i);
    }
    assert_int_equal(chunk_rig_status(rig).cache_bytes, count * CHUNK_RIG_LEN);
    return count;
}

static void on_loaded(struct chunk_load *load, int status)
{
    (void)load;
    assert_int_equal(status, 0);
}

static void what_was_just_written_stays_as_far_as_there_is_room(void **state)
{
    struct chunk_rig *rig = *state;

    assert_int_equal(count_loaded(rig), CACHED);
    assert_true(is_loaded(rig, CHUNKS - 1));
}

static void a_scan_needs_no_more_than_the_bound(void **state)
{
    struct chunk_rig *rig = *state;

    for (uint64_t i = 0; i < CHUNKS; i++) {
        assert_int_equal(chunk_rig_load(rig, nth(rig, i)), 0);
        assert_int_equal(count_loaded(rig), CACHED);
        assert_true(is_loaded(rig, i));
    }
}

static void the_least_recently_used_goes_first(void **state)
{
    struct chunk_rig *rig = *state;

    for (uint64_t i = 0; i < CACHED; i++) {
        assert_int_equal(chunk_rig_load(rig, nth(rig, i)), 0);
    }
    chunk_store_used(rig->store, nth(rig, 0));
    assert_int_equal(chunk_rig_load(rig, nth(rig, 1)), 0);
    assert_int_equal(chunk_rig_load(rig, nth(rig, CACHED)), 0);
    assert_true(is_loaded(rig, 0));
    assert_true(is_loaded(rig, 1));
    assert_false(is_loaded(rig, 2));
    assert_true(is_loaded(rig, CACHED));
}

static void what_a_load_holds_stays(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk_load loads[CACHED + 2];

    for (uint64_t i = 0; i < CACHED + 2; i++) {
        chunk_store_load(rig->store, &loads[i], nth(rig, i), on_loaded);
    }
    chunk_rig_settle(rig);
    chunk_rig_tick(rig, 1000);
    for (uint64_t i = 0; i < CACHED + 2; i++) {
        assert_true(is_loaded(rig, i));
    }
    assert_int_equal(count_loaded(rig), CACHED + 2);
    for (uint64_t i = 0; i < CACHED + 2; i++) {
        chunk_store_load_end(rig->store, &loads[i]);
    }
    assert_int_equal(count_loaded(rig), CACHED);
    assert_false(is_loaded(rig, 0));
    assert_true(is_loaded(rig, CACHED + 1));
}

static void loading_ahead_makes_the_next_load_a_hit(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk_store_status before = chunk_rig_status(rig);

    assert_false(is_loaded(rig, 0));
    chunk_store_ahead(rig->store, nth(rig, 0));
    chunk_store_ahead(rig->store, nth(rig, 0));
    assert_int_equal(fake_disk_works(rig->fake), 1);
    chunk_rig_settle(rig);
    assert_true(is_loaded(rig, 0));
    assert_int_equal(chunk_rig_load(rig, nth(rig, 0)), 0);
    assert_int_equal(chunk_rig_status(rig).cache_hits, before.cache_hits + 1);
    assert_int_equal(chunk_rig_status(rig).cache_misses, before.cache_misses);
}

static void loading_ahead_leaves_a_work_for_who_waits(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk_load load;

    for (uint64_t i = 0; i < STORE_LOADS_MAX; i++) {
        chunk_store_ahead(rig->store, nth(rig, i));
    }
    assert_int_equal(fake_disk_works(rig->fake), STORE_LOADS_MAX - 1);
    chunk_store_load(rig->store, &load, nth(rig, STORE_LOADS_MAX), on_loaded);
    assert_int_equal(fake_disk_works(rig->fake), STORE_LOADS_MAX);
    chunk_rig_settle(rig);
    chunk_store_load_end(rig->store, &load);
}

static void what_nobody_refers_to_leaves_the_cache(void **state)
{
    struct chunk_rig *rig = *state;

    assert_int_equal(chunk_rig_load(rig, nth(rig, 0)), 0);
    assert_int_equal(driver_delete(&rig->driver, "a"), 0);
    assert_int_equal(driver_create(&rig->driver, "c"), 0);
    assert_int_equal(chunk_rig_status(rig).cache_bytes, 0);
    chunk_rig_flush(rig);
    assert_int_equal(chunk_rig_status(rig).packs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_was_just_written_stays_as_far_as_there_is_room, setup,
            teardown),
        cmocka_unit_test_setup_teardown(a_scan_needs_no_more_than_the_bound,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(the_least_recently_used_goes_first,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_load_holds_stays, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(loading_ahead_makes_the_next_load_a_hit,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            loading_ahead_leaves_a_work_for_who_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(what_nobody_refers_to_leaves_the_cache,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
