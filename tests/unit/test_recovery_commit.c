/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* recovery.commit, its dry run, recovery.undo and what recovery.status tells of
 * them. */
#include "service/recovery_plan.h"

#include <stdio.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/recovery_rig.h"

#define ENTRY_BYTES 62u

/* Behind the backup "b1", which is staged: "deleted" (5 entries) is not live any
 * more, "new" (3) is, "grown" (6) has 7 more, "made-anew" (6) has 2 others, and
 * "trimmed" (10) begins at 6; "same" (6) is the same. */
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
    recovery_rig_backup(rig, "b1");

    recovery_rig_delete(rig, "deleted");
    recovery_rig_append(rig, "grown", 7);
    recovery_rig_delete(rig, "made-anew");
    recovery_rig_create(rig, "made-anew");
    recovery_rig_append(rig, "made-anew", 2);
    recovery_rig_create(rig, "new");
    recovery_rig_append(rig, "new", 3);
    recovery_rig_trim(rig, "trimmed", 6);
    recovery_rig_stage(rig, "b1");
    return 0;
}

/* The params of a commit of what is staged, and @more. */
static const char *commit_of(const struct recovery_rig *rig, const char *more)
{
    static char params[300];
    struct machine_part_info info = recovery_rig_part(rig, MACHINE_STAGED);

    snprintf(params, sizeof(params), "{'stage': %u, 'revision': %u, %s}",
             (unsigned)info.id, (unsigned)info.revision, more);
    return params;
}

static struct recovery_plan_result plan(struct recovery_rig *rig)
{
    struct recovery_plan_result result;
    struct err err;

    assert_int_equal(recovery_plan_result_decode(
                         &result,
                         recovery_rig_call(rig, "recovery.commit",
                                           commit_of(rig, "'dry_run': true")),
                         &err),
                     0);
    return result;
}

static struct recovery_last last_of(struct bytes answer)
{
    struct recovery_last last;
    struct err err;

    assert_int_equal(recovery_last_decode(&last, answer, &err), 0);
    return last;
}

static struct machine_counts counts_of(const struct recovery_rig *rig)
{
    struct machine_counts counts;

    machine_counts(node_machine(rig->rig.node), &counts);
    return counts;
}

static void dry_run_counts_what_the_commit_does(void **state)
{
    struct recovery_rig *rig = *state;
    struct machine_counts before = counts_of(rig);
    struct recovery_plan_result result = plan(rig);
    struct machine_counts after;

    assert_int_equal(result.stage, recovery_rig_part(rig, MACHINE_STAGED).id);
    assert_int_equal(result.revision, 1);
    assert_int_equal(result.state_index, before.state_index);
    assert_int_equal(result.logs_created, 1);
    assert_int_equal(result.logs_removed, 1);
    assert_int_equal(result.logs_changed, 3);
    assert_int_equal(result.logs_same, 1);
    assert_int_equal(result.entries_lost, 7 + 2 + 3);
    assert_int_equal(result.entries_back, 5 + 6 + 5);
    assert_int_equal(result.bytes_lost, (7 + 2 + 3) * ENTRY_BYTES);
    /* The chunk in which a log begins counts whole, here and in its stat. */
    assert_int_equal(result.bytes_back, (5 + 6 + 4) * ENTRY_BYTES);
    assert_true(result.estimate_ms >= COMMIT_HANDOVER_MS);

    assert_int_equal(counts_of(rig).state_index, before.state_index);
    recovery_rig_call(rig, "recovery.commit", commit_of(rig, "'operation': 9"));
    after = counts_of(rig);
    assert_int_equal(after.entries, before.entries - result.entries_lost +
                                        result.entries_back);
    assert_int_equal(after.bytes,
                     before.bytes - result.bytes_lost + result.bytes_back);
    assert_int_equal(after.logs,
                     before.logs - result.logs_removed + result.logs_created);
}

static void dry_run_sees_other_retention(void **state)
{
    struct recovery_rig *rig = *state;

    assert_int_equal(rig_replicate(&rig->rig, COMMAND_LOG_CONFIGURE,
                                   "{'log': 'same', 'retention': {'entries': "
                                   "1000}}"),
                     0);
    assert_int_equal(plan(rig).logs_same, 0);
    assert_int_equal(plan(rig).logs_changed, 4);
}

static void dry_run_is_refused_for_what_the_commit_would_be(void **state)
{
    struct recovery_rig *rig = *state;
    struct rpc_error error;
    char more[100];

    recovery_rig_refused(rig, QL_CONDITION_FAILED, "recovery.commit",
                         "{'stage': 99999, 'revision': 1, 'dry_run': true}");
    snprintf(more, sizeof(more),
             "{'stage': %u, 'revision': 2, 'dry_run': true}",
             (unsigned)recovery_rig_part(rig, MACHINE_STAGED).id);
    recovery_rig_refused(rig, QL_CONDITION_FAILED, "recovery.commit", more);
    snprintf(more, sizeof(more), "'dry_run': true, 'expect_state': %u",
             (unsigned)counts_of(rig).state_index - 1);
    error = recovery_rig_refused(rig, QL_CONDITION_FAILED, "recovery.commit",
                                 commit_of(rig, more));
    assert_int_equal(error.position, counts_of(rig).state_index);
    strcat(more, ", 'discard_newer': true");
    recovery_rig_call(rig, "recovery.commit", commit_of(rig, more));
    recovery_rig_call(rig, "recovery.unload", "{}");
    recovery_rig_refused(rig, QL_NOT_FOUND, "recovery.commit",
                         "{'stage': 1, 'revision': 1, 'dry_run': true}");
}

static void commit_says_what_it_replaced(void **state)
{
    struct recovery_rig *rig = *state;
    struct machine_counts before = counts_of(rig);
    struct recovery_last last = last_of(recovery_rig_call(
        rig, "recovery.commit", commit_of(rig, "'operation': 9")));
    struct recovery_status_result status = recovery_rig_status(rig);

    assert_int_equal(last.operation, 9);
    assert_int_equal(last.kind, RECOVERY_COMMIT);
    assert_string_equal(last.source, "b1");
    assert_int_equal(last.state_index, before.state_index);
    assert_int_equal(last.entries_before, before.entries);
    assert_int_equal(last.logs_before, before.logs);
    assert_int_equal(last.entries_after, 5 + 6 + 6 + 6 + 10);
    assert_int_equal(status.phase, RECOVERY_PHASE_NONE);
    assert_true(status.has_undo);
    assert_int_equal(status.undo_entries, before.entries);
    assert_string_equal(status.undo_source, "b1");
    assert_int_equal(status.last.operation, 9);
    assert_int_equal(status.state_index, before.state_index + 1);
}

static void operation_is_done_once(void **state)
{
    struct recovery_rig *rig = *state;
    char params[300];
    struct recovery_last first;
    struct recovery_last again;
    uint64_t state_index;

    snprintf(params, sizeof(params), "%s", commit_of(rig, "'operation': 9"));
    first = last_of(recovery_rig_call(rig, "recovery.commit", params));
    state_index = counts_of(rig).state_index;
    again = last_of(recovery_rig_call(rig, "recovery.commit", params));
    assert_int_equal(again.index, first.index);
    assert_int_equal(counts_of(rig).state_index, state_index);
}

static void commit_that_expects_another_state_is_refused(void **state)
{
    struct recovery_rig *rig = *state;
    struct rpc_error error;
    char more[100];

    snprintf(more, sizeof(more), "'operation': 9, 'expect_state': %u",
             (unsigned)counts_of(rig).state_index);
    recovery_rig_append(rig, "same", 1);
    error = recovery_rig_refused(rig, QL_CONDITION_FAILED, "recovery.commit",
                                 commit_of(rig, more));
    assert_int_equal(error.position, counts_of(rig).state_index);
    strcat(more, ", 'discard_newer': true");
    recovery_rig_call(rig, "recovery.commit", commit_of(rig, more));
}

static void commit_without_a_stage_is_told_what_to_do(void **state)
{
    struct recovery_rig *rig = *state;
    struct rpc_error error;

    recovery_rig_call(rig, "recovery.unload", "{}");
    error = recovery_rig_refused(rig, QL_NOT_FOUND, "recovery.commit",
                                 "{'stage': 1, 'revision': 1, 'operation': 9}");
    assert_non_null(
        memmem(error.message.data, error.message.len, "stage a", 7));
}

static void undo_brings_back_what_a_commit_replaced(void **state)
{
    struct recovery_rig *rig = *state;
    struct machine_counts before = counts_of(rig);
    struct recovery_last last;

    recovery_rig_refused(rig, QL_NOT_FOUND, "recovery.undo",
                         "{'operation': 8}");
    recovery_rig_call(rig, "recovery.commit", commit_of(rig, "'operation': 9"));
    last =
        last_of(recovery_rig_call(rig, "recovery.undo", "{'operation': 10}"));
    assert_int_equal(last.kind, RECOVERY_UNDO);
    assert_string_equal(last.source, "undo");
    assert_int_equal(counts_of(rig).entries, before.entries);
    assert_int_equal(counts_of(rig).logs, before.logs);
    recovery_rig_call(rig, "recovery.unload", "{'undo': true}");
    assert_false(recovery_rig_status(rig).has_undo);
    recovery_rig_refused(rig, QL_NOT_FOUND, "recovery.undo",
                         "{'operation': 11}");
}

static void staged_backup_of_a_replaced_state_is_ahead(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_plan_result result;

    /* "grown" has 13 entries in this one. */
    recovery_rig_backup(rig, "b2");
    recovery_rig_call(rig, "recovery.commit", commit_of(rig, "'operation': 9"));
    recovery_rig_stage(rig, "b2");
    result = plan(rig);
    assert_int_equal(result.entries_back, 7 + 2 + 3);
    assert_int_equal(result.entries_lost, 5 + 6 + 5);
}

static void unknown_fate_of_a_commit_says_where_to_look(void **state)
{
    struct recovery_rig *rig = *state;
    struct rpc_error error;

    fake_node_hold(rig->rig.node, true);
    assert_int_equal(recorder_send(&rig->client, 1, "recovery.commit",
                                   commit_of(rig, "'operation': 9")),
                     0);
    fake_node_elect(rig->rig.node, 2);
    error = recorder_error(&rig->client, 1, QL_OUTCOME_UNKNOWN);
    assert_non_null(
        memmem(error.message.data, error.message.len, "recovery status", 15));
    fake_node_hold(rig->rig.node, false);
}

static void operations_are_the_leaders_and_the_operators(void **state)
{
    struct recovery_rig *rig = *state;
    struct recorder other;

    recorder_open(&other, &rig->rig, false);
    recorder_refused(&other, QL_DENIED, "recovery.status", "{}");
    recorder_refused(&other, QL_DENIED, "recovery.commit",
                     commit_of(rig, "'operation': 9"));
    recorder_close(&other);
    fake_node_elect(rig->rig.node, 2);
    recovery_rig_refused(rig, QL_NOT_LEADER, "recovery.commit",
                         commit_of(rig, "'operation': 9"));
    recovery_rig_refused(rig, QL_NOT_LEADER, "recovery.commit",
                         commit_of(rig, "'dry_run': true"));
    recovery_rig_refused(rig, QL_NOT_LEADER, "recovery.undo",
                         "{'operation': 9}");
}

int main(void)
{
#define COMMIT_TEST(test)                                                      \
    cmocka_unit_test_setup_teardown(test, setup, recovery_rig_teardown)
    const struct CMUnitTest tests[] = {
        COMMIT_TEST(dry_run_counts_what_the_commit_does),
        COMMIT_TEST(dry_run_sees_other_retention),
        COMMIT_TEST(dry_run_is_refused_for_what_the_commit_would_be),
        COMMIT_TEST(commit_says_what_it_replaced),
        COMMIT_TEST(operation_is_done_once),
        COMMIT_TEST(commit_that_expects_another_state_is_refused),
        COMMIT_TEST(commit_without_a_stage_is_told_what_to_do),
        COMMIT_TEST(undo_brings_back_what_a_commit_replaced),
        COMMIT_TEST(staged_backup_of_a_replaced_state_is_ahead),
        COMMIT_TEST(unknown_fate_of_a_commit_says_where_to_look),
        COMMIT_TEST(operations_are_the_leaders_and_the_operators),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
