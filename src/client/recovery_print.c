/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Looking for entries in the staged state, and taking some out. */
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/op.h"
#include "client/scan_call.h"

static bool is_long(struct bytes bytes, const void *given, size_t len_min,
                    size_t len_max);
static int give_page(struct op *op, struct bytes result,
                     const struct ql_error *error, struct err *err);
static int export_logs(struct ql_scan_log **ret_logs,
                       const struct recovery_print_result *print,
                       struct err *err);
static int export_entries(struct ql_scan_entry **ret_entries,
                          const struct recovery_print_result *print,
                          const struct ql_scan_log *logs, struct err *err);
static void export_totals(struct ql_scan_totals *ret,
                          const struct recovery_print_result *print);

int ql_recovery_print_async(struct ql_client *client,
                            const struct ql_filter *filter,
                            const struct ql_scan_options *options,
                            ql_scan_cb cb, void *data, struct ql_error *error)
{
    struct ql_scan_options given;
    struct recovery_print_args args = {0};
    struct op *op;
    int rv = client_options_copy(&given, sizeof(given), options, error);

    if (rv == 0) {
        rv = scan_filter_import(&args.filter, filter, error);
    }
    if (rv != 0) {
        return rv;
    }
    args.entries = given.entries;
    args.limit = given.entries_max == 0 || given.entries_max > PRINT_ENTRIES_MAX
                     ? PRINT_ENTRIES_MAX
                     : (uint32_t)given.entries_max;
    args.cursor.log = op_bytes(given.log);
    args.cursor.position = given.position;
    op = op_new(client, METHOD_RECOVERY_PRINT, give_page, error);
    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    op->cb.scan = cb;
    op->data = data;
    return op_start(op, recovery_print_args_encode(&args, &op->request.params),
                    NULL, given.timeout_ms, error);
}

int ql_recovery_delete_async(struct ql_client *client, uint64_t stage,
                             uint64_t revision, const struct ql_filter *filter,
                             ql_done_cb cb, void *data, struct ql_error *error)
{
    struct recovery_delete_args args = {.stage = stage, .revision = revision};
    struct op *op;
    int rv = scan_filter_import(&args.filter, filter, error);

    if (rv != 0) {
        return rv;
    }
    if (scan_filter_is_empty(&args.filter)) {
        return error_set(error, QL_INVALID, "an empty filter would delete all");
    }
    op = op_new(client, METHOD_RECOVERY_DELETE, op_give_done, error);
    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    /* Asked twice, it would find itself at work. */
    op->request.send_once = true;
    op->request.busy_ends = true;
    op->cb.done = cb;
    op->data = data;
    return op_start(op, recovery_delete_args_encode(&args, &op->request.params),
                    NULL, 0, error);
}

int scan_filter_import(struct scan_filter *ret, const struct ql_filter *filter,
                       struct ql_error *error)
{
    struct ql_filter given;
    int rv = client_options_copy(&given, sizeof(given), filter, error);

    if (rv != 0) {
        return rv;
    }
    *ret = (struct scan_filter){
        .logs = op_bytes(given.logs),
        .has_key = given.key != NULL,
        .key = {given.key, given.key_len},
        .key_prefix = {given.key_prefix, given.key_prefix_len},
        .key_glob = op_bytes(given.key_glob),
        .from = given.from,
        .to = given.to,
        .since_ms = given.since_ms,
        .until_ms = given.until_ms,
        .contains = {given.contains, given.contains_len},
    };
    if (!is_long(ret->logs, given.logs, 1, LOG_NAME_MAX) ||
        !is_long(ret->key, given.key, 0, ENTRY_KEY_MAX) ||
        !is_long(ret->key_prefix, given.key_prefix, 1, ENTRY_KEY_MAX) ||
        !is_long(ret->key_glob, given.key_glob, 1, ENTRY_KEY_MAX) ||
        !is_long(ret->contains, given.contains, 1, FILTER_CONTAINS_MAX)) {
        return error_set(error, QL_INVALID,
                         "a part of the filter is empty or too long");
    }
    return 0;
}

static bool is_long(struct bytes bytes, const void *given, size_t len_min,
                    size_t len_max)
{
    return given == NULL ? bytes.len == 0
                         : bytes.len >= len_min && bytes.len <= len_max;
}

static int give_page(struct op *op, struct bytes result,
                     const struct ql_error *error, struct err *err)
{
    struct recovery_print_result print = {0};
    struct ql_scan_page given = {0};
    struct ql_scan_log *logs = NULL;
    struct ql_scan_entry *entries = NULL;
    char next[QL_LOG_NAME_MAX + 1];
    int rv = 0;

    if (error == NULL) {
        rv = recovery_print_result_decode(&print, result, err);
        rv = rv != 0 ? rv : export_logs(&logs, &print, err);
        rv = rv != 0 ? rv : export_entries(&entries, &print, logs, err);
    }
    if (rv == 0) {
        export_totals(&given.totals, &print);
        given.logs = logs;
        given.log_count = print.logs_count;
        given.entries = entries;
        given.entry_count = print.entries_count;
        given.more = print.cursor.log.len > 0;
    }
    if (given.more) {
        error_copy_text(next, sizeof(next), print.cursor.log);
        given.log = next;
        given.position = print.cursor.position;
    }
    if (rv == 0 && op->cb.scan != NULL) {
        op->cb.scan(op->data, error == NULL ? &given : NULL, error);
    }
    free(logs);
    free(entries);
    recovery_print_result_close(&print);
    return rv;
}

static int export_logs(struct ql_scan_log **ret_logs,
                       const struct recovery_print_result *print,
                       struct err *err)
{
    struct ql_scan_log *logs = calloc(print->logs_count + 1, sizeof(*logs));
    size_t i;

    if (logs == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    for (i = 0; i < print->logs_count; i++) {
        error_copy_text(logs[i].name, sizeof(logs[i].name),
                        print->logs[i].name);
        logs[i].entries = print->logs[i].entries;
        logs[i].matched = print->logs[i].matched;
    }
    *ret_logs = logs;
    return 0;
}

/* Both stand in the order of names, so one walk finds each entry's log. */
static int export_entries(struct ql_scan_entry **ret_entries,
                          const struct recovery_print_result *print,
                          const struct ql_scan_log *logs, struct err *err)
{
    struct ql_scan_entry *entries =
        calloc(print->entries_count + 1, sizeof(*entries));
    size_t log = 0;
    size_t i;

    if (entries == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    for (i = 0; i < print->entries_count; i++) {
        const struct scan_entry *from = &print->entries[i];

        while (log < print->logs_count &&
               (print->logs[log].name.len != from->log.len ||
                memcmp(print->logs[log].name.data, from->log.data,
                       from->log.len) != 0)) {
            log++;
        }
        if (log == print->logs_count) {
            free(entries);
            return err_set(err, QL_PROTOCOL,
                           "an entry of a log that the page does not name");
        }
        entries[i].log = logs[log].name;
        entries[i].entry = (struct ql_entry){
            .key = from->has_key ? from->key.data : NULL,
            .key_len = from->key.len,
            .value = from->value.data,
            .value_len = from->value.len,
            .position = from->position,
            .time_ms = from->time_ms,
        };
    }
    *ret_entries = entries;
    return 0;
}

static void export_totals(struct ql_scan_totals *ret,
                          const struct recovery_print_result *print)
{
    ret->stage = print->stage;
    ret->revision = print->revision;
    ret->state_index = print->state_index;
    ret->scanned_entries = print->scanned_entries;
    ret->scanned_bytes = print->scanned_bytes;
    ret->matched_entries = print->matched_entries;
    ret->matched_bytes = print->matched_bytes;
}
