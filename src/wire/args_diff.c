/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The rest of args_scan.h: what recovery.diff answers. */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "wire/args_scan.h"
#include "wire/fields.h"
#include "wire/pack.h"

/* These before their arrays are decoded. */
struct diff_head {
    struct recovery_diff_result diff;
    struct items logs;
};
struct log_head {
    struct diff_log log;
    struct items examples;
};
struct example_head {
    struct diff_example example;
    uint32_t where;
};

enum { WHERE_STAGED = 0, WHERE_LIVE = 1 };

static int log_read(struct diff_log *ret, struct items *logs, struct err *err);
static int log_pack(const struct diff_log *log, struct buf *buf);
static int example_pack(const struct diff_example *example, struct buf *buf);

static const struct field side_fields[] = {
    FIELD_NUMBER(diff_side, head),
    FIELD_NUMBER(diff_side, tail),
    FIELD_NUMBER(diff_side, entries),
};
static const struct message side_message =
    FIELD_MESSAGE("side of a diff", side_fields);

static const char *const wheres[] = {"staged", "live"};
static const struct words where_words = {
    .words = wheres,
    .count = sizeof(wheres) / sizeof(wheres[0]),
    .refusal = "must be staged or live",
};

static const struct field example_fields[] = {
    {FIELD_KEY("where"), .kind = FIELD_WORD, .required = true,
     .words = &where_words, .offset = offsetof(struct example_head, where)},
    {FIELD_KEY("position"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct example_head, example.position)},
    {FIELD_KEY("time_ms"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct example_head, example.time_ms)},
    {FIELD_KEY("key"), .kind = FIELD_BIN, .max = ENTRY_KEY_MAX,
     .offset = offsetof(struct example_head, example.key),
     .has = offsetof(struct example_head, example.has_key)},
    {FIELD_KEY("value"), .kind = FIELD_BIN, .required = true,
     .max = DIFF_VALUE_MAX,
     .offset = offsetof(struct example_head, example.value)},
};
static const struct message example_message =
    FIELD_MESSAGE("entry of a diff", example_fields);

/* By enum diff_kind. */
static const char *const kinds[] = {"same",         "staged_only", "live_only",
                                    "staged_ahead", "live_ahead",  "differs"};
static const struct words kind_words = {
    .words = kinds,
    .count = sizeof(kinds) / sizeof(kinds[0]),
    .refusal = "must be same, staged_only, live_only, staged_ahead, "
               "live_ahead or differs",
};

static const struct field log_fields[] = {
    {FIELD_KEY("name"), .kind = FIELD_LOG, .required = true,
     .offset = offsetof(struct log_head, log.name)},
    {FIELD_KEY("kind"), .kind = FIELD_WORD, .required = true,
     .words = &kind_words, .offset = offsetof(struct log_head, log.kind)},
    {FIELD_KEY("common"), .kind = FIELD_U64,
     .offset = offsetof(struct log_head, log.common)},
    {FIELD_KEY("staged"), .kind = FIELD_MAP, .inner = &side_message,
     .offset = offsetof(struct log_head, log.staged)},
    {FIELD_KEY("live"), .kind = FIELD_MAP, .inner = &side_message,
     .offset = offsetof(struct log_head, log.live)},
    {FIELD_KEY("examples"), .kind = FIELD_ARRAY,
     .offset = offsetof(struct log_head, examples)},
};
static const struct message log_message =
    FIELD_MESSAGE("log of a diff", log_fields);

_Static_assert(offsetof(struct log_head, log) == 0,
               "so that a log alone can be encoded");

/* Takes the next one of @logs. */
static int log_read(struct diff_log *ret, struct items *logs, struct err *err)
{
    struct log_head head = {0};
    size_t count;
    size_t i;
    int rv = fields_read_next(&log_message, logs, &head, err);

    if (rv != 0) {
        return rv;
    }
    count = head.examples.count;
    if (count > DIFF_EXAMPLES_MAX) {
        return err_set(err, QL_INVALID, "log of a diff: more than %u entries",
                       DIFF_EXAMPLES_MAX);
    }
    for (i = 0; i < count && rv == 0; i++) {
        struct example_head example = {0};

        rv = fields_read_next(&example_message, &head.examples, &example, err);
        head.log.examples[i] = example.example;
        head.log.examples[i].live = example.where == WHERE_LIVE;
    }
    head.log.examples_count = count;
    *ret = head.log;
    return rv;
}

static int log_pack(const struct diff_log *log, struct buf *buf)
{
    size_t i;
    int rv;

    assert(log->examples_count <= DIFF_EXAMPLES_MAX);
    rv = fields_pack(&log_message, log, 1, buf);
    rv = rv != 0 ? rv : pack_text(buf, "examples");
    rv = rv != 0 ? rv : pack_array(buf, (uint32_t)log->examples_count);
    for (i = 0; i < log->examples_count && rv == 0; i++) {
        rv = example_pack(&log->examples[i], buf);
    }
    return rv;
}

static int example_pack(const struct diff_example *example, struct buf *buf)
{
    const struct example_head head = {
        .example = *example,
        .where = example->live ? WHERE_LIVE : WHERE_STAGED,
    };

    return fields_encode(&example_message, &head, buf);
}

static const struct field diff_fields[] = {
    {FIELD_KEY("stage"), .kind = FIELD_U64,
     .offset = offsetof(struct diff_head, diff.stage)},
    {FIELD_KEY("revision"), .kind = FIELD_U64,
     .offset = offsetof(struct diff_head, diff.revision)},
    {FIELD_KEY("state_index"), .kind = FIELD_U64,
     .offset = offsetof(struct diff_head, diff.state_index)},
    {FIELD_KEY("more"), .kind = FIELD_BOOL, .required = true,
     .offset = offsetof(struct diff_head, diff.more)},
    {FIELD_KEY("after"), .kind = FIELD_BYTES, .max = LOG_NAME_MAX,
     .offset = offsetof(struct diff_head, diff.after)},
    {FIELD_KEY("logs"), .kind = FIELD_ARRAY, .required = true,
     .offset = offsetof(struct diff_head, logs)},
};
static const struct message diff_message =
    FIELD_MESSAGE("recovery diff", diff_fields);

_Static_assert(offsetof(struct diff_head, diff) == 0,
               "so that a diff alone can be encoded");

int recovery_diff_result_decode(struct recovery_diff_result *ret,
                                struct bytes result, struct err *err)
{
    struct diff_head head = {0};
    struct diff_log *logs = NULL;
    size_t count;
    size_t i;
    int rv = fields_decode(&diff_message, result, &head, err);

    if (rv != 0) {
        return rv;
    }
    count = head.logs.count;
    if (count > DIFF_LOGS_MAX) {
        rv = err_set(err, QL_INVALID, "recovery diff: more than %u 'logs'",
                     DIFF_LOGS_MAX);
        return fields_refuse(&diff_message, result, rv, err);
    }
    logs = calloc(count + 1, sizeof(*logs));
    if (logs == NULL) {
        return err_set(err, QL_NO_MEMORY, "recovery diff: out of memory");
    }
    for (i = 0; i < count && rv == 0; i++) {
        rv = log_read(&logs[i], &head.logs, err);
    }
    if (rv != 0) {
        free(logs);
        return fields_refuse(&diff_message, result, rv, err);
    }
    *ret = head.diff;
    ret->logs = logs;
    ret->count = count;
    return 0;
}

void recovery_diff_result_close(struct recovery_diff_result *result)
{
    free(result->logs);
    *result = (struct recovery_diff_result){0};
}

int recovery_diff_result_encode(const struct recovery_diff_result *result,
                                struct buf *buf)
{
    size_t len = buf->len;
    size_t i;
    int rv;

    assert(result->count <= DIFF_LOGS_MAX);
    rv = fields_pack(&diff_message, result, 1, buf);
    rv = rv != 0 ? rv : pack_text(buf, "logs");
    rv = rv != 0 ? rv : pack_array(buf, (uint32_t)result->count);
    for (i = 0; i < result->count && rv == 0; i++) {
        rv = log_pack(&result->logs[i], buf);
    }
    if (rv != 0) {
        buf->len = len;
    }
    return rv;
}
