/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The same random commands, recoveries among them, to two machines. One stays. The
 * other is replaced at any moment, in the middle of a draft too, by one that was
 * restored from its image: that must not be noticed. And images with all that may
 * be in them, damaged in any way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/dice.h"
#include "support/driver.h"
#include "support/saved.h"
#include "support/set_source.h"
#include "wire/args_settings.h"

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

/* A log of the staged state loses its last chunks, or goes. */
static void edit(struct driver *driver, struct dice dice)
{
    struct machine_part_info staged = {.id = 1};
    struct buf record = BUF_INIT;
    struct chunk *const *chunks;
    struct load_log row;
    uint64_t draft;
    size_t count;

    (void)machine_part_info(driver->machine, MACHINE_STAGED, &staged);
    if (driver_begin(driver, "edited", staged.id, staged.revision) != 0) {
        return;
    }
    draft = driver->outcome.position;
    for (uint64_t uid = 1; uid < 100; uid++) {
        if (machine_part_log(driver->machine, MACHINE_STAGED, uid, &row) != 0 ||
            !dice_one_in(&dice, 2)) {
            continue;
        }
        if (dice_one_in(&dice, 4)) {
            assert_int_equal(load_drop_encode(uid, &record), 0);
            (void)driver_load(driver, draft, 0, &record);
            (void)driver_end(driver, draft, 1, 3);
            return;
        }
        chunks =
            machine_part_chunks(driver->machine, MACHINE_STAGED, uid, &count);
        row.keep = (uint32_t)dice_roll(&dice, count + 1);
        assert_int_equal(load_log_encode(&row, &record), 0);
        if (driver_load(driver, draft, 0, &record) != 0 ||
            dice_one_in(&dice, 3)) {
            return; /* it is left so */
        }
        assert_int_equal(
            load_done_encode(row.keep == 0 ? row.base
                                           : chunks[row.keep - 1]->name.chain,
                             &record),
            0);
        (void)driver_load(driver, draft, 1, &record);
        (void)driver_end(driver, draft, 2, 3);
        return;
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
            edit(driver, again);
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

/* ---- Hostile images ---- */

/* Backups, settings, and all kept states, of which the draft is an edit in the
 * middle of a log. */
static void fill(struct driver *driver)
{
    struct settings_args settings = {.has_interval = true,
                                     .backup_interval_ms = 60000,
                                     .max_saved_backups = 5};
    struct machine_part_info staged;
    struct buf record = BUF_INIT;
    struct load_log row;
    struct saved saved;

    driver_init_limited(driver, &limits);
    assert_int_equal(settings_args_encode(&settings, &record), 0);
    assert_int_equal(driver_apply(driver, COMMAND_SETTINGS,
                                  (struct bytes){record.data, record.len}),
                     0);
    buf_close(&record);
    driver_create(driver, "a");
    driver_create(driver, "b");
    driver_append_many(driver, "a", 9, 1000);
    driver_append(driver, "b", "small");
    driver_acquire(driver, "b", "writer");
    saved_take(&saved, driver, "first");
    driver_append_many(driver, "a", 2, 1000);
    assert_int_equal(saved_stage(&saved, driver, SAVED_BYTES), 0);
    assert_int_equal(driver_commit(driver, 5), 0);
    driver_append(driver, "b", "behind");
    driver_open_producer(driver);
    assert_int_equal(saved_stage(&saved, driver, SAVED_REFS), 0);
    assert_true(machine_part_info(driver->machine, MACHINE_STAGED, &staged));
    assert_int_equal(driver_begin(driver, "first", staged.id, 1), 0);
    assert_int_equal(machine_part_log(driver->machine, MACHINE_STAGED, 1, &row),
                     0);
    row.keep = 1;
    assert_int_equal(load_log_encode(&row, &record), 0);
    assert_int_equal(driver_load(driver, driver->outcome.position, 0, &record),
                     0);
    saved_close(&saved);
}

static void offer(struct driver *driver, const uint8_t *image, size_t len)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    struct machine *machine = machine_new(&limits);
    uint8_t before[16];
    uint8_t after[16];
    struct err err;
    int rv;

    assert_non_null(copy);
    memcpy(copy, image, len);
    machine_digest(driver->machine, before);
    rv = machine_restore(machine, copy, len, NULL, &err);
    if (rv == 0) {
        struct buf again = BUF_INIT;

        machine_image(machine, &again);
        assert_int_equal(again.len, len);
        assert_memory_equal(again.data, copy, len);
        machine_digest(machine, after);
        buf_close(&again);
    } else {
        bool is_old = len >= 4 && memcmp(copy, "QLM1", 4) == 0;

        assert_int_equal(rv, is_old ? QL_INVALID : QL_CORRUPT);
        assert_int_equal(
            machine_restore(driver->machine, copy, len, NULL, &err), rv);
        machine_digest(driver->machine, after);
        assert_memory_equal(before, after, 16);
    }
    machine_free(machine);
    free(copy);
}

static void a_truncated_image_is_refused(void **state)
{
    struct driver driver;
    struct buf image = BUF_INIT;
    struct err err;

    (void)state;
    fill(&driver);
    machine_image(driver.machine, &image);
    offer(&driver, image.data, image.len);
    for (size_t len = 0; len < image.len; len++) {
        assert_int_equal(
            machine_restore(driver.machine, image.data, len, NULL, &err),
            QL_CORRUPT);
    }
    buf_close(&image);
    driver_close(&driver);
}

/* Going on with it would look for the staged state. */
static void a_draft_that_edits_nothing_is_refused(void **state)
{
    struct driver driver;
    struct machine_part_info draft;
    struct buf image = BUF_INIT;
    struct err err;
    size_t at = 88;

    (void)state;
    fill(&driver);
    assert_true(machine_part_info(driver.machine, MACHINE_DRAFT, &draft));
    machine_image(driver.machine, &image);
    while (get_u64(image.data + at) != draft.id ||
           get_u64(image.data + at + 56) != draft.edit_of) {
        at++;
    }
    put_u64(image.data + at + 56, 0);
    assert_int_equal(
        machine_restore(driver.machine, image.data, image.len, NULL, &err),
        QL_CORRUPT);
    assert_non_null(strstr(err.text, "edit of nothing"));
    buf_close(&image);
    driver_close(&driver);
}

static void counts_are_not_believed(void **state)
{
    struct driver driver;
    struct buf image = BUF_INIT;

    (void)state;
    fill(&driver);
    machine_image(driver.machine, &image);
    for (size_t at = 0; at + 4 <= image.len; at++) {
        uint32_t old = get_u32(image.data + at);

        put_u32(image.data + at, 0xfffffff0);
        offer(&driver, image.data, image.len);
        put_u32(image.data + at, 0x0000ffff);
        offer(&driver, image.data, image.len);
        put_u32(image.data + at, 0);
        offer(&driver, image.data, image.len);
        put_u32(image.data + at, old);
    }
    buf_close(&image);
    driver_close(&driver);
}

/* Going on with what was taken must be safe, too. */
static void changed_images_do_no_harm(void **state)
{
    struct driver driver;
    struct dice dice = {7};
    struct buf image = BUF_INIT;
    struct buf changed = BUF_INIT;

    (void)state;
    fill(&driver);
    machine_image(driver.machine, &image);
    for (int i = 0; i < 20000; i++) {
        struct driver other = {.index = 1000, .time_ms = 2000000};

        changed.len = 0;
        assert_int_equal(buf_add(&changed, image.data, image.len), 0);
        for (uint64_t j = 0; j <= dice_roll(&dice, 3); j++) {
            size_t at = (size_t)dice_roll(&dice, image.len);
            size_t from = (size_t)dice_roll(&dice, image.len);

            changed.data[at] = dice_one_in(&dice, 2)
                                   ? (uint8_t)dice_roll(&dice, 256)
                                   : image.data[from];
        }
        offer(&driver, changed.data, changed.len);
        other.machine = machine_new(&limits);
        other.limits = &limits;
        if (machine_restore(other.machine, changed.data, changed.len, NULL,
                            NULL) == 0) {
            struct dice again = dice;

            edit(&other, again);
            driver_commit(&other, 100);
            driver_append(&other, "b", "x");
            driver_undo(&other, 101);
            driver_append(&other, "a", "x");
            driver_tick(&other);
        }
        driver_close(&other);
    }
    buf_close(&changed);
    buf_close(&image);
    driver_close(&driver);
}

/* So that older ones read on, and golden files stay good. */
static void an_image_without_recoveries_is_what_it_was(void **state)
{
    struct driver driver;
    struct buf image = BUF_INIT;

    (void)state;
    driver_init_limited(&driver, &limits);
    driver_create(&driver, "a");
    driver_append_many(&driver, "a", 9, 1000);
    machine_image(driver.machine, &image);
    assert_int_equal(get_u32(image.data + 4), 0);
    assert_int_equal(get_u64(image.data + 8), 88 + 128 + 4 + 1 + 4);
    buf_close(&image);
    driver_close(&driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_in_recovery_can_be_replaced_at_any_step),
        cmocka_unit_test(a_truncated_image_is_refused),
        cmocka_unit_test(a_draft_that_edits_nothing_is_refused),
        cmocka_unit_test(counts_are_not_believed),
        cmocka_unit_test(changed_images_do_no_harm),
        cmocka_unit_test(an_image_without_recoveries_is_what_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
