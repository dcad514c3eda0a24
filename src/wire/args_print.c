/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The rest of args_scan.h: what recovery.print answers. */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "wire/args_scan.h"
#include "wire/fields.h"
#include "wire/pack.h"
#include "wire/scan_fields.h"

/* The answer before its arrays are decoded. */
struct print_head {
    struct recovery_print_result result;
    struct items logs;
    struct items entries;
};

static int read_arrays(struct print_head *head,
                       struct recovery_print_result *ret, struct err *err);

static const struct field entry_fields[] = {
    {FIELD_KEY("log"), .kind = FIELD_LOG, .required = true,
     .offset = offsetof(struct scan_entry, log)},
    {FIELD_KEY("position"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct scan_entry, position)},
    {FIELD_KEY("time_ms"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct scan_entry, time_ms)},
    {FIELD_KEY("key"), .kind = FIELD_BIN, .max = ENTRY_KEY_MAX,
     .offset = offsetof(struct scan_entry, key),
     .has = offsetof(struct scan_entry, has_key)},
    {FIELD_KEY("value"), .kind = FIELD_BIN, .required = true,
     .max = ENTRY_VALUE_MAX, .offset = offsetof(struct scan_entry, value)},
};
static const struct message entry_message =
    FIELD_MESSAGE("found entry", entry_fields);

int scan_entry_encode(const struct scan_entry *entry, struct buf *buf)
{
    return fields_encode(&entry_message, entry, buf);
}

static const struct field log_fields[] = {
    {FIELD_KEY("name"), .kind = FIELD_LOG, .required = true,
     .offset = offsetof(struct scan_log, name)},
    FIELD_NUMBER(scan_log, entries),
    FIELD_NUMBER(scan_log, matched),
};
static const struct message log_message =
    FIELD_MESSAGE("scanned log", log_fields);

#define PRINT_NUMBER(key)                                                      \
    {                                                                          \
        FIELD_KEY(#key), .kind = FIELD_U64,                                    \
                         .offset = offsetof(struct print_head, result.key)     \
    }

static const struct field print_fields[] = {
    PRINT_NUMBER(stage),
    PRINT_NUMBER(revision),
    PRINT_NUMBER(state_index),
    PRINT_NUMBER(scanned_entries),
    PRINT_NUMBER(scanned_bytes),
    PRINT_NUMBER(matched_entries),
    PRINT_NUMBER(matched_bytes),
    {FIELD_KEY("cursor"), .kind = FIELD_MAP, .inner = &scan_cursor_message,
     .offset = offsetof(struct print_head, result.cursor)},
    {FIELD_KEY("logs"), .kind = FIELD_ARRAY, .required = true,
     .offset = offsetof(struct print_head, logs)},
    {FIELD_KEY("entries"), .kind = FIELD_ARRAY, .required = true,
     .offset = offsetof(struct print_head, entries)},
};
static const struct message print_message =
    FIELD_MESSAGE("recovery print", print_fields);

_Static_assert(offsetof(struct print_head, result) == 0,
               "so that a result alone can be encoded");

int recovery_print_result_decode(struct recovery_print_result *ret,
                                 struct bytes result, struct err *err)
{
    struct print_head head = {0};
    struct recovery_print_result print;
    int rv = fields_decode(&print_message, result, &head, err);

    if (rv != 0) {
        return rv;
    }
    print = head.result;
    rv = read_arrays(&head, &print, err);
    if (rv != 0) {
        recovery_print_result_close(&print);
        return fields_refuse(&print_message, result, rv, err);
    }
    *ret = print;
    return 0;
}

void recovery_print_result_close(struct recovery_print_result *result)
{
    free(result->logs);
    free(result->entries);
    *result = (struct recovery_print_result){0};
}

int recovery_print_result_encode(const struct recovery_print_result *result,
                                 struct buf *buf)
{
    size_t len = buf->len;
    size_t i;
    int rv;

    assert(result->logs_count <= PRINT_LOGS_MAX);
    assert(result->entries_count <= PRINT_ENTRIES_MAX);
    rv = fields_pack(&print_message, result, 2, buf);
    rv = rv != 0 ? rv : pack_text(buf, "logs");
    rv = rv != 0 ? rv : pack_array(buf, (uint32_t)result->logs_count);
    for (i = 0; i < result->logs_count && rv == 0; i++) {
        rv = fields_encode(&log_message, &result->logs[i], buf);
    }
    rv = rv != 0 ? rv : pack_text(buf, "entries");
    rv = rv != 0 ? rv : pack_array(buf, (uint32_t)result->entries_count);
    rv = rv != 0 ? rv : pack_raw(buf, result->packed.data, result->packed.len);
    if (rv != 0) {
        buf->len = len;
    }
    return rv;
}

/* What is in @ret by then is the caller's also on failure. */
static int read_arrays(struct print_head *head,
                       struct recovery_print_result *ret, struct err *err)
{
    size_t logs_count = head->logs.count;
    size_t entries_count = head->entries.count;
    size_t i;
    int rv = 0;

    if (logs_count > PRINT_LOGS_MAX || entries_count > PRINT_ENTRIES_MAX) {
        return err_set(err, QL_INVALID,
                       "recovery print: more than %u logs or %u entries",
                       PRINT_LOGS_MAX, PRINT_ENTRIES_MAX);
    }
    ret->logs = calloc(logs_count + 1, sizeof(*ret->logs));
    ret->entries = calloc(entries_count + 1, sizeof(*ret->entries));
    if (ret->logs == NULL || ret->entries == NULL) {
        return err_set(err, QL_NO_MEMORY, "recovery print: out of memory");
    }
    for (i = 0; i < logs_count && rv == 0; i++) {
        rv = fields_read_next(&log_message, &head->logs, &ret->logs[i], err);
    }
    for (i = 0; i < entries_count && rv == 0; i++) {
        rv = fields_read_next(&entry_message, &head->entries, &ret->entries[i],
                              err);
    }
    ret->logs_count = logs_count;
    ret->entries_count = entries_count;
    return rv;
}
