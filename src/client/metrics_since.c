/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a node has counted in the time between two looks at it. */
#include <stdlib.h>
#include <string.h>

#include "client/error.h"
#include "client/metrics_told.h"

static bool is_later(const struct ql_node_metrics *newer,
                     const struct ql_node_metrics *older);
static void subtract(struct ql_node_metrics *metrics,
                     const struct ql_node_metrics *older);
static const struct ql_metric *number_of(const struct ql_metric *numbers,
                                         size_t count, const char *name);
static bool numbers_grew(const struct ql_metric *newer, size_t newer_count,
                         const struct ql_metric *older, size_t older_count);
static const struct ql_metric_histogram *histogram_of(
    const struct ql_node_metrics *metrics, const char *name);
static const struct ql_metric_bucket *bucket_of(
    const struct ql_metric_histogram *histogram, uint64_t low);
static int compare_buckets(const void *a, const void *b);
static bool histogram_grew(const struct ql_metric_histogram *newer,
                           const struct ql_metric_histogram *older);
static void numbers_subtract(struct ql_metric *numbers, size_t count,
                             const struct ql_metric *older, size_t older_count);
static void histogram_subtract_told(struct ql_metric_histogram *histogram,
                                    const struct ql_metric_histogram *older);

int ql_node_metrics_since(const struct ql_node_metrics *older,
                          const struct ql_node_metrics *newer,
                          struct ql_node_metrics **ret_metrics,
                          struct ql_error *error)
{
    struct ql_node_metrics *metrics;

    if (!is_later(newer, older)) {
        return error_set(error, QL_INVALID,
                         "the metrics are not of one run of one node, the "
                         "older ones first");
    }
    metrics = metrics_told_copy(newer);
    if (metrics == NULL) {
        return error_set(error, QL_NO_MEMORY, "out of memory");
    }
    subtract(metrics, older);
    *ret_metrics = metrics;
    return 0;
}

/* They are of one run of one node, and not older. */
static bool is_later(const struct ql_node_metrics *newer,
                     const struct ql_node_metrics *older)
{
    if (newer->node_id != older->node_id ||
        newer->uptime_ms < older->uptime_ms ||
        !numbers_grew(newer->counters, newer->counter_count, older->counters,
                      older->counter_count) ||
        !numbers_grew(newer->refusals, newer->refusal_count, older->refusals,
                      older->refusal_count)) {
        return false;
    }
    for (size_t i = 0; i < older->histogram_count; i++) {
        const struct ql_metric_histogram *now =
            histogram_of(newer, older->histograms[i].name);

        if (now == NULL || !histogram_grew(now, &older->histograms[i])) {
            return false;
        }
    }
    return true;
}

/* @metrics is a copy of ours: what it points to may be written. */
static void subtract(struct ql_node_metrics *metrics,
                     const struct ql_node_metrics *older)
{
    metrics->uptime_ms -= older->uptime_ms;
    numbers_subtract((struct ql_metric *)(uintptr_t)metrics->counters,
                     metrics->counter_count, older->counters,
                     older->counter_count);
    numbers_subtract((struct ql_metric *)(uintptr_t)metrics->refusals,
                     metrics->refusal_count, older->refusals,
                     older->refusal_count);
    for (size_t i = 0; i < metrics->histogram_count; i++) {
        struct ql_metric_histogram *histogram =
            (struct ql_metric_histogram *)(uintptr_t)&metrics->histograms[i];
        const struct ql_metric_histogram *before =
            histogram_of(older, histogram->name);

        if (before != NULL) {
            histogram_subtract_told(histogram, before);
        }
    }
}

static const struct ql_metric *number_of(const struct ql_metric *numbers,
                                         size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(numbers[i].name, name) == 0) {
            return &numbers[i];
        }
    }
    return NULL;
}

static bool numbers_grew(const struct ql_metric *newer, size_t newer_count,
                         const struct ql_metric *older, size_t older_count)
{
    for (size_t i = 0; i < older_count; i++) {
        const struct ql_metric *now =
            number_of(newer, newer_count, older[i].name);

        if (now == NULL || now->value < older[i].value) {
            return false;
        }
    }
    return true;
}

static const struct ql_metric_histogram *histogram_of(
    const struct ql_node_metrics *metrics, const char *name)
{
    for (size_t i = 0; i < metrics->histogram_count; i++) {
        if (strcmp(metrics->histograms[i].name, name) == 0) {
            return &metrics->histograms[i];
        }
    }
    return NULL;
}

static const struct ql_metric_bucket *bucket_of(
    const struct ql_metric_histogram *histogram, uint64_t low)
{
    const struct ql_metric_bucket key = {.low = low};

    return bsearch(&key, histogram->buckets, histogram->bucket_count,
                   sizeof(key), compare_buckets);
}

static int compare_buckets(const void *a, const void *b)
{
    const struct ql_metric_bucket *one = a;
    const struct ql_metric_bucket *other = b;

    return one->low < other->low ? -1 : one->low > other->low;
}

static bool histogram_grew(const struct ql_metric_histogram *newer,
                           const struct ql_metric_histogram *older)
{
    for (size_t i = 0; i < older->bucket_count; i++) {
        const struct ql_metric_bucket *now =
            bucket_of(newer, older->buckets[i].low);

        if (now == NULL || now->count < older->buckets[i].count) {
            return false;
        }
    }
    return newer->sum >= older->sum;
}

static void numbers_subtract(struct ql_metric *numbers, size_t count,
                             const struct ql_metric *older, size_t older_count)
{
    for (size_t i = 0; i < count; i++) {
        const struct ql_metric *before =
            number_of(older, older_count, numbers[i].name);

        numbers[i].value -= before == NULL ? 0 : before->value;
    }
}

static void histogram_subtract_told(struct ql_metric_histogram *histogram,
                                    const struct ql_metric_histogram *older)
{
    struct ql_metric_bucket *buckets =
        (struct ql_metric_bucket *)(uintptr_t)histogram->buckets;
    uint64_t min = histogram->min;
    uint64_t max = histogram->max;
    size_t left = 0;

    for (size_t i = 0; i < histogram->bucket_count; i++) {
        const struct ql_metric_bucket *before =
            bucket_of(older, buckets[i].low);

        buckets[left] = buckets[i];
        buckets[left].count -= before == NULL ? 0 : before->count;
        left += buckets[left].count > 0 ? 1 : 0;
    }
    histogram->bucket_count = left;
    histogram->count -= older->count;
    histogram->sum -= older->sum;
    histogram->min = 0;
    histogram->max = 0;
    if (left > 0) {
        uint64_t low = buckets[0].low;
        uint64_t high = buckets[left - 1].high;

        histogram->min = low > min ? low : min;
        histogram->max = high < max ? high : max;
    }
    metrics_told_percentiles(histogram);
}
