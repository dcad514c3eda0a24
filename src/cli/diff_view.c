/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/diff_view.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ROW(name) offsetof(struct diff_row, name)
#define EXAMPLE(name) offsetof(struct example_row, name)
#define TOTAL(name) offsetof(struct diff_view, name)

struct diff_row {
    const char *log;
    const char *kind;
    uint64_t common;
    struct ql_diff_side staged;
    struct ql_diff_side live;
};

struct example_row {
    const char *log;
    const char *side;
    uint64_t position;
    uint64_t time_ms;
    struct bytes key; /* no data when there is none */
    struct bytes value;
};

static const struct column diff_columns[] = {
    {"log", "LOG", COLUMN_POINTER, ROW(log)},
    {"kind", "DIFFERENCE", COLUMN_POINTER, ROW(kind)},
    {"common", "SAME UP TO", COLUMN_ID, ROW(common)},
    {"staged_head", NULL, COLUMN_ID, ROW(staged.head)},
    {"staged_tail", "STAGED TAIL", COLUMN_ID, ROW(staged.tail)},
    {"staged_entries", "STAGED ENTRIES", COLUMN_U64, ROW(staged.entries)},
    {"live_head", NULL, COLUMN_ID, ROW(live.head)},
    {"live_tail", "LIVE TAIL", COLUMN_ID, ROW(live.tail)},
    {"live_entries", "LIVE ENTRIES", COLUMN_U64, ROW(live.entries)},
    COLUMNS_END,
};

static const struct column example_columns[] = {
    {"log", "LOG", COLUMN_POINTER, EXAMPLE(log)},
    {"side", "ONLY IN", COLUMN_POINTER, EXAMPLE(side)},
    {"position", "POSITION", COLUMN_U64, EXAMPLE(position)},
    {"time_ms", "TIME", COLUMN_TIME, EXAMPLE(time_ms)},
    {"key", "KEY", COLUMN_BYTES, EXAMPLE(key)},
    {"value", "VALUE", COLUMN_BYTES, EXAMPLE(value)},
    COLUMNS_END,
};

static const struct column total_columns[] = {
    {"stage", "stage", COLUMN_U64, TOTAL(stage)},
    {"revision", "revision", COLUMN_U64, TOTAL(revision)},
    {"logs_differ", "logs that differ", COLUMN_U64, TOTAL(differ)},
    {"logs_same", "logs the same", COLUMN_U64, TOTAL(same)},
    {"state_index", "live state", COLUMN_U64, TOTAL(state_index)},
    COLUMNS_END,
};

static int give_log(struct diff_view *view, const struct ql_diff_log *log,
                    struct err *err);
static int give_json(struct diff_view *view, const struct ql_diff_log *log,
                     const struct diff_row *row);
static int write_kept(struct diff_view *view, struct err *err);
static const char *kind_name(const struct diff_view *view,
                             enum ql_diff_kind kind);
static struct example_row example_of(const struct ql_diff_log *log,
                                     const struct ql_diff_example *example);

int diff_view_begin(struct diff_view *view, struct output *output,
                    bool every_log, bool examples, struct err *err)
{
    FILE *file;

    memset(view, 0, sizeof *view);
    view->output = output;
    view->every_log = every_log;
    view->examples = examples;
    output_list_begin(&view->list, output, diff_columns);
    file = open_memstream(&view->kept_text, &view->kept_len);
    if (file == NULL) {
        return err_errno(err, errno, "keep the examples");
    }
    view->kept = *output;
    view->kept.file = file;
    output_list_begin(&view->kept_list, &view->kept, example_columns);
    if (output->format != OUTPUT_TABLE) {
        view->logs = json_array();
    }
    return 0;
}

int diff_view_page(void *data, const struct ql_diff_page *page)
{
    struct diff_view *view = data;
    int rv = 0;

    view->stage = page->stage;
    view->revision = page->revision;
    view->state_index = page->state_index;
    for (size_t i = 0; i < page->count && rv == 0; i++) {
        bool same = page->logs[i].kind == QL_DIFF_SAME;

        view->same += same;
        view->differ += !same;
        if (!same || view->every_log) {
            rv = give_log(view, &page->logs[i], &view->err);
        }
    }
    return rv;
}

int diff_view_end(struct diff_view *view, struct err *err)
{
    json_t *json;
    int rv;

    if (view->output->format != OUTPUT_TABLE) {
        json = output_object(total_columns, view);
        (void)json_object_set(json, "logs", view->logs);
        return output_document(view->output, json, err);
    }
    rv = output_list_end(&view->list, err);
    rv = rv != 0 ? rv : write_kept(view, err);
    rv = rv != 0 ? rv : output_bytes(view->output, "\n", 1, err);
    return rv != 0 ? rv : output_record(view->output, total_columns, view, err);
}

void diff_view_close(struct diff_view *view)
{
    output_list_close(&view->list);
    output_list_close(&view->kept_list);
    if (view->kept.file != NULL) {
        (void)fclose(view->kept.file);
        view->kept.file = NULL;
    }
    free(view->kept_text);
    view->kept_text = NULL;
    json_decref(view->logs);
    view->logs = NULL;
}

static int give_log(struct diff_view *view, const struct ql_diff_log *log,
                    struct err *err)
{
    struct diff_row row = {.log = log->name,
                           .kind = kind_name(view, log->kind),
                           .common = log->common,
                           .staged = log->staged,
                           .live = log->live};
    int rv;

    if (view->output->format != OUTPUT_TABLE) {
        return give_json(view, log, &row);
    }
    rv = output_list_row(&view->list, &row, err);
    for (size_t i = 0; i < log->example_count && view->examples && rv == 0;
         i++) {
        struct example_row example = example_of(log, &log->examples[i]);

        rv = output_list_row(&view->kept_list, &example, err);
        view->kept_rows++;
    }
    return rv;
}

static int give_json(struct diff_view *view, const struct ql_diff_log *log,
                     const struct diff_row *row)
{
    json_t *json = output_object(diff_columns, row);
    json_t *examples = json_array();

    for (size_t i = 0; i < log->example_count && view->examples; i++) {
        struct example_row example = example_of(log, &log->examples[i]);

        (void)json_array_append_new(examples,
                                    output_object(example_columns, &example));
    }
    if (view->examples) {
        (void)json_object_set(json, "examples", examples);
    }
    json_decref(examples);
    (void)json_array_append_new(view->logs, json);
    return 0;
}

static int write_kept(struct diff_view *view, struct err *err)
{
    int rv;

    if (view->kept_rows == 0) {
        return 0;
    }
    rv = output_list_end(&view->kept_list, err);
    rv = rv != 0 ? rv : output_bytes(view->output, "\n", 1, err);
    return rv != 0 ? rv
                   : output_bytes(view->output, view->kept_text, view->kept_len,
                                  err);
}

/* Words for people; in JSON those that programs compare. */
static const char *kind_name(const struct diff_view *view,
                             enum ql_diff_kind kind)
{
    /* In the order of the enumeration. */
    static const char *const names[][2] = {
        {"same", "same"},
        {"only staged: comes back", "staged_only"},
        {"only live: goes", "live_only"},
        {"staged has more", "staged_ahead"},
        {"live has more", "live_ahead"},
        {"both have others", "differs"},
    };

    if ((size_t)kind >= sizeof names / sizeof names[0]) {
        return "unknown";
    }
    return names[kind][view->output->format != OUTPUT_TABLE];
}

static struct example_row example_of(const struct ql_diff_log *log,
                                     const struct ql_diff_example *example)
{
    const struct ql_entry *entry = &example->entry;
    struct example_row row = {.log = log->name,
                              .side = example->live ? "live" : "staged",
                              .position = entry->position,
                              .time_ms = entry->time_ms};

    row.key.data = entry->key_len == 0 ? NULL : entry->key;
    row.key.len = entry->key_len;
    row.value.data = entry->value == NULL ? (const uint8_t *)"" : entry->value;
    row.value.len = entry->value_len;
    return row;
}
