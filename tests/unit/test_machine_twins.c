/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The same random commands to two machines with small chunks. One keeps all bytes.
 * The other's leave memory at any moment, and it is replaced at any moment by one
 * that was restored from its image: that must not be noticed.
 */
#include <stdio.h>
#include <string.h>

#include "machine/merge.h"
#include "machine/state.h"
#include "support/cmocka.h"
#include "support/dice.h"
#include "support/driver.h"
#include "support/set_source.h"
#include "support/shelf.h"

#define STEPS 1500
#define LOGS 12u
#define SMALL_CHUNKS_MAX (MERGE_CLASS_MAX * (CHUNK_RUN_MAX - 1))

static const struct machine_limits limits = {4096, 6000};

struct twins {
    struct driver whole; /* its bytes stay */
    struct driver moved;
    struct shelf *shelf;
    struct dice dice;
};

static const char *log_name(uint64_t log)
{
    static char name[16];

    snprintf(name, sizeof(name), "log-%u", (unsigned)log);
    return name;
}

/* ---- Commands ---- */

static void one_command(struct driver *driver, struct dice *dice)
{
    const char *name = log_name(dice_roll(dice, LOGS));
    uint64_t kind = dice_roll(dice, 100);
    uint64_t number = dice_roll(dice, 1000);

    driver->time_ms += number;
    if (kind < 4) {
        driver_create_with(driver, name, (struct retention){0, 0, 0}, 0);
    } else if (kind < 8) {
        driver_create_with(driver, name, (struct retention){0, 9000, 0}, 0);
    } else if (kind < 9) {
        driver_delete(driver, name);
    } else if (kind < 12) {
        driver_trim(driver, name, number);
    } else if (kind < 15) {
        driver_tick(driver);
    } else if (kind < 17) {
        driver_open_producer(driver);
    } else if (kind < 18) {
        driver_close_producer(driver, driver->index - number % 90);
    } else if (kind < 25) {
        driver_append_numbered(driver, name, driver->index - number % 90,
                               1 + number % 3);
    } else {
        driver_append_many(driver, name, 1 + number % 9,
                           (size_t)(kind < 30 ? number * 3 : number / 12));
    }
}

static void command(struct twins *twins)
{
    struct dice again = twins->dice;

    one_command(&twins->whole, &twins->dice);
    one_command(&twins->moved, &again);
    assert_int_equal(twins->whole.outcome.code, twins->moved.outcome.code);
    assert_int_equal(twins->whole.outcome.position,
                     twins->moved.outcome.position);
}

/* ---- What must not be noticed ---- */

/* The new machine finds the chunks of the other twin, or its own, or none, or
 * those of the other twin afterwards. */
static void replace(struct twins *twins)
{
    struct machine *machine = machine_new(&limits);
    uint64_t way = dice_roll(&twins->dice, 4);
    const struct driver *from = way == 1 ? &twins->moved : &twins->whole;
    struct chunk_set *set = machine_chunks(from->machine);
    struct chunk_source source = set_source(set);
    struct buf image = BUF_INIT;

    machine_image(twins->moved.machine, &image);
    assert_int_equal(machine_restore(machine, image.data, image.len,
                                     way < 2 ? &source : NULL, NULL),
                     0);
    if (way == 3) {
        assert_int_equal(machine_use_chunks(machine, &source, NULL), 0);
    }
    buf_close(&image);
    machine_swap_state(machine, twins->moved.machine);
    machine_free(machine);
    chunk_set_drop(set);
}

/* ---- Comparing ---- */

/* They share chunks after replace(), and so what was put away. */
static enum machine_read next_loaded(const struct shelf *shelf,
                                     const struct machine *machine,
                                     uint64_t uid,
                                     struct machine_reader *reader,
                                     struct read_entry *ret)
{
    enum machine_read rv = machine_reader_next(reader, ret);

    if (rv == MACHINE_READ_ABSENT) {
        uint64_t to = reader->to;

        shelf_load(shelf, reader->absent);
        assert_int_equal(
            machine_reader_open(reader, machine, uid, reader->at, to, NULL), 0);
        rv = machine_reader_next(reader, ret);
    }
    return rv;
}

static void compare_reads(const struct twins *twins, uint64_t uid,
                          uint64_t from)
{
    const struct machine *machines[] = {twins->whole.machine,
                                        twins->moved.machine};
    struct machine_reader readers[2];
    struct read_entry entries[2];
    enum machine_read rv[2] = {MACHINE_READ_ENTRY, MACHINE_READ_ENTRY};

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(
            machine_reader_open(&readers[i], machines[i], uid, from, 0, NULL),
            0);
    }
    while (rv[0] == MACHINE_READ_ENTRY) {
        for (size_t i = 0; i < 2; i++) {
            rv[i] = next_loaded(twins->shelf, machines[i], uid, &readers[i],
                                &entries[i]);
        }
        assert_int_equal(rv[0], rv[1]);
        assert_int_equal(readers[0].at, readers[1].at);
        if (rv[0] == MACHINE_READ_ENTRY) {
            assert_int_equal(entries[0].position, entries[1].position);
            assert_int_equal(entries[0].time_ms, entries[1].time_ms);
            assert_int_equal(entries[0].value.len, entries[1].value.len);
        }
    }
    assert_int_equal(rv[0], MACHINE_READ_END);
}

static void check_log(const struct log *log)
{
    size_t small = 0;

    for (size_t i = 0; i < chunk_list_count(log->sealed); i++) {
        small += merge_class(chunk_list_at(log->sealed, i)->len,
                             limits.chunk_bytes) < MERGE_CLASS_MAX;
    }
    assert_true(small <= SMALL_CHUNKS_MAX);
}

static void compare(struct twins *twins)
{
    const struct logs *logs = &twins->whole.machine->state->logs;
    struct buf images[2] = {BUF_INIT, BUF_INIT};
    uint8_t digests[3][16];
    struct machine *fresh = machine_new(&limits);

    machine_image(twins->whole.machine, &images[0]);
    machine_image(twins->moved.machine, &images[1]);
    assert_int_equal(images[0].len, images[1].len);
    assert_memory_equal(images[0].data, images[1].data, images[0].len);
    assert_int_equal(
        machine_restore(fresh, images[0].data, images[0].len, NULL, NULL), 0);
    machine_digest(twins->whole.machine, digests[0]);
    machine_digest(twins->moved.machine, digests[1]);
    machine_digest(fresh, digests[2]);
    assert_memory_equal(digests[0], digests[1], 16);
    assert_memory_equal(digests[0], digests[2], 16);
    for (size_t i = 0; i < logs->count; i++) {
        const struct log *log = logs->by_uid[i];
        uint64_t kept = log->tail - log->head;

        check_log(log);
        compare_reads(twins, log->uid, 0);
        compare_reads(twins, log->uid,
                      log->head + dice_roll(&twins->dice, kept + 1));
    }
    machine_free(fresh);
    buf_close(&images[0]);
    buf_close(&images[1]);
}

static void run(uint64_t seed)
{
    struct twins twins = {.dice = {seed}};

    driver_init_limited(&twins.whole, &limits);
    driver_init_limited(&twins.moved, &limits);
    twins.shelf = shelf_new();
    shelf_attach(twins.shelf, twins.whole.machine);
    for (int i = 0; i < STEPS; i++) {
        command(&twins);
        if (dice_one_in(&twins.dice, 20)) {
            replace(&twins);
        }
        if (dice_one_in(&twins.dice, 20)) {
            shelf_put_away(twins.shelf, twins.moved.machine);
        }
        if (dice_one_in(&twins.dice, 25)) {
            compare(&twins);
        }
    }
    assert_true(shelf_count(twins.shelf) > 100);
    driver_close(&twins.moved);
    driver_close(&twins.whole);
    shelf_free(twins.shelf);
}

static void a_machine_whose_bytes_move_is_the_same(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        run(seed);
    }
}

/* Many logs that are filled in turn, as an evenly used cluster has: their chunks
 * must not become more and more. */
static void logs_filled_in_turn_keep_few_chunks(void **state)
{
    struct driver driver;
    const struct logs *logs;

    (void)state;
    driver_init_limited(&driver, &limits);
    for (uint64_t i = 0; i < 60; i++) {
        driver_create(&driver, log_name(i));
    }
    for (uint64_t round = 0; round < 400; round++) {
        for (uint64_t i = 0; i < 60; i++) {
            driver_append_many(&driver, log_name(i), 1, 20);
        }
    }
    logs = &driver.machine->state->logs;
    for (size_t i = 0; i < logs->count; i++) {
        assert_true(logs->by_uid[i]->held == 400);
        assert_true(chunk_list_count(logs->by_uid[i]->sealed) <= 30);
    }
    driver_close(&driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_whose_bytes_move_is_the_same),
        cmocka_unit_test(logs_filled_in_turn_keep_few_chunks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
