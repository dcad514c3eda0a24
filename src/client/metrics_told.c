/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/metrics_told.h"

#include <stdlib.h>
#include <string.h>

#include "client/error.h"

/* What is told points into the same struct; the buckets stand behind it. */
struct told {
    struct ql_node_metrics metrics; /* first */
    struct ql_metric counters[METRICS_NUMBERS_MAX];
    struct ql_metric refusals[METRICS_NUMBERS_MAX];
    struct ql_metric_histogram histograms[METRICS_HISTOGRAMS_MAX];
    struct ql_metric_bucket buckets[];
};

static struct told *told_new(size_t buckets);
static void point_into(struct told *told);
static void numbers_fill(struct ql_metric *ret,
                         const struct metrics_number *numbers, size_t count);
static void histogram_fill(struct ql_metric_histogram *ret,
                           const struct metrics_histogram *from,
                           struct ql_metric_bucket *buckets);
static uint64_t percentile(const struct ql_metric_histogram *histogram,
                           uint64_t permille);

struct ql_node_metrics *metrics_told_new(const struct metrics_result *result)
{
    struct ql_metric_bucket *buckets;
    struct told *told;
    size_t used = 0;

    for (size_t i = 0; i < result->histograms_count; i++) {
        used += histogram_used(result->histograms[i].histogram);
    }
    told = told_new(used);
    if (told == NULL) {
        return NULL;
    }
    told->metrics.node_id = result->node;
    told->metrics.role = (enum ql_role)result->role;
    told->metrics.term = result->term;
    told->metrics.uptime_ms = result->uptime_ms;
    told->metrics.counter_count = result->counters_count;
    told->metrics.refusal_count = result->refusals_count;
    told->metrics.histogram_count = result->histograms_count;
    numbers_fill(told->counters, result->counters, result->counters_count);
    numbers_fill(told->refusals, result->refusals, result->refusals_count);
    buckets = told->buckets;
    for (size_t i = 0; i < result->histograms_count; i++) {
        histogram_fill(&told->histograms[i], &result->histograms[i], buckets);
        buckets += told->histograms[i].bucket_count;
    }
    return &told->metrics;
}

struct ql_node_metrics *metrics_told_copy(const struct ql_node_metrics *metrics)
{
    struct ql_metric_bucket *at;
    size_t buckets = 0;
    struct told *told;

    for (size_t i = 0; i < metrics->histogram_count; i++) {
        buckets += metrics->histograms[i].bucket_count;
    }
    told = told_new(buckets);
    if (told == NULL) {
        return NULL;
    }
    told->metrics = *metrics;
    point_into(told);
    memcpy(told->counters, metrics->counters,
           metrics->counter_count * sizeof(told->counters[0]));
    memcpy(told->refusals, metrics->refusals,
           metrics->refusal_count * sizeof(told->refusals[0]));
    memcpy(told->histograms, metrics->histograms,
           metrics->histogram_count * sizeof(told->histograms[0]));
    at = told->buckets;
    for (size_t i = 0; i < metrics->histogram_count; i++) {
        const struct ql_metric_histogram *from = &metrics->histograms[i];

        memcpy(at, from->buckets, from->bucket_count * sizeof(*at));
        told->histograms[i].buckets = at;
        at += from->bucket_count;
    }
    return &told->metrics;
}

void metrics_told_free(struct ql_node_metrics *metrics)
{
    free(metrics);
}

static struct told *told_new(size_t buckets)
{
    struct told *told =
        calloc(1, sizeof(*told) + buckets * sizeof(told->buckets[0]));

    if (told != NULL) {
        point_into(told);
    }
    return told;
}

static void point_into(struct told *told)
{
    told->metrics.counters = told->counters;
    told->metrics.refusals = told->refusals;
    told->metrics.histograms = told->histograms;
}

static void numbers_fill(struct ql_metric *ret,
                         const struct metrics_number *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        error_copy_text(ret[i].name, sizeof(ret[i].name), numbers[i].name);
        ret[i].value = numbers[i].value;
    }
}

static void histogram_fill(struct ql_metric_histogram *ret,
                           const struct metrics_histogram *from,
                           struct ql_metric_bucket *buckets)
{
    const struct histogram *histogram = from->histogram;
    uint32_t index = 0;
    uint64_t count;

    error_copy_text(ret->name, sizeof(ret->name), from->name);
    error_copy_text(ret->unit, sizeof(ret->unit), from->unit);
    ret->buckets = buckets;
    while (histogram_next(histogram, &index, &count)) {
        buckets[ret->bucket_count++] = (struct ql_metric_bucket){
            histogram_low(index), histogram_high(index), count};
        index++;
    }
    ret->count = histogram->count;
    ret->sum = histogram->sum;
    ret->min = histogram->count == 0 ? 0 : histogram->min;
    ret->max = histogram->max;
    metrics_told_percentiles(ret);
}

void metrics_told_percentiles(struct ql_metric_histogram *histogram)
{
    histogram->p50 = percentile(histogram, 500);
    histogram->p90 = percentile(histogram, 900);
    histogram->p99 = percentile(histogram, 990);
    histogram->p999 = percentile(histogram, 999);
}

/* The end of the bucket at which so many of a thousand are reached, as
 * histogram_percentile() does it. */
static uint64_t percentile(const struct ql_metric_histogram *histogram,
                           uint64_t permille)
{
    double wanted = (double)histogram->count * (double)permille / 1000;
    uint64_t seen = 0;

    for (size_t i = 0; i < histogram->bucket_count; i++) {
        seen += histogram->buckets[i].count;
        if ((double)seen >= wanted) {
            uint64_t high = histogram->buckets[i].high;

            return high < histogram->max ? high : histogram->max;
        }
    }
    return histogram->max;
}
