/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The rest of args_append.h: what log.append answers, and the small messages of
 * producers. */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "wire/args_append.h"
#include "wire/fields.h"
#include "wire/pack.h"

/* log.append's answer before its places are decoded. */
struct append_answer {
    uint64_t time_ms;
    struct items places;
};

static const struct field answer_fields[] = {
    {FIELD_KEY("time_ms"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct append_answer, time_ms)},
    {FIELD_KEY("places"), .kind = FIELD_ARRAY, .required = true,
     .offset = offsetof(struct append_answer, places)},
};
static const struct message answer_message =
    FIELD_MESSAGE("append answer", answer_fields);

static bool take_place(struct bytes *left, struct append_place *ret)
{
    return take_tuple(left, 2) && take_u64(left, &ret->first) &&
           take_u64(left, &ret->count);
}

int append_result_decode(struct append_result *ret, struct bytes result,
                         struct err *err)
{
    struct append_answer answer = {0};
    struct append_place places[APPEND_PARTS_MAX];
    struct bytes left;
    size_t count;
    size_t i;
    int rv = fields_decode(&answer_message, result, &answer, err);

    if (rv != 0) {
        return rv;
    }
    count = answer.places.count;
    if (count > APPEND_PARTS_MAX) {
        rv = err_set(err, QL_INVALID,
                     "append answer: 'places' has %zu items, more than %u",
                     count, APPEND_PARTS_MAX);
        return fields_refuse(&answer_message, result, rv, err);
    }
    left = answer.places.left;
    for (i = 0; i < count && take_place(&left, &places[i]); i++) {
    }
    if (i < count || left.len > 0) {
        rv = err_set(err, QL_INVALID,
                     "append answer: a place must be [first, count]");
        return fields_refuse(&answer_message, result, rv, err);
    }
    memcpy(ret->places, places, count * sizeof(places[0]));
    ret->count = count;
    ret->time_ms = answer.time_ms;
    return 0;
}

static int pack_place(const struct append_place *place, struct buf *buf)
{
    uint8_t *at = pack_begin(buf, 1 + 2 * PACK_U64_LEN);

    if (at == NULL) {
        return QL_NO_MEMORY;
    }
    *at++ = 0x92; /* an array of two */
    at = pack_put_u64(at, place->first);
    pack_end(buf, pack_put_u64(at, place->count));
    return 0;
}

int append_result_encode(const struct append_result *result, struct buf *buf)
{
    const struct append_answer answer = {.time_ms = result->time_ms};
    size_t len = buf->len;
    size_t i;
    int rv;

    assert(result->count <= APPEND_PARTS_MAX);
    rv = fields_pack(&answer_message, &answer, 1, buf);
    rv = rv != 0 ? rv : pack_text(buf, "places");
    rv = rv != 0 ? rv : pack_array(buf, (uint32_t)result->count);
    for (i = 0; i < result->count && rv == 0; i++) {
        rv = pack_place(&result->places[i], buf);
    }
    if (rv != 0) {
        buf->len = len;
    }
    return rv;
}

static const struct field producer_fields[] = {
    {FIELD_KEY("producer"), .kind = FIELD_U64, .required = true, .min = 1,
     .offset = offsetof(struct producer_args, producer)},
    {FIELD_KEY("window"), .kind = FIELD_U64,
     .offset = offsetof(struct producer_args, window)},
};
static const struct message producer_message =
    FIELD_MESSAGE("producer", producer_fields);

int producer_args_decode(struct producer_args *ret, struct bytes params,
                         struct err *err)
{
    struct producer_args args = {0};
    int rv = fields_decode(&producer_message, params, &args, err);

    if (rv == 0) {
        *ret = args;
    }
    return rv;
}

int producer_args_encode(const struct producer_args *args, struct buf *buf)
{
    return fields_encode(&producer_message, args, buf);
}

static const struct field status_fields[] = {
    {FIELD_KEY("producer"), .kind = FIELD_U64, .required = true, .min = 1,
     .offset = offsetof(struct append_status_args, producer)},
    {FIELD_KEY("sequence"), .kind = FIELD_U64, .required = true, .min = 1,
     .offset = offsetof(struct append_status_args, sequence)},
};
static const struct message status_message =
    FIELD_MESSAGE("append.status", status_fields);

int append_status_args_decode(struct append_status_args *ret,
                              struct bytes params, struct err *err)
{
    struct append_status_args args = {0};
    int rv = fields_decode(&status_message, params, &args, err);

    if (rv == 0) {
        *ret = args;
    }
    return rv;
}

int append_status_args_encode(const struct append_status_args *args,
                              struct buf *buf)
{
    return fields_encode(&status_message, args, buf);
}
