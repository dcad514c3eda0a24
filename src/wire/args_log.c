/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_log.h"

#include <stddef.h>
#include <stdlib.h>

#include "util/limits.h"
#include "wire/fields.h"
#include "wire/log_fields.h"
#include "wire/pack.h"

_Static_assert(sizeof(((struct log_stat *)0)->digest) == FIELD_DIGEST_LEN,
               "a digest has the length the wire gives it");

static const struct field retention_fields[] = {
    {FIELD_KEY("entries"), .kind = FIELD_U64,
     .offset = offsetof(struct retention, entries)},
    {FIELD_KEY("bytes"), .kind = FIELD_U64,
     .offset = offsetof(struct retention, bytes)},
    {FIELD_KEY("age_ms"), .kind = FIELD_U64,
     .offset = offsetof(struct retention, age_ms)},
};
static const struct message retention_message =
    FIELD_MESSAGE("retention", retention_fields);

static const struct field config_fields[] = {
    {FIELD_KEY("log"), .kind = FIELD_LOG, .required = true,
     .offset = offsetof(struct log_config_args, log)},
    {FIELD_KEY("retention"), .kind = FIELD_MAP, .inner = &retention_message,
     .offset = offsetof(struct log_config_args, retention)},
    {FIELD_KEY("token"), .kind = FIELD_U64,
     .offset = offsetof(struct log_config_args, token)},
};
static const struct message config_message =
    FIELD_MESSAGE("log.create/configure", config_fields);

int log_config_args_decode(struct log_config_args *ret, struct bytes params,
                           struct err *err)
{
    struct log_config_args args = {0};
    int rv = fields_decode(&config_message, params, &args, err);

    if (rv == 0) {
        *ret = args;
    }
    return rv;
}

int log_config_args_encode(const struct log_config_args *args, struct buf *buf)
{
    return fields_encode(&config_message, args, buf);
}

static const struct field log_fields[] = {
    {FIELD_KEY("log"), .kind = FIELD_LOG, .required = true,
     .offset = offsetof(struct log_args, log)},
    {FIELD_KEY("stale"), .kind = FIELD_BOOL,
     .offset = offsetof(struct log_args, stale)},
};
static const struct message log_message =
    FIELD_MESSAGE("log.delete/stat", log_fields);

int log_args_decode(struct log_args *ret, struct bytes params, struct err *err)
{
    struct log_args args = {0};
    int rv = fields_decode(&log_message, params, &args, err);

    if (rv == 0) {
        *ret = args;
    }
    return rv;
}

int log_args_encode(const struct log_args *args, struct buf *buf)
{
    return fields_encode(&log_message, args, buf);
}

static const struct field trim_fields[] = {
    {FIELD_KEY("log"), .kind = FIELD_LOG, .required = true,
     .offset = offsetof(struct log_trim_args, log)},
    {FIELD_KEY("before"), .kind = FIELD_U64, .required = true, .min = 1,
     .offset = offsetof(struct log_trim_args, before)},
};
static const struct message trim_message =
    FIELD_MESSAGE("log.trim", trim_fields);

int log_trim_args_decode(struct log_trim_args *ret, struct bytes params,
                         struct err *err)
{
    struct log_trim_args args = {0};
    int rv = fields_decode(&trim_message, params, &args, err);

    if (rv == 0) {
        *ret = args;
    }
    return rv;
}

int log_trim_args_encode(const struct log_trim_args *args, struct buf *buf)
{
    return fields_encode(&trim_message, args, buf);
}

static const struct field list_fields[] = {
    {FIELD_KEY("prefix"), .kind = FIELD_BYTES, .max = LOG_NAME_MAX,
     .offset = offsetof(struct log_list_args, prefix)},
    {FIELD_KEY("after"), .kind = FIELD_BYTES, .max = LOG_NAME_MAX,
     .offset = offsetof(struct log_list_args, after)},
    {FIELD_KEY("max"), .kind = FIELD_U32, .min = 1, .max = LIST_PAGE_MAX,
     .offset = offsetof(struct log_list_args, max)},
    {FIELD_KEY("stale"), .kind = FIELD_BOOL,
     .offset = offsetof(struct log_list_args, stale)},
};
static const struct message list_message =
    FIELD_MESSAGE("log.list", list_fields);

int log_list_args_decode(struct log_list_args *ret, struct bytes params,
                         struct err *err)
{
    struct log_list_args args = {0};
    int rv = fields_decode(&list_message, params, &args, err);

    if (rv != 0) {
        return rv;
    }
    if (args.max == 0) {
        args.max = LIST_PAGE_MAX;
    }
    *ret = args;
    return 0;
}

int log_list_args_encode(const struct log_list_args *args, struct buf *buf)
{
    return fields_encode(&list_message, args, buf);
}

static const struct field stat_retention_fields[] = {
    {FIELD_KEY("entries"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct retention, entries)},
    {FIELD_KEY("bytes"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct retention, bytes)},
    {FIELD_KEY("age_ms"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct retention, age_ms)},
};
static const struct message stat_retention_message =
    FIELD_MESSAGE("retention", stat_retention_fields);

static const struct field stat_fields[] = {
    {FIELD_KEY("name"), .kind = FIELD_LOG, .required = true,
     .offset = offsetof(struct log_stat, name)},
    {FIELD_KEY("uid"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct log_stat, uid)},
    {FIELD_KEY("incarnation"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct log_stat, incarnation)},
    {FIELD_KEY("head"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct log_stat, head)},
    {FIELD_KEY("tail"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct log_stat, tail)},
    {FIELD_KEY("entries"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct log_stat, entries)},
    {FIELD_KEY("bytes"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct log_stat, bytes)},
    {FIELD_KEY("last_time_ms"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct log_stat, last_time_ms)},
    {FIELD_KEY("retention"), .kind = FIELD_MAP, .required = true,
     .inner = &stat_retention_message,
     .offset = offsetof(struct log_stat, retention)},
    {FIELD_KEY("writer_epoch"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct log_stat, writer_epoch)},
    {FIELD_KEY("writer_name"), .kind = FIELD_NAME, .required = true,
     .max = WRITER_NAME_MAX, .offset = offsetof(struct log_stat, writer_name)},
    {FIELD_KEY("digest"), .kind = FIELD_DIGEST, .required = true,
     .offset = offsetof(struct log_stat, digest)},
};
const struct message log_stat_message = FIELD_MESSAGE("log stat", stat_fields);

int log_stat_decode(struct log_stat *ret, struct bytes result, struct err *err)
{
    struct log_stat stat = {0};
    int rv = fields_decode(&log_stat_message, result, &stat, err);

    if (rv == 0) {
        *ret = stat;
    }
    return rv;
}

int log_stat_encode(const struct log_stat *stat, struct buf *buf)
{
    return fields_encode(&log_stat_message, stat, buf);
}

/* What stands in the answer of log.list before its logs are decoded. */
struct list_answer {
    struct items logs;
    bool more;
};

static const struct field list_answer_fields[] = {
    {FIELD_KEY("more"), .kind = FIELD_BOOL, .required = true,
     .offset = offsetof(struct list_answer, more)},
    {FIELD_KEY("logs"), .kind = FIELD_ARRAY, .required = true,
     .offset = offsetof(struct list_answer, logs)},
};
static const struct message list_answer_message =
    FIELD_MESSAGE("log list", list_answer_fields);

int log_list_result_decode(struct log_list_result *ret, struct bytes result,
                           struct err *err)
{
    struct list_answer answer = {0};
    struct log_stat *stats = NULL;
    size_t count;
    size_t i;
    int rv = fields_decode(&list_answer_message, result, &answer, err);

    if (rv != 0) {
        return rv;
    }
    count = answer.logs.count;
    if (count > 0) {
        stats = calloc(count, sizeof(*stats));
        if (stats == NULL) {
            return err_set(err, QL_NO_MEMORY, "log list: out of memory");
        }
    }
    for (i = 0; i < count && rv == 0; i++) {
        rv = fields_read_next(&log_stat_message, &answer.logs, &stats[i], err);
    }
    if (rv != 0) {
        free(stats);
        return fields_refuse(&list_answer_message, result, rv, err);
    }
    ret->stats = stats;
    ret->count = count;
    ret->more = answer.more;
    return 0;
}

void log_list_result_close(struct log_list_result *result)
{
    free(result->stats);
    *result = (struct log_list_result){0};
}

int log_list_result_encode(const struct log_list_result *result,
                           struct buf *buf)
{
    const struct list_answer answer = {.more = result->more};
    size_t len = buf->len;
    size_t i;
    int rv;

    rv = fields_pack(&list_answer_message, &answer, 1, buf);
    rv = rv != 0 ? rv : pack_text(buf, "logs");
    rv = rv != 0 ? rv : pack_array(buf, (uint32_t)result->count);
    for (i = 0; i < result->count && rv == 0; i++) {
        rv = log_stat_encode(&result->stats[i], buf);
    }
    if (rv != 0) {
        buf->len = len;
    }
    return rv;
}
