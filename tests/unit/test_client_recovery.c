/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Staging, waiting, committing and undoing. */
#include <string.h>

#include "support/client_rig.h"
#include "support/script.h"
#include "wire/args_recovery.h"

static void on_done(void *data, const struct ql_error *error)
{
    struct outcome *outcome = data;

    outcome->calls++;
    outcome->code = error == NULL ? QL_OK : error->code;
    outcome->position = error == NULL ? 0 : error->position;
}

static void on_stage(void *data, uint64_t stage, const struct ql_error *error)
{
    struct outcome *outcome = data;

    on_done(data, error);
    outcome->sequence = stage;
}

static void on_last(void *data, const struct ql_recovery_last *last,
                    const struct ql_error *error)
{
    struct outcome *outcome = data;

    on_done(data, error);
    outcome->sequence = last->operation;
}

static void a_status_is_told_as_the_server_has_it(void **state)
{
    struct client_rig *rig = *state;
    struct ql_recovery_status status;
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "recovery.status");
    script_note(&script,
                "{'phase': 'staged', 'stage': 1, 'revision': 2, 'source': 'n', "
                "'from_index': 3, 'logs': 4, 'deleted': 5, 'state_index': 6, "
                "'frozen': true, 'has_undo': true, 'undo_source': 'm', "
                "'undo_entries': 7, 'last': {'operation': 8, 'kind': 'undo', "
                "'source': 'undo', 'entries_after': 9}}");
    script_note(&script, "{'phase': 'none'}");
    script_start(&script);
    assert_int_equal(ql_recovery_status(rig->client, &status, &error), QL_OK);
    assert_int_equal(status.phase, QL_RECOVERY_STAGED);
    assert_int_equal(status.stage, 1);
    assert_int_equal(status.revision, 2);
    assert_string_equal(status.source, "n");
    assert_int_equal(status.from_index, 3);
    assert_int_equal(status.logs, 4);
    assert_int_equal(status.deleted, 5);
    assert_int_equal(status.state_index, 6);
    assert_true(status.frozen);
    assert_true(status.has_undo);
    assert_string_equal(status.undo_source, "m");
    assert_int_equal(status.undo_entries, 7);
    assert_int_equal(status.last.operation, 8);
    assert_int_equal(status.last.kind, QL_RECOVERY_KIND_UNDO);
    assert_string_equal(status.last.source, "undo");
    assert_int_equal(status.last.entries_after, 9);
    assert_int_equal(ql_recovery_status(rig->client, &status, &error), QL_OK);
    assert_int_equal(status.phase, QL_RECOVERY_NONE);
    assert_int_equal(status.last.operation, 0);
    script_stop(&script);
    script_close(&script);
}

static void staging_is_not_asked_for_twice(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcomes = rig->outcomes;

    assert_int_equal(
        ql_recovery_stage_async(rig->client, "n", on_stage, &outcomes[0], NULL),
        QL_OK);
    rig_expect(rig, 0, "recovery.stage");
    fake_drop(&rig->servers[0]);
    rig_finish(rig, &outcomes[0]);
    assert_int_equal(outcomes[0].code, QL_OUTCOME_UNKNOWN);
    assert_int_equal(fake_count(&rig->servers[0], "recovery.stage"), 0);

    assert_int_equal(
        ql_recovery_stage_async(rig->client, "n", on_stage, &outcomes[1], NULL),
        QL_OK);
    fake_answer(&rig->servers[0], rig_expect(rig, 0, "recovery.stage"),
                (struct bytes){(const uint8_t *)"\x81\xa5stage\x07", 8});
    rig_finish(rig, &outcomes[1]);
    assert_int_equal(outcomes[1].code, QL_OK);
    assert_int_equal(outcomes[1].sequence, 7);
    assert_int_equal(
        ql_recovery_stage_async(rig->client, "../n", NULL, NULL, NULL),
        QL_INVALID);
}

static void staging_does_not_wait_for_another_to_end(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;

    assert_int_equal(
        ql_recovery_stage_async(rig->client, "n", on_stage, outcome, NULL),
        QL_OK);
    fake_refuse(&rig->servers[0], rig_expect(rig, 0, "recovery.stage"), QL_BUSY,
                0, NULL);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->code, QL_BUSY);
}

static void what_is_unloaded_by_then_is_unloaded(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;
    struct recovery_unload_args args;
    struct fake_request *request;

    assert_int_equal(
        ql_recovery_unload_async(rig->client, true, on_done, outcome, NULL),
        QL_OK);
    request = rig_expect(rig, 0, "recovery.unload");
    assert_int_equal(
        recovery_unload_args_decode(&args, fake_params(request), NULL), 0);
    assert_true(args.undo);
    fake_drop(&rig->servers[0]);
    fake_refuse(&rig->servers[0], rig_expect(rig, 0, "recovery.unload"),
                QL_NOT_FOUND, 0, NULL);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->code, QL_OK);
}

static struct recovery_commit_args commit_of(const struct fake_request *request)
{
    struct recovery_commit_args args;

    assert_int_equal(
        recovery_commit_args_decode(&args, fake_params(request), NULL), 0);
    return args;
}

static void answer_last(struct client_rig *rig, const char *method,
                        uint64_t operation)
{
    const struct recovery_last last = {.operation = operation};
    struct buf buf = BUF_INIT;

    assert_int_equal(recovery_last_encode(&last, &buf), 0);
    fake_answer(&rig->servers[0], rig_expect(rig, 0, method),
                (struct bytes){buf.data, buf.len});
    buf_close(&buf);
}

static void a_commit_is_repeated_as_the_same_operation(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;
    struct ql_commit_options options = QL_COMMIT_OPTIONS_INIT;
    struct recovery_commit_args first;
    struct recovery_commit_args again;

    options.stage = 3;
    options.revision = 4;
    options.has_expect_state = true;
    options.discard_newer = true;
    assert_int_equal(
        ql_recovery_commit_async(rig->client, &options, on_last, outcome, NULL),
        QL_OK);
    first = commit_of(rig_expect(rig, 0, "recovery.commit"));
    assert_int_not_equal(first.operation, 0);
    assert_int_equal(first.stage, 3);
    assert_int_equal(first.revision, 4);
    assert_true(first.has_expect_state);
    assert_int_equal(first.expect_state, 0);
    assert_true(first.discard_newer);
    assert_false(first.dry_run);

    fake_drop(&rig->servers[0]);
    again = commit_of(rig_expect(rig, 0, "recovery.commit"));
    assert_true(again.operation == first.operation);
    answer_last(rig, "recovery.commit", first.operation);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->code, QL_OK);
    assert_true(outcome->sequence == first.operation);
}

static void two_commits_are_two_operations(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcomes = rig->outcomes;
    struct ql_commit_options options = QL_COMMIT_OPTIONS_INIT;
    uint64_t operations[2];
    size_t i;

    options.stage = 1;
    for (i = 0; i < 2; i++) {
        assert_int_equal(ql_recovery_commit_async(rig->client, &options,
                                                  on_last, &outcomes[i], NULL),
                         QL_OK);
        operations[i] =
            commit_of(rig_expect(rig, 0, "recovery.commit")).operation;
        answer_last(rig, "recovery.commit", operations[i]);
        rig_finish(rig, &outcomes[i]);
    }
    assert_true(operations[0] != operations[1]);
}

static void an_unknown_outcome_has_its_operation(void **state)
{
    struct client_rig *rig = *state;
    struct ql_commit_options options = QL_COMMIT_OPTIONS_INIT;
    struct ql_recovery_last last = {0};
    struct recovery_commit_args args;
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "recovery.commit");
    script_start(&script);
    options.stage = 1;
    options.timeout_ms = 200;
    assert_int_equal(ql_recovery_commit(rig->client, &options, &last, &error),
                     QL_OUTCOME_UNKNOWN);
    script_stop(&script);
    args = commit_of(fake_find(&rig->servers[0], "recovery.commit"));
    assert_int_not_equal(last.operation, 0);
    assert_true(last.operation == args.operation);
    assert_int_equal(last.index, 0);
    script_close(&script);
}

static void a_refused_commit_says_what_the_state_is(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;
    struct ql_commit_options options = QL_COMMIT_OPTIONS_INIT;

    assert_int_equal(
        ql_recovery_commit_async(rig->client, &options, on_last, outcome, NULL),
        QL_INVALID);
    options.stage = 1;
    options.operation = 77;
    assert_int_equal(
        ql_recovery_commit_async(rig->client, &options, on_last, outcome, NULL),
        QL_OK);
    fake_refuse(&rig->servers[0], rig_expect(rig, 0, "recovery.commit"),
                QL_CONDITION_FAILED, 12, NULL);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->code, QL_CONDITION_FAILED);
    assert_int_equal(outcome->position, 12);
    assert_int_equal(outcome->sequence, 77);
}

static void an_undo_needs_no_stage(void **state)
{
    struct client_rig *rig = *state;
    struct ql_commit_options options = QL_COMMIT_OPTIONS_INIT;
    struct ql_recovery_last last;
    struct recovery_undo_args args;
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "recovery.undo");
    script_note(&script, "{'operation': 5, 'kind': 'undo', 'index': 6}");
    script_note(&script, "{'operation': 7, 'kind': 'undo'}");
    script_start(&script);
    options.operation = 5;
    options.has_expect_state = true;
    options.expect_state = 9;
    assert_int_equal(ql_recovery_undo(rig->client, &options, &last, &error),
                     QL_OK);
    assert_int_equal(last.operation, 5);
    assert_int_equal(last.kind, QL_RECOVERY_KIND_UNDO);
    assert_int_equal(last.index, 6);
    assert_int_equal(ql_recovery_undo(rig->client, NULL, NULL, &error), QL_OK);
    script_stop(&script);
    assert_int_equal(
        recovery_undo_args_decode(&args, script_params(&script, 0), NULL), 0);
    assert_int_equal(args.operation, 5);
    assert_true(args.has_expect_state);
    assert_int_equal(args.expect_state, 9);
    script_close(&script);
}

static void a_plan_changes_nothing(void **state)
{
    struct client_rig *rig = *state;
    struct ql_recovery_plan plan;
    struct recovery_commit_args args;
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "recovery.commit");
    script_note(&script, "{'stage': 1, 'revision': 2, 'state_index': 3, "
                         "'logs_removed': 4, 'entries_lost': 5, "
                         "'bytes_back': 6, 'estimate_ms': 7}");
    script_start(&script);
    assert_int_equal(ql_recovery_plan(rig->client, 1, 2, &plan, &error), QL_OK);
    script_stop(&script);
    assert_int_equal(plan.state_index, 3);
    assert_int_equal(plan.logs_removed, 4);
    assert_int_equal(plan.entries_lost, 5);
    assert_int_equal(plan.bytes_back, 6);
    assert_int_equal(plan.estimate_ms, 7);
    assert_int_equal(
        recovery_commit_args_decode(&args, script_params(&script, 0), NULL), 0);
    assert_true(args.dry_run);
    assert_int_equal(args.stage, 1);
    assert_int_equal(args.revision, 2);
    script_close(&script);
}

static int count_looks(void *data, const struct ql_recovery_status *status)
{
    size_t *left = data;

    (void)status;
    return --*left == 0;
}

static int wait_for(struct client_rig *rig, const char *const *answers,
                    size_t looks, uint32_t timeout_ms,
                    struct ql_recovery_status *ret_status,
                    struct ql_error *error)
{
    struct script script;
    int rv;

    script_open(&script, &rig->servers[0], "recovery.status");
    while (*answers != NULL) {
        script_note(&script, *answers++);
    }
    script_start(&script);
    rv = ql_recovery_wait(rig->client, timeout_ms, count_looks, &looks,
                          ret_status, error);
    script_stop(&script);
    script_close(&script);
    return rv;
}

static void waiting_ends_with_the_job(void **state)
{
    static const char *const well[] = {"{'phase': 'staging'}",
                                       "{'phase': 'editing', 'done_bytes': 1}",
                                       "{'phase': 'staged', 'stage': 9}", NULL};
    static const char *const failed[] = {
        "{'phase': 'staging'}",
        "{'phase': 'interrupted', 'job_code': 39, 'job_error': 'no room'}",
        NULL};
    static const char *const gone[] = {"{'phase': 'interrupted'}", NULL};
    static const char *const slow[] = {"{'phase': 'staging'}",
                                       "{'phase': 'staging'}", NULL};
    struct client_rig *rig = *state;
    struct ql_recovery_status status;
    struct ql_error error;

    assert_int_equal(wait_for(rig, well, 9, 0, &status, &error), QL_OK);
    assert_int_equal(status.stage, 9);
    assert_int_equal(wait_for(rig, failed, 9, 0, &status, &error), QL_NO_SPACE);
    assert_string_equal(error.text, "no room");
    assert_int_equal(status.phase, QL_RECOVERY_INTERRUPTED);
    assert_int_equal(wait_for(rig, gone, 9, 0, NULL, &error), QL_CANCELED);
    assert_int_equal(wait_for(rig, slow, 9, 1, &status, &error), QL_TIMEOUT);
    assert_int_equal(status.phase, QL_RECOVERY_STAGING);
    assert_int_equal(wait_for(rig, slow, 2, 0, NULL, &error), QL_CANCELED);
}

#define RIG_TEST(function)                                                     \
    cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_status_is_told_as_the_server_has_it),
        RIG_TEST(staging_is_not_asked_for_twice),
        RIG_TEST(staging_does_not_wait_for_another_to_end),
        RIG_TEST(what_is_unloaded_by_then_is_unloaded),
        RIG_TEST(a_commit_is_repeated_as_the_same_operation),
        RIG_TEST(two_commits_are_two_operations),
        RIG_TEST(an_unknown_outcome_has_its_operation),
        RIG_TEST(a_refused_commit_says_what_the_state_is),
        RIG_TEST(an_undo_needs_no_stage),
        RIG_TEST(a_plan_changes_nothing),
        RIG_TEST(waiting_ends_with_the_job),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
