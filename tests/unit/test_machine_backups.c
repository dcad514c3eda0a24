/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The table of backups, the settings, and the image of the logs alone. */
#include <stdio.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/driver.h"
#include "support/saved.h"
#include "wire/args_settings.h"

static const struct machine_limits limits = {4 * 1024, 64 * 1024};

static int setup(void **state)
{
    static struct driver driver;

    driver_init_limited(&driver, &limits);
    driver_create(&driver, "a");
    driver_append_many(&driver, "a", 10, 1000);
    *state = &driver;
    return 0;
}

static int teardown(void **state)
{
    driver_close(*state);
    return 0;
}

/* ---- The table ---- */

static void a_backup_says_what_it_is_of(void **state)
{
    struct driver *driver = *state;
    struct machine_counts counts = driver_counts(driver);
    const struct backup_row *row;
    uint8_t digest[16];
    size_t count;

    machine_logs_digest(driver->machine, digest);
    assert_int_equal(driver_backup(driver, "one"), 0);
    row = machine_backups(driver->machine, &count);
    assert_int_equal(count, 1);
    assert_ptr_equal(row, driver->outcome.backup);
    assert_string_equal(row->name, "one");
    assert_int_equal(row->id, driver->index);
    assert_int_equal(row->index, driver->index);
    assert_int_equal(row->time_ms, counts.time_ms);
    assert_int_equal(row->state_index, counts.state_index);
    assert_int_equal(row->logs, 1);
    assert_int_equal(row->entries, 10);
    assert_int_equal(row->bytes, 10000);
    assert_int_equal(row->chunks, 2);
    assert_memory_equal(row->digest, digest, 16);
    assert_false(row->foreign);
    assert_ptr_equal(machine_find_backup(driver->machine, text("one")), row);
    assert_null(machine_find_backup(driver->machine, text("on")));
    assert_int_equal(driver_counts(driver).state_index, counts.state_index);
}

static void names_are_given_once(void **state)
{
    struct driver *driver = *state;
    uint64_t id;

    assert_int_equal(driver_backup(driver, "one"), 0);
    id = driver->outcome.backup->id;
    assert_int_equal(driver_backup(driver, "one"), QL_EXISTS);
    assert_non_null(strstr(machine_refusal_text(&driver->outcome), "backup"));
    assert_int_equal(driver_backup_delete(driver, "two", 0), QL_NOT_FOUND);
    assert_int_equal(driver_backup_delete(driver, "one", id + 1), QL_NOT_FOUND);
    assert_int_equal(driver_backup_delete(driver, "one", id), 0);
    assert_string_equal(driver->outcome.backup->name, "one");
    assert_int_equal(driver_backup(driver, "one"), 0);
    assert_true(driver->outcome.backup->id > id);
    assert_int_equal(driver_backup_delete(driver, "one", 0), 0);
}

static void a_backup_without_a_name_gets_the_time(void **state)
{
    struct driver *driver = *state;

    driver->time_ms = 1700000000999;
    assert_int_equal(driver_backup(driver, ""), 0);
    assert_string_equal(driver->outcome.backup->name,
                        "quorlog-backup-2023-11-14-22-13-20");
    assert_int_equal(driver_backup(driver, ""), 0);
    assert_string_equal(driver->outcome.backup->name,
                        "quorlog-backup-2023-11-14-22-13-20-2");
    assert_int_equal(driver_backup(driver, ""), 0);
    assert_string_equal(driver->outcome.backup->name,
                        "quorlog-backup-2023-11-14-22-13-20-3");
    assert_int_equal(
        driver_backup_delete(driver, "quorlog-backup-2023-11-14-22-13-20-2", 0),
        0);
    assert_int_equal(driver_backup(driver, ""), 0);
    assert_string_equal(driver->outcome.backup->name,
                        "quorlog-backup-2023-11-14-22-13-20-2");
    driver->time_ms = UINT64_MAX;
    assert_int_equal(driver_backup(driver, ""), 0);
    driver_reborn(driver);
}

static void an_imported_backup_gets_an_id_of_ours(void **state)
{
    struct driver *driver = *state;
    struct backup_row row = {.id = 900000,
                             .name = "foreign",
                             .index = 5,
                             .time_ms = 6,
                             .chunks = 7,
                             .cluster = {1, 2, 3},
                             .foreign = true};

    assert_int_equal(driver_backup_add(driver, &row), 0);
    assert_int_equal(driver->outcome.backup->id, driver->index);
    assert_int_equal(driver->outcome.backup->index, 5);
    assert_int_equal(driver->outcome.backup->chunks, 7);
    assert_true(driver->outcome.backup->foreign);
    assert_memory_equal(driver->outcome.backup->cluster, row.cluster, 16);
    assert_int_equal(driver_backup_add(driver, &row), QL_EXISTS);
}

static void there_is_a_limit_to_backups(void **state)
{
    struct driver *driver = *state;
    char name[32];

    for (unsigned i = 0; i < BACKUPS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "b-%u", i);
        assert_int_equal(driver_backup(driver, name), 0);
    }
    assert_int_equal(driver_backup(driver, "more"), QL_LIMIT);
    assert_non_null(strstr(machine_refusal_text(&driver->outcome), "delete"));
    assert_int_equal(driver_backup(driver, "b-7"), QL_EXISTS);
    assert_int_equal(driver_backup_delete(driver, "b-7", 0), 0);
    assert_int_equal(driver_backup(driver, "more"), 0);
    driver_reborn(driver);
    assert_int_equal(driver_backup(driver, "too many"), QL_INVALID);
    assert_int_equal(driver_backup(driver, "one-more"), QL_LIMIT);
}

/* Several commands may stand in one raft entry. */
static void ids_rise_within_one_batch(void **state)
{
    struct driver *driver = *state;
    uint64_t id = 0;

    for (int i = 0; i < 3; i++) {
        driver->index = 50;
        assert_int_equal(driver_backup(driver, ""), 0);
        assert_true(driver->outcome.backup->id > id);
        id = driver->outcome.backup->id;
    }
    driver->index = 50;
    assert_int_equal(driver_begin(driver, "x", 0, 0), 0);
    id = driver->outcome.position;
    driver->index = 50;
    assert_int_equal(driver_begin(driver, "x", 0, 0), 0);
    assert_true(driver->outcome.position > id);
}

/* ---- The logs alone ---- */

static void what_is_frozen_is_the_logs_alone(void **state)
{
    struct driver *driver = *state;
    struct saved saved;
    struct machine_counts counts;
    uint8_t digests[2][16];
    size_t count;

    driver_open_producer(driver);
    driver_backup(driver, "earlier");
    driver_space(driver, true);
    saved_take(&saved, driver, "now");
    machine_logs_digest(driver->machine, digests[0]);
    machine_logs_digest(saved.machine, digests[1]);
    assert_memory_equal(digests[0], digests[1], 16);
    assert_memory_equal(digests[0], saved.row.digest, 16);
    machine_counts(saved.machine, &counts);
    assert_int_equal(counts.logs, 1);
    assert_int_equal(counts.entries, 10);
    assert_int_equal(counts.producers, 0);
    assert_false(counts.space_low);
    assert_int_equal(counts.state_index, driver_counts(driver).state_index);
    (void)machine_backups(saved.machine, &count);
    assert_int_equal(count, 0);
    driver_space(driver, false);
    driver_append(driver, "a", "more");
    machine_logs_digest(driver->machine, digests[0]);
    assert_memory_not_equal(digests[0], digests[1], 16);
    saved_close(&saved);
}

static void the_digest_of_logs_knows_nothing_else(void **state)
{
    struct driver *driver = *state;
    uint8_t digests[4][16];

    machine_logs_digest(driver->machine, digests[0]);
    machine_digest(driver->machine, digests[2]);
    driver_open_producer(driver);
    driver_backup(driver, "one");
    machine_logs_digest(driver->machine, digests[1]);
    machine_digest(driver->machine, digests[3]);
    assert_memory_equal(digests[0], digests[1], 16);
    assert_memory_not_equal(digests[2], digests[3], 16);
}

/* ---- Settings ---- */

static int set(struct driver *driver, struct settings_args args)
{
    struct buf params = BUF_INIT;
    int rv;

    assert_int_equal(settings_args_encode(&args, &params), 0);
    rv = driver_apply(driver, COMMAND_SETTINGS,
                      (struct bytes){params.data, params.len});
    buf_close(&params);
    return rv;
}

static void settings_are_set_one_by_one(void **state)
{
    struct driver *driver = *state;
    struct machine_settings settings;

    machine_settings(driver->machine, &settings);
    assert_false(settings.set);
    assert_int_equal(set(driver, (struct settings_args){0}), 0);
    machine_settings(driver->machine, &settings);
    assert_false(settings.set);
    assert_int_equal(set(driver, (struct settings_args){.has_interval = true,
                                                        .only_if_unset = true}),
                     0);
    machine_settings(driver->machine, &settings);
    assert_true(settings.set);
    assert_int_equal(settings.backup_interval_ms, 0);
    assert_int_equal(settings.max_saved_backups, BACKUPS_SAVED);
    assert_int_equal(set(driver, (struct settings_args){.max_saved_backups = 9,
                                                        .only_if_unset = true}),
                     0);
    assert_int_equal(
        set(driver, (struct settings_args){.max_saved_backups = 7}), 0);
    driver_reborn(driver);
    machine_settings(driver->machine, &settings);
    assert_int_equal(settings.backup_interval_ms, 0);
    assert_int_equal(settings.max_saved_backups, 7);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_backup_says_what_it_is_of),
        TEST(names_are_given_once),
        TEST(a_backup_without_a_name_gets_the_time),
        TEST(an_imported_backup_gets_an_id_of_ours),
        TEST(there_is_a_limit_to_backups),
        TEST(ids_rise_within_one_batch),
        TEST(what_is_frozen_is_the_logs_alone),
        TEST(the_digest_of_logs_knows_nothing_else),
        TEST(settings_are_set_one_by_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
