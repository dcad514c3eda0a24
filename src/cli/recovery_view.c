/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/recovery_view.h"

#include <stddef.h>

#define STATUS(name) offsetof(struct status_row, status.name)
#define LAST(name) offsetof(struct last_row, last.name)
#define PLAN(name) offsetof(struct ql_recovery_plan, name)

/* What is derived from a status, beside it. */
struct status_row {
    struct ql_recovery_status status;
    const char *phase;
    const char *source;  /* NULL: none */
    const char *problem; /* NULL: none */
    const char *next;    /* what an operator would do now */
};

struct last_row {
    struct ql_recovery_last last;
    const char *kind;
};

static const struct column staged_columns[] = {
    {"phase", "phase", COLUMN_POINTER, offsetof(struct status_row, phase)},
    {"stage", "stage", COLUMN_ID, STATUS(stage)},
    {"revision", "revision", COLUMN_U64, STATUS(revision)},
    {"source", "backup", COLUMN_POINTER, offsetof(struct status_row, source)},
    {"from_time_ms", "state of", COLUMN_TIME, STATUS(from_time_ms)},
    {"from_index", "index", COLUMN_ID, STATUS(from_index)},
    {"from_state_index", NULL, COLUMN_ID, STATUS(from_state_index)},
    {"logs", "logs", COLUMN_U64, STATUS(logs)},
    {"entries", "entries", COLUMN_U64, STATUS(entries)},
    {"bytes", "bytes", COLUMN_SIZE, STATUS(bytes)},
    {"deleted", "entries deleted", COLUMN_U64, STATUS(deleted)},
    {"done_bytes", NULL, COLUMN_U64, STATUS(done_bytes)},
    {"total_bytes", NULL, COLUMN_U64, STATUS(total_bytes)},
    {"problem", "problem", COLUMN_POINTER,
     offsetof(struct status_row, problem)},
    {"state_index", "live state", COLUMN_U64, STATUS(state_index)},
    {"frozen", "frozen", COLUMN_BOOL, STATUS(frozen)},
    {"next", "next", COLUMN_POINTER, offsetof(struct status_row, next)},
    COLUMNS_END,
};

static const struct column nothing_columns[] = {
    {"phase", "phase", COLUMN_POINTER, offsetof(struct status_row, phase)},
    {"problem", "problem", COLUMN_POINTER,
     offsetof(struct status_row, problem)},
    {"state_index", "live state", COLUMN_U64, STATUS(state_index)},
    {"frozen", "frozen", COLUMN_BOOL, STATUS(frozen)},
    {"next", "next", COLUMN_POINTER, offsetof(struct status_row, next)},
    COLUMNS_END,
};

static const struct column undo_columns[] = {
    {"source", "undo takes back", COLUMN_TEXT, STATUS(undo_source)},
    {"time_ms", "made at", COLUMN_TIME, STATUS(undo_time_ms)},
    {"logs", "logs then live", COLUMN_U64, STATUS(undo_logs)},
    {"entries", "entries", COLUMN_U64, STATUS(undo_entries)},
    {"bytes", "bytes", COLUMN_SIZE, STATUS(undo_bytes)},
    COLUMNS_END,
};

static const struct column undo_plan_columns[] = {
    {"source", "takes back", COLUMN_TEXT, STATUS(undo_source)},
    {"time_ms", "made at", COLUMN_TIME, STATUS(undo_time_ms)},
    {"logs", "logs then live", COLUMN_U64, STATUS(undo_logs)},
    {"entries", "entries", COLUMN_U64, STATUS(undo_entries)},
    {"bytes", "bytes", COLUMN_SIZE, STATUS(undo_bytes)},
    {"state_index", "live state", COLUMN_U64, STATUS(state_index)},
    COLUMNS_END,
};

static const struct column last_columns[] = {
    {"operation", "last operation", COLUMN_ID, LAST(operation)},
    {"kind", "it was", COLUMN_POINTER, offsetof(struct last_row, kind)},
    {"source", "of", COLUMN_TEXT, LAST(source)},
    {"time_ms", "at", COLUMN_TIME, LAST(time_ms)},
    {"index", "index", COLUMN_ID, LAST(index)},
    {"state_index", "state before", COLUMN_U64, LAST(state_index)},
    {"logs_before", "logs before", COLUMN_U64, LAST(logs_before)},
    {"entries_before", "entries before", COLUMN_U64, LAST(entries_before)},
    {"logs_after", "logs after", COLUMN_U64, LAST(logs_after)},
    {"entries_after", "entries after", COLUMN_U64, LAST(entries_after)},
    COLUMNS_END,
};

static const struct column plan_columns[] = {
    {"stage", "stage", COLUMN_U64, PLAN(stage)},
    {"revision", "revision", COLUMN_U64, PLAN(revision)},
    {"state_index", "live state", COLUMN_U64, PLAN(state_index)},
    {"logs_created", "logs made", COLUMN_U64, PLAN(logs_created)},
    {"logs_removed", "logs removed", COLUMN_U64, PLAN(logs_removed)},
    {"logs_changed", "logs changed", COLUMN_U64, PLAN(logs_changed)},
    {"logs_same", "logs the same", COLUMN_U64, PLAN(logs_same)},
    {"entries_lost", "entries that go", COLUMN_U64, PLAN(entries_lost)},
    {"bytes_lost", "their bytes", COLUMN_SIZE, PLAN(bytes_lost)},
    {"entries_back", "entries that come", COLUMN_U64, PLAN(entries_back)},
    {"bytes_back", "their bytes", COLUMN_SIZE, PLAN(bytes_back)},
    {"estimate_ms", "not served for", COLUMN_DURATION, PLAN(estimate_ms)},
    COLUMNS_END,
};

static struct status_row row_of(const struct ql_recovery_status *status);
static struct last_row last_of(const struct ql_recovery_last *last);
static json_t *status_json(const struct status_row *row,
                           const struct last_row *last);

int recovery_view_status(struct output *output,
                         const struct ql_recovery_status *status,
                         struct err *err)
{
    struct status_row row = row_of(status);
    struct last_row last = last_of(&status->last);
    int rv;

    if (output->format != OUTPUT_TABLE) {
        return output_document(output, status_json(&row, &last), err);
    }
    rv = output_record(output,
                       status->phase == QL_RECOVERY_NONE ? nothing_columns
                                                         : staged_columns,
                       &row, err);
    if (rv == 0 && status->has_undo) {
        rv = output_bytes(output, "\n", 1, err);
        rv = rv != 0 ? rv : output_record(output, undo_columns, &row, err);
    }
    if (rv == 0 && status->last.operation != 0) {
        rv = output_bytes(output, "\n", 1, err);
        rv = rv != 0 ? rv : output_record(output, last_columns, &last, err);
    }
    return rv;
}

int recovery_view_last(struct output *output,
                       const struct ql_recovery_last *last, struct err *err)
{
    struct last_row row = last_of(last);

    return output_record(output, last_columns, &row, err);
}

int recovery_view_plan(struct output *output,
                       const struct ql_recovery_plan *plan, struct err *err)
{
    return output_record(output, plan_columns, plan, err);
}

int recovery_view_undo(struct output *output,
                       const struct ql_recovery_status *status, struct err *err)
{
    struct status_row row = row_of(status);

    return output_record(output, undo_plan_columns, &row, err);
}

static json_t *status_json(const struct status_row *row,
                           const struct last_row *last)
{
    json_t *json = output_object(staged_columns, row);

    (void)json_object_set_new(
        json, "undo",
        row->status.has_undo ? output_object(undo_columns, row) : json_null());
    (void)json_object_set_new(json, "last",
                              last->last.operation != 0
                                  ? output_object(last_columns, last)
                                  : json_null());
    return json;
}

static struct status_row row_of(const struct ql_recovery_status *status)
{
    /* In the order of the enumeration. */
    static const struct {
        const char *phase;
        const char *next;
    } phases[] = {
        {"none", "recovery stage NAME, of a backup in backup list"},
        {"staging", "wait, or recovery unload"},
        {"interrupted", "recovery stage NAME again: the leader went"},
        {"staged", "recovery diff, print or delete; then recovery commit"},
        {"editing", "wait"},
    };
    struct status_row row = {.status = *status, .phase = "unknown"};

    if ((size_t)status->phase < sizeof phases / sizeof phases[0]) {
        row.phase = phases[status->phase].phase;
        row.next = phases[status->phase].next;
    }
    row.source = status->source[0] == '\0' ? NULL : status->source;
    row.problem = status->job_problem[0] == '\0' ? NULL : status->job_problem;
    return row;
}

static struct last_row last_of(const struct ql_recovery_last *last)
{
    struct last_row row = {.last = *last, .kind = "none"};

    if (last->kind == QL_RECOVERY_KIND_COMMIT) {
        row.kind = "commit";
    } else if (last->kind == QL_RECOVERY_KIND_UNDO) {
        row.kind = "undo";
    }
    return row;
}
