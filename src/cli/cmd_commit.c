/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog recovery commit and undo: what replaces the live logs. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/confirm.h"
#include "cli/recovery_job.h"
#include "cli/recovery_view.h"
#include "quorlog.h"
#include "util/random.h"

#define FIELD(name) offsetof(struct command_options, name)
/* Ids of operations are typed by people and are numbers in JSON: 53 bits. */
#define OPERATION_MASK ((UINT64_C(1) << 53) - 1)

/* clang-format off */
#define COMMIT_OPTIONS                                                         \
    {"expect-state", 0, OPTION_U64, FIELD(expect_state), "N",                  \
     "refuse it unless the live logs are at this state"},                      \
    {"discard-newer", 0, OPTION_FLAG, FIELD(discard_newer), NULL,              \
     "replace also what is newer than that"},                                  \
    {"operation", 0, OPTION_U64, FIELD(operation), "ID",                       \
     "repeat this one; it is done once"},                                      \
    {"dry-run", 0, OPTION_FLAG, FIELD(dry_run), NULL,                          \
     "only show what would happen"},                                           \
    {"yes", 'y', OPTION_FLAG, FIELD(yes), NULL, "do not ask"}
/* clang-format on */

const struct option_row recovery_commit_options[] = {
    COMMIT_OPTIONS,
    COMMAND_OPTIONS_END,
};

const struct option_row recovery_undo_options[] = {
    COMMIT_OPTIONS,
    COMMAND_OPTIONS_END,
};

static int check_guard(const struct command_run *run, const char *what,
                       struct err *err);
static bool is_done(const struct command_run *run,
                    const struct ql_recovery_status *status);
static int look_before_commit(struct command_run *run,
                              const struct ql_recovery_status *status,
                              struct ql_commit_options *options,
                              struct err *err);
static int look_before_undo(struct command_run *run,
                            const struct ql_recovery_status *status,
                            struct ql_commit_options *options, struct err *err);
static int expect(const struct command_run *run, uint64_t state_index,
                  struct ql_commit_options *options, struct err *err);
static void begin(struct command_run *run, struct ql_commit_options *options);

int recovery_commit_run(struct command_run *run, struct err *err)
{
    struct ql_commit_options options = QL_COMMIT_OPTIONS_INIT;
    struct ql_recovery_status status;
    struct ql_recovery_last last;
    struct ql_error error;
    int rv = check_guard(run,
                         "commit what is staged, and with --expect-state N "
                         "or --discard-newer",
                         err);

    rv = rv != 0 ? rv : command_client(run, 0, err);
    rv = rv != 0 ? rv : recovery_job_status(run, &status, err);
    if (rv != 0) {
        return rv;
    }
    if (is_done(run, &status)) {
        return recovery_view_last(&run->output, &status.last, err);
    }
    rv = recovery_job_check(&status, err);
    rv = rv != 0 ? rv : look_before_commit(run, &status, &options, err);
    if (rv != 0 || run->options.dry_run) {
        return rv;
    }
    begin(run, &options);
    rv = ql_recovery_commit(run->client, &options, &last, &error);
    return rv != 0 ? command_error(err, rv, &error)
                   : recovery_view_last(&run->output, &last, err);
}

int recovery_undo_run(struct command_run *run, struct err *err)
{
    struct ql_commit_options options = QL_COMMIT_OPTIONS_INIT;
    struct ql_recovery_status status;
    struct ql_recovery_last last;
    struct ql_error error;
    int rv =
        check_guard(run,
                    "bring back what was replaced, and with --expect-state N "
                    "or --discard-newer",
                    err);

    rv = rv != 0 ? rv : command_client(run, 0, err);
    rv = rv != 0 ? rv : recovery_job_status(run, &status, err);
    if (rv != 0) {
        return rv;
    }
    if (is_done(run, &status)) {
        return recovery_view_last(&run->output, &status.last, err);
    }
    rv = look_before_undo(run, &status, &options, err);
    if (rv != 0 || run->options.dry_run) {
        return rv;
    }
    begin(run, &options);
    rv = ql_recovery_undo(run->client, &options, &last, &error);
    return rv != 0 ? command_error(err, rv, &error)
                   : recovery_view_last(&run->output, &last, err);
}

/* Entries that nobody has looked at must not go because of a script: with --yes
 * alone it is not said which may. */
static int check_guard(const struct command_run *run, const char *what,
                       struct err *err)
{
    if (command_given(run, "operation") && run->options.operation == 0) {
        return err_set(err, QL_INVALID, "operations are counted from 1");
    }
    if (run->options.dry_run) {
        return 0;
    }
    if (run->options.yes && !run->options.discard_newer &&
        !command_given(run, "expect-state")) {
        return err_set(err, QL_INVALID,
                       "--yes needs --expect-state N, the live state that "
                       "--dry-run shows, or --discard-newer");
    }
    return confirm_possible(run, what, err);
}

static bool is_done(const struct command_run *run,
                    const struct ql_recovery_status *status)
{
    return command_given(run, "operation") &&
           status->last.operation == run->options.operation;
}

/* Shows what would happen, and asks, unless that is known. */
static int look_before_commit(struct command_run *run,
                              const struct ql_recovery_status *status,
                              struct ql_commit_options *options,
                              struct err *err)
{
    struct ql_recovery_plan plan;
    struct ql_error error;
    struct output shown;
    int rv;

    options->stage = status->stage;
    options->revision = status->revision;
    if (run->options.yes && !run->options.dry_run) {
        return expect(run, status->state_index, options, err);
    }
    rv = ql_recovery_plan(run->client, status->stage, status->revision, &plan,
                          &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    rv = expect(run, plan.state_index, options, err);
    if (rv != 0) {
        return rv;
    }
    if (run->options.dry_run) {
        (void)fprintf(stderr,
                      "dry run: with --expect-state %" PRIu64
                      " this would happen\n",
                      plan.state_index);
        return recovery_view_plan(&run->output, &plan, err);
    }
    output_init(&shown, stderr, OUTPUT_TABLE);
    rv = recovery_view_plan(&shown, &plan, err);
    return rv != 0 ? rv
                   : confirm_ask(run, err,
                                 "Replace the live logs by those of backup %s?",
                                 status->source);
}

static int look_before_undo(struct command_run *run,
                            const struct ql_recovery_status *status,
                            struct ql_commit_options *options, struct err *err)
{
    struct output shown;
    int rv;

    if (!status->has_undo) {
        return err_set(err, QL_NOT_FOUND, "there is nothing to bring back");
    }
    rv = expect(run, status->state_index, options, err);
    if (rv != 0) {
        return rv;
    }
    if (run->options.dry_run) {
        (void)fprintf(stderr,
                      "dry run: with --expect-state %" PRIu64
                      " this would happen\n",
                      status->state_index);
        return recovery_view_undo(&run->output, status, err);
    }
    if (run->options.yes) {
        return 0;
    }
    output_init(&shown, stderr, OUTPUT_TABLE);
    rv = recovery_view_undo(&shown, status, err);
    return rv != 0 ? rv
                   : confirm_ask(run, err,
                                 "Replace the live logs by those from before "
                                 "that?");
}

/* The live logs are at @state_index, as far as can be seen from here. Without a
 * word about it, what was shown is what is expected. */
static int expect(const struct command_run *run, uint64_t state_index,
                  struct ql_commit_options *options, struct err *err)
{
    bool given = command_given(run, "expect-state");

    options->discard_newer = run->options.discard_newer;
    options->has_expect_state = given || !run->options.discard_newer;
    options->expect_state = given ? run->options.expect_state : state_index;
    if (given && options->expect_state != state_index &&
        !run->options.discard_newer) {
        (void)err_set(err, QL_CONDITION_FAILED,
                      "the live logs are at state %" PRIu64 ", not %" PRIu64,
                      state_index, options->expect_state);
        err->position = state_index;
        return QL_CONDITION_FAILED;
    }
    return 0;
}

/* The number is told before anything can happen: with it anybody can find out
 * whether it did, and repeat it safely. */
static void begin(struct command_run *run, struct ql_commit_options *options)
{
    while (run->options.operation == 0) {
        run->options.operation = random_u64() & OPERATION_MASK;
    }
    options->operation = run->options.operation;
    (void)fprintf(stderr, "operation %" PRIu64 "\n", options->operation);
    (void)fflush(stderr);
}
