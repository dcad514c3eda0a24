/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How much is kept of what was set aside. */
#include <string.h>

#include "store/chunk_store_internal.h"
#include "support/chunk_rig.h"
#include "support/cmocka.h"
#include "util/limits.h"

#define EXTRA 3u /* files above the bound */

static int setup(void **state)
{
    static struct chunk_rig rig;

    memset(&rig, 0, sizeof(rig));
    chunk_rig_open(&rig);
    chunk_rig_fill(&rig, 2);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    chunk_rig_close(*state);
    return 0;
}

static const char *aside(uint64_t number)
{
    static char name[DISK_NAME_MAX];

    pack_name(PACK_QUARANTINE, number, PACK_SUFFIX, name);
    return name;
}

/* Files 1001 and on are set aside; each was a copy of the pack there is. */
static void put_copies(struct chunk_rig *rig)
{
    const char *name = chunk_rig_file(chunk_rig_chunk(rig, 1));
    uint8_t bytes[64 * 1024];
    size_t len = 0;
    const uint8_t *file = fake_disk_bytes(rig->fake, name, &len);

    assert_true(len <= sizeof(bytes));
    memcpy(bytes, file, len);
    for (uint64_t i = 1; i <= QUARANTINE_FILES_MAX + EXTRA; i++) {
        fake_disk_put(rig->fake, aside(1000 + i), bytes, len);
    }
}

/* The store hears that something is there. */
static void look(struct chunk_rig *rig)
{
    rig->store->counts.quarantined = QUARANTINE_FILES_MAX + EXTRA;
    for (unsigned i = 0; i < 2 * (QUARANTINE_FILES_MAX + EXTRA); i++) {
        chunk_rig_tick(rig, 100);
    }
}

static void pin(struct chunk_rig *rig)
{
    chunk_store_pin(rig->store, 10, machine_chunks(rig->driver.machine));
}

static void the_oldest_go_when_what_they_had_is_in_good_order(void **state)
{
    struct chunk_rig *rig = *state;

    put_copies(rig);
    pin(rig);
    look(rig);
    assert_int_equal(chunk_rig_quarantined(rig), QUARANTINE_FILES_MAX);
    assert_int_equal(chunk_rig_status(rig).quarantined, QUARANTINE_FILES_MAX);
    for (uint64_t i = 1; i <= EXTRA; i++) {
        assert_false(fake_disk_has(rig->fake, aside(1000 + i)));
    }
    assert_true(fake_disk_has(rig->fake, aside(1001 + EXTRA)));
}

static void what_cannot_be_understood_stays(void **state)
{
    struct chunk_rig *rig = *state;

    put_copies(rig);
    fake_disk_flip(rig->fake, aside(1001), 200);
    pin(rig);
    look(rig);
    assert_int_equal(chunk_rig_quarantined(rig), QUARANTINE_FILES_MAX);
    assert_true(fake_disk_has(rig->fake, aside(1001)));
    assert_false(fake_disk_has(rig->fake, aside(1002)));
}

static void what_may_be_the_last_copy_stays(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk *chunk = chunk_rig_chunk(rig, 1);

    put_copies(rig);
    pin(rig);
    fake_disk_delete(rig->fake, chunk_rig_file(chunk));
    assert_int_equal(chunk_rig_load(rig, chunk), -1);
    assert_int_equal(rig->missing, 1);
    look(rig);
    assert_int_equal(chunk_rig_quarantined(rig), QUARANTINE_FILES_MAX + EXTRA);
}

static void on_loaded(struct chunk_load *load, int status)
{
    (void)load;
    assert_int_equal(status, 0);
}

static void on_served(struct chunk_serve *serve, int status, const uint8_t *row,
                      struct bytes frame)
{
    (void)serve;
    (void)row;
    (void)frame;
    assert_int_equal(status, QL_NOT_FOUND);
}

/* Somebody reads it: when the process ends it is gone. A snapshot alone names it,
 * so that nobody knows the chain before it, and it is not written again. */
static void what_is_only_in_memory_is_no_copy(void **state)
{
    struct chunk_rig *rig = *state;
    struct chunk *chunk = chunk_rig_chunk(rig, 1);
    struct chunk_serve serve = {.data = NULL};
    struct chunk_load load = {.data = NULL};

    put_copies(rig);
    pin(rig);
    chunk_store_load(rig->store, &load, chunk, on_loaded);
    chunk_rig_settle(rig);
    assert_int_equal(driver_delete(&rig->driver, "a"), 0);
    fake_disk_delete(rig->fake, chunk_rig_file(chunk));
    assert_int_equal(
        chunk_store_serve(rig->store, &serve, &chunk->name, on_served), 0);
    chunk_rig_settle(rig);
    assert_null(chunk->home);
    assert_non_null(chunk->memory);
    look(rig);
    assert_int_equal(chunk_rig_quarantined(rig), QUARANTINE_FILES_MAX + EXTRA);
    chunk_store_load_end(rig->store, &load);
}

static void nothing_goes_before_the_state_is_known(void **state)
{
    struct chunk_rig *rig = *state;

    put_copies(rig);
    look(rig);
    assert_int_equal(chunk_rig_quarantined(rig), QUARANTINE_FILES_MAX + EXTRA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_oldest_go_when_what_they_had_is_in_good_order, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_understood_stays, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_may_be_the_last_copy_stays, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_only_in_memory_is_no_copy,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_goes_before_the_state_is_known,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
