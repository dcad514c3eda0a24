/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/scan_view.h"

#include <stddef.h>
#include <string.h>

#define LOG(name) offsetof(struct ql_scan_log, name)
#define TOTAL(name) offsetof(struct totals_row, totals.name)

struct entry_row {
    const char *log;
    uint64_t position;
    uint64_t time_ms;
    struct bytes key; /* no data when there is none */
    struct bytes value;
};

struct totals_row {
    struct ql_scan_totals totals;
    uint64_t logs_matched;
};

static const struct column entry_columns[] = {
    {"log", "LOG", COLUMN_POINTER, offsetof(struct entry_row, log)},
    {"position", "POSITION", COLUMN_U64, offsetof(struct entry_row, position)},
    {"time_ms", "TIME", COLUMN_TIME, offsetof(struct entry_row, time_ms)},
    {"key", "KEY", COLUMN_BYTES, offsetof(struct entry_row, key)},
    {"value", "VALUE", COLUMN_BYTES, offsetof(struct entry_row, value)},
    COLUMNS_END,
};

static const struct column log_columns[] = {
    {"log", "LOG", COLUMN_TEXT, LOG(name)},
    {"matched", "MATCHED", COLUMN_U64, LOG(matched)},
    {"entries", "LOOKED AT", COLUMN_U64, LOG(entries)},
    COLUMNS_END,
};

static const struct column totals_columns[] = {
    {"stage", "stage", COLUMN_U64, TOTAL(stage)},
    {"revision", "revision", COLUMN_U64, TOTAL(revision)},
    {"logs_matched", "logs with matches", COLUMN_U64,
     offsetof(struct totals_row, logs_matched)},
    {"matched_entries", "entries matched", COLUMN_U64, TOTAL(matched_entries)},
    {"matched_bytes", "their bytes", COLUMN_SIZE, TOTAL(matched_bytes)},
    {"scanned_entries", "entries looked at", COLUMN_U64,
     TOTAL(scanned_entries)},
    {"scanned_bytes", NULL, COLUMN_U64, TOTAL(scanned_bytes)},
    {"state_index", "live state", COLUMN_U64, TOTAL(state_index)},
    COLUMNS_END,
};

static int give_entry(struct scan_view *view, const struct ql_scan_entry *found,
                      struct err *err);
static int add_log(struct scan_view *view, const struct ql_scan_log *log,
                   struct err *err);
static int give_log(struct scan_view *view, struct err *err);

void scan_view_begin(struct scan_view *view, struct output *output,
                     bool entries, bool every_log)
{
    memset(view, 0, sizeof *view);
    view->output = output;
    view->entries = entries;
    view->every_log = every_log;
    progress_init(&view->progress, 0);
    /* Rows would fall into the line. */
    view->progress.shown = view->progress.shown && !entries;
    output_list_begin(&view->list, output,
                      entries ? entry_columns : log_columns);
    if (output->format != OUTPUT_TABLE) {
        view->logs = json_array();
    }
}

int scan_view_page(void *data, const struct ql_scan_page *page)
{
    struct scan_view *view = data;
    int rv = 0;

    for (size_t i = 0; i < page->entry_count && view->entries && rv == 0; i++) {
        rv = give_entry(view, &page->entries[i], &view->err);
    }
    for (size_t i = 0; i < page->log_count && rv == 0; i++) {
        rv = add_log(view, &page->logs[i], &view->err);
    }
    view->scanned_bytes += page->totals.scanned_bytes;
    progress_bytes(&view->progress, "looking through", view->scanned_bytes);
    return rv;
}

int scan_view_cut(struct scan_view *view, struct err *err)
{
    progress_clear(&view->progress);
    return view->entries && view->given > 0 && !view->output->reader_gone
               ? output_list_end(&view->list, err)
               : 0;
}

int scan_view_end(struct scan_view *view, const struct ql_scan_totals *totals,
                  struct err *err)
{
    struct totals_row row = {.totals = *totals};
    json_t *json;
    int rv = give_log(view, err);

    progress_clear(&view->progress);
    row.logs_matched = view->logs_matched;
    if (rv != 0) {
        return rv;
    }
    if (view->entries) {
        return output_list_end(&view->list, err);
    }
    if (view->output->format != OUTPUT_TABLE) {
        json = output_object(totals_columns, &row);
        (void)json_object_set(json, "logs", view->logs);
        return output_document(view->output, json, err);
    }
    rv = output_list_end(&view->list, err);
    rv = rv != 0 ? rv : output_bytes(view->output, "\n", 1, err);
    return rv != 0 ? rv
                   : output_record(view->output, totals_columns, &row, err);
}

void scan_view_close(struct scan_view *view)
{
    progress_clear(&view->progress);
    output_list_close(&view->list);
    json_decref(view->logs);
    view->logs = NULL;
}

static int give_entry(struct scan_view *view, const struct ql_scan_entry *found,
                      struct err *err)
{
    const struct ql_entry *entry = &found->entry;
    struct entry_row row = {.log = found->log,
                            .position = entry->position,
                            .time_ms = entry->time_ms};

    view->given++;
    row.key.data = entry->key_len == 0 ? NULL : entry->key;
    row.key.len = entry->key_len;
    row.value.data = entry->value == NULL ? (const uint8_t *)"" : entry->value;
    row.value.len = entry->value_len;
    return output_list_row(&view->list, &row, err);
}

/* A log may go on in the next page. */
static int add_log(struct scan_view *view, const struct ql_scan_log *log,
                   struct err *err)
{
    int rv = 0;

    if (strcmp(view->log.name, log->name) != 0) {
        rv = give_log(view, err);
        view->log = *log;
        return rv;
    }
    view->log.entries += log->entries;
    view->log.matched += log->matched;
    return 0;
}

static int give_log(struct scan_view *view, struct err *err)
{
    const struct ql_scan_log *log = &view->log;

    if (log->name[0] == '\0') {
        return 0;
    }
    view->logs_matched += log->matched > 0;
    if (view->entries || (log->matched == 0 && !view->every_log)) {
        return 0;
    }
    view->given++;
    if (view->output->format != OUTPUT_TABLE) {
        (void)json_array_append_new(view->logs,
                                    output_object(log_columns, log));
        return 0;
    }
    return output_list_row(&view->list, log, err);
}
