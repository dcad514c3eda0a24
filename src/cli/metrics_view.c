/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/metrics_view.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#define TEXT_MAX 24

#define METRICS(name) offsetof(struct metrics_row, name)
#define NUMBER(name) offsetof(struct ql_metric, name)
#define ROW(name) offsetof(struct histogram_row, name)

struct metrics_row {
    struct ql_node_metrics metrics;
    const char *role;
};

/* Times with their unit. */
struct histogram_row {
    const char *name;
    uint64_t count;
    char mean[TEXT_MAX];
    char p50[TEXT_MAX];
    char p90[TEXT_MAX];
    char p99[TEXT_MAX];
    char p999[TEXT_MAX];
    char max[TEXT_MAX];
};

static const struct column head_columns[] = {
    {"node_id", "answered by node", COLUMN_U64, METRICS(metrics.node_id)},
    {"role", "its role", COLUMN_POINTER, METRICS(role)},
    {"term", "term", COLUMN_U64, METRICS(metrics.term)},
    {"uptime_ms", "counted for", COLUMN_DURATION, METRICS(metrics.uptime_ms)},
    COLUMNS_END,
};

static const struct column counter_columns[] = {
    {"name", "COUNTER", COLUMN_TEXT, NUMBER(name)},
    {"value", "VALUE", COLUMN_U64, NUMBER(value)},
    COLUMNS_END,
};

static const struct column refusal_columns[] = {
    {"name", "REFUSED WITH", COLUMN_TEXT, NUMBER(name)},
    {"value", "CALLS", COLUMN_U64, NUMBER(value)},
    COLUMNS_END,
};

static const struct column histogram_columns[] = {
    {"name", "TIME OF", COLUMN_POINTER, ROW(name)},
    {"count", "COUNT", COLUMN_U64, ROW(count)},
    {"mean", "MEAN", COLUMN_TEXT, ROW(mean)},
    {"p50", "P50", COLUMN_TEXT, ROW(p50)},
    {"p90", "P90", COLUMN_TEXT, ROW(p90)},
    {"p99", "P99", COLUMN_TEXT, ROW(p99)},
    {"p999", "P99.9", COLUMN_TEXT, ROW(p999)},
    {"max", "MAX", COLUMN_TEXT, ROW(max)},
    COLUMNS_END,
};

static const char *role_name(enum ql_role role);
static int view_table(struct output *output, const struct metrics_row *row,
                      struct err *err);
static int view_numbers(struct output *output, const struct column *columns,
                        const struct ql_metric *numbers, size_t count,
                        struct err *err);
static int view_histograms(struct output *output,
                           const struct ql_node_metrics *metrics,
                           struct err *err);
static struct histogram_row row_of(const struct ql_metric_histogram *histogram);
static void amount(char ret_text[TEXT_MAX], double value, const char *unit);
static double mean_of(const struct ql_metric_histogram *histogram);
static json_t *numbers_json(const struct ql_metric *numbers, size_t count);
static json_t *histogram_json(const struct ql_metric_histogram *histogram);
static void set_u64(json_t *json, const char *key, uint64_t value);

int metrics_view(struct output *output, const struct ql_node_metrics *metrics,
                 struct err *err)
{
    const struct metrics_row row = {*metrics, role_name(metrics->role)};
    json_t *histograms;
    json_t *json;

    if (output->format == OUTPUT_TABLE) {
        return view_table(output, &row, err);
    }
    json = output_object(head_columns, &row);
    (void)json_object_set_new(
        json, "counters",
        numbers_json(metrics->counters, metrics->counter_count));
    (void)json_object_set_new(
        json, "refusals",
        numbers_json(metrics->refusals, metrics->refusal_count));
    histograms = json_array();
    for (size_t i = 0; i < metrics->histogram_count; i++) {
        (void)json_array_append_new(histograms,
                                    histogram_json(&metrics->histograms[i]));
    }
    (void)json_object_set_new(json, "histograms", histograms);
    return output_document(output, json, err);
}

static const char *role_name(enum ql_role role)
{
    static const char *const names[] = {"follower", "candidate", "leader"};

    return role <= QL_ROLE_LEADER ? names[role] : "unknown";
}

/* ---- For a person ---- */

static int view_table(struct output *output, const struct metrics_row *row,
                      struct err *err)
{
    const struct ql_node_metrics *metrics = &row->metrics;
    int rv = output_record(output, head_columns, row, err);

    if (rv == 0) {
        rv = output_bytes(output, "\n", 1, err);
    }
    if (rv == 0) {
        rv = view_numbers(output, counter_columns, metrics->counters,
                          metrics->counter_count, err);
    }
    if (rv == 0 && metrics->refusal_count > 0) {
        rv = output_bytes(output, "\n", 1, err);
        rv = rv != 0 ? rv
                     : view_numbers(output, refusal_columns, metrics->refusals,
                                    metrics->refusal_count, err);
    }
    if (rv == 0) {
        rv = output_bytes(output, "\n", 1, err);
    }
    if (rv == 0) {
        rv = view_histograms(output, metrics, err);
    }
    return rv;
}

static int view_numbers(struct output *output, const struct column *columns,
                        const struct ql_metric *numbers, size_t count,
                        struct err *err)
{
    struct output_list list;
    int rv = 0;

    output_list_begin(&list, output, columns);
    for (size_t i = 0; i < count && rv == 0; i++) {
        rv = output_list_row(&list, &numbers[i], err);
    }
    if (rv == 0) {
        rv = output_list_end(&list, err);
    }
    output_list_close(&list);
    return rv;
}

static int view_histograms(struct output *output,
                           const struct ql_node_metrics *metrics,
                           struct err *err)
{
    struct output_list list;
    int rv = 0;

    output_list_begin(&list, output, histogram_columns);
    for (size_t i = 0; i < metrics->histogram_count && rv == 0; i++) {
        const struct histogram_row row = row_of(&metrics->histograms[i]);

        rv = output_list_row(&list, &row, err);
    }
    if (rv == 0) {
        rv = output_list_end(&list, err);
    }
    output_list_close(&list);
    return rv;
}

static struct histogram_row row_of(const struct ql_metric_histogram *histogram)
{
    struct histogram_row row = {
        histogram->name, histogram->count, "", "", "", "", "", ""};
    const char *unit = histogram->unit;

    amount(row.mean, mean_of(histogram), unit);
    amount(row.p50, (double)histogram->p50, unit);
    amount(row.p90, (double)histogram->p90, unit);
    amount(row.p99, (double)histogram->p99, unit);
    amount(row.p999, (double)histogram->p999, unit);
    amount(row.max, (double)histogram->max, unit);
    return row;
}

static void amount(char ret_text[TEXT_MAX], double value, const char *unit)
{
    if (strcmp(unit, "ns") != 0) {
        (void)snprintf(ret_text, TEXT_MAX, "%.1f%s%s", value,
                       unit[0] == '\0' ? "" : " ", unit);
    } else if (value < 1e6) {
        (void)snprintf(ret_text, TEXT_MAX, "%.1f us", value / 1e3);
    } else if (value < 1e9) {
        (void)snprintf(ret_text, TEXT_MAX, "%.1f ms", value / 1e6);
    } else {
        (void)snprintf(ret_text, TEXT_MAX, "%.1f s", value / 1e9);
    }
}

static double mean_of(const struct ql_metric_histogram *histogram)
{
    return histogram->count == 0
               ? 0
               : (double)histogram->sum / (double)histogram->count;
}

/* ---- JSON ---- */

static json_t *numbers_json(const struct ql_metric *numbers, size_t count)
{
    json_t *json = json_object();

    for (size_t i = 0; i < count; i++) {
        set_u64(json, numbers[i].name, numbers[i].value);
    }
    return json;
}

static json_t *histogram_json(const struct ql_metric_histogram *histogram)
{
    json_t *json = json_object();
    json_t *buckets = json_array();

    (void)json_object_set_new(json, "name", json_string(histogram->name));
    (void)json_object_set_new(json, "unit", json_string(histogram->unit));
    set_u64(json, "count", histogram->count);
    set_u64(json, "sum", histogram->sum);
    set_u64(json, "min", histogram->min);
    set_u64(json, "max", histogram->max);
    (void)json_object_set_new(json, "mean", json_real(mean_of(histogram)));
    set_u64(json, "p50", histogram->p50);
    set_u64(json, "p90", histogram->p90);
    set_u64(json, "p99", histogram->p99);
    set_u64(json, "p999", histogram->p999);
    for (size_t i = 0; i < histogram->bucket_count; i++) {
        const struct ql_metric_bucket *bucket = &histogram->buckets[i];
        json_t *triple = json_array();

        (void)json_array_append_new(triple,
                                    json_integer((json_int_t)bucket->low));
        (void)json_array_append_new(triple,
                                    json_integer((json_int_t)bucket->high));
        (void)json_array_append_new(triple,
                                    json_integer((json_int_t)bucket->count));
        (void)json_array_append_new(buckets, triple);
    }
    (void)json_object_set_new(json, "buckets", buckets);
    return json;
}

static void set_u64(json_t *json, const char *key, uint64_t value)
{
    (void)json_object_set_new(json, key, json_integer((json_int_t)value));
}
