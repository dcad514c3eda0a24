/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The rest of args_read.h: following a log. */
#include <stddef.h>
#include <stdlib.h>

#include "wire/args_read.h"
#include "wire/fields.h"
#include "wire/pack.h"
#include "wire/read_entries.h"

static const struct field follow_fields[] = {
    {FIELD_KEY("log"), .kind = FIELD_LOG, .required = true,
     .offset = offsetof(struct follow_args, log)},
    {FIELD_KEY("from"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct follow_args, from)},
    {FIELD_KEY("credit"), .kind = FIELD_U32, .required = true, .min = 1,
     .max = FOLLOW_CREDIT_MAX, .offset = offsetof(struct follow_args, credit)},
    {FIELD_KEY("stale"), .kind = FIELD_BOOL,
     .offset = offsetof(struct follow_args, stale)},
    {FIELD_KEY("incarnation"), .kind = FIELD_U64,
     .offset = offsetof(struct follow_args, incarnation)},
};
static const struct message follow_message =
    FIELD_MESSAGE("log.follow", follow_fields);

int follow_args_decode(struct follow_args *ret, struct bytes params,
                       struct err *err)
{
    struct follow_args args = {0};
    int rv = fields_decode(&follow_message, params, &args, err);

    if (rv == 0) {
        *ret = args;
    }
    return rv;
}

int follow_args_encode(const struct follow_args *args, struct buf *buf)
{
    return fields_encode(&follow_message, args, buf);
}

static const struct field result_fields[] = {
    {FIELD_KEY("follow"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct follow_result, follow)},
    {FIELD_KEY("head"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct follow_result, head)},
    {FIELD_KEY("tail"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct follow_result, tail)},
    {FIELD_KEY("uid"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct follow_result, uid)},
    {FIELD_KEY("incarnation"), .kind = FIELD_U64,
     .offset = offsetof(struct follow_result, incarnation)},
};
static const struct message result_message =
    FIELD_MESSAGE("follow answer", result_fields);

int follow_result_decode(struct follow_result *ret, struct bytes result,
                         struct err *err)
{
    struct follow_result follow = {0};
    int rv = fields_decode(&result_message, result, &follow, err);

    if (rv == 0) {
        *ret = follow;
    }
    return rv;
}

int follow_result_encode(const struct follow_result *result, struct buf *buf)
{
    return fields_encode(&result_message, result, buf);
}

static const struct field credit_fields[] = {
    {FIELD_KEY("follow"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct credit_args, follow)},
    {FIELD_KEY("bytes"), .kind = FIELD_U32, .min = 1, .max = FOLLOW_CREDIT_MAX,
     .offset = offsetof(struct credit_args, bytes)},
};
static const struct message credit_message =
    FIELD_MESSAGE("log.credit/unfollow", credit_fields);

int credit_args_decode(struct credit_args *ret, struct bytes params,
                       struct err *err)
{
    struct credit_args args = {0};
    int rv = fields_decode(&credit_message, params, &args, err);

    if (rv == 0) {
        *ret = args;
    }
    return rv;
}

int credit_args_encode(const struct credit_args *args, struct buf *buf)
{
    return fields_encode(&credit_message, args, buf);
}

int follow_entries_open(struct entries_writer *writer, struct buf *buf,
                        uint64_t follow)
{
    int rv;

    rv = pack_map(buf, 4);
    rv = rv != 0 ? rv : pack_field_u64(buf, "follow", follow);
    rv = rv != 0 ? rv : pack_text(buf, "entries");
    return rv != 0 ? rv : entries_writer_open(writer, buf);
}

int follow_entries_close(struct entries_writer *writer, uint64_t next,
                         uint32_t cost)
{
    struct buf *buf = writer->buf;
    int rv;

    entries_writer_close(writer);
    rv = pack_field_u64(buf, "next", next);
    return rv != 0 ? rv : pack_field_u64(buf, "cost", cost);
}

/* The notice before its entries are decoded. */
struct entries_notice {
    struct items entries;
    struct follow_entries notice;
};

static const struct field entries_fields[] = {
    {FIELD_KEY("follow"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct entries_notice, notice.follow)},
    {FIELD_KEY("entries"), .kind = FIELD_ARRAY, .required = true,
     .offset = offsetof(struct entries_notice, entries)},
    {FIELD_KEY("next"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct entries_notice, notice.next)},
    {FIELD_KEY("cost"), .kind = FIELD_U32, .required = true,
     .offset = offsetof(struct entries_notice, notice.cost)},
};
static const struct message entries_message =
    FIELD_MESSAGE("log.entries", entries_fields);

int follow_entries_decode(struct follow_entries *ret, struct bytes params,
                          struct err *err)
{
    struct entries_notice head = {0};
    int rv = fields_decode(&entries_message, params, &head, err);

    if (rv != 0) {
        return rv;
    }
    head.notice.count = head.entries.count;
    rv = read_entries_decode(&head.notice.entries, &head.entries,
                             entries_message.name, err);
    if (rv != 0) {
        return fields_refuse(&entries_message, params, rv, err);
    }
    *ret = head.notice;
    return 0;
}

void follow_entries_free(struct follow_entries *entries)
{
    free(entries->entries);
    *entries = (struct follow_entries){0};
}

static const struct field event_fields[] = {
    {FIELD_KEY("follow"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct follow_event, follow)},
    {FIELD_KEY("event"), .kind = FIELD_BYTES, .required = true,
     .offset = offsetof(struct follow_event, event)},
    {FIELD_KEY("position"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct follow_event, position)},
    {FIELD_KEY("leader"), .kind = FIELD_NAME, .max = ADDRESS_MAX - 1,
     .offset = offsetof(struct follow_event, leader)},
    {FIELD_KEY("incarnation"), .kind = FIELD_U64,
     .offset = offsetof(struct follow_event, incarnation)},
};
static const struct message event_message =
    FIELD_MESSAGE("log.event", event_fields);

int follow_event_decode(struct follow_event *ret, struct bytes params,
                        struct err *err)
{
    struct follow_event event = {0};
    int rv = fields_decode(&event_message, params, &event, err);

    if (rv == 0) {
        *ret = event;
    }
    return rv;
}

int follow_event_encode(const struct follow_event *event, struct buf *buf)
{
    return fields_encode(&event_message, event, buf);
}
