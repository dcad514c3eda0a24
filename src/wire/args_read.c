/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_read.h"

#include <stddef.h>
#include <stdlib.h>

#include "wire/fields.h"
#include "wire/pack.h"
#include "wire/read_entries.h"

static const struct field read_fields[] = {
    {FIELD_KEY("log"), .kind = FIELD_LOG, .required = true,
     .offset = offsetof(struct read_args, log)},
    {FIELD_KEY("from"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct read_args, from)},
    {FIELD_KEY("to"), .kind = FIELD_U64,
     .offset = offsetof(struct read_args, to)},
    {FIELD_KEY("entries_max"), .kind = FIELD_CLAMPED, .min = 1,
     .max = READ_ENTRIES_MAX, .absent = READ_ENTRIES_MAX,
     .offset = offsetof(struct read_args, entries_max)},
    {FIELD_KEY("bytes_max"), .kind = FIELD_CLAMPED, .min = 1,
     .max = READ_BYTES_MAX, .absent = READ_BYTES_DEFAULT,
     .offset = offsetof(struct read_args, bytes_max)},
    {FIELD_KEY("stale"), .kind = FIELD_BOOL,
     .offset = offsetof(struct read_args, stale)},
    {FIELD_KEY("incarnation"), .kind = FIELD_U64,
     .offset = offsetof(struct read_args, incarnation)},
};
static const struct message read_message =
    FIELD_MESSAGE("log.read", read_fields);

int read_args_decode(struct read_args *ret, struct bytes params,
                     struct err *err)
{
    struct read_args args = {0};
    int rv = fields_decode(&read_message, params, &args, err);

    if (rv == 0) {
        *ret = args;
    }
    return rv;
}

int read_args_encode(const struct read_args *args, struct buf *buf)
{
    return fields_encode(&read_message, args, buf);
}

int read_result_open(struct entries_writer *writer, struct buf *buf)
{
    int rv;

    rv = pack_map(buf, 5);
    rv = rv != 0 ? rv : pack_text(buf, "entries");
    return rv != 0 ? rv : entries_writer_open(writer, buf);
}

int read_result_close(struct entries_writer *writer,
                      const struct read_result *result)
{
    struct buf *buf = writer->buf;
    int rv;

    entries_writer_close(writer);
    rv = pack_field_u64(buf, "next", result->next);
    rv = rv != 0 ? rv : pack_field_u64(buf, "head", result->head);
    rv = rv != 0 ? rv : pack_field_u64(buf, "tail", result->tail);
    return rv != 0 ? rv
                   : pack_field_u64(buf, "incarnation", result->incarnation);
}

/* The answer before its entries are decoded. */
struct read_answer {
    struct items entries;
    struct read_result result;
};

static const struct field answer_fields[] = {
    {FIELD_KEY("entries"), .kind = FIELD_ARRAY, .required = true,
     .offset = offsetof(struct read_answer, entries)},
    {FIELD_KEY("next"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct read_answer, result.next)},
    {FIELD_KEY("head"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct read_answer, result.head)},
    {FIELD_KEY("tail"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct read_answer, result.tail)},
    {FIELD_KEY("incarnation"), .kind = FIELD_U64,
     .offset = offsetof(struct read_answer, result.incarnation)},
};
static const struct message answer_message =
    FIELD_MESSAGE("read answer", answer_fields);

int read_result_decode(struct read_result *ret, struct bytes result,
                       struct err *err)
{
    struct read_answer answer = {0};
    int rv = fields_decode(&answer_message, result, &answer, err);

    if (rv != 0) {
        return rv;
    }
    answer.result.count = answer.entries.count;
    rv = read_entries_decode(&answer.result.entries, &answer.entries,
                             answer_message.name, err);
    if (rv != 0) {
        return fields_refuse(&answer_message, result, rv, err);
    }
    *ret = answer.result;
    return 0;
}

void read_result_free(struct read_result *result)
{
    free(result->entries);
    *result = (struct read_result){0};
}
