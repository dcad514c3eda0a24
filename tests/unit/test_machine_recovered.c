/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/recovered.h"

#include <string.h>

#include "machine/machine_parts.h"
#include "support/cmocka.h"
#include "support/driver.h"
#include "wire/args_backup.h"
#include "wire/args_freeze.h"

static const uint8_t old_cluster[16] = {1, 2, 3};

static void add_backup(struct driver *driver, const char *name)
{
    struct backup_create_args args = {.scheduled = false};
    struct buf params = BUF_INIT;

    (void)strcpy(args.name, name);
    assert_int_equal(backup_create_args_encode(&args, &params), 0);
    assert_int_equal(driver_apply(driver, COMMAND_BACKUP_CREATE,
                                  (struct bytes){params.data, params.len}),
                     0);
    buf_close(&params);
}

static void logs_are_restored_ones_and_keep_their_entries(void **state)
{
    struct driver driver;
    struct log_stat before;
    struct log_stat after;
    uint64_t epoch;

    (void)state;
    driver_init(&driver);
    assert_int_equal(driver_create(&driver, "a"), 0);
    assert_int_equal(driver_append_many(&driver, "a", 100, 20000), 0);
    assert_int_equal(driver_acquire(&driver, "a", "me"), 0);
    before = driver_stat(&driver, "a");
    epoch = before.writer_epoch;
    machine_recover(driver.machine, driver.index, old_cluster);
    after = driver_stat(&driver, "a");
    assert_int_equal(after.incarnation,
                     before.incarnation + 1 + RECOVER_GAP_INCARNATIONS);
    assert_int_equal(after.writer_epoch, epoch + 1 + RECOVER_GAP_EPOCHS);
    assert_int_equal(after.writer_name.len, 0);
    assert_int_equal(after.entries, 100);
    assert_int_equal(after.tail, before.tail);
    assert_int_equal(after.head, before.head);
    driver_close(&driver);
}

static void producers_of_before_are_void(void **state)
{
    struct driver driver;
    uint64_t producer;

    (void)state;
    driver_init(&driver);
    assert_int_equal(driver_create(&driver, "a"), 0);
    producer = driver_open_producer(&driver);
    assert_int_equal(driver_append_numbered(&driver, "a", producer, 1), 0);
    machine_recover(driver.machine, driver.index, old_cluster);
    assert_int_equal(driver_counts(&driver).producers, 0);
    assert_int_equal(
        driver_apply(&driver, COMMAND_THAW, (struct bytes){NULL, 0}), 0);
    assert_int_equal(driver_append_numbered(&driver, "a", producer, 2),
                     QL_RESTORED);
    assert_true(driver_open_producer(&driver) > producer);
    driver_close(&driver);
}

/* The old cluster went on behind the state that is left. */
static void what_was_given_since_is_not_given_again(void **state)
{
    struct driver driver;
    struct log_stat lost;
    struct buf image = BUF_INIT;
    struct err err;
    uint64_t index;
    uint64_t producer;

    (void)state;
    driver_init(&driver);
    assert_int_equal(driver_create(&driver, "a"), 0);
    machine_image(driver.machine, &image);
    index = driver.index + RECOVER_GAP_INDEXES;
    producer = driver_open_producer(&driver);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(driver_acquire(&driver, "a", "me"), 0);
    }
    lost = driver_stat(&driver, "a");
    assert_int_equal(
        machine_restore(driver.machine, image.data, image.len, NULL, &err), 0);
    machine_recover(driver.machine, index, old_cluster);
    assert_int_equal(
        driver_apply(&driver, COMMAND_THAW, (struct bytes){NULL, 0}), 0);
    assert_int_equal(driver_append_numbered(&driver, "a", producer, 1),
                     QL_RESTORED);
    assert_true(driver_stat(&driver, "a").writer_epoch > lost.writer_epoch);
    assert_true(driver_open_producer(&driver) > index);
    buf_close(&image);
    driver_close(&driver);
}

static void it_stands_still_until_it_is_thawed(void **state)
{
    struct machine_standstill standstill;
    struct driver driver;
    uint64_t state_index;

    (void)state;
    driver_init(&driver);
    assert_int_equal(driver_create(&driver, "a"), 0);
    state_index = driver_counts(&driver).state_index;
    /* Twice: one that was frozen before is frozen for this reason now. */
    machine_recover(driver.machine, driver.index, old_cluster);
    machine_recover(driver.machine, driver.index, old_cluster);
    assert_int_equal(driver_counts(&driver).state_index, state_index + 2);
    machine_standstill(driver.machine, &standstill);
    assert_true(standstill.frozen);
    assert_int_equal(standstill.reason.len, strlen(RECOVERED_REASON));
    assert_int_equal(driver_append(&driver, "a", "x"), QL_FROZEN);
    assert_int_equal(
        driver_apply(&driver, COMMAND_THAW, (struct bytes){NULL, 0}), 0);
    assert_int_equal(driver_append(&driver, "a", "x"), 0);
    driver_close(&driver);
}

static void backups_of_its_own_become_those_of_the_old_cluster(void **state)
{
    const struct backup_row *rows;
    struct driver driver;
    size_t count;

    (void)state;
    driver_init(&driver);
    assert_int_equal(driver_create(&driver, "a"), 0);
    add_backup(&driver, "one");
    add_backup(&driver, "two");
    machine_recover(driver.machine, driver.index, old_cluster);
    rows = machine_backups(driver.machine, &count);
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].name, "one");
    assert_memory_equal(rows[0].cluster, old_cluster, 16);
    assert_false(rows[1].foreign);
    driver_close(&driver);
}

static void its_image_gives_the_same_state(void **state)
{
    struct driver driver;
    uint8_t digest[16];
    uint8_t again[16];

    (void)state;
    driver_init(&driver);
    assert_int_equal(driver_create(&driver, "a"), 0);
    assert_int_equal(driver_append_many(&driver, "a", 300, 9000), 0);
    (void)driver_open_producer(&driver);
    add_backup(&driver, "one");
    machine_recover(driver.machine, driver.index, old_cluster);
    machine_digest(driver.machine, digest);
    driver_reborn(&driver);
    machine_digest(driver.machine, again);
    assert_memory_equal(digest, again, 16);
    driver_close(&driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_are_restored_ones_and_keep_their_entries),
        cmocka_unit_test(producers_of_before_are_void),
        cmocka_unit_test(what_was_given_since_is_not_given_again),
        cmocka_unit_test(it_stands_still_until_it_is_thawed),
        cmocka_unit_test(backups_of_its_own_become_those_of_the_old_cluster),
        cmocka_unit_test(its_image_gives_the_same_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
