/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What those hear of a recovery who read, follow or hold a log. */
#include "service/restored.h"

#include <stdio.h>
#include <string.h>

#include "machine/digest.h"
#include "support/cmocka.h"
#include "support/edited.h"
#include "support/recovery_rig.h"
#include "support/saved.h"
#include "support/wire_check.h"
#include "wire/args_append.h"
#include "wire/args_read.h"
#include "wire/args_writer.h"
#include "wire/method.h"

/* Of a log of 13 entries the first 6 are in the backup; chunks end at 4, 8, 12. */
#define BACKED 6u
#define MORE 7u
#define SAME_FROM 5u /* the chunks of both end at 4, and then no more */
#define TAIL (BACKED + MORE + 1)

struct fixture {
    struct recovery_rig *rig;
    struct recorder reader;
};

static int setup(void **state)
{
    static struct fixture fixture;
    struct recovery_rig *rig;

    recovery_rig_setup(state);
    rig = *state;
    fixture.rig = rig;
    recovery_rig_create(rig, "grown");
    recovery_rig_append(rig, "grown", BACKED);
    recovery_rig_backup(rig, "b1");
    recovery_rig_append(rig, "grown", MORE);
    recovery_rig_create(rig, "new");
    recovery_rig_append(rig, "new", 3);
    recovery_rig_stage(rig, "b1");
    recorder_open(&fixture.reader, &rig->rig, false);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *rig = fixture->rig;

    recorder_close(&fixture->reader);
    return recovery_rig_teardown(&rig);
}

static void commit(struct fixture *fixture)
{
    struct machine_part_info info =
        recovery_rig_part(fixture->rig, MACHINE_STAGED);
    char params[200];

    snprintf(params, sizeof(params),
             "{'stage': %u, 'revision': %u, 'operation': 7}", (unsigned)info.id,
             (unsigned)info.revision);
    recovery_rig_call(fixture->rig, "recovery.commit", params);
}

static void follow(struct fixture *fixture, const char *params)
{
    recorder_call(&fixture->reader, "log.follow", params);
}

static void expect_entries(struct fixture *fixture, uint64_t first,
                           uint64_t next)
{
    struct follow_entries entries;
    struct err err;

    recovery_rig_settle(fixture->rig);
    assert_int_equal(follow_entries_decode(
                         &entries,
                         recorder_notice(&fixture->reader, NOTIFY_LOG_ENTRIES),
                         &err),
                     0);
    assert_int_equal(entries.entries[0].position, first);
    assert_int_equal(entries.next, next);
    follow_entries_free(&entries);
}

static void expect_event(struct fixture *fixture, const char *name,
                         uint64_t position, uint64_t incarnation)
{
    struct follow_event event;
    struct err err;

    recovery_rig_settle(fixture->rig);
    assert_int_equal(
        follow_event_decode(
            &event, recorder_notice(&fixture->reader, NOTIFY_LOG_EVENT), &err),
        0);
    assert_bytes(event.event, name);
    assert_int_equal(event.position, position);
    assert_int_equal(event.incarnation, incarnation);
}

static void a_stream_is_told_from_where_the_log_may_differ_and_ends(
    void **state)
{
    struct fixture *fixture = *state;

    follow(fixture, "{'log': 'grown', 'from': 13, 'credit': 100000, "
                    "'stale': true}");
    expect_entries(fixture, 13, TAIL);
    commit(fixture);
    expect_event(fixture, FOLLOW_RESTORED, SAME_FROM, 2);
    recovery_rig_append(fixture->rig, "grown", 1);
    recovery_rig_settle(fixture->rig);
    recorder_expect_nothing(&fixture->reader);
}

static void a_stream_that_is_not_that_far_goes_on_where_it_is(void **state)
{
    struct fixture *fixture = *state;

    follow(fixture, "{'log': 'grown', 'from': 2, 'credit': 1, 'stale': true}");
    expect_entries(fixture, 2, 3);
    commit(fixture);
    expect_event(fixture, FOLLOW_RESTORED, 3, 2);
}

static void a_stream_of_a_log_that_is_not_in_the_backup_ends(void **state)
{
    struct fixture *fixture = *state;

    follow(fixture, "{'log': 'new', 'from': 4, 'credit': 100, 'stale': true}");
    commit(fixture);
    expect_event(fixture, FOLLOW_DELETED, 4, 0);
}

static void what_the_restore_left_out_is_a_hole_in_a_stream(void **state)
{
    struct fixture *fixture = *state;

    commit(fixture);
    follow(fixture, "{'log': 'grown', 'from': 5, 'credit': 100000, "
                    "'stale': true, 'incarnation': 2}");
    expect_entries(fixture, 5, 7);
    recovery_rig_append(fixture->rig, "grown", 1);
    expect_event(fixture, FOLLOW_HOLE, TAIL, 0);
    expect_entries(fixture, TAIL, TAIL + 1);
}

static void a_read_that_goes_on_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct rpc_error error;

    commit(fixture);
    error = recorder_refused(
        &fixture->reader, QL_RESTORED, "log.read",
        "{'log': 'grown', 'from': 9, 'incarnation': 1, 'stale': true}");
    assert_int_equal(error.position, SAME_FROM);
    error = recorder_refused(
        &fixture->reader, QL_RESTORED, "log.follow",
        "{'log': 'grown', 'from': 9, 'incarnation': 1, 'credit': 9, "
        "'stale': true}");
    assert_int_equal(error.position, SAME_FROM);
    recorder_call(&fixture->reader, "log.read",
                  "{'log': 'grown', 'from': 1, 'incarnation': 2, "
                  "'stale': true}");
}

/* As one that learnt of it on another node. */
static void a_node_that_lags_behind_a_reader_says_so(void **state)
{
    struct fixture *fixture = *state;

    recorder_refused(
        &fixture->reader, QL_BUSY, "log.read",
        "{'log': 'grown', 'from': 9, 'incarnation': 2, 'stale': true}");
}

static void an_incarnation_of_long_ago_differs_from_its_beginning_on(
    void **state)
{
    struct fixture *fixture = *state;
    struct rpc_error error;

    commit(fixture);
    recovery_rig_call(fixture->rig, "recovery.undo", "{'operation': 8}");
    error = recorder_refused(
        &fixture->reader, QL_RESTORED, "log.read",
        "{'log': 'grown', 'from': 9, 'incarnation': 1, 'stale': true}");
    assert_int_equal(error.position, 1);
}

static void who_holds_a_log_is_fenced(void **state)
{
    struct fixture *fixture = *state;
    struct writer_fenced fenced;
    struct err err;

    recorder_call(&fixture->reader, "writer.acquire",
                  "{'log': 'grown', 'name': 'me'}");
    commit(fixture);
    recovery_rig_settle(fixture->rig);
    assert_int_equal(writer_fenced_decode(&fenced,
                                          recorder_notice(&fixture->reader,
                                                          NOTIFY_WRITER_FENCED),
                                          &err),
                     0);
    assert_int_equal(fenced.epoch, 1);
    assert_int_equal(fenced.newer, 2);
}

/* It may have been made, and be in the backup or not. */
static void what_became_of_an_append_from_before_is_not_known(void **state)
{
    struct fixture *fixture = *state;
    struct rpc_error error;
    struct producer_args args;
    char params[100];

    assert_int_equal(producer_args_decode(
                         &args,
                         recorder_call(&fixture->reader, "producer.open", "{}"),
                         NULL),
                     0);
    snprintf(params, sizeof(params),
             "{'appends': [{'log': 'grown', 'entries': [b'x']}], "
             "'producer': %u, 'sequence': 1}",
             (unsigned)args.producer);
    recorder_call(&fixture->reader, "log.append", params);
    commit(fixture);
    snprintf(params, sizeof(params), "{'producer': %u, 'sequence': 1}",
             (unsigned)args.producer);
    error = recorder_refused(&fixture->reader, QL_RESTORED, "append.status",
                             params);
    assert_non_null(memmem(error.message.data, error.message.len, "replaced",
                           strlen("replaced")));
}

/* ---- Between the command and the turn in which it is told ---------------- */

/* Commands that the service has not heard of yet. */
static struct driver driver_of(struct fixture *fixture)
{
    return (struct driver){.machine = node_machine(fixture->rig->rig.node),
                           .index = 1000,
                           .time_ms = 1000};
}

static void a_stream_has_nothing_of_the_new_log_before_it_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct driver driver = driver_of(fixture);

    follow(fixture, "{'log': 'grown', 'from': 2, 'credit': 1, 'stale': true}");
    expect_entries(fixture, 2, 3);
    assert_int_equal(driver_commit(&driver, 7), 0);
    recorder_notify(&fixture->reader, "log.credit",
                    "{'follow': 1, 'bytes': 100000}");
    recorder_expect_nothing(&fixture->reader);
    service_on_applied(fixture->rig->rig.service);
    expect_event(fixture, FOLLOW_RESTORED, 3, 2);
}

/* One of another cluster, whose first log has another name. */
static void stage_foreign(struct driver *driver)
{
    struct read_entry read = {20, 1, {NULL, 0}, text("theirs")};
    uint8_t digest[HASH128_LEN] = {0};
    struct chunk *chunk = chunk_new(1, 20);
    struct load_log row = {.uid = 1,
                           .incarnation = 1,
                           .head = 1,
                           .tail = 30,
                           .last_time_ms = 1,
                           .name = text("theirs")};

    chunk_add(chunk, &read);
    digest_add(digest, &read);
    assert_int_equal(driver_begin(driver, "foreign", 0, 0), 0);
    assert_int_equal(edited_log(driver, &row), 0);
    assert_int_equal(edited_bytes(driver, chunk, 0, 0), 0);
    assert_int_equal(edited_done(driver, digest), 0);
    assert_int_equal(edited_end(driver, 0), 0);
    chunk_drop(chunk);
}

static void a_stream_is_of_a_name_and_not_of_a_number(void **state)
{
    struct fixture *fixture = *state;
    struct driver driver = driver_of(fixture);

    commit(fixture);
    stage_foreign(&driver);
    follow(fixture, "{'log': 'grown', 'from': 14, 'credit': 1000, "
                    "'stale': true}");
    assert_int_equal(driver_commit(&driver, 8), 0);
    service_on_applied(fixture->rig->rig.service);
    expect_event(fixture, FOLLOW_DELETED, 14, 0);
    recorder_expect_nothing(&fixture->reader);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stream_is_told_from_where_the_log_may_differ_and_ends),
        TEST(a_stream_that_is_not_that_far_goes_on_where_it_is),
        TEST(a_stream_of_a_log_that_is_not_in_the_backup_ends),
        TEST(what_the_restore_left_out_is_a_hole_in_a_stream),
        TEST(a_read_that_goes_on_is_told),
        TEST(a_node_that_lags_behind_a_reader_says_so),
        TEST(an_incarnation_of_long_ago_differs_from_its_beginning_on),
        TEST(who_holds_a_log_is_fenced),
        TEST(what_became_of_an_append_from_before_is_not_known),
        TEST(a_stream_has_nothing_of_the_new_log_before_it_is_told),
        TEST(a_stream_is_of_a_name_and_not_of_a_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
