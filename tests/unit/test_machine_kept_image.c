/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Images with backups, settings and kept states, damaged in any way. */
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/dice.h"
#include "support/driver.h"
#include "support/edited.h"
#include "support/saved.h"
#include "wire/args_settings.h"

static const struct machine_limits limits = {4096, 6000};

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

            edited_commands(&other, again);
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
        cmocka_unit_test(a_truncated_image_is_refused),
        cmocka_unit_test(a_draft_that_edits_nothing_is_refused),
        cmocka_unit_test(counts_are_not_believed),
        cmocka_unit_test(changed_images_do_no_harm),
        cmocka_unit_test(an_image_without_recoveries_is_what_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
