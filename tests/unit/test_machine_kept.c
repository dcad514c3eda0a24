/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The same random commands, recoveries among them, to two machines. One stays. The
 * other is replaced at any moment, in the middle of a draft too, by one that was
 * restored from its image: that must not be noticed.
 */
#include <stdio.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/dice.h"
#include "support/driver.h"
#include "support/edited.h"
#include "support/saved.h"
#include "support/set_source.h"

#define STEPS 1200
#define LOGS 6u
#define SAVED 3u

static const struct machine_limits limits = {4096, 6000};

struct twins {
    struct driver drivers[2]; /* the second is the one that is replaced */
    struct saved saved[SAVED];
    struct saved_steps steps[2];
    struct dice dice;
    uint64_t commits;
    uint64_t operation;
    unsigned names;
};

static const char *log_name(uint64_t log)
{
    static char name[16];

    (void)snprintf(name, sizeof(name), "log-%u", (unsigned)log);
    return name;
}

/* ---- Commands ---- */

static void log_command(struct driver *driver, struct dice *dice)
{
    const char *name = log_name(dice_roll(dice, LOGS));
    uint64_t kind = dice_roll(dice, 30);
    uint64_t number = dice_roll(dice, 1000);

    driver->time_ms += number;
    if (kind < 3) {
        driver_create_with(driver, name, (struct retention){0, kind * 9000, 0},
                           0);
    } else if (kind < 4) {
        driver_delete(driver, name);
    } else if (kind < 6) {
        driver_trim(driver, name, number);
    } else if (kind < 7) {
        driver_tick(driver);
    } else if (kind < 8) {
        driver_open_producer(driver);
    } else if (kind < 11) {
        driver_append_numbered(driver, name, driver->index - number % 90,
                               1 + number % 3);
    } else if (kind < 12) {
        driver_acquire(driver, name, "writer");
    } else if (kind < 13) {
        driver_release(driver, name, 1 + number % 9);
    } else {
        driver_append_many(driver, name, 1 + number % 9,
                           (size_t)(kind < 15 ? number * 3 : number / 12));
    }
}

static void save(struct twins *twins)
{
    struct saved *saved = &twins->saved[dice_roll(&twins->dice, SAVED)];
    char name[32];

    (void)snprintf(name, sizeof(name), "saved-%u", twins->names);
    twins->names++;
    if (saved == twins->steps[0].saved) {
        return;
    }
    saved_close(saved);
    saved_take(saved, &twins->drivers[0], name);
    assert_int_equal(driver_backup(&twins->drivers[1], name), 0);
}

static void stage(struct twins *twins)
{
    struct saved *saved = &twins->saved[dice_roll(&twins->dice, SAVED)];
    enum saved_way way =
        dice_one_in(&twins->dice, 2) ? SAVED_BYTES : SAVED_REFS;

    if (saved->machine == NULL) {
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        twins->steps[i] = (struct saved_steps){.saved = saved, .way = way};
    }
}

static void recovery_command(struct twins *twins)
{
    uint64_t kind = dice_roll(&twins->dice, 12);
    struct dice again = twins->dice;

    if (kind < 2) {
        save(twins);
        return;
    }
    if (kind < 5) {
        stage(twins);
        return;
    }
    twins->operation++;
    for (size_t i = 0; i < 2; i++) {
        struct driver *driver = &twins->drivers[i];

        if (kind < 7) {
            edited_commands(driver, again);
        } else if (kind < 9) {
            driver_commit(driver, twins->operation);
        } else if (kind < 10) {
            driver_undo(driver, twins->operation);
        } else if (kind < 11) {
            driver_unload(driver, dice_one_in(&again, 2));
            again = twins->dice;
        } else {
            driver_backup_delete(driver, "saved-3", 0);
        }
    }
    twins->commits += twins->drivers[0].outcome.recovery.last.index != 0;
    (void)dice_u64(&twins->dice);
}

static void command(struct twins *twins)
{
    struct dice again;

    if (twins->steps[0].saved != NULL && dice_one_in(&twins->dice, 2)) {
        bool goes_on = saved_step(&twins->steps[0], &twins->drivers[0]);

        assert_int_equal(saved_step(&twins->steps[1], &twins->drivers[1]),
                         goes_on);
        if (!goes_on) {
            twins->steps[0].saved = NULL;
            twins->steps[1].saved = NULL;
        }
    } else if (dice_one_in(&twins->dice, 6)) {
        recovery_command(twins);
    } else {
        again = twins->dice;
        log_command(&twins->drivers[0], &twins->dice);
        log_command(&twins->drivers[1], &again);
    }
    assert_int_equal(twins->drivers[0].index, twins->drivers[1].index);
    assert_int_equal(twins->drivers[0].outcome.code,
                     twins->drivers[1].outcome.code);
    assert_int_equal(twins->drivers[0].outcome.position,
                     twins->drivers[1].outcome.position);
    assert_int_equal(twins->drivers[0].outcome.recovery.last.entries_after,
                     twins->drivers[1].outcome.recovery.last.entries_after);
}

/* ---- What must not be noticed ---- */

static void replace(struct twins *twins)
{
    struct machine *machine = machine_new(&limits);
    uint64_t way = dice_roll(&twins->dice, 3);
    struct chunk_set *set = machine_chunks(twins->drivers[0].machine);
    struct chunk_source source = set_source(set);
    struct buf image = BUF_INIT;
    struct err err;

    machine_image(twins->drivers[1].machine, &image);
    assert_int_equal(machine_restore(machine, image.data, image.len,
                                     way == 0 ? &source : NULL, &err),
                     0);
    if (way == 1) {
        assert_int_equal(machine_use_chunks(machine, &source, NULL), 0);
    }
    buf_close(&image);
    machine_swap_state(machine, twins->drivers[1].machine);
    machine_free(machine);
    chunk_set_drop(set);
}

struct seen {
    const struct chunk *chunks[4096];
    size_t count;
    struct machine *machine;
};

static void on_each(void *data, struct chunk *chunk,
                    const uint8_t from[HASH128_LEN])
{
    struct seen *seen = data;
    const uint8_t *found;
    struct chunk *first =
        machine_find_named(seen->machine, &chunk->name, &found);

    assert_true(seen->count < 4096);
    assert_memory_equal(from, found, HASH128_LEN);
    if (first != chunk) {
        /* One was restored without its bytes, and came again with them. */
        assert_false(chunk_is_here(first) && chunk_is_here(chunk));
        return;
    }
    for (size_t i = 0; i < seen->count; i++) {
        assert_ptr_not_equal(seen->chunks[i], chunk);
    }
    seen->chunks[seen->count] = chunk;
    seen->count++;
}

/* Chunks of equal names are one, and all are in the set. */
static void check_chunks(struct machine *machine)
{
    struct chunk_set *set = machine_chunks(machine);
    struct seen seen = {.machine = machine};

    machine_each_chunk(machine, on_each, &seen);
    for (size_t i = 0; i < seen.count; i++) {
        assert_ptr_equal(chunk_set_find_named(set, &seen.chunks[i]->name),
                         seen.chunks[i]);
    }
    chunk_set_drop(set);
}

static void compare(struct twins *twins)
{
    struct buf images[2] = {BUF_INIT, BUF_INIT};
    uint8_t digests[3][16];
    struct machine *fresh = machine_new(&limits);

    for (size_t i = 0; i < 2; i++) {
        machine_image(twins->drivers[i].machine, &images[i]);
        machine_digest(twins->drivers[i].machine, digests[i]);
        check_chunks(twins->drivers[i].machine);
    }
    assert_int_equal(images[0].len, images[1].len);
    assert_memory_equal(images[0].data, images[1].data, images[0].len);
    assert_int_equal(
        machine_restore(fresh, images[0].data, images[0].len, NULL, NULL), 0);
    machine_digest(fresh, digests[2]);
    assert_memory_equal(digests[0], digests[1], 16);
    assert_memory_equal(digests[0], digests[2], 16);
    machine_logs_digest(fresh, digests[2]);
    machine_logs_digest(twins->drivers[0].machine, digests[0]);
    assert_memory_equal(digests[0], digests[2], 16);
    machine_free(fresh);
    buf_close(&images[0]);
    buf_close(&images[1]);
}

static void run(uint64_t seed)
{
    static struct twins twins;

    memset(&twins, 0, sizeof(twins));
    twins.dice.state = seed;
    driver_init_limited(&twins.drivers[0], &limits);
    driver_init_limited(&twins.drivers[1], &limits);
    for (int i = 0; i < STEPS; i++) {
        command(&twins);
        if (dice_one_in(&twins.dice, 8)) {
            replace(&twins);
        }
        if (dice_one_in(&twins.dice, 12)) {
            compare(&twins);
        }
    }
    compare(&twins);
    assert_true(twins.commits >= 3);
    for (size_t i = 0; i < SAVED; i++) {
        saved_close(&twins.saved[i]);
    }
    driver_close(&twins.drivers[0]);
    driver_close(&twins.drivers[1]);
}

static void a_machine_in_recovery_can_be_replaced_at_any_step(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        run(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_in_recovery_can_be_replaced_at_any_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
