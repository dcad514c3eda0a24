/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/recovery_diff.h"

#include <stdio.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/recovery_rig.h"
#include "wire/args_scan.h"

/* The logs are named by what becomes of them behind the backup "b1", which is
 * staged. */
static int setup(void **state)
{
    struct recovery_rig *rig;

    recovery_rig_setup(state);
    rig = *state;
    recovery_rig_create(rig, "deleted");
    recovery_rig_append(rig, "deleted", 5);
    recovery_rig_create(rig, "grown");
    recovery_rig_append(rig, "grown", 6);
    recovery_rig_create(rig, "made-anew");
    recovery_rig_append(rig, "made-anew", 6);
    recovery_rig_create(rig, "same");
    recovery_rig_append(rig, "same", 6);
    recovery_rig_create(rig, "trimmed");
    recovery_rig_append(rig, "trimmed", 10);
    recovery_rig_create(rig, "trimmed-and-grown");
    recovery_rig_append(rig, "trimmed-and-grown", 10);
    recovery_rig_backup(rig, "b1");

    recovery_rig_delete(rig, "deleted");
    recovery_rig_append(rig, "grown", 7);
    recovery_rig_delete(rig, "made-anew");
    recovery_rig_create(rig, "made-anew");
    recovery_rig_append(rig, "made-anew", 2);
    recovery_rig_create(rig, "new");
    recovery_rig_append(rig, "new", 3);
    recovery_rig_trim(rig, "trimmed", 6);
    recovery_rig_trim(rig, "trimmed-and-grown", 6);
    recovery_rig_append(rig, "trimmed-and-grown", 2);
    recovery_rig_stage(rig, "b1");
    return 0;
}

static struct recovery_diff_result decode(struct bytes answer)
{
    struct recovery_diff_result result;
    struct err err;

    assert_int_equal(recovery_diff_result_decode(&result, answer, &err), 0);
    return result;
}

static struct recovery_diff_result diff(struct recovery_rig *rig,
                                        const char *params)
{
    return decode(recovery_rig_call(rig, "recovery.diff", params));
}

static struct diff_log diff_one(struct recovery_rig *rig, const char *log)
{
    struct recovery_diff_result result;
    struct diff_log ret;
    char params[100];

    snprintf(params, sizeof(params), "{'logs': '%s'}", log);
    result = diff(rig, params);
    assert_int_equal(result.count, 1);
    ret = result.logs[0]; /* its texts lie in the answer */
    recovery_diff_result_close(&result);
    return ret;
}

static void every_log_of_both_sides_is_told_in_order(void **state)
{
    static const struct {
        const char *name;
        enum diff_kind kind;
    } expected[] = {
        {"deleted", DIFF_STAGED_ONLY},
        {"grown", DIFF_LIVE_AHEAD},
        {"made-anew", DIFF_DIFFERS},
        {"new", DIFF_LIVE_ONLY},
        {"same", DIFF_SAME},
        {"trimmed", DIFF_STAGED_AHEAD},
        {"trimmed-and-grown", DIFF_DIFFERS},
    };
    struct recovery_rig *rig = *state;
    struct recovery_diff_result result = diff(rig, "{}");
    size_t i;

    assert_int_equal(result.stage, recovery_rig_part(rig, MACHINE_STAGED).id);
    assert_int_equal(result.state_index, recovery_rig_status(rig).state_index);
    recovery_diff_result_close(&result);
    result = diff(rig, "{}");
    assert_false(result.more);
    assert_int_equal(result.count, 7);
    for (i = 0; i < result.count; i++) {
        assert_int_equal(result.logs[i].name.len, strlen(expected[i].name));
        assert_memory_equal(result.logs[i].name.data, expected[i].name,
                            result.logs[i].name.len);
        assert_int_equal(result.logs[i].kind, expected[i].kind);
    }
    recovery_diff_result_close(&result);
}

static void log_that_has_grown_is_the_same_up_to_the_backup(void **state)
{
    struct recovery_rig *rig = *state;
    struct diff_log log = diff_one(rig, "grown");

    assert_int_equal(log.common, 6);
    assert_int_equal(log.staged.tail, 7);
    assert_int_equal(log.staged.entries, 6);
    assert_int_equal(log.live.tail, 14);
    assert_int_equal(log.live.entries, 13);
    assert_int_equal(log.examples_count, DIFF_EXAMPLES_MAX / 2);
    assert_true(log.examples[0].live);
    assert_int_equal(log.examples[0].position, 7);
    assert_memory_equal(log.examples[0].value.data, "grown-7-", 8);
    assert_true(log.examples[0].has_key);
    assert_memory_equal(log.examples[0].key.data, "k1", 2);
    assert_int_equal(log.examples[3].position, 10);
}

static void log_made_anew_has_nothing_in_common(void **state)
{
    struct recovery_rig *rig = *state;
    struct diff_log log = diff_one(rig, "made-anew");

    assert_int_equal(log.common, 0);
    assert_int_equal(log.examples_count, 4 + 2);
    assert_false(log.examples[0].live);
    assert_int_equal(log.examples[0].position, 1);
    assert_true(log.examples[4].live);
    assert_int_equal(log.examples[4].position, 1);
}

static void logs_of_one_side_show_what_they_begin_with(void **state)
{
    struct recovery_rig *rig = *state;
    struct diff_log log = diff_one(rig, "deleted");

    assert_int_equal(log.staged.entries, 5);
    assert_int_equal(log.live.tail, 0);
    assert_int_equal(log.examples_count, 4);
    assert_false(log.examples[0].live);
    log = diff_one(rig, "new");
    assert_int_equal(log.live.entries, 3);
    assert_int_equal(log.staged.tail, 0);
    assert_int_equal(log.examples_count, 3);
    assert_true(log.examples[2].live);
    assert_int_equal(log.examples[2].position, 3);
}

static void log_trimmed_since_has_more_in_the_backup(void **state)
{
    struct recovery_rig *rig = *state;
    struct diff_log log = diff_one(rig, "trimmed");

    assert_int_equal(log.common, 10);
    assert_int_equal(log.staged.head, 1);
    assert_int_equal(log.live.head, 6);
    /* What the trim took away, not what both have. */
    assert_int_equal(log.examples_count, 4);
    assert_int_equal(log.examples[0].position, 1);
    assert_int_equal(log.examples[3].position, 4);
    log = diff_one(rig, "trimmed-and-grown");
    assert_int_equal(log.common, 10);
    assert_int_equal(log.examples_count, 4 + 2);
    assert_int_equal(log.examples[0].position, 1);
    assert_true(log.examples[4].live);
    assert_int_equal(log.examples[4].position, 11);
}

static void same_log_has_no_examples(void **state)
{
    struct recovery_rig *rig = *state;
    struct diff_log log = diff_one(rig, "same");

    assert_int_equal(log.common, 6);
    assert_int_equal(log.examples_count, 0);
}

static void pages_go_on_behind_a_name(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_diff_result result = diff(rig, "{'limit': 3}");

    assert_int_equal(result.count, 3);
    assert_true(result.more);
    assert_int_equal(result.after.len, 9);
    recovery_diff_result_close(&result);
    result = diff(rig, "{'limit': 100, 'after': 'made-anew'}");
    assert_int_equal(result.count, 4);
    assert_false(result.more);
    assert_memory_equal(result.logs[0].name.data, "new", 3);
    recovery_diff_result_close(&result);
}

static void only_chunks_in_which_logs_part_are_loaded(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_diff_result result;

    rig->holds_loads = true;
    fake_chunks_put_away(rig->chunks);
    assert_int_equal(
        recorder_send(&rig->client, 1, "recovery.diff", "{'logs': 'grown'}"),
        0);
    recovery_rig_settle(rig);
    /* The staged one that has 5 and 6, then the live one that has 5 to 8. */
    assert_int_equal(fake_chunks_waiting(rig->chunks), 1);
    assert_int_equal(fake_chunks_wanted(rig->chunks, 0), 5);
    fake_chunks_finish(rig->chunks, 0, 0);
    recovery_rig_settle(rig);
    assert_int_equal(fake_chunks_wanted(rig->chunks, 0), 5);
    fake_chunks_finish(rig->chunks, 0, 0);
    recovery_rig_settle(rig);
    rig->holds_loads = false;
    recovery_rig_settle(rig);
    result = decode(recorder_result(&rig->client, 1));
    assert_int_equal(result.logs[0].common, 6);
    assert_int_equal(result.logs[0].kind, DIFF_LIVE_AHEAD);
    recovery_diff_result_close(&result);
    assert_int_equal(fake_chunks_held(rig->chunks), 0);
    while (fake_chunks_ahead(rig->chunks) != 0) {
        continue;
    }
    /* Rows alone tell that this one is the same. */
    result = diff(rig, "{'logs': 'same'}");
    assert_int_equal(result.count, 1);
    recovery_diff_result_close(&result);
}

static void log_that_changes_meanwhile_is_compared_anew(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_diff_result result;

    rig->holds_loads = true;
    fake_chunks_put_away(rig->chunks);
    assert_int_equal(
        recorder_send(&rig->client, 1, "recovery.diff", "{'logs': 'grown'}"),
        0);
    recovery_rig_settle(rig);
    recovery_rig_delete(rig, "grown");
    rig->holds_loads = false;
    recovery_rig_settle(rig);
    result = decode(recorder_result(&rig->client, 1));
    assert_int_equal(result.logs[0].kind, DIFF_STAGED_ONLY);
    /* The state index is the one before: what came since is not in it. */
    assert_true(result.state_index < recovery_rig_status(rig).state_index);
    recovery_diff_result_close(&result);
}

static void diff_ends_with_what_is_staged_or_the_connection(void **state)
{
    struct recovery_rig *rig = *state;
    struct recorder other;

    recorder_open(&other, &rig->rig, true);
    rig->holds_loads = true;
    fake_chunks_put_away(rig->chunks);
    assert_int_equal(recorder_send(&other, 1, "recovery.diff", "{}"), 0);
    assert_int_equal(recorder_send(&rig->client, 1, "recovery.diff", "{}"), 0);
    recovery_rig_settle(rig);
    recorder_close(&other);
    assert_int_equal(fake_chunks_waiting(rig->chunks), 1);
    recovery_rig_call(rig, "recovery.unload", "{}");
    fake_chunks_finish(rig->chunks, 0, 0);
    recovery_rig_settle(rig);
    recorder_error(&rig->client, 1, QL_CONDITION_FAILED);
    recovery_rig_refused(rig, QL_NOT_FOUND, "recovery.diff", "{}");
}

int main(void)
{
#define DIFF_TEST(test)                                                        \
    cmocka_unit_test_setup_teardown(test, setup, recovery_rig_teardown)
    const struct CMUnitTest tests[] = {
        DIFF_TEST(every_log_of_both_sides_is_told_in_order),
        DIFF_TEST(log_that_has_grown_is_the_same_up_to_the_backup),
        DIFF_TEST(log_made_anew_has_nothing_in_common),
        DIFF_TEST(logs_of_one_side_show_what_they_begin_with),
        DIFF_TEST(log_trimmed_since_has_more_in_the_backup),
        DIFF_TEST(same_log_has_no_examples),
        DIFF_TEST(pages_go_on_behind_a_name),
        DIFF_TEST(only_chunks_in_which_logs_part_are_loaded),
        DIFF_TEST(log_that_changes_meanwhile_is_compared_anew),
        DIFF_TEST(diff_ends_with_what_is_staged_or_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
