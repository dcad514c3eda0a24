/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_metrics.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "quorlog.h"
#include "wire/fields.h"
#include "wire/pack.h"
#include "wire/value.h"

/* These before their arrays are decoded. */
struct metrics_answer {
    struct metrics_result result; /* first */
    struct items counters;
    struct items refusals;
    struct items histograms;
};
struct histogram_answer {
    struct metrics_histogram told; /* first */
    uint64_t sum;
    uint64_t min;
    uint64_t max;
    struct items buckets;
};

static int numbers_decode(struct items *items, const char *what,
                          struct metrics_number ret[METRICS_NUMBERS_MAX],
                          size_t *ret_count, struct err *err);
static int histograms_decode(struct items *items, struct metrics_result *ret,
                             struct err *err);
static int histogram_decode(struct items *items, struct metrics_histogram *ret,
                            struct histogram *histogram, struct err *err);
static int numbers_pack(const char *key, const struct metrics_number *numbers,
                        size_t count, struct buf *buf);
static int histogram_pack(const struct metrics_histogram *told,
                          struct buf *buf);

/* By enum ql_role. */
static const char *const roles[] = {"follower", "candidate", "leader"};
static const struct words role_words = {
    .words = roles,
    .count = sizeof(roles) / sizeof(roles[0]),
    .refusal = "must be follower, candidate or leader",
};

static const struct field number_fields[] = {
    {FIELD_KEY("name"), .kind = FIELD_NAME, .required = true, .min = 1,
     .max = QL_METRIC_NAME_MAX,
     .offset = offsetof(struct metrics_number, name)},
    {FIELD_KEY("value"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct metrics_number, value)},
};
static const struct message number_message =
    FIELD_MESSAGE("number of metrics", number_fields);

static const struct field histogram_fields[] = {
    {FIELD_KEY("name"), .kind = FIELD_NAME, .required = true, .min = 1,
     .max = QL_METRIC_NAME_MAX,
     .offset = offsetof(struct histogram_answer, told.name)},
    {FIELD_KEY("unit"), .kind = FIELD_NAME, .max = QL_METRIC_UNIT_MAX,
     .offset = offsetof(struct histogram_answer, told.unit)},
    {FIELD_KEY("sum"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct histogram_answer, sum)},
    {FIELD_KEY("min"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct histogram_answer, min)},
    {FIELD_KEY("max"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct histogram_answer, max)},
    {FIELD_KEY("buckets"), .kind = FIELD_ARRAY, .required = true,
     .offset = offsetof(struct histogram_answer, buckets)},
};
static const struct message histogram_message =
    FIELD_MESSAGE("histogram of metrics", histogram_fields);

static const struct field metrics_fields[] = {
    {FIELD_KEY("node"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct metrics_answer, result.node)},
    {FIELD_KEY("role"), .kind = FIELD_WORD, .required = true,
     .words = &role_words,
     .offset = offsetof(struct metrics_answer, result.role)},
    {FIELD_KEY("term"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct metrics_answer, result.term)},
    {FIELD_KEY("uptime_ms"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct metrics_answer, result.uptime_ms)},
    {FIELD_KEY("counters"), .kind = FIELD_ARRAY, .required = true,
     .offset = offsetof(struct metrics_answer, counters)},
    {FIELD_KEY("refusals"), .kind = FIELD_ARRAY, .required = true,
     .offset = offsetof(struct metrics_answer, refusals)},
    {FIELD_KEY("histograms"), .kind = FIELD_ARRAY, .required = true,
     .offset = offsetof(struct metrics_answer, histograms)},
};
static const struct message metrics_message =
    FIELD_MESSAGE("server metrics", metrics_fields);
#define ARRAYS 3u /* of metrics_fields, which the caller packs */

int metrics_result_decode(struct metrics_result *ret, struct bytes result,
                          struct err *err)
{
    struct metrics_answer answer = {.result = {.node = 0}};
    int rv = fields_decode(&metrics_message, result, &answer, err);

    if (rv == 0) {
        rv =
            numbers_decode(&answer.counters, "counters", answer.result.counters,
                           &answer.result.counters_count, err);
    }
    if (rv == 0) {
        rv =
            numbers_decode(&answer.refusals, "refusals", answer.result.refusals,
                           &answer.result.refusals_count, err);
    }
    if (rv == 0) {
        rv = histograms_decode(&answer.histograms, &answer.result, err);
    }
    if (rv != 0) {
        return fields_refuse(&metrics_message, result, rv, err);
    }
    *ret = answer.result;
    return 0;
}

void metrics_result_close(struct metrics_result *result)
{
    free(result->decoded);
    result->decoded = NULL;
}

int metrics_result_encode(const struct metrics_result *result, struct buf *buf)
{
    size_t len = buf->len;
    int rv;

    assert(result->counters_count <= METRICS_NUMBERS_MAX);
    assert(result->refusals_count <= METRICS_NUMBERS_MAX);
    assert(result->histograms_count <= METRICS_HISTOGRAMS_MAX);
    rv = fields_pack(&metrics_message, result, ARRAYS, buf);
    rv = rv != 0 ? rv
                 : numbers_pack("counters", result->counters,
                                result->counters_count, buf);
    rv = rv != 0 ? rv
                 : numbers_pack("refusals", result->refusals,
                                result->refusals_count, buf);
    rv = rv != 0 ? rv : pack_text(buf, "histograms");
    rv = rv != 0 ? rv : pack_array(buf, (uint32_t)result->histograms_count);
    for (size_t i = 0; i < result->histograms_count && rv == 0; i++) {
        rv = histogram_pack(&result->histograms[i], buf);
    }
    if (rv != 0) {
        buf->len = len;
    }
    return rv;
}

static int numbers_decode(struct items *items, const char *what,
                          struct metrics_number ret[METRICS_NUMBERS_MAX],
                          size_t *ret_count, struct err *err)
{
    size_t count = items->count;
    int rv = 0;

    if (count > METRICS_NUMBERS_MAX) {
        return err_set(err, QL_INVALID,
                       "server metrics: '%s' has %zu items, more than %u", what,
                       count, METRICS_NUMBERS_MAX);
    }
    for (size_t i = 0; i < count && rv == 0; i++) {
        rv = fields_read_next(&number_message, items, &ret[i], err);
    }
    *ret_count = count;
    return rv;
}

static int histograms_decode(struct items *items, struct metrics_result *ret,
                             struct err *err)
{
    size_t count = items->count;
    struct histogram *decoded;
    int rv = 0;

    if (count > METRICS_HISTOGRAMS_MAX) {
        return err_set(err, QL_INVALID,
                       "server metrics: 'histograms' has %zu items, more than "
                       "%u",
                       count, METRICS_HISTOGRAMS_MAX);
    }
    decoded = calloc(count + 1, sizeof(*decoded));
    if (decoded == NULL) {
        return err_set(err, QL_NO_MEMORY, "server metrics: out of memory");
    }
    for (size_t i = 0; i < count && rv == 0; i++) {
        rv = histogram_decode(items, &ret->histograms[i], &decoded[i], err);
    }
    if (rv != 0) {
        free(decoded);
        return rv;
    }
    ret->histograms_count = count;
    ret->decoded = decoded;
    return 0;
}

static int histogram_decode(struct items *items, struct metrics_histogram *ret,
                            struct histogram *histogram, struct err *err)
{
    struct histogram_answer answer = {.sum = 0};
    struct bytes *left = &answer.buckets.left;
    uint64_t least = 0; /* the lowest index that may come */
    int rv = fields_read_next(&histogram_message, items, &answer, err);

    if (rv != 0) {
        return rv;
    }
    histogram_init(histogram);
    for (size_t i = 0; i < answer.buckets.count / 2 && rv == 0; i++) {
        uint64_t index;
        uint64_t count;

        if (!take_u64(left, &index) || !take_u64(left, &count) ||
            index < least || index >= HISTOGRAM_BUCKETS) {
            rv = QL_INVALID;
        } else {
            rv = histogram_put(histogram, (uint32_t)index, count);
            least = index + 1;
        }
    }
    if (rv == 0 && answer.buckets.count % 2 == 0 && left->len == 0) {
        rv = histogram_close_sparse(histogram, answer.sum, answer.min,
                                    answer.max);
    } else {
        rv = QL_INVALID;
    }
    if (rv != 0) {
        return err_set(err, rv, "histogram of metrics: %.*s has bad buckets",
                       (int)answer.told.name.len,
                       (const char *)answer.told.name.data);
    }
    *ret = answer.told;
    ret->histogram = histogram;
    return 0;
}

static int numbers_pack(const char *key, const struct metrics_number *numbers,
                        size_t count, struct buf *buf)
{
    int rv = pack_text(buf, key);

    rv = rv != 0 ? rv : pack_array(buf, (uint32_t)count);
    for (size_t i = 0; i < count && rv == 0; i++) {
        rv = fields_encode(&number_message, &numbers[i], buf);
    }
    return rv;
}

/* An empty one has no least value: a 0 stands for it. */
static int histogram_pack(const struct metrics_histogram *told, struct buf *buf)
{
    const struct histogram *histogram = told->histogram;
    const struct histogram_answer answer = {
        .told = *told,
        .sum = histogram->sum,
        .min = histogram->count == 0 ? 0 : histogram->min,
        .max = histogram->max};
    uint32_t index = 0;
    uint64_t count;
    int rv = fields_pack(&histogram_message, &answer, 1, buf);

    rv = rv != 0 ? rv : pack_text(buf, "buckets");
    rv = rv != 0 ? rv
                 : pack_array(buf, (uint32_t)(2 * histogram_used(histogram)));
    while (rv == 0 && histogram_next(histogram, &index, &count)) {
        rv = pack_u64(buf, index);
        rv = rv != 0 ? rv : pack_u64(buf, count);
        index++;
    }
    return rv;
}
