/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_recovery.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/wire_check.h"

static int decode_stage(struct bytes encoded, struct err *err)
{
    struct recovery_stage_args args;

    return recovery_stage_args_decode(&args, encoded, err);
}

static int decode_staging(struct bytes encoded, struct err *err)
{
    struct recovery_stage_result result;

    return recovery_stage_result_decode(&result, encoded, err);
}

static int decode_unload(struct bytes encoded, struct err *err)
{
    struct recovery_unload_args args;

    return recovery_unload_args_decode(&args, encoded, err);
}

static int decode_commit(struct bytes encoded, struct err *err)
{
    struct recovery_commit_args args;

    return recovery_commit_args_decode(&args, encoded, err);
}

static int decode_undo(struct bytes encoded, struct err *err)
{
    struct recovery_undo_args args;

    return recovery_undo_args_decode(&args, encoded, err);
}

static int decode_status(struct bytes encoded, struct err *err)
{
    struct recovery_status_result result;

    return recovery_status_result_decode(&result, encoded, err);
}

static int decode_begin(struct bytes encoded, struct err *err)
{
    struct recovery_begin_args args;

    return recovery_begin_args_decode(&args, encoded, err);
}

static int decode_load(struct bytes encoded, struct err *err)
{
    struct recovery_load_args args;

    return recovery_load_args_decode(&args, encoded, err);
}

static int decode_end(struct bytes encoded, struct err *err)
{
    struct recovery_end_args args;

    return recovery_end_args_decode(&args, encoded, err);
}

static void staging_refuses_what_is_wrong(void **state)
{
    static const struct refusal stage_rows[] = {
        {"{'name': 'nightly'}", 0, NULL},
        {"{'name': '../nightly'}", QL_INVALID, NULL},
        {"{}", QL_INVALID, "recovery.stage: 'name' is missing"},
    };
    static const struct refusal staging_rows[] = {
        {"{'stage': 7}", 0, NULL},
        {"{'stage': 0}", QL_INVALID, NULL},
    };
    static const struct refusal unload_rows[] = {
        {"{}", 0, NULL},
        {"{'undo': true}", 0, NULL},
        {"{'undo': 2}", QL_INVALID,
         "recovery.unload: 'undo' must be true or false"},
    };

    (void)state;
    refusals_check(decode_stage, stage_rows, COUNT_OF(stage_rows));
    refusals_check(decode_staging, staging_rows, COUNT_OF(staging_rows));
    refusals_check(decode_unload, unload_rows, COUNT_OF(unload_rows));
    cuts_check(decode_stage, "{'name': 'nightly'}");
}

static void a_commit_comes_back_as_it_went(void **state)
{
    const struct recovery_commit_args args = {
        .stage = 1,
        .revision = 2,
        .operation = 3,
        .has_expect_state = true,
        .discard_newer = true,
        .dry_run = true,
    };
    const struct recovery_undo_args undo = {.operation = 4,
                                            .has_expect_state = true,
                                            .expect_state = 5,
                                            .discard_newer = true};
    struct recovery_commit_args got;
    struct recovery_undo_args got_undo;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(recovery_commit_args_encode(&args, &buf), 0);
    assert_int_equal(recovery_commit_args_decode(&got, view_of(&buf), NULL), 0);
    assert_int_equal(got.stage, 1);
    assert_int_equal(got.revision, 2);
    assert_int_equal(got.operation, 3);
    assert_true(got.has_expect_state);
    assert_int_equal(got.expect_state, 0);
    assert_true(got.discard_newer);
    assert_true(got.dry_run);
    buf_close(&buf);

    assert_int_equal(recovery_undo_args_encode(&undo, &buf), 0);
    assert_int_equal(recovery_undo_args_decode(&got_undo, view_of(&buf), NULL),
                     0);
    assert_int_equal(got_undo.operation, 4);
    assert_true(got_undo.has_expect_state);
    assert_int_equal(got_undo.expect_state, 5);
    assert_true(got_undo.discard_newer);
    buf_close(&buf);
}

static void a_commit_names_its_operation(void **state)
{
    static const struct refusal rows[] = {
        {"{'stage': 1, 'revision': 0, 'operation': 1}", 0, NULL},
        {"{'stage': 1, 'revision': 0, 'dry_run': true}", 0, NULL},
        {"{'stage': 1, 'revision': 0}", QL_INVALID,
         "recovery.commit: 'operation' is missing"},
        {"{'stage': 1, 'revision': 0, 'operation': 0}", QL_INVALID, NULL},
        {"{'stage': 0, 'revision': 0, 'operation': 1}", QL_INVALID, NULL},
        {"{'stage': 1, 'operation': 1}", QL_INVALID, NULL},
    };
    static const struct refusal undo_rows[] = {
        {"{'operation': 18446744073709551615}", 0, NULL},
        {"{}", QL_INVALID, "recovery.undo: 'operation' is missing"},
        {"{'operation': 1, 'expect_state': -1}", QL_INVALID, NULL},
    };

    (void)state;
    refusals_check(decode_commit, rows, COUNT_OF(rows));
    refusals_check(decode_undo, undo_rows, COUNT_OF(undo_rows));
    cuts_check(decode_commit, "{'stage': 1, 'revision': 0, 'operation': 1}");
}

static struct recovery_last sample_last(void)
{
    struct recovery_last last = {
        .operation = 21,
        .kind = RECOVERY_UNDO,
        .index = 22,
        .time_ms = 23,
        .state_index = 24,
        .logs_before = 25,
        .entries_before = 26,
        .logs_after = 27,
        .entries_after = 28,
    };

    strcpy(last.source, "undo");
    return last;
}

static void assert_last(const struct recovery_last *last)
{
    assert_int_equal(last->operation, 21);
    assert_int_equal(last->kind, RECOVERY_UNDO);
    assert_int_equal(last->index, 22);
    assert_int_equal(last->time_ms, 23);
    assert_string_equal(last->source, "undo");
    assert_int_equal(last->state_index, 24);
    assert_int_equal(last->logs_before, 25);
    assert_int_equal(last->entries_before, 26);
    assert_int_equal(last->logs_after, 27);
    assert_int_equal(last->entries_after, 28);
}

static void answers_of_a_commit_come_back_as_they_went(void **state)
{
    const struct recovery_last last = sample_last();
    const struct recovery_plan_result plan = {1, 2, 3, 4,  5,  6,
                                              7, 8, 9, 10, 11, 12};
    struct recovery_last got;
    struct recovery_plan_result got_plan;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(recovery_last_encode(&last, &buf), 0);
    assert_int_equal(recovery_last_decode(&got, view_of(&buf), NULL), 0);
    assert_last(&got);
    buf_close(&buf);
    assert_int_equal(recovery_plan_result_encode(&plan, &buf), 0);
    assert_int_equal(
        recovery_plan_result_decode(&got_plan, view_of(&buf), NULL), 0);
    assert_memory_equal(&got_plan, &plan, sizeof(plan));
    buf_close(&buf);
}

static struct recovery_status_result sample_status(void)
{
    struct recovery_status_result status = {
        .phase = RECOVERY_PHASE_EDITING,
        .stage = 1,
        .revision = 2,
        .from_index = 3,
        .from_time_ms = 4,
        .from_state_index = 5,
        .logs = 6,
        .entries = 7,
        .bytes = 8,
        .deleted = 9,
        .done_bytes = 10,
        .total_bytes = 11,
        .job_code = QL_CORRUPT,
        .job_error = bytes_of("chunk 3 is damaged"),
        .state_index = 12,
        .frozen = true,
        .has_undo = true,
        .undo_time_ms = 13,
        .undo_logs = 14,
        .undo_entries = 15,
        .undo_bytes = 16,
        .last = sample_last(),
    };

    strcpy(status.source, "nightly");
    strcpy(status.undo_source, "weekly");
    return status;
}

static void a_status_comes_back_as_it_went(void **state)
{
    const struct recovery_status_result status = sample_status();
    struct recovery_status_result got;
    struct buf buf = BUF_INIT;

    (void)state;
    assert_int_equal(recovery_status_result_encode(&status, &buf), 0);
    assert_int_equal(recovery_status_result_decode(&got, view_of(&buf), NULL),
                     0);
    assert_int_equal(got.phase, RECOVERY_PHASE_EDITING);
    assert_int_equal(got.stage, 1);
    assert_int_equal(got.revision, 2);
    assert_string_equal(got.source, "nightly");
    assert_int_equal(got.from_index, 3);
    assert_int_equal(got.from_time_ms, 4);
    assert_int_equal(got.from_state_index, 5);
    assert_int_equal(got.logs, 6);
    assert_int_equal(got.entries, 7);
    assert_int_equal(got.bytes, 8);
    assert_int_equal(got.deleted, 9);
    assert_int_equal(got.done_bytes, 10);
    assert_int_equal(got.total_bytes, 11);
    assert_int_equal(got.job_code, QL_CORRUPT);
    assert_bytes(got.job_error, "chunk 3 is damaged");
    assert_int_equal(got.state_index, 12);
    assert_true(got.frozen);
    assert_true(got.has_undo);
    assert_string_equal(got.undo_source, "weekly");
    assert_int_equal(got.undo_time_ms, 13);
    assert_int_equal(got.undo_logs, 14);
    assert_int_equal(got.undo_entries, 15);
    assert_int_equal(got.undo_bytes, 16);
    assert_last(&got.last);
    buf_close(&buf);
}

static void a_status_of_nothing_is_short(void **state)
{
    static const struct refusal rows[] = {
        {"{'phase': 'none'}", 0, NULL},
        {"{'phase': 'staged', 'last': {'kind': 'commit'}}", 0, NULL},
        {"{'phase': 'asleep'}", QL_INVALID,
         "recovery status: 'phase' must be none, staging, interrupted, staged "
         "or editing"},
        {"{'phase': 0}", QL_INVALID, NULL},
        {"{}", QL_INVALID, NULL},
        {"{'phase': 'none', 'last': {'kind': 'x'}}", QL_INVALID,
         "last recovery: 'kind' must be none, commit or undo"},
        {"{'phase': 'none', 'source': 'a/b'}", QL_INVALID, NULL},
    };
    const struct recovery_status_result status = {0};
    static const char expected[] = "\x81\xa5phase\xa4none";
    struct buf buf = BUF_INIT;

    (void)state;
    refusals_check(decode_status, rows, COUNT_OF(rows));
    cuts_check(decode_status, "{'phase': 'staged', 'stage': 1}");
    assert_int_equal(recovery_status_result_encode(&status, &buf), 0);
    assert_int_equal(buf.len, sizeof(expected) - 1);
    assert_memory_equal(buf.data, expected, buf.len);
    buf_close(&buf);
}

static void what_fills_a_draft_comes_back_as_it_went(void **state)
{
    struct recovery_begin_args begin = {"", 1, 2, 3, 4, 5, 6};
    const struct recovery_load_args load = {1, 0, bytes_of("record")};
    const struct recovery_end_args end = {1, 2, 3};
    struct recovery_begin_args got_begin;
    struct recovery_load_args got_load;
    struct recovery_end_args got_end;
    struct buf buf = BUF_INIT;

    (void)state;
    strcpy(begin.source, "nightly");
    assert_int_equal(recovery_begin_args_encode(&begin, &buf), 0);
    assert_int_equal(
        recovery_begin_args_decode(&got_begin, view_of(&buf), NULL), 0);
    assert_string_equal(got_begin.source, "nightly");
    assert_int_equal(got_begin.from_index, 1);
    assert_int_equal(got_begin.from_time_ms, 2);
    assert_int_equal(got_begin.from_state_index, 3);
    assert_int_equal(got_begin.edit_of, 4);
    assert_int_equal(got_begin.revision, 5);
    assert_int_equal(got_begin.total_bytes, 6);
    buf_close(&buf);

    assert_int_equal(recovery_load_args_encode(&load, &buf), 0);
    assert_int_equal(recovery_load_args_decode(&got_load, view_of(&buf), NULL),
                     0);
    assert_int_equal(got_load.draft, 1);
    assert_int_equal(got_load.seq, 0);
    assert_bytes(got_load.record, "record");
    buf_close(&buf);

    assert_int_equal(recovery_end_args_encode(&end, &buf), 0);
    assert_int_equal(recovery_end_args_decode(&got_end, view_of(&buf), NULL),
                     0);
    assert_int_equal(got_end.draft, 1);
    assert_int_equal(got_end.seq, 2);
    assert_int_equal(got_end.deleted, 3);
    buf_close(&buf);
}

static void a_record_fits_into_a_raft_entry(void **state)
{
    static const struct refusal begin_rows[] = {
        {"{'source': 'undo'}", 0, NULL},
        {"{'source': ''}", QL_INVALID, NULL},
        {"{}", QL_INVALID, "recovery begin: 'source' is missing"},
    };
    static const struct refusal load_rows[] = {
        {"{'draft': 1, 'seq': 0, 'record': b'x'}", 0, NULL},
        {"{'draft': 1, 'seq': 0, 'record': b''}", QL_INVALID,
         "recovery load: 'record' must not be empty"},
        {"{'draft': 1, 'seq': 0}", QL_INVALID, NULL},
        {"{'draft': 0, 'seq': 0, 'record': b'x'}", QL_INVALID, NULL},
        {"{'draft': 1, 'record': b'x'}", QL_INVALID, NULL},
    };
    static const struct refusal end_rows[] = {
        {"{'draft': 1, 'seq': 0}", 0, NULL},
        {"{'draft': 1}", QL_INVALID, NULL},
    };
    uint8_t *bytes = calloc(1, RECOVERY_RECORD_MAX + 1);
    struct recovery_load_args load = {1, 2, {bytes, RECOVERY_RECORD_MAX}};
    struct buf buf = BUF_INIT;

    (void)state;
    refusals_check(decode_begin, begin_rows, COUNT_OF(begin_rows));
    refusals_check(decode_load, load_rows, COUNT_OF(load_rows));
    refusals_check(decode_end, end_rows, COUNT_OF(end_rows));
    assert_non_null(bytes);
    assert_int_equal(recovery_load_args_encode(&load, &buf), 0);
    assert_true(buf.len < BATCH_BYTES_MAX - KIB);
    assert_int_equal(decode_load(view_of(&buf), NULL), 0);
    buf_close(&buf);
    load.record.len++;
    assert_int_equal(recovery_load_args_encode(&load, &buf), 0);
    assert_int_equal(decode_load(view_of(&buf), NULL), QL_INVALID);
    buf_close(&buf);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(staging_refuses_what_is_wrong),
        cmocka_unit_test(a_commit_comes_back_as_it_went),
        cmocka_unit_test(a_commit_names_its_operation),
        cmocka_unit_test(answers_of_a_commit_come_back_as_they_went),
        cmocka_unit_test(a_status_comes_back_as_it_went),
        cmocka_unit_test(a_status_of_nothing_is_short),
        cmocka_unit_test(what_fills_a_draft_comes_back_as_it_went),
        cmocka_unit_test(a_record_fits_into_a_raft_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
