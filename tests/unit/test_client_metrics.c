/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a node has counted, as the library tells it. */
#include <string.h>

#include "support/client_rig.h"
#include "support/notation.h"
#include "support/script.h"
#include "support/wire_check.h"

#define EARLIER                                                                \
    "{'node': 2, 'role': 'leader', 'term': 7, 'uptime_ms': 1000, "             \
    "'counters': [{'name': 'appends', 'value': 5}], 'refusals': [], "          \
    "'histograms': [{'name': 'append_total', 'unit': 'ns', 'sum': 1014, "      \
    "'min': 7, 'max': 1000, 'buckets': [7, 2, 506, 1]}]}"
#define LATER                                                                  \
    "{'node': 2, 'role': 'leader', 'term': 7, 'uptime_ms': 3000, "             \
    "'counters': [{'name': 'appends', 'value': 9}], "                          \
    "'refusals': [{'name': 'BUSY', 'value': 4}], "                             \
    "'histograms': [{'name': 'append_total', 'unit': 'ns', 'sum': 4023, "      \
    "'min': 7, 'max': 1002, 'buckets': [7, 2, 9, 1, 506, 4]}]}"
#define OTHER_NODE                                                             \
    "{'node': 3, 'role': 'follower', 'term': 7, 'uptime_ms': 5000, "           \
    "'counters': [], 'refusals': [], 'histograms': []}"

static struct ql_node_metrics *ask(struct client_rig *rig)
{
    struct ql_node_metrics *metrics = NULL;
    struct ql_error error;

    assert_int_equal(ql_node_metrics(rig->client, NULL, &metrics, &error),
                     QL_OK);
    return metrics;
}

static void metrics_tell_counters_and_percentiles(void **state)
{
    struct client_rig *rig = *state;
    const struct ql_metric_histogram *histogram;
    struct ql_node_metrics *metrics;
    struct script script;

    script_open(&script, &rig->servers[0], "server.metrics");
    script_note(&script, EARLIER);
    script_start(&script);
    metrics = ask(rig);
    script_stop(&script);
    assert_int_equal(metrics->node_id, 2);
    assert_int_equal(metrics->role, QL_ROLE_LEADER);
    assert_int_equal(metrics->term, 7);
    assert_int_equal(metrics->uptime_ms, 1000);
    assert_int_equal(metrics->counter_count, 1);
    assert_string_equal(metrics->counters[0].name, "appends");
    assert_int_equal(metrics->counters[0].value, 5);
    assert_int_equal(metrics->refusal_count, 0);
    assert_int_equal(metrics->histogram_count, 1);
    histogram = &metrics->histograms[0];
    assert_string_equal(histogram->name, "append_total");
    assert_string_equal(histogram->unit, "ns");
    assert_int_equal(histogram->count, 3);
    assert_int_equal(histogram->sum, 1014);
    assert_int_equal(histogram->min, 7);
    assert_int_equal(histogram->max, 1000);
    assert_int_equal(histogram->p50, 7);
    assert_int_equal(histogram->p90, 1000);
    assert_int_equal(histogram->bucket_count, 2);
    assert_int_equal(histogram->buckets[1].low, 1000);
    assert_int_equal(histogram->buckets[1].high, 1003);
    assert_int_equal(histogram->buckets[1].count, 1);
    ql_node_metrics_free(metrics);
    script_close(&script);
}

static void difference_of_two_is_what_came_between(void **state)
{
    struct client_rig *rig = *state;
    const struct ql_metric_histogram *histogram;
    struct ql_node_metrics *older;
    struct ql_node_metrics *newer;
    struct ql_node_metrics *between;
    struct ql_node_metrics *again;
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "server.metrics");
    script_note(&script, EARLIER);
    script_note(&script, LATER);
    script_start(&script);
    older = ask(rig);
    newer = ask(rig);
    script_stop(&script);
    assert_int_equal(ql_node_metrics_since(older, newer, &between, &error), 0);
    assert_int_equal(between->uptime_ms, 2000);
    assert_int_equal(between->counters[0].value, 4);
    assert_int_equal(between->refusals[0].value, 4);
    histogram = &between->histograms[0];
    assert_int_equal(histogram->count, 4);
    assert_int_equal(histogram->sum, 3009);
    assert_int_equal(histogram->min, 9);
    assert_int_equal(histogram->max, 1002);
    assert_int_equal(histogram->p50, 1002);
    assert_int_equal(histogram->bucket_count, 2);
    assert_int_equal(histogram->buckets[0].low, 9);
    assert_int_equal(histogram->buckets[1].count, 3);
    assert_int_equal(newer->counters[0].value, 9);

    /* What is told of nothing is nothing; a difference can be copied on. */
    assert_int_equal(ql_node_metrics_since(between, between, &again, &error),
                     0);
    assert_int_equal(again->histograms[0].count, 0);
    assert_int_equal(again->histograms[0].p99, 0);
    ql_node_metrics_free(again);
    ql_node_metrics_free(between);

    assert_int_equal(ql_node_metrics_since(newer, older, &between, &error),
                     QL_INVALID);
    ql_node_metrics_free(newer);
    ql_node_metrics_free(older);
    script_close(&script);
}

static void metrics_of_another_node_are_no_later_ones(void **state)
{
    struct client_rig *rig = *state;
    struct ql_node_metrics *older;
    struct ql_node_metrics *newer;
    struct ql_node_metrics *between;
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "server.metrics");
    script_note(&script, EARLIER);
    script_note(&script, OTHER_NODE);
    script_start(&script);
    older = ask(rig);
    newer = ask(rig);
    script_stop(&script);
    assert_int_equal(ql_node_metrics_since(older, newer, &between, &error),
                     QL_INVALID);
    ql_node_metrics_free(newer);
    ql_node_metrics_free(older);
    script_close(&script);
}

static void refusal_and_nonsense_are_errors(void **state)
{
    struct client_rig *rig = *state;
    struct ql_node_metrics *metrics = NULL;
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "server.metrics");
    script_refuse(&script, QL_UNKNOWN_METHOD);
    script_note(&script, "{'node': 2}");
    script_start(&script);
    assert_int_equal(ql_node_metrics(rig->client, NULL, &metrics, &error),
                     QL_UNKNOWN_METHOD);
    assert_int_equal(ql_node_metrics(rig->client, NULL, &metrics, &error),
                     QL_PROTOCOL);
    assert_string_equal(error.text,
                        "server.metrics: server metrics: 'role' is missing");
    script_stop(&script);
    assert_null(metrics);
    script_close(&script);
    ql_node_metrics_free(NULL);
}

#define RIG_TEST(function)                                                     \
    cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(metrics_tell_counters_and_percentiles),
        RIG_TEST(difference_of_two_is_what_came_between),
        RIG_TEST(metrics_of_another_node_are_no_later_ones),
        RIG_TEST(refusal_and_nonsense_are_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
