/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Nodes in one process, with real backup directories. */
#include "consensus/node.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup_store.h"
#include "machine/machine_parts.h"
#include "support/cmocka.h"
#include "support/told.h"
#include "util/file.h"

static void start_all(struct seats *seats)
{
    for (size_t i = 0; i < seats->count; i++) {
        seats_start(seats, i);
    }
}

static const struct backup_row *rows(const struct seats *seats, size_t place,
                                     size_t *ret_count)
{
    return machine_backups(node_machine(seats->seats[place].node), ret_count);
}

static void submit(struct seats *seats, size_t place, enum command_kind kind,
                   const struct buf *params)
{
    struct told told = {0};
    struct node_submit submit = {.data = &told};

    assert_int_equal(node_submit(seats->seats[place].node, &submit, kind,
                                 (struct bytes){params->data, params->len},
                                 told_on_submit),
                     0);
    seats_run_until(seats, is_told, &told);
    assert_int_equal(told.applied, 1);
}

static void make_backup(struct seats *seats, size_t place, const char *name)
{
    struct backup_create_args args = {.scheduled = false};
    struct buf params = BUF_INIT;

    (void)snprintf(args.name, sizeof args.name, "%s", name);
    assert_int_equal(backup_create_args_encode(&args, &params), 0);
    submit(seats, place, COMMAND_BACKUP_CREATE, &params);
    buf_close(&params);
}

/* ---- Waiting ---- */

struct wish {
    struct seats *seats;
    size_t place; /* whom to ask; */
    size_t whole; /* members that have it whole, */
    size_t count; /* or backups that there are */
    uint64_t id;  /* of the backup */
    size_t after; /* or more backups than that */
    bool problem;
};

static bool is_whole(void *data)
{
    struct wish *wish = data;
    struct node_backup_holder holders[MEMBERS_MAX];
    size_t whole = 0;
    size_t count = node_backup_holders(wish->seats->seats[wish->place].node,
                                       wish->id, holders);

    for (size_t i = 0; i < count; i++) {
        whole += holders[i].state == BACKUP_VERIFIED;
    }
    return whole >= wish->whole;
}

/* The newest backup is whole on so many, as the node at @place knows. */
static void await_whole(struct seats *seats, size_t place, size_t whole)
{
    struct wish wish = {.seats = seats, .place = place, .whole = whole};
    size_t count;
    const struct backup_row *all = rows(seats, place, &count);

    assert_true(count > 0);
    wish.id = all[count - 1].id;
    seats_run_until(seats, is_whole, &wish);
}

static bool are_so_many(void *data)
{
    struct wish *wish = data;
    size_t count;

    (void)rows(wish->seats, wish->place, &count);
    return count == wish->count;
}

static bool are_more(void *data)
{
    struct wish *wish = data;
    size_t count;

    (void)rows(wish->seats, wish->place, &count);
    return count > wish->after;
}

static bool has_problem(void *data)
{
    struct wish *wish = data;
    struct node_status status;

    node_status(wish->seats->seats[wish->place].node, &status);
    return (status.backups.problem[0] != '\0') == wish->problem;
}

/* ---- Tests ---- */

static void backup_is_whole_on_all_nodes(void **state)
{
    struct seats seats;
    struct node_status status;
    size_t leader;

    (void)state;
    seats_open(&seats, 3);
    start_all(&seats);
    leader = seats_await_leader(&seats);
    seats_create(&seats, leader);
    seats_append(&seats, leader, 5, 300000);
    make_backup(&seats, leader, "by-hand");
    seats_await_equal(&seats, leader);
    for (size_t i = 0; i < 3; i++) {
        await_whole(&seats, i, 3);
    }
    node_status(seats.seats[leader].node, &status);
    assert_int_equal(status.backups.saved, 1);
    assert_true(status.backups.last_success_ms > 0);
    assert_true(status.backups.last_verified_ms > 0);
    assert_int_equal(status.backups.failures, 0);
    assert_string_equal(status.backups.problem, "");
    seats_await_equal(&seats, leader);
    seats_close(&seats);
}

static void backup_is_there_after_a_restart(void **state)
{
    struct seats seats;

    (void)state;
    seats_open(&seats, 1);
    start_all(&seats);
    (void)seats_await_leader(&seats);
    seats_create(&seats, 0);
    seats_append(&seats, 0, 3, 1000);
    make_backup(&seats, 0, "by-hand");
    await_whole(&seats, 0, 1);
    seats_stop(&seats, 0);
    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    await_whole(&seats, 0, 1);
    seats_close(&seats);
}

static void settings_of_the_start_are_proposed_once(void **state)
{
    struct seats seats;
    struct wish wish = {.seats = &seats, .after = 0};
    struct machine_settings settings;

    (void)state;
    seats_open(&seats, 1);
    seats.options.backup_interval_ms = 3600 * 1000;
    seats.options.max_saved_backups = 7;
    start_all(&seats);
    (void)seats_await_leader(&seats);
    seats_create(&seats, 0);
    /* The first one comes at once. */
    seats_run_until(&seats, are_more, &wish);
    machine_settings(node_machine(seats.seats[0].node), &settings);
    assert_true(settings.set);
    assert_int_equal(settings.backup_interval_ms, 3600 * 1000);
    assert_int_equal(settings.max_saved_backups, 7);
    seats_stop(&seats, 0);

    /* Other flags change nothing any more. */
    seats.options.backup_interval_ms = 1000;
    seats.options.max_saved_backups = 9;
    seats_start(&seats, 0);
    (void)seats_await_leader(&seats);
    await_whole(&seats, 0, 1);
    machine_settings(node_machine(seats.seats[0].node), &settings);
    assert_int_equal(settings.max_saved_backups, 7);
    seats_close(&seats);
}

static void leader_makes_them_and_ends_the_oldest(void **state)
{
    struct seats seats;
    struct wish wish = {.seats = &seats};
    const struct backup_row *all;
    uint64_t oldest;
    size_t leader;
    size_t count;

    (void)state;
    seats_open(&seats, 3);
    seats.options.backup_interval_ms = BACKUP_INTERVAL_MIN_MS;
    seats.options.max_saved_backups = 2;
    start_all(&seats);
    leader = seats_await_leader(&seats);
    seats_create(&seats, leader);
    wish.place = leader;
    seats_run_until(&seats, are_more, &wish);
    all = rows(&seats, leader, &count);
    assert_true(all[0].scheduled);
    oldest = all[0].id;
    wish.after = 2;
    seats_run_until(&seats, are_more, &wish);
    wish.count = 2;
    seats_run_until(&seats, are_so_many, &wish);
    all = rows(&seats, leader, &count);
    assert_true(all[0].id > oldest);
    seats_close(&seats);
}

/* Its directory is below one that is not there; then that comes. */
static void node_without_a_directory_takes_it_from_another(void **state)
{
    struct seats seats;
    struct wish wish = {.seats = &seats, .problem = true};
    char parent[PATH_LEN_MAX];
    char dir[PATH_LEN_MAX];
    size_t leader;
    size_t poor;

    (void)state;
    seats_open(&seats, 3);
    start_all(&seats);
    leader = seats_await_leader(&seats);
    seats_create(&seats, leader);
    poor = (leader + 1) % 3;
    seats_stop(&seats, poor);
    assert_int_equal(
        path_join(parent, sizeof parent, seats.dir, "other-disk", NULL), 0);
    assert_int_equal(path_join(dir, sizeof dir, parent, "backups", NULL), 0);
    seats.options.backup_dir = dir;
    seats_start(&seats, poor);
    leader = seats_await_leader(&seats);
    seats_append(&seats, leader, 4, 400000);
    make_backup(&seats, leader, "by-hand");
    wish.place = poor;
    seats_run_until(&seats, has_problem, &wish);
    await_whole(&seats, leader, 2);
    seats_append(&seats, leader, 1, 10);

    assert_int_equal(mkdir(parent, 0700), 0);
    seats_await_equal(&seats, leader);
    await_whole(&seats, leader, 3);
    wish.problem = false;
    seats_run_until(&seats, has_problem, &wish);
    seats_close(&seats);
}

static int remove_one(const char *path, const struct stat *status, int kind,
                      struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

/* All of it is gone, and a file is in its place. */
static void directory_that_vanishes_stops_no_append(void **state)
{
    struct seats seats;
    struct wish wish = {.seats = &seats, .problem = true};
    struct node_status status;
    char dir[PATH_LEN_MAX];

    (void)state;
    seats_open(&seats, 1);
    start_all(&seats);
    (void)seats_await_leader(&seats);
    seats_create(&seats, 0);
    seats_append(&seats, 0, 3, 1000);
    make_backup(&seats, 0, "first");
    await_whole(&seats, 0, 1);
    assert_int_equal(
        path_join(dir, sizeof dir, seats.seats[0].dir, "backups", NULL), 0);
    assert_int_equal(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    assert_int_equal(file_replace(dir, "x", 1, 0600, NULL), 0);
    make_backup(&seats, 0, "second");
    seats_append(&seats, 0, 3, 1000);
    seats_run_until(&seats, has_problem, &wish);
    seats_append(&seats, 0, 3, 1000);
    node_status(seats.seats[0].node, &status);
    assert_true(status.backups.failures > 0);

    assert_int_equal(unlink(dir), 0);
    await_whole(&seats, 0, 1);
    wish.problem = false;
    seats_run_until(&seats, has_problem, &wish);
    seats_close(&seats);
}

/* It was away when the backup was made, and is given a snapshot. */
static void node_that_was_away_fetches_it(void **state)
{
    struct seats seats;
    size_t leader;
    size_t away;

    (void)state;
    seats_open(&seats, 3);
    seats.options.snapshot_bytes_min = 1 * MIB;
    start_all(&seats);
    leader = seats_await_leader(&seats);
    seats_create(&seats, leader);
    away = (leader + 1) % 3;
    seats_stop(&seats, away);
    leader = seats_await_leader(&seats);
    seats_append(&seats, leader, 6, 400000);
    make_backup(&seats, leader, "by-hand");
    seats_append(&seats, leader, 40, 1 * MIB);
    await_whole(&seats, leader, 2);
    seats_start(&seats, away);
    seats_await_equal(&seats, leader);
    await_whole(&seats, away, 3);
    seats_close(&seats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backup_is_whole_on_all_nodes),
        cmocka_unit_test(backup_is_there_after_a_restart),
        cmocka_unit_test(settings_of_the_start_are_proposed_once),
        cmocka_unit_test(leader_makes_them_and_ends_the_oldest),
        cmocka_unit_test(node_without_a_directory_takes_it_from_another),
        cmocka_unit_test(directory_that_vanishes_stops_no_append),
        cmocka_unit_test(node_that_was_away_fetches_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
