/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/recovery_scan.h"

#include <stdio.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/recovery_rig.h"
#include "wire/args_scan.h"

/* "alpha" has 10 entries, "beta" 6 (2 of them open when it was backed up), "empty"
 * none; the backup "b1" of them is staged. */
static int setup(void **state)
{
    struct recovery_rig *rig;

    recovery_rig_setup(state);
    rig = *state;
    recovery_rig_create(rig, "alpha");
    recovery_rig_create(rig, "beta");
    recovery_rig_create(rig, "empty");
    recovery_rig_append(rig, "alpha", 10);
    recovery_rig_append(rig, "beta", 6);
    recovery_rig_backup(rig, "b1");
    assert_int_not_equal(recovery_rig_stage(rig, "b1"), 0);
    return 0;
}

static struct recovery_print_result decode(struct bytes answer)
{
    struct recovery_print_result result;
    struct err err;

    assert_int_equal(recovery_print_result_decode(&result, answer, &err), 0);
    return result;
}

static struct recovery_print_result print(struct recovery_rig *rig,
                                          const char *params)
{
    return decode(recovery_rig_call(rig, "recovery.print", params));
}

static void expect_text(struct bytes bytes, const char *text)
{
    assert_int_equal(bytes.len, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.len);
}

static void counts_come_first(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_print_result result = print(rig, "{}");

    assert_int_equal(result.stage, recovery_rig_part(rig, MACHINE_STAGED).id);
    assert_int_equal(result.revision, 1);
    assert_int_equal(result.scanned_entries, 16);
    assert_int_equal(result.matched_entries, 16);
    assert_int_equal(result.scanned_bytes, 16 * 62);
    assert_int_equal(result.matched_bytes, 16 * 62);
    assert_int_equal(result.logs_count, 3);
    expect_text(result.logs[0].name, "alpha");
    assert_int_equal(result.logs[0].entries, 10);
    assert_int_equal(result.logs[0].matched, 10);
    expect_text(result.logs[2].name, "empty");
    assert_int_equal(result.logs[2].entries, 0);
    assert_int_equal(result.entries_count, 0);
    assert_int_equal(result.cursor.log.len, 0);
    recovery_print_result_close(&result);
}

static void entries_that_match_are_shown_on_demand(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_print_result result =
        print(rig, "{'filter': {'logs': 'a*', 'key': b'k1', 'from': 2, "
                   "'to': 8}, 'entries': true}");

    /* Positions 4 and 7 have this key. */
    assert_int_equal(result.logs_count, 1);
    assert_int_equal(result.scanned_entries, 6);
    assert_int_equal(result.matched_entries, 2);
    assert_int_equal(result.entries_count, 2);
    expect_text(result.entries[0].log, "alpha");
    assert_int_equal(result.entries[0].position, 4);
    assert_true(result.entries[0].has_key);
    expect_text(result.entries[0].key, "k1");
    assert_memory_equal(result.entries[0].value.data, "alpha-4-", 8);
    assert_int_equal(result.entries[1].position, 7);
    recovery_print_result_close(&result);
}

static void print_shows_what_is_staged_and_not_what_is_live(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_print_result result;

    recovery_rig_append(rig, "alpha", 3);
    recovery_rig_delete(rig, "beta");
    result = print(rig, "{}");
    assert_int_equal(result.scanned_entries, 16);
    assert_int_equal(result.state_index, recovery_rig_status(rig).state_index);
    recovery_print_result_close(&result);
}

static void page_goes_on_where_the_cursor_says(void **state)
{
    struct recovery_rig *rig = *state;
    char params[200];
    struct recovery_print_result result =
        print(rig, "{'entries': true, 'limit': 3}");
    size_t pages = 1;
    size_t entries = 0;
    uint64_t scanned = 0;
    bool more = true;

    while (more) {
        assert_true(result.entries_count <= 3);
        entries += result.entries_count;
        scanned += result.scanned_entries;
        more = result.cursor.log.len > 0;
        if (more) {
            snprintf(params, sizeof(params),
                     "{'entries': true, 'limit': 3, 'cursor': {'log': '%.*s', "
                     "'position': %u}}",
                     (int)result.cursor.log.len,
                     (const char *)result.cursor.log.data,
                     (unsigned)result.cursor.position);
            recovery_print_result_close(&result);
            result = print(rig, params);
            pages++;
        }
    }
    recovery_print_result_close(&result);
    assert_int_equal(entries, 16);
    assert_int_equal(scanned, 16);
    assert_int_equal(pages, 6);
}

static void cursor_of_a_log_that_is_not_there_means_the_next(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_print_result result =
        print(rig, "{'cursor': {'log': 'alpha0', 'position': 1}}");

    assert_int_equal(result.logs_count, 2);
    expect_text(result.logs[0].name, "beta");
    recovery_print_result_close(&result);
    /* So does one at the end of its log, which the page before has told of. */
    result = print(rig, "{'cursor': {'log': 'alpha', 'position': 11}}");
    assert_int_equal(result.logs_count, 2);
    expect_text(result.logs[0].name, "beta");
    recovery_print_result_close(&result);
}

static void bytes_on_disk_are_loaded_a_chunk_at_a_time(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_print_result result;

    rig->holds_loads = true;
    fake_chunks_put_away(rig->chunks);
    assert_int_equal(recorder_send(&rig->client, 1, "recovery.print",
                                   "{'filter': {'logs': 'alpha', 'from': 6}}"),
                     0);
    recovery_rig_settle(rig);
    /* The one with position 6, and only the next is wanted ahead. */
    assert_int_equal(fake_chunks_waiting(rig->chunks), 1);
    assert_int_equal(fake_chunks_wanted(rig->chunks, 0), 5);
    assert_int_equal(fake_chunks_ahead(rig->chunks), 9);
    assert_int_equal(fake_chunks_ahead(rig->chunks), 0);
    fake_chunks_finish(rig->chunks, 0, 0);
    recovery_rig_settle(rig);
    assert_int_equal(fake_chunks_wanted(rig->chunks, 0), 9);
    assert_int_equal(fake_chunks_held(rig->chunks), 0);
    fake_chunks_finish(rig->chunks, 0, 0);
    recovery_rig_settle(rig);
    result = decode(recorder_result(&rig->client, 1));
    assert_int_equal(result.scanned_entries, 5);
    recovery_print_result_close(&result);
    assert_int_equal(fake_chunks_held(rig->chunks), 0);
}

static void chunks_of_an_earlier_time_are_not_loaded(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_print_result result =
        print(rig, "{'filter': {'logs': 'alpha'}, 'entries': true}");
    unsigned long long since = result.entries[9].time_ms;
    char params[100];

    recovery_print_result_close(&result);
    rig->holds_loads = true;
    fake_chunks_put_away(rig->chunks);
    snprintf(params, sizeof(params),
             "{'filter': {'logs': 'alpha', 'since_ms': %llu}}", since);
    assert_int_equal(recorder_send(&rig->client, 1, "recovery.print", params),
                     0);
    recovery_rig_settle(rig);
    assert_int_equal(fake_chunks_wanted(rig->chunks, 0), 9);
    fake_chunks_finish(rig->chunks, 0, 0);
    recovery_rig_settle(rig);
    result = decode(recorder_result(&rig->client, 1));
    assert_int_equal(result.scanned_entries, 2);
    assert_int_equal(result.matched_entries, 1);
    recovery_print_result_close(&result);
}

static void entries_that_are_not_to_be_had_end_the_print(void **state)
{
    struct recovery_rig *rig = *state;
    struct rpc_error error;

    rig->holds_loads = true;
    fake_chunks_put_away(rig->chunks);
    assert_int_equal(recorder_send(&rig->client, 1, "recovery.print", "{}"), 0);
    recovery_rig_settle(rig);
    fake_chunks_finish(rig->chunks, 0, QL_NOT_FOUND);
    error = recorder_error(&rig->client, 1, QL_CORRUPT);
    assert_memory_equal(error.message.data, "log alpha: entries from 1 on", 28);
    assert_int_equal(rig->client.channel.calls_count, 0);
}

static void print_ends_when_what_is_staged_becomes_another(void **state)
{
    struct recovery_rig *rig = *state;

    rig->holds_loads = true;
    fake_chunks_put_away(rig->chunks);
    assert_int_equal(recorder_send(&rig->client, 1, "recovery.print", "{}"), 0);
    recovery_rig_settle(rig);
    assert_int_equal(rig_replicate(&rig->rig, COMMAND_RECOVERY_UNLOAD, "{}"),
                     0);
    fake_chunks_finish(rig->chunks, 0, 0);
    recorder_error(&rig->client, 1, QL_CONDITION_FAILED);
    assert_int_equal(fake_chunks_held(rig->chunks), 0);
}

static void connection_that_goes_ends_its_print(void **state)
{
    struct recovery_rig *rig = *state;
    struct recorder other;

    recorder_open(&other, &rig->rig, true);
    rig->holds_loads = true;
    fake_chunks_put_away(rig->chunks);
    assert_int_equal(recorder_send(&other, 1, "recovery.print", "{}"), 0);
    recovery_rig_settle(rig);
    assert_int_equal(fake_chunks_waiting(rig->chunks), 1);
    recorder_close(&other);
    assert_int_equal(fake_chunks_waiting(rig->chunks), 0);
}

static void only_so_many_look_at_the_same_time(void **state)
{
    struct recovery_rig *rig = *state;
    uint32_t i;

    rig->holds_loads = true;
    fake_chunks_put_away(rig->chunks);
    for (i = 0; i < RECOVERY_CALLS_MAX; i++) {
        assert_int_equal(recorder_send(&rig->client, i, "recovery.print", "{}"),
                         0);
    }
    recovery_rig_settle(rig);
    recorder_expect_nothing(&rig->client);
    recovery_rig_refused(rig, QL_BUSY, "recovery.print", "{}");
    rig->holds_loads = false;
    recovery_rig_settle(rig);
    for (i = 0; i < RECOVERY_CALLS_MAX; i++) {
        recorder_result(&rig->client, i);
    }
}

static void nothing_staged_is_said(void **state)
{
    struct recovery_rig *rig = *state;

    (void)recovery_rig_call(rig, "recovery.unload", "{}");
    recovery_rig_refused(rig, QL_NOT_FOUND, "recovery.print", "{}");
}

static void print_is_the_leaders(void **state)
{
    struct recovery_rig *rig = *state;

    fake_node_elect(rig->rig.node, 2);
    recovery_rig_refused(rig, QL_NOT_LEADER, "recovery.print", "{}");
}

int main(void)
{
#define PRINT_TEST(test)                                                       \
    cmocka_unit_test_setup_teardown(test, setup, recovery_rig_teardown)
    const struct CMUnitTest tests[] = {
        PRINT_TEST(counts_come_first),
        PRINT_TEST(entries_that_match_are_shown_on_demand),
        PRINT_TEST(print_shows_what_is_staged_and_not_what_is_live),
        PRINT_TEST(page_goes_on_where_the_cursor_says),
        PRINT_TEST(cursor_of_a_log_that_is_not_there_means_the_next),
        PRINT_TEST(bytes_on_disk_are_loaded_a_chunk_at_a_time),
        PRINT_TEST(chunks_of_an_earlier_time_are_not_loaded),
        PRINT_TEST(entries_that_are_not_to_be_had_end_the_print),
        PRINT_TEST(print_ends_when_what_is_staged_becomes_another),
        PRINT_TEST(connection_that_goes_ends_its_print),
        PRINT_TEST(only_so_many_look_at_the_same_time),
        PRINT_TEST(nothing_staged_is_said),
        PRINT_TEST(print_is_the_leaders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
