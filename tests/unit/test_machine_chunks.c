/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Sealed chunks: who hears of them, where they are found, and what becomes of
 * readers when their bytes are elsewhere. */
#include <string.h>

#include "support/cmocka.h"
#include "support/driver.h"
#include "support/set_source.h"
#include "support/shelf.h"

/* Four entries of 1000 bytes seal a chunk, and it is merged no more. */
static const struct machine_limits limits = {4 * 1024, 64 * 1024};
#define ENTRY_BYTES 1000u
#define CHUNK_ENTRIES 4u

struct fixture {
    struct driver driver;
    struct shelf *shelf;
};

/* Log a, uid 1, with three sealed chunks and an open one of two entries. */
static int setup(void **state)
{
    static struct fixture fixture;

    driver_init_limited(&fixture.driver, &limits);
    fixture.shelf = shelf_new();
    shelf_attach(fixture.shelf, fixture.driver.machine);
    assert_int_equal(driver_create(&fixture.driver, "a"), 0);
    assert_int_equal(driver_append_many(&fixture.driver, "a",
                                        3 * CHUNK_ENTRIES + 2, ENTRY_BYTES),
                     0);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    driver_close(&fixture->driver);
    shelf_free(fixture->shelf);
    return 0;
}

static enum machine_read read_at(const struct machine *machine, uint64_t at,
                                 struct machine_reader *ret)
{
    struct read_entry entry = {0};
    enum machine_read rv;

    assert_int_equal(machine_reader_open(ret, machine, 1, at, 0, NULL), 0);
    rv = machine_reader_next(ret, &entry);
    if (rv == MACHINE_READ_ENTRY) {
        assert_int_equal(entry.position, at);
    }
    return rv;
}

static void every_sealed_chunk_is_told_of(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(shelf_count(fixture->shelf), 3);
}

static void a_chunk_is_found_by_any_of_its_positions(void **state)
{
    struct fixture *fixture = *state;
    struct machine *machine = fixture->driver.machine;
    struct chunk *second = machine_find_chunk(machine, 1, CHUNK_ENTRIES + 1);

    assert_non_null(second);
    assert_int_equal(second->name.uid, 1);
    assert_int_equal(second->name.first, CHUNK_ENTRIES + 1);
    assert_int_equal(second->name.last, 2 * CHUNK_ENTRIES);
    assert_ptr_equal(machine_find_chunk(machine, 1, 2 * CHUNK_ENTRIES), second);
    assert_null(machine_find_chunk(machine, 1, 3 * CHUNK_ENTRIES + 1));
    assert_null(machine_find_chunk(machine, 2, 1));
}

static void a_reader_says_what_it_misses_and_goes_on(void **state)
{
    struct fixture *fixture = *state;
    struct machine *machine = fixture->driver.machine;
    struct machine_reader reader;

    shelf_put_away(fixture->shelf, machine);
    for (uint64_t at = 1; at <= 3 * CHUNK_ENTRIES + 2; at++) {
        if (read_at(machine, at, &reader) == MACHINE_READ_ABSENT) {
            assert_int_equal(at % CHUNK_ENTRIES, 1);
            assert_int_equal(reader.at, at);
            assert_int_equal(reader.absent->name.first, at);
            shelf_load(fixture->shelf, reader.absent);
        }
        assert_int_equal(read_at(machine, at, &reader), MACHINE_READ_ENTRY);
    }
}

static void a_reader_crosses_into_a_chunk_it_misses(void **state)
{
    struct fixture *fixture = *state;
    struct machine *machine = fixture->driver.machine;
    struct machine_reader reader;
    struct read_entry entry;

    shelf_put_away(fixture->shelf, machine);
    shelf_load(fixture->shelf, machine_find_chunk(machine, 1, 1));
    assert_int_equal(machine_reader_open(&reader, machine, 1, 0, 0, NULL), 0);
    for (uint64_t at = 1; at <= CHUNK_ENTRIES; at++) {
        assert_int_equal(machine_reader_next(&reader, &entry),
                         MACHINE_READ_ENTRY);
        assert_int_equal(entry.position, at);
    }
    assert_int_equal(machine_reader_next(&reader, &entry), MACHINE_READ_ABSENT);
    assert_int_equal(reader.at, CHUNK_ENTRIES + 1);
    assert_int_equal(reader.absent->name.first, CHUNK_ENTRIES + 1);
}

static void what_is_worth_loading_ahead_is_the_next_chunk(void **state)
{
    struct fixture *fixture = *state;
    struct machine *machine = fixture->driver.machine;
    struct machine_reader reader;

    assert_int_equal(read_at(machine, 1, &reader), MACHINE_READ_ENTRY);
    assert_null(machine_reader_ahead(&reader));
    shelf_put_away(fixture->shelf, machine);
    assert_int_equal(read_at(machine, 1, &reader), MACHINE_READ_ABSENT);
    assert_int_equal(machine_reader_ahead(&reader)->name.first,
                     CHUNK_ENTRIES + 1);
    assert_int_equal(read_at(machine, 2 * CHUNK_ENTRIES + 1, &reader),
                     MACHINE_READ_ABSENT);
    assert_null(machine_reader_ahead(&reader)); /* the open one is here */
    assert_int_equal(
        machine_reader_open(&reader, machine, 1, 1, CHUNK_ENTRIES + 1, NULL),
        0);
    assert_int_equal(machine_reader_next(&reader, &(struct read_entry){0}),
                     MACHINE_READ_ABSENT);
    assert_null(machine_reader_ahead(&reader)); /* nothing of it is wanted */
}

static void trims_count_by_position_without_the_bytes(void **state)
{
    struct fixture *fixture = *state;
    struct driver *driver = &fixture->driver;
    const uint64_t all = 3 * CHUNK_ENTRIES + 2;

    shelf_put_away(fixture->shelf, driver->machine);
    assert_int_equal(driver_trim(driver, "a", CHUNK_ENTRIES), 0);
    assert_int_equal(driver_stat(driver, "a").entries, all - 3);
    assert_int_equal(driver_stat(driver, "a").bytes, all * ENTRY_BYTES);
    assert_int_equal(driver_trim(driver, "a", CHUNK_ENTRIES + 2), 0);
    assert_int_equal(driver_stat(driver, "a").entries, all - CHUNK_ENTRIES - 1);
    assert_int_equal(driver_stat(driver, "a").bytes,
                     (all - CHUNK_ENTRIES) * ENTRY_BYTES);
    assert_null(machine_find_chunk(driver->machine, 1, 1));
    driver_reborn(driver);
    assert_int_equal(driver_stat(driver, "a").entries, all - CHUNK_ENTRIES - 1);
    assert_int_equal(driver_trim(driver, "a", all), 0);
    assert_int_equal(driver_stat(driver, "a").bytes, 2 * ENTRY_BYTES);
    assert_int_equal(driver_stat(driver, "a").entries, 1);
}

static void a_set_keeps_chunks_that_the_machine_dropped(void **state)
{
    struct fixture *fixture = *state;
    struct machine *machine = fixture->driver.machine;
    struct chunk_set *set = machine_chunks(machine);
    struct chunk *chunk = machine_find_chunk(machine, 1, 1);
    const uint8_t *from;

    assert_int_equal(driver_delete(&fixture->driver, "a"), 0);
    driver_create(&fixture->driver, "b");
    assert_ptr_equal(chunk_set_find(set, 1, 2, NULL), chunk);
    assert_non_null(chunk_set_find(set, 1, CHUNK_ENTRIES + 1, &from));
    assert_memory_equal(from, chunk->name.chain, HASH128_LEN);
    assert_null(chunk_set_find(set, 1, 3 * CHUNK_ENTRIES + 1, NULL));
    assert_null(chunk_set_find(set, 2, 1, NULL));
    chunk_set_drop(set);
}

static void a_view_has_the_chunks_of_its_moment(void **state)
{
    struct fixture *fixture = *state;
    struct view *view = machine_freeze(fixture->driver.machine);
    struct chunk_set *set = view_take_chunks(view);

    driver_append_many(&fixture->driver, "a", 2, ENTRY_BYTES);
    assert_non_null(
        machine_find_chunk(fixture->driver.machine, 1, 3 * CHUNK_ENTRIES + 1));
    view_free(view);
    assert_non_null(chunk_set_find(set, 1, 3 * CHUNK_ENTRIES, NULL));
    assert_null(chunk_set_find(set, 1, 3 * CHUNK_ENTRIES + 1, NULL));
    chunk_set_drop(set);
}

/* ---- Restoring ---- */

static void a_restored_chunk_is_a_stub_unless_it_is_known(void **state)
{
    struct fixture *fixture = *state;
    struct machine *machine = fixture->driver.machine;
    struct machine *other = machine_new(&limits);
    struct chunk_set *set = machine_chunks(machine);
    struct chunk_source source = set_source(set);
    struct buf image = BUF_INIT;
    struct machine_reader reader;

    machine_image(machine, &image);
    assert_int_equal(machine_restore(other, image.data, image.len, NULL, NULL),
                     0);
    assert_int_equal(read_at(other, 1, &reader), MACHINE_READ_ABSENT);
    assert_int_equal(machine_use_chunks(other, &source, NULL), 0);
    assert_ptr_equal(machine_find_chunk(other, 1, 1),
                     machine_find_chunk(machine, 1, 1));
    assert_int_equal(read_at(other, 1, &reader), MACHINE_READ_ENTRY);
    assert_int_equal(
        machine_restore(other, image.data, image.len, &source, NULL), 0);
    assert_int_equal(read_at(other, 1, &reader), MACHINE_READ_ENTRY);
    chunk_set_drop(set);
    buf_close(&image);
    machine_free(other);
}

static struct chunk *find_other(void *data, const struct chunk_name *name)
{
    struct chunk_facts facts = {*name, 1, 24, 1, 0};

    (void)data;
    return chunk_stub(&facts);
}

static void known_chunks_with_other_numbers_are_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct chunk_source source = {find_other, NULL};
    struct buf image = BUF_INIT;
    uint8_t digests[2][16];

    machine_image(fixture->driver.machine, &image);
    machine_digest(fixture->driver.machine, digests[0]);
    assert_int_equal(machine_restore(fixture->driver.machine, image.data,
                                     image.len, &source, NULL),
                     QL_CORRUPT);
    assert_int_equal(machine_use_chunks(fixture->driver.machine, &source, NULL),
                     QL_CORRUPT);
    machine_digest(fixture->driver.machine, digests[1]);
    assert_memory_equal(digests[0], digests[1], 16);
    buf_close(&image);
}

static void on_changed(void *data, uint64_t uid)
{
    assert_int_equal(uid, 0);
    (*(int *)data)++;
}

static void swapped_states_stay_with_their_listeners(void **state)
{
    struct fixture *fixture = *state;
    struct machine *machine = fixture->driver.machine;
    struct machine *other = machine_new(&limits);
    size_t before = shelf_count(fixture->shelf);
    struct buf image = BUF_INIT;
    int told = 0;

    machine_image(machine, &image);
    assert_int_equal(machine_restore(other, image.data, image.len, NULL, NULL),
                     0);
    assert_int_equal(driver_delete(&fixture->driver, "a"), 0);
    machine_on_changed(machine, on_changed, &told);
    machine_swap_state(machine, other);
    assert_int_equal(told, 1);
    machine_on_changed(machine, NULL, NULL);
    machine_free(other);
    assert_int_equal(driver_append_many(&fixture->driver, "a", 2, ENTRY_BYTES),
                     0);
    assert_int_equal(shelf_count(fixture->shelf), before + 1);
    buf_close(&image);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_sealed_chunk_is_told_of),
        TEST(a_chunk_is_found_by_any_of_its_positions),
        TEST(a_reader_says_what_it_misses_and_goes_on),
        TEST(a_reader_crosses_into_a_chunk_it_misses),
        TEST(what_is_worth_loading_ahead_is_the_next_chunk),
        TEST(trims_count_by_position_without_the_bytes),
        TEST(a_set_keeps_chunks_that_the_machine_dropped),
        TEST(a_view_has_the_chunks_of_its_moment),
        TEST(a_restored_chunk_is_a_stub_unless_it_is_known),
        TEST(known_chunks_with_other_numbers_are_refused),
        TEST(swapped_states_stay_with_their_listeners),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
