/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog recovery print and delete: entries of what is staged. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/confirm.h"
#include "cli/entry_filter.h"
#include "cli/recovery_job.h"
#include "cli/scan_view.h"
#include "quorlog.h"

#define FIELD(name) offsetof(struct command_options, name)
#define DELETED(name) offsetof(struct deleted_row, name)

const struct option_row recovery_print_options[] = {
    ENTRY_FILTER_OPTIONS,
    {"entries", 0, OPTION_FLAG, FIELD(entries), NULL,
     "show the entries, not only how many there are"},
    {"limit", 0, OPTION_U64, FIELD(limit), "COUNT",
     "with --entries: at most so many"},
    COMMAND_OPTIONS_END,
};

const struct option_row recovery_delete_options[] = {
    ENTRY_FILTER_OPTIONS,
    {"dry-run", 0, OPTION_FLAG, FIELD(dry_run), NULL,
     "only count what would be deleted"},
    {"yes", 'y', OPTION_FLAG, FIELD(yes), NULL, "do not ask"},
    COMMAND_OPTIONS_END,
};

/* What a delete has done. */
struct deleted_row {
    uint64_t stage;
    uint64_t revision;
    uint64_t deleted; /* by this one */
    uint64_t logs;
    uint64_t entries;
    uint64_t bytes;
};

static const struct column deleted_columns[] = {
    {"stage", "stage", COLUMN_U64, DELETED(stage)},
    {"revision", "revision", COLUMN_U64, DELETED(revision)},
    {"deleted", "entries deleted", COLUMN_U64, DELETED(deleted)},
    {"logs", "logs staged", COLUMN_U64, DELETED(logs)},
    {"entries", "entries left", COLUMN_U64, DELETED(entries)},
    {"bytes", "their bytes", COLUMN_SIZE, DELETED(bytes)},
    COLUMNS_END,
};

static int scan(struct command_run *run, struct output *output,
                const struct ql_filter *filter, bool every_log,
                struct ql_scan_totals *ret_totals, struct err *err);
static int count_and_ask(struct command_run *run,
                         const struct ql_filter *filter,
                         const struct ql_recovery_status *status,
                         uint64_t *ret_matched, struct err *err);
static int delete_entries(struct command_run *run,
                          const struct ql_filter *filter,
                          struct ql_recovery_status *status,
                          uint64_t *ret_deleted, struct err *err);

int recovery_print_run(struct command_run *run, struct err *err)
{
    struct ql_scan_totals totals;
    struct ql_filter filter;
    bool any;
    int rv;

    if (command_given(run, "limit") && !run->options.entries) {
        return err_set(err, QL_INVALID, "--limit goes with --entries only");
    }
    if (command_given(run, "limit") && run->options.limit == 0) {
        return err_set(err, QL_INVALID, "--limit is at least 1");
    }
    rv = entry_filter_take(run, &filter, &any, err);
    rv = rv != 0 ? rv : command_client(run, 0, err);
    return rv != 0 ? rv : scan(run, &run->output, &filter, !any, &totals, err);
}

int recovery_delete_run(struct command_run *run, struct err *err)
{
    struct ql_recovery_status status;
    struct deleted_row row = {.deleted = 0};
    struct ql_filter filter;
    uint64_t matched = 0;
    bool any;
    int rv = entry_filter_take(run, &filter, &any, err);

    if (rv == 0 && !any) {
        rv = err_set(err, QL_INVALID,
                     "which entries? --logs '*' are all that are staged");
    }
    if (rv == 0 && !run->options.dry_run) {
        rv = confirm_possible(run, "delete the entries", err);
    }
    rv = rv != 0 ? rv : command_client(run, 0, err);
    rv = rv != 0 ? rv : recovery_job_status(run, &status, err);
    rv = rv != 0 ? rv : recovery_job_check(&status, err);
    rv = rv != 0 ? rv : count_and_ask(run, &filter, &status, &matched, err);
    if (rv != 0 || run->options.dry_run) {
        return rv;
    }
    if (matched > 0) {
        rv = delete_entries(run, &filter, &status, &row.deleted, err);
    }
    if (rv != 0) {
        return rv;
    }
    row.stage = status.stage;
    row.revision = status.revision;
    row.logs = status.logs;
    row.entries = status.entries;
    row.bytes = status.bytes;
    return output_record(&run->output, deleted_columns, &row, err);
}

static int scan(struct command_run *run, struct output *output,
                const struct ql_filter *filter, bool every_log,
                struct ql_scan_totals *ret_totals, struct err *err)
{
    struct ql_scan_options options = QL_SCAN_OPTIONS_INIT;
    struct err cut_err = {.code = 0};
    struct scan_view view;
    struct ql_error error;
    int rv;

    options.entries = run->options.entries;
    options.entries_max = run->options.limit;
    scan_view_begin(&view, output, run->options.entries, every_log);
    rv = ql_recovery_print(run->client, filter, &options, scan_view_page, &view,
                           ret_totals, &error);
    if (rv == 0) {
        rv = scan_view_end(&view, ret_totals, err);
    } else if (view.err.code != 0) {
        *err = view.err;
        rv = err->code;
    } else {
        rv = command_error(err, rv, &error);
        (void)scan_view_cut(&view, &cut_err);
    }
    scan_view_close(&view);
    return rv;
}

/* The counts are the answer of a dry run, and otherwise for who is asked. */
static int count_and_ask(struct command_run *run,
                         const struct ql_filter *filter,
                         const struct ql_recovery_status *status,
                         uint64_t *ret_matched, struct err *err)
{
    struct ql_scan_totals totals;
    struct ql_error error;
    struct output shown;
    int rv;

    if (run->options.dry_run) {
        (void)fprintf(stderr, "dry run: these entries would be deleted\n");
        return scan(run, &run->output, filter, false, &totals, err);
    }
    if (run->options.yes) {
        rv = ql_recovery_print(run->client, filter, NULL, NULL, NULL, &totals,
                               &error);
        rv = rv == 0 ? 0 : command_error(err, rv, &error);
    } else {
        output_init(&shown, stderr, OUTPUT_TABLE);
        rv = scan(run, &shown, filter, false, &totals, err);
    }
    if (rv == 0 && (totals.stage != status->stage ||
                    totals.revision != status->revision)) {
        rv = err_set(err, QL_CONDITION_FAILED,
                     "what is staged was changed by somebody else");
    }
    if (rv != 0) {
        return rv;
    }
    *ret_matched = totals.matched_entries;
    return totals.matched_entries == 0
               ? 0
               : confirm_ask(run, err,
                             "Delete %" PRIu64 " of %" PRIu64
                             " entries from what is staged?",
                             totals.matched_entries, status->entries);
}

/* @status is how it was before, and then how it is. */
static int delete_entries(struct command_run *run,
                          const struct ql_filter *filter,
                          struct ql_recovery_status *status,
                          uint64_t *ret_deleted, struct err *err)
{
    const struct ql_recovery_status before = *status;
    struct ql_error error;
    int rv = ql_recovery_delete(run->client, status->stage, status->revision,
                                filter, &error);

    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    rv = recovery_job_wait(run, "deleting", status, err);
    if (rv != 0) {
        return rv;
    }
    if (status->stage != before.stage) {
        return err_set(err, QL_CONDITION_FAILED,
                       "what was staged is not there any more");
    }
    if (status->revision == before.revision) {
        return err_set(err, QL_CANCELED,
                       "the leader went before it was done: nothing was "
                       "deleted");
    }
    *ret_deleted = status->deleted - before.deleted;
    return 0;
}
