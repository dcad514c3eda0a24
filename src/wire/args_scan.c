/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What is asked of the staged state; the answers are args_print.c and
 * args_diff.c. */
#include "wire/args_scan.h"

#include <stddef.h>

#include "wire/fields.h"
#include "wire/scan_fields.h"

static const struct field filter_fields[] = {
    {FIELD_KEY("logs"), .kind = FIELD_BYTES, .min = 1, .max = LOG_NAME_MAX,
     .offset = offsetof(struct scan_filter, logs)},
    {FIELD_KEY("key"), .kind = FIELD_BIN, .max = ENTRY_KEY_MAX,
     .offset = offsetof(struct scan_filter, key),
     .has = offsetof(struct scan_filter, has_key)},
    {FIELD_KEY("key_prefix"), .kind = FIELD_BIN, .min = 1, .max = ENTRY_KEY_MAX,
     .offset = offsetof(struct scan_filter, key_prefix)},
    {FIELD_KEY("key_glob"), .kind = FIELD_BIN, .min = 1, .max = ENTRY_KEY_MAX,
     .offset = offsetof(struct scan_filter, key_glob)},
    FIELD_NUMBER(scan_filter, from),
    FIELD_NUMBER(scan_filter, to),
    FIELD_NUMBER(scan_filter, since_ms),
    FIELD_NUMBER(scan_filter, until_ms),
    {FIELD_KEY("contains"), .kind = FIELD_BIN, .min = 1,
     .max = FILTER_CONTAINS_MAX,
     .offset = offsetof(struct scan_filter, contains)},
};
static const struct message filter_message =
    FIELD_MESSAGE("filter", filter_fields);

bool scan_filter_is_empty(const struct scan_filter *filter)
{
    return filter->logs.len == 0 && !filter->has_key &&
           filter->key_prefix.len == 0 && filter->key_glob.len == 0 &&
           filter->from == 0 && filter->to == 0 && filter->since_ms == 0 &&
           filter->until_ms == 0 && filter->contains.len == 0;
}

/* ---- recovery.print ------------------------------------------------------ */

static const struct field cursor_fields[] = {
    {FIELD_KEY("log"), .kind = FIELD_LOG, .required = true,
     .offset = offsetof(struct scan_cursor, log)},
    {FIELD_KEY("position"), .kind = FIELD_U64,
     .offset = offsetof(struct scan_cursor, position)},
};
const struct message scan_cursor_message =
    FIELD_MESSAGE("cursor", cursor_fields);

static const struct field print_fields[] = {
    {FIELD_KEY("filter"), .kind = FIELD_MAP, .inner = &filter_message,
     .offset = offsetof(struct recovery_print_args, filter)},
    {FIELD_KEY("entries"), .kind = FIELD_BOOL,
     .offset = offsetof(struct recovery_print_args, entries)},
    {FIELD_KEY("limit"), .kind = FIELD_CLAMPED, .min = 1,
     .max = PRINT_ENTRIES_MAX, .absent = PRINT_ENTRIES_MAX,
     .offset = offsetof(struct recovery_print_args, limit)},
    {FIELD_KEY("cursor"), .kind = FIELD_MAP, .inner = &scan_cursor_message,
     .offset = offsetof(struct recovery_print_args, cursor)},
};
static const struct message print_message =
    FIELD_MESSAGE("recovery.print", print_fields);

int recovery_print_args_decode(struct recovery_print_args *ret,
                               struct bytes params, struct err *err)
{
    return fields_decode_to(&print_message, params, ret, sizeof(*ret), err);
}

int recovery_print_args_encode(const struct recovery_print_args *args,
                               struct buf *buf)
{
    return fields_encode(&print_message, args, buf);
}

/* ---- recovery.diff ------------------------------------------------------- */

static const struct field diff_fields[] = {
    {FIELD_KEY("logs"), .kind = FIELD_BYTES, .min = 1, .max = LOG_NAME_MAX,
     .offset = offsetof(struct recovery_diff_args, logs)},
    {FIELD_KEY("after"), .kind = FIELD_BYTES, .max = LOG_NAME_MAX,
     .offset = offsetof(struct recovery_diff_args, after)},
    {FIELD_KEY("limit"), .kind = FIELD_CLAMPED, .min = 1, .max = DIFF_LOGS_MAX,
     .absent = DIFF_LOGS_MAX,
     .offset = offsetof(struct recovery_diff_args, limit)},
};
static const struct message diff_message =
    FIELD_MESSAGE("recovery.diff", diff_fields);

int recovery_diff_args_decode(struct recovery_diff_args *ret,
                              struct bytes params, struct err *err)
{
    return fields_decode_to(&diff_message, params, ret, sizeof(*ret), err);
}

int recovery_diff_args_encode(const struct recovery_diff_args *args,
                              struct buf *buf)
{
    return fields_encode(&diff_message, args, buf);
}

/* ---- recovery.delete ----------------------------------------------------- */

static const struct field delete_fields[] = {
    {FIELD_KEY("stage"), .kind = FIELD_U64, .required = true, .min = 1,
     .offset = offsetof(struct recovery_delete_args, stage)},
    {FIELD_KEY("revision"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct recovery_delete_args, revision)},
    {FIELD_KEY("filter"), .kind = FIELD_MAP, .required = true,
     .inner = &filter_message,
     .offset = offsetof(struct recovery_delete_args, filter)},
};
static const struct message delete_message =
    FIELD_MESSAGE("recovery.delete", delete_fields);

int recovery_delete_args_decode(struct recovery_delete_args *ret,
                                struct bytes params, struct err *err)
{
    struct recovery_delete_args args = {0};
    int rv = fields_decode(&delete_message, params, &args, err);

    if (rv != 0) {
        return rv;
    }
    if (scan_filter_is_empty(&args.filter)) {
        return err_set(err, QL_INVALID,
                       "recovery.delete: an empty filter would delete all");
    }
    *ret = args;
    return 0;
}

int recovery_delete_args_encode(const struct recovery_delete_args *args,
                                struct buf *buf)
{
    return fields_encode(&delete_message, args, buf);
}
