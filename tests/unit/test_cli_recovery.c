/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog recovery, against servers that say what they are told. */
#include <string.h>

#include "support/cli_rig.h"
#include "support/cmocka.h"
#include "wire/args_recovery.h"
#include "wire/args_scan.h"

static const struct command stage = {
    "recovery", "stage",           "NAME", 1, 1, recovery_stage_options,
    "",         recovery_stage_run};
static const struct command print = {
    "recovery", "print",           "", 0, 0, recovery_print_options,
    "",         recovery_print_run};
static const struct command diff = {
    "recovery", "diff", "", 0, 0, recovery_diff_options, "", recovery_diff_run};
static const struct command delete_command = {
    "recovery", "delete",           "", 0, 0, recovery_delete_options,
    "",         recovery_delete_run};
static const struct command commit = {
    "recovery", "commit",           "", 0, 0, recovery_commit_options,
    "",         recovery_commit_run};
static const struct command undo = {
    "recovery", "undo", "", 0, 0, recovery_undo_options, "", recovery_undo_run};

#define STAGED                                                                 \
    "{'phase': 'staged', 'stage': 5, 'revision': 2, 'source': 'nightly', "     \
    "'logs': 3, 'entries': 100, 'state_index': 70}"
#define PLAN                                                                   \
    "{'stage': 5, 'revision': 2, 'state_index': 71, 'logs_removed': 1, "       \
    "'entries_lost': 9}"

static void begin(struct cli_rig *rig, const char *method)
{
    script_open(&rig->script, &rig->server, method);
}

static int end(struct cli_rig *rig, const struct command *command,
               const char *words)
{
    int rv;

    script_start(&rig->script);
    rv = cli_rig_run(rig, command, words);
    script_stop(&rig->script);
    return rv;
}

static struct recovery_commit_args commit_of(const struct cli_rig *rig,
                                             size_t step)
{
    struct recovery_commit_args args;

    assert_int_equal(recovery_commit_args_decode(
                         &args, script_params(&rig->script, step), NULL),
                     0);
    return args;
}

static void a_stage_is_waited_for(void **state)
{
    struct cli_rig *rig = *state;

    begin(rig, "recovery.stage");
    script_note(&rig->script, "{'stage': 5}");
    script_turn_to(&rig->script, "recovery.status");
    script_note(&rig->script,
                "{'phase': 'staging', 'stage': 5, 'done_bytes': 1}");
    script_note(&rig->script, STAGED);
    assert_int_equal(end(rig, &stage, "nightly"), 0);
    cli_rig_expect_text(rig, "phase            staged\n");
    cli_rig_expect_text(rig, "backup           nightly\n");
    cli_rig_expect_text(rig, "live state       70\n");
    script_close(&rig->script);
}

static void what_ends_a_stage_is_said(void **state)
{
    struct cli_rig *rig = *state;

    begin(rig, "recovery.stage");
    script_note(&rig->script, "{'stage': 5}");
    script_turn_to(&rig->script, "recovery.status");
    script_note(&rig->script, "{'phase': 'interrupted', 'stage': 5}");
    assert_int_equal(end(rig, &stage, "nightly"), QL_CANCELED);
    cli_rig_expect_hint(rig, "recovery stage nightly");
    script_close(&rig->script);

    begin(rig, "recovery.stage");
    script_refuse(&rig->script, QL_EXISTS);
    assert_int_equal(end(rig, &stage, "nightly"), QL_EXISTS);
    cli_rig_expect_hint(rig, "recovery unload");
    script_close(&rig->script);
}

static void a_commit_expects_what_was_looked_at(void **state)
{
    struct cli_rig *rig = *state;
    struct recovery_commit_args args;

    begin(rig, "recovery.status");
    script_note(&rig->script, STAGED);
    script_turn_to(&rig->script, "recovery.commit");
    script_note(&rig->script, "{'operation': 44, 'kind': 'commit', 'source': "
                              "'nightly', 'entries_after': 100}");
    assert_int_equal(
        end(rig, &commit, "--expect-state 70 --operation 44 --yes"), 0);
    args = commit_of(rig, 1);
    assert_int_equal(args.stage, 5);
    assert_int_equal(args.revision, 2);
    assert_int_equal(args.operation, 44);
    assert_true(args.has_expect_state);
    assert_int_equal(args.expect_state, 70);
    assert_false(args.discard_newer);
    cli_rig_expect_text(rig, "last operation  44\n");
    script_close(&rig->script);
}

static void a_commit_makes_its_own_operation(void **state)
{
    struct cli_rig *rig = *state;
    struct recovery_commit_args args;

    begin(rig, "recovery.status");
    script_note(&rig->script, STAGED);
    script_turn_to(&rig->script, "recovery.commit");
    script_note(&rig->script, "{'operation': 1, 'kind': 'commit'}");
    assert_int_equal(end(rig, &commit, "--discard-newer --yes"), 0);
    args = commit_of(rig, 1);
    assert_int_not_equal(args.operation, 0);
    assert_int_equal(args.operation, rig->operation);
    assert_true(args.operation < (UINT64_C(1) << 53));
    assert_false(args.has_expect_state);
    assert_true(args.discard_newer);
    script_close(&rig->script);
}

static void a_commit_is_refused_before_it_is_sent(void **state)
{
    struct cli_rig *rig = *state;

    begin(rig, "recovery.status");
    script_note(&rig->script, STAGED);
    assert_int_equal(end(rig, &commit, "--expect-state 69 --yes"),
                     QL_CONDITION_FAILED);
    cli_rig_expect_hint(rig, "--expect-state 70");
    cli_rig_expect_hint(rig, "--discard-newer");
    script_close(&rig->script);

    begin(rig, "recovery.status");
    script_note(&rig->script, "{'phase': 'none'}");
    assert_int_equal(end(rig, &commit, "--discard-newer --yes"), QL_NOT_FOUND);
    cli_rig_expect_hint(rig, "recovery stage NAME");
    script_close(&rig->script);

    begin(rig, "recovery.status");
    script_note(&rig->script, "{'phase': 'editing', 'stage': 5}");
    assert_int_equal(end(rig, &commit, "--discard-newer --yes"), QL_BUSY);
    script_close(&rig->script);
}

static void a_commit_needs_to_know_what_may_go(void **state)
{
    struct cli_rig *rig = *state;

    assert_int_equal(cli_rig_run(rig, &commit, "--yes"), QL_INVALID);
    assert_int_equal(cli_rig_run(rig, &undo, "--yes"), QL_INVALID);
    assert_int_equal(cli_rig_run(rig, &commit, "--operation 0 --dry-run"),
                     QL_INVALID);
}

static void a_commit_that_happened_is_not_done_again(void **state)
{
    struct cli_rig *rig = *state;

    begin(rig, "recovery.status");
    script_note(&rig->script, "{'phase': 'none', 'last': {'operation': 44, "
                              "'kind': 'commit', 'source': 'nightly'}}");
    assert_int_equal(end(rig, &commit, "--discard-newer --operation 44 --yes"),
                     0);
    cli_rig_expect_text(rig, "last operation  44\n");
    script_close(&rig->script);
}

static void a_dry_run_changes_nothing(void **state)
{
    struct cli_rig *rig = *state;

    begin(rig, "recovery.status");
    script_note(&rig->script, STAGED);
    script_turn_to(&rig->script, "recovery.commit");
    script_note(&rig->script, PLAN);
    assert_int_equal(end(rig, &commit, "--dry-run"), 0);
    assert_true(commit_of(rig, 1).dry_run);
    cli_rig_expect_text(rig, "live state         71\n");
    cli_rig_expect_text(rig, "entries that go    9\n");
    assert_int_equal(rig->operation, 0);
    script_close(&rig->script);

    begin(rig, "recovery.status");
    script_note(&rig->script, STAGED);
    script_turn_to(&rig->script, "recovery.commit");
    script_note(&rig->script, PLAN);
    assert_int_equal(end(rig, &commit, "--dry-run --expect-state 70"),
                     QL_CONDITION_FAILED);
    assert_int_equal(rig->err.position, 71);
    script_close(&rig->script);
}

static void an_unknown_outcome_names_the_operation(void **state)
{
    struct cli_rig *rig = *state;

    begin(rig, "recovery.status");
    script_note(&rig->script, STAGED);
    script_turn_to(&rig->script, "recovery.commit");
    script_refuse(&rig->script, QL_OUTCOME_UNKNOWN);
    assert_int_equal(end(rig, &commit, "--discard-newer --operation 44 --yes"),
                     QL_OUTCOME_UNKNOWN);
    cli_rig_expect_hint(rig, "recovery status");
    cli_rig_expect_hint(rig, "--operation 44");
    script_close(&rig->script);
}

static void an_undo_needs_something_to_bring_back(void **state)
{
    struct cli_rig *rig = *state;
    struct recovery_undo_args args;

    begin(rig, "recovery.status");
    script_note(&rig->script, STAGED);
    assert_int_equal(end(rig, &undo, "--discard-newer --yes"), QL_NOT_FOUND);
    script_close(&rig->script);

    begin(rig, "recovery.status");
    script_note(&rig->script, "{'phase': 'none', 'state_index': 9, 'has_undo': "
                              "true, 'undo_source': 'nightly'}");
    script_turn_to(&rig->script, "recovery.undo");
    script_note(&rig->script, "{'operation': 45, 'kind': 'undo'}");
    assert_int_equal(end(rig, &undo, "--expect-state 9 --yes"), 0);
    assert_int_equal(
        recovery_undo_args_decode(&args, script_params(&rig->script, 1), NULL),
        0);
    assert_true(args.has_expect_state);
    assert_int_equal(args.expect_state, 9);
    cli_rig_expect_text(rig, "undo\n");
    script_close(&rig->script);
}

static void counts_of_two_pages_are_added_up(void **state)
{
    struct cli_rig *rig = *state;
    struct recovery_print_args args;

    begin(rig, "recovery.print");
    script_note(&rig->script,
                "{'stage': 5, 'revision': 2, 'state_index': 70, "
                "'scanned_entries': 30, 'scanned_bytes': 300, "
                "'matched_entries': 3, 'matched_bytes': 33, 'logs': [{'name': "
                "'a', 'entries': 10, 'matched': 0}, {'name': 'b', 'entries': "
                "20, 'matched': 3}], 'entries': [], 'cursor': {'log': 'b', "
                "'position': 21}}");
    script_note(&rig->script,
                "{'stage': 5, 'revision': 2, 'state_index': 70, "
                "'scanned_entries': 5, 'matched_entries': 4, 'logs': "
                "[{'name': 'b', 'entries': 5, 'matched': 4}], 'entries': []}");
    assert_int_equal(
        end(rig, &print,
            "--logs * --key k --from 2 --since 2026-01-02T03:04:05Z"),
        0);
    assert_int_equal(
        recovery_print_args_decode(&args, script_params(&rig->script, 0), NULL),
        0);
    assert_true(args.filter.has_key);
    assert_int_equal(args.filter.from, 2);
    assert_int_equal(args.filter.since_ms, UINT64_C(1767323045000));
    assert_false(args.entries);
    assert_int_equal(strncmp(rig->text,
                             "LOG  MATCHED  LOOKED AT\n"
                             "b          7         25\n\n",
                             49),
                     0);
    cli_rig_expect_text(rig, "entries matched    7\n");
    cli_rig_expect_text(rig, "entries looked at  35\n");
    script_close(&rig->script);
}

static void entries_are_shown_when_asked_for(void **state)
{
    static const char page[] =
        "{'stage': 5, 'revision': 2, 'matched_entries': 1, 'logs': [{'name': "
        "'a', 'entries': 1, 'matched': 1}], 'entries': [{'log': 'a', "
        "'position': 7, 'time_ms': 1767323045678, 'key': b'k', 'value': "
        "b'v'}]}";
    struct cli_rig *rig = *state;

    begin(rig, "recovery.print");
    script_note(&rig->script, page);
    assert_int_equal(end(rig, &print, "--entries -o jsonl"), 0);
    assert_string_equal(rig->text,
                        "{\"log\": \"a\", \"position\": 7, \"time_ms\": "
                        "1767323045678, \"key\": \"k\", \"value\": \"v\"}\n");
    script_close(&rig->script);
    assert_int_equal(cli_rig_run(rig, &print, "--limit 3"), QL_INVALID);
}

static void a_diff_says_which_side_has_more(void **state)
{
    static const char page[] =
        "{'stage': 5, 'revision': 2, 'state_index': 70, 'more': false, 'logs': "
        "[{'name': 'a', "
        "'kind': 'same', 'common': 9, 'staged': {'head': 1, 'tail': 10, "
        "'entries': 9}, 'live': {'head': 1, 'tail': 10, 'entries': 9}}, "
        "{'name': 'b', 'kind': 'live_ahead', 'common': 4, 'staged': {'head': "
        "1, 'tail': 5, 'entries': 4}, 'live': {'head': 1, 'tail': 7, "
        "'entries': 6}, 'examples': [{'where': 'live', 'position': 5, "
        "'time_ms': "
        "1767323045678, 'value': b'new'}]}]}";
    struct cli_rig *rig = *state;

    begin(rig, "recovery.diff");
    script_note(&rig->script, page);
    assert_int_equal(end(rig, &diff, "--examples"), 0);
    assert_null(strstr(rig->text, "same\n"));
    cli_rig_expect_text(rig, "b    live has more           4 ");
    cli_rig_expect_text(
        rig, "b    live            5  2026-01-02T03:04:05.678Z  -    new\n");
    cli_rig_expect_text(rig, "logs the same     1\n");
    cli_rig_expect_text(rig, "live state        70\n");
    script_close(&rig->script);

    begin(rig, "recovery.diff");
    script_note(&rig->script, page);
    assert_int_equal(end(rig, &diff, "--all -o jsonl"), 0);
    cli_rig_expect_text(rig, "\"state_index\": 70");
    cli_rig_expect_text(rig, "\"kind\": \"same\"");
    cli_rig_expect_text(rig, "\"kind\": \"live_ahead\"");
    assert_null(strstr(rig->text, "examples"));
    script_close(&rig->script);
}

static void a_delete_counts_and_tells_how_many_went(void **state)
{
    struct cli_rig *rig = *state;
    struct recovery_delete_args args;

    begin(rig, "recovery.status");
    script_note(&rig->script, STAGED);
    script_turn_to(&rig->script, "recovery.print");
    script_note(&rig->script, "{'stage': 5, 'revision': 2, 'matched_entries': "
                              "4, 'logs': [], 'entries': []}");
    script_turn_to(&rig->script, "recovery.delete");
    script_note(&rig->script, "{}");
    script_turn_to(&rig->script, "recovery.status");
    script_note(&rig->script, "{'phase': 'staged', 'stage': 5, 'revision': 3, "
                              "'entries': 96, 'deleted': 4}");
    assert_int_equal(end(rig, &delete_command, "--contains x --yes"), 0);
    assert_int_equal(recovery_delete_args_decode(
                         &args, script_params(&rig->script, 2), NULL),
                     0);
    assert_int_equal(args.stage, 5);
    assert_int_equal(args.revision, 2);
    cli_rig_expect_text(rig, "entries deleted  4\n");
    cli_rig_expect_text(rig, "entries left     96\n");
    script_close(&rig->script);
}

static void a_delete_that_nothing_fits_does_nothing(void **state)
{
    struct cli_rig *rig = *state;

    begin(rig, "recovery.status");
    script_note(&rig->script, STAGED);
    script_turn_to(&rig->script, "recovery.print");
    script_note(&rig->script,
                "{'stage': 5, 'revision': 2, 'logs': [], 'entries': []}");
    assert_int_equal(end(rig, &delete_command, "--key x --yes"), 0);
    cli_rig_expect_text(rig, "entries deleted  0\n");
    script_close(&rig->script);
    assert_int_equal(cli_rig_run(rig, &delete_command, "--yes"), QL_INVALID);
}

static void a_delete_that_was_interrupted_did_nothing(void **state)
{
    struct cli_rig *rig = *state;

    begin(rig, "recovery.status");
    script_note(&rig->script, STAGED);
    script_turn_to(&rig->script, "recovery.print");
    script_note(&rig->script, "{'stage': 5, 'revision': 2, 'matched_entries': "
                              "4, 'logs': [], 'entries': []}");
    script_turn_to(&rig->script, "recovery.delete");
    script_note(&rig->script, "{}");
    script_turn_to(&rig->script, "recovery.status");
    script_note(&rig->script, STAGED);
    assert_int_equal(end(rig, &delete_command, "--key x --yes"), QL_CANCELED);
    script_close(&rig->script);

    begin(rig, "recovery.status");
    script_note(&rig->script, STAGED);
    script_turn_to(&rig->script, "recovery.print");
    script_note(&rig->script, "{'stage': 6, 'revision': 2, 'matched_entries': "
                              "4, 'logs': [], 'entries': []}");
    assert_int_equal(end(rig, &delete_command, "--key x --yes"),
                     QL_CONDITION_FAILED);
    script_close(&rig->script);
}

#define RIG_TEST(function)                                                     \
    cmocka_unit_test_setup_teardown(function, cli_rig_setup, cli_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_stage_is_waited_for),
        RIG_TEST(what_ends_a_stage_is_said),
        RIG_TEST(a_commit_expects_what_was_looked_at),
        RIG_TEST(a_commit_makes_its_own_operation),
        RIG_TEST(a_commit_is_refused_before_it_is_sent),
        RIG_TEST(a_commit_needs_to_know_what_may_go),
        RIG_TEST(a_commit_that_happened_is_not_done_again),
        RIG_TEST(a_dry_run_changes_nothing),
        RIG_TEST(an_unknown_outcome_names_the_operation),
        RIG_TEST(an_undo_needs_something_to_bring_back),
        RIG_TEST(counts_of_two_pages_are_added_up),
        RIG_TEST(entries_are_shown_when_asked_for),
        RIG_TEST(a_diff_says_which_side_has_more),
        RIG_TEST(a_delete_counts_and_tells_how_many_went),
        RIG_TEST(a_delete_that_nothing_fits_does_nothing),
        RIG_TEST(a_delete_that_was_interrupted_did_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
