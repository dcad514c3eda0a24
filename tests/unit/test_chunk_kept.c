/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The chunks of staged and replaced logs are kept like those of live ones. */
#include "machine/machine_parts.h"
#include "support/cmocka.h"
#include "support/saved.h"
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
    store_rig_close(*state);
    return 0;
}

/* Sixteen logs in turn, so that they seal small chunks, which merge. */
static void fill(struct store_rig *rig, unsigned rounds)
{
    char log[4] = "l?";

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

/* What was live at first is staged, from bytes that are still in memory, and
 * committed, and staged again; there are others in the undo slot, and newer entries
 * live. */
static void recover(struct store_rig *rig)
{
    struct driver *driver = &rig->driver;
    struct saved saved;

    fill(rig, 22);
    saved_take(&saved, driver, "before");
    store_rig_delete(rig, "la");
    fill(rig, 5);
    assert_int_equal(saved_stage(&saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 5), 0);
    assert_int_equal(saved_stage(&saved, driver, SAVED_REFS), 0);
    saved_close(&saved);
    fill(rig, 9);
}

static uint64_t chunks_of(const struct store_rig *rig, enum machine_part part)
{
    struct machine_part_info info;

    assert_true(machine_part_info(rig->driver.machine, part, &info));
    return info.chunks;
}

static void a_restart_finds_all_kept_states(void **state)
{
    struct store_rig *rig = *state;
    size_t chunks;

    recover(rig);
    store_rig_settle(rig);
    chunks = store_rig_prove(rig);
    assert_true(chunks > chunks_of(rig, MACHINE_LIVE));
    store_rig_snapshot(rig);
    assert_int_equal(rig->flushed, 1);
    store_rig_stop(rig);
    store_rig_must_open(rig);
    assert_int_equal(rig->adopted_missing, 0);
    store_rig_settle(rig);
    assert_int_equal(store_rig_prove(rig), chunks);
    assert_int_equal(rig->missing_count, 0);
    assert_int_equal(driver_undo(&rig->driver, 6), 0);
    store_rig_settle(rig);
    assert_true(store_rig_prove(rig) >= chunks);
}

/* The snapshot names merged chunks of several parts; on disk are what they were
 * made of. */
static void merges_of_kept_states_are_made_from_their_parts(void **state)
{
    struct store_rig *rig = *state;
    size_t chunks;

    recover(rig);
    store_rig_snapshot(rig);
    assert_int_equal(rig->flushed, 1);
    chunks = store_rig_prove(rig);
    store_rig_stop(rig);
    store_rig_must_open(rig);
    assert_int_equal(rig->adopted_missing, 0);
    assert_int_equal(store_rig_prove(rig), chunks);
    store_rig_settle(rig);
    assert_int_equal(store_rig_prove(rig), chunks);
}

static void what_is_unloaded_goes_from_the_disk(void **state)
{
    struct store_rig *rig = *state;
    uint64_t raw;

    recover(rig);
    store_rig_settle(rig);
    raw = store_rig_status(rig).raw_bytes;
    assert_int_equal(driver_unload(&rig->driver, false), 0);
    assert_int_equal(driver_unload(&rig->driver, true), 0);
    for (int i = 0; i < 3; i++) {
        store_rig_snapshot(rig);
        store_rig_settle(rig);
    }
    assert_true(store_rig_status(rig).raw_bytes < raw);
    assert_int_equal(store_rig_status(rig).chunks, store_rig_prove(rig));
    assert_int_equal(store_rig_prove(rig), chunks_of(rig, MACHINE_LIVE));
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_restart_finds_all_kept_states),
        TEST(merges_of_kept_states_are_made_from_their_parts),
        TEST(what_is_unloaded_goes_from_the_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
