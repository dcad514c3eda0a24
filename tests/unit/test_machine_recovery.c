/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Staging a backup, making it live, and going back. */
#include <string.h>

#include "support/cmocka.h"
#include "support/saved_rig.h"
#include "support/shelf.h"
#include "wire/args_freeze.h"

/* ---- Staging ---- */

static void a_staged_state_is_that_of_the_backup(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    uint64_t state_index = driver_counts(driver).state_index;
    struct machine_part_info info;
    struct log_stat stat;

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    info = rig_part(driver, MACHINE_STAGED);
    assert_int_equal(info.id, driver->outcome.recovery.stage);
    assert_int_equal(info.revision, 1);
    assert_memory_equal(info.source.data, "before", 6);
    assert_int_equal(info.from_index, 7);
    assert_int_equal(info.logs, 3);
    assert_int_equal(info.entries, 9);
    assert_int_equal(info.chunks, 4);
    assert_false(machine_part_info(driver->machine, MACHINE_DRAFT, &info));
    assert_int_equal(
        machine_part_stat(driver->machine, MACHINE_STAGED, text("a"), &stat),
        0);
    assert_int_equal(stat.head, 3);
    assert_int_equal(stat.tail, 11);
    assert_int_equal(stat.retention.entries, 1000);
    assert_int_equal(driver_counts(driver).state_index, state_index);
    assert_int_equal(driver_counts(driver).logs, 4);
}

static void chunks_that_are_live_are_the_same_objects(void **state)
{
    struct saved_rig *fixture = *state;
    struct machine *machine = fixture->driver.machine;
    struct chunk *const *chunks;
    const uint8_t *from;
    size_t count;

    assert_int_equal(
        saved_stage(&fixture->saved, &fixture->driver, SAVED_BYTES), 0);
    chunks = machine_part_chunks(machine, MACHINE_STAGED, 1, &count);
    assert_int_equal(count, 3);
    assert_ptr_equal(chunks[0], machine_find_chunk(machine, 1, 3));
    assert_ptr_equal(chunks[1], machine_find_chunk(machine, 1, 5));
    assert_null(machine_find_chunk(machine, 1, 13));
    assert_ptr_equal(machine_find_named(machine, &chunks[2]->name, &from),
                     chunks[2]);
    assert_memory_equal(from, chunks[1]->name.chain, HASH128_LEN);
}

static void chunks_of_an_image_are_shared_again(void **state)
{
    struct saved_rig *fixture = *state;
    struct machine *other = machine_new(&saved_rig_limits);
    struct buf image = BUF_INIT;
    struct chunk *const *chunks;
    size_t count;

    assert_int_equal(saved_stage(&fixture->saved, &fixture->driver, SAVED_REFS),
                     0);
    machine_image(fixture->driver.machine, &image);
    assert_int_equal(machine_restore(other, image.data, image.len, NULL, NULL),
                     0);
    chunks = machine_part_chunks(other, MACHINE_STAGED, 1, &count);
    assert_int_equal(count, 3);
    assert_ptr_equal(chunks[0], machine_find_chunk(other, 1, 3));
    assert_ptr_equal(chunks[1], machine_find_chunk(other, 1, 5));
    buf_close(&image);
    machine_free(other);
}

static void a_draft_that_was_left_is_replaced(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct saved_steps steps = {.saved = &fixture->saved, .way = SAVED_BYTES};
    uint64_t left;

    for (int i = 0; i < 4; i++) {
        assert_true(saved_step(&steps, driver));
    }
    left = rig_part(driver, MACHINE_DRAFT).id;
    assert_int_equal(rig_part(driver, MACHINE_DRAFT).next_seq, 3);
    assert_int_equal(rig_part(driver, MACHINE_DRAFT).total_bytes, 10);
    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_true(rig_part(driver, MACHINE_STAGED).id > left);
    assert_true(saved_step(&steps, driver));
    assert_int_equal(steps.code, QL_NOT_FOUND);
}

static void only_one_state_is_staged_at_a_time(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS),
                     QL_EXISTS);
    assert_non_null(strstr(machine_refusal_text(&driver->outcome), "unload"));
    assert_int_equal(driver_unload(driver, false), 0);
    assert_int_equal(driver_unload(driver, false), QL_NOT_FOUND);
    assert_int_equal(driver_unload(driver, true), QL_NOT_FOUND);
    assert_int_equal(driver_commit(driver, 5), QL_NOT_FOUND);
    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
}

/* The shelf proves the bytes of each against its name and the chain before. */
static void the_store_hears_of_chunks_that_are_new(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct shelf *shelf = shelf_new();

    shelf_attach(shelf, driver->machine);
    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_BYTES), 0);
    assert_int_equal(shelf_count(shelf), 2); /* what was open in a and c */
    assert_int_equal(driver_commit(driver, 77), 0);
    assert_int_equal(shelf_count(shelf), 4); /* what was open until now */
    assert_int_equal(
        driver_append_many(driver, "a", RIG_CHUNK_ENTRIES, RIG_ENTRY_BYTES), 0);
    assert_true(shelf_count(shelf) > 4);
    machine_on_chunks(driver->machine, NULL);
    shelf_free(shelf);
}

/* ---- Commit ---- */

static void a_commit_gives_the_logs_of_the_backup(void **state)
{
    static const char *const first[] = {"first", NULL};
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    uint64_t state_index = driver_counts(driver).state_index;
    struct log_stat saved;
    struct log_stat stat;

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_BYTES), 0);
    assert_int_equal(driver_commit(driver, 77), 0);
    assert_false(driver->outcome.duplicate);
    assert_int_equal(driver_counts(driver).state_index, state_index + 1);
    assert_int_equal(driver_counts(driver).logs, 3);
    assert_int_equal(driver_counts(driver).entries, 9);

    stat = driver_stat(driver, "a");
    assert_int_equal(
        machine_log_stat(fixture->saved.machine, text("a"), &saved), 0);
    assert_int_equal(stat.uid, 1);
    assert_int_equal(stat.head, 3);
    assert_int_equal(stat.tail, 14); /* no position is given twice */
    assert_int_equal(stat.incarnation, 2);
    assert_int_equal(stat.writer_epoch, 1);
    assert_int_equal(stat.retention.entries, 1000);
    assert_memory_equal(stat.digest, saved.digest, 16);
    /* A retried create finds its log. */
    assert_int_equal(
        driver_create_with(driver, "a", (struct retention){0, 0, 0}, 42), 0);

    stat = driver_stat(driver, "b");
    assert_int_equal(stat.writer_epoch, 3);
    assert_int_equal(stat.writer_name.len, 0);
    rig_expect_texts(driver->machine, MACHINE_LIVE, "c", first);
    assert_int_equal(driver_append(driver, "d", "x"), QL_NOT_FOUND);
}

static void a_name_keeps_its_place_although_the_uid_is_another(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct log_stat live = driver_stat(driver, "c");
    struct log_stat stat;

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 77), 0);
    stat = driver_stat(driver, "c");
    assert_int_equal(stat.uid, 3);
    assert_int_not_equal(live.uid, 3);
    assert_int_equal(stat.incarnation, live.incarnation + 1);
    assert_int_equal(stat.tail, live.tail);
    assert_int_equal(driver_create(driver, "new"), 0);
    assert_true(driver->outcome.stat.uid > live.uid + 1);
}

static void producers_are_void_after_a_commit(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    uint64_t producer = driver_open_producer(driver);
    struct append_result result;
    uint64_t committed;

    assert_int_equal(driver_append_numbered(driver, "a", producer, 1), 0);
    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 77), 0);
    committed = driver->index;
    assert_int_equal(driver_append_numbered(driver, "a", producer, 2),
                     QL_RESTORED);
    assert_non_null(strstr(machine_refusal_text(&driver->outcome), "replaced"));
    assert_int_equal(driver_close_producer(driver, producer), QL_RESTORED);
    assert_int_equal(
        machine_append_status(driver->machine, producer, 1, &result),
        QL_RESTORED);
    /* Ids up to the commit that nobody had, too: none is ever given. */
    assert_int_equal(driver_close_producer(driver, committed), QL_RESTORED);
    producer = driver_open_producer(driver);
    assert_int_equal(driver_append_numbered(driver, "a", producer, 1), 0);
    assert_int_equal(driver_close_producer(driver, producer + 1000),
                     QL_NOT_FOUND);
}

static void a_commit_is_done_once(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct recovery_last last;
    uint8_t digests[2][16];

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_commit(driver, 77), 0);
    last = driver->outcome.recovery.last;
    assert_int_equal(last.kind, RECOVERY_COMMIT);
    assert_int_equal(last.index, driver->index);
    assert_int_equal(last.logs_before, 4);
    assert_int_equal(last.logs_after, 3);
    assert_int_equal(last.entries_before, 13);
    assert_int_equal(last.entries_after, 9);
    assert_string_equal(last.source, "before");
    machine_digest(driver->machine, digests[0]);
    assert_int_equal(driver_commit(driver, 77), 0);
    assert_true(driver->outcome.duplicate);
    assert_memory_equal(&driver->outcome.recovery.last, &last, sizeof(last));
    machine_digest(driver->machine, digests[1]);
    assert_memory_equal(digests[0], digests[1], 16);
    assert_int_equal(driver_commit(driver, 78), QL_NOT_FOUND);
}

static void a_commit_may_be_bound_to_what_was_seen(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct recovery_commit_args args = {.operation = 77,
                                        .has_expect_state = true};
    uint8_t digests[2][16];

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    args.stage = driver->outcome.recovery.stage;
    args.revision = 1;
    args.expect_state = driver_counts(driver).state_index;
    assert_int_equal(driver_append(driver, "a", "newer"), 0);
    machine_digest(driver->machine, digests[0]);
    assert_int_equal(driver_commit_args(driver, &args), QL_CONDITION_FAILED);
    assert_int_equal(driver->outcome.position, args.expect_state + 1);
    assert_non_null(strstr(machine_refusal_text(&driver->outcome), "discard"));
    args.revision = 2;
    args.discard_newer = true;
    assert_int_equal(driver_commit_args(driver, &args), QL_CONDITION_FAILED);
    assert_non_null(strstr(machine_refusal_text(&driver->outcome), "staged"));
    args.revision = 1;
    args.stage++;
    assert_int_equal(driver_commit_args(driver, &args), QL_CONDITION_FAILED);
    machine_digest(driver->machine, digests[1]);
    assert_memory_equal(digests[0], digests[1], 16);
    args.stage--;
    assert_int_equal(driver_commit_args(driver, &args), 0);
}

static void a_commit_leaves_a_freeze_backups_and_settings(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct freeze_args args = {text("recovering"), text("me")};
    struct machine_standstill standstill;
    struct buf params = BUF_INIT;
    size_t count;

    assert_int_equal(freeze_args_encode(&args, &params), 0);
    assert_int_equal(driver_apply(driver, COMMAND_FREEZE,
                                  (struct bytes){params.data, params.len}),
                     0);
    buf_close(&params);
    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(driver_backup(driver, "frozen"), 0);
    assert_int_equal(driver_commit(driver, 77), 0);
    machine_standstill(driver->machine, &standstill);
    assert_true(standstill.frozen);
    assert_int_equal(driver_append(driver, "a", "x"), QL_FROZEN);
    (void)machine_backups(driver->machine, &count);
    assert_int_equal(count, 2);
    assert_int_equal(driver_undo(driver, 78), 0);
    assert_int_equal(driver_counts(driver).logs, 4);
}

static void nearly_full_disks_refuse_drafts_but_no_commit(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct saved_steps steps = {.saved = &fixture->saved, .way = SAVED_REFS};

    driver_space(driver, true);
    assert_int_equal(driver_begin(driver, "before", 0, 0), QL_NO_SPACE);
    driver_space(driver, false);
    (void)saved_step(&steps, driver);
    driver_space(driver, true);
    (void)saved_step(&steps, driver);
    assert_int_equal(steps.code, QL_NO_SPACE);
    driver_space(driver, false);
    steps.ended = false;
    steps.in_log = false;
    steps.seq--;
    while (saved_step(&steps, driver)) {
    }
    assert_int_equal(steps.code, 0);
    driver_space(driver, true);
    assert_int_equal(driver_backup(driver, "low"), 0);
    assert_int_equal(driver_commit(driver, 77), 0);
}

/* ---- Who hears of it ---- */

struct heard {
    int all;
    int others;
};

static void on_changed(void *data, uint64_t uid)
{
    struct heard *heard = data;

    heard->all += uid == 0;
    heard->others += uid != 0;
}

static void everybody_is_told_of_a_commit(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct heard heard = {0, 0};

    machine_on_changed(driver->machine, on_changed, &heard);
    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_BYTES), 0);
    assert_int_equal(heard.all, 0);
    assert_int_equal(driver_commit(driver, 77), 0);
    assert_int_equal(heard.all, 1);
    assert_int_equal(heard.others, 0);
    machine_on_changed(driver->machine, NULL, NULL);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, saved_rig_setup_changed,         \
                                    saved_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_staged_state_is_that_of_the_backup),
        TEST(chunks_that_are_live_are_the_same_objects),
        TEST(chunks_of_an_image_are_shared_again),
        TEST(a_draft_that_was_left_is_replaced),
        TEST(only_one_state_is_staged_at_a_time),
        TEST(the_store_hears_of_chunks_that_are_new),
        TEST(a_commit_gives_the_logs_of_the_backup),
        TEST(a_name_keeps_its_place_although_the_uid_is_another),
        TEST(producers_are_void_after_a_commit),
        TEST(a_commit_is_done_once),
        TEST(a_commit_may_be_bound_to_what_was_seen),
        TEST(a_commit_leaves_a_freeze_backups_and_settings),
        TEST(nearly_full_disks_refuse_drafts_but_no_commit),
        TEST(everybody_is_told_of_a_commit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
