/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_metrics.h"

#include "quorlog.h"
#include "support/cmocka.h"
#include "support/notation.h"
#include "support/wire_check.h"

#define HEAD "{'node': 1, 'role': 'leader', 'term': 2, 'uptime_ms': 3, "
#define NO_LISTS "'counters': [], 'refusals': [], 'histograms': []}"
#define HISTOGRAM(rest)                                                        \
    HEAD "'counters': [], 'refusals': [], 'histograms': [{'name': 'x', " rest  \
         "}]}"
#define BAD "histogram of metrics: x has bad buckets"

static int decode(struct bytes encoded, struct err *err)
{
    struct metrics_result result;
    int rv = metrics_result_decode(&result, encoded, err);

    if (rv == 0) {
        metrics_result_close(&result);
    }
    return rv;
}

static void metrics_are_encoded_as_documented(void **state)
{
    static const char golden[] =
        "\x87\xa4node\x02\xa4role\xa6leader\xa4term\x07"
        "\xa9uptime_ms\xcd\x03\xe8"
        "\xa8"
        "counters\x92"
        "\x82\xa4name\xa7"
        "appends\xa5value\x05"
        "\x82\xa4name\xa5reads\xa5value\x00"
        "\xa8refusals\x91"
        "\x82\xa4name\xa4"
        "BUSY\xa5value\x03"
        "\xaahistograms\x92"
        "\x86\xa4name\xac"
        "append_total\xa4unit\xa2ns"
        "\xa3sum\xcd\x03\xf6\xa3min\x07\xa3max\xcd\x03\xe8"
        "\xa7"
        "buckets\x94\x07\x02\xcd\x01\xfa\x01"
        "\x85\xa4name\xae"
        "batch_commands"
        "\xa3sum\x00\xa3min\x00\xa3max\x00"
        "\xa7"
        "buckets\x90";
    static struct histogram times;
    static struct histogram none;
    struct metrics_result result = {
        .node = 2,
        .role = QL_ROLE_LEADER,
        .term = 7,
        .uptime_ms = 1000,
        .counters_count = 2,
        .refusals_count = 1,
        .histograms_count = 2,
        .counters = {{bytes_of("appends"), 5}, {bytes_of("reads"), 0}},
        .refusals = {{bytes_of("BUSY"), 3}},
        .histograms = {{bytes_of("append_total"), bytes_of("ns"), &times},
                       {bytes_of("batch_commands"), bytes_of(""), &none}},
    };
    struct buf buf = BUF_INIT;

    (void)state;
    histogram_init(&times);
    histogram_init(&none);
    histogram_record(&times, 7);
    histogram_record(&times, 7);
    histogram_record(&times, 1000); /* 512 to 1023 by fours: 2 * 128 + 250 */
    assert_int_equal(metrics_result_encode(&result, &buf), 0);
    assert_int_equal(buf.len, sizeof(golden) - 1);
    assert_memory_equal(buf.data, golden, sizeof(golden) - 1);
    buf_close(&buf);
}

static void metrics_come_back_as_they_went(void **state)
{
    static struct histogram times;
    struct metrics_result result = {
        .node = UINT64_MAX,
        .role = QL_ROLE_FOLLOWER,
        .counters_count = METRICS_NUMBERS_MAX,
        .histograms_count = METRICS_HISTOGRAMS_MAX,
    };
    struct metrics_result got;
    struct buf buf = BUF_INIT;

    (void)state;
    histogram_init(&times);
    for (uint64_t value = 0; value < 100000; value += 17) {
        histogram_record(&times, value * value);
    }
    for (size_t i = 0; i < METRICS_NUMBERS_MAX; i++) {
        result.counters[i] =
            (struct metrics_number){bytes_of("n"), UINT64_MAX - i};
    }
    for (size_t i = 0; i < METRICS_HISTOGRAMS_MAX; i++) {
        result.histograms[i] =
            (struct metrics_histogram){bytes_of("h"), bytes_of("ns"), &times};
    }
    assert_int_equal(metrics_result_encode(&result, &buf), 0);
    assert_int_equal(metrics_result_decode(&got, view_of(&buf), NULL), 0);
    assert_int_equal(got.node, UINT64_MAX);
    assert_int_equal(got.role, QL_ROLE_FOLLOWER);
    assert_int_equal(got.counters_count, METRICS_NUMBERS_MAX);
    assert_int_equal(got.counters[63].value, UINT64_MAX - 63);
    assert_int_equal(got.refusals_count, 0);
    assert_int_equal(got.histograms_count, METRICS_HISTOGRAMS_MAX);
    for (size_t i = 0; i < METRICS_HISTOGRAMS_MAX; i++) {
        assert_bytes(got.histograms[i].unit, "ns");
        assert_memory_equal(got.histograms[i].histogram, &times, sizeof times);
    }
    metrics_result_close(&got);
    buf_close(&buf);
}

static void answer_of_full_histograms_fits(void **state)
{
    static struct histogram full;
    struct metrics_result result = {
        .counters_count = METRICS_NUMBERS_MAX,
        .refusals_count = METRICS_NUMBERS_MAX,
        .histograms_count = METRICS_HISTOGRAMS_MAX,
    };
    struct buf buf = BUF_INIT;

    (void)state;
    histogram_init(&full);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        histogram_record_many(&full, histogram_low(i), UINT32_MAX);
    }
    for (size_t i = 0; i < METRICS_HISTOGRAMS_MAX; i++) {
        result.histograms[i] =
            (struct metrics_histogram){bytes_of("h"), bytes_of("ns"), &full};
    }
    for (size_t i = 0; i < METRICS_NUMBERS_MAX; i++) {
        result.counters[i].name = bytes_of("n");
        result.refusals[i].name = bytes_of("n");
    }
    assert_int_equal(metrics_result_encode(&result, &buf), 0);
    assert_in_range(buf.len, 1, RESPONSE_BYTES_MAX);
    buf_close(&buf);
}

static void bad_metrics_are_refused(void **state)
{
    static const struct refusal rows[] = {
        {HEAD NO_LISTS, 0, NULL},
        {HEAD "'more': 1, " NO_LISTS, 0, NULL},
        {"{'role': 'leader', 'term': 2, 'uptime_ms': 3, " NO_LISTS, QL_INVALID,
         "server metrics: 'node' is missing"},
        {HEAD "'counters': [7], 'refusals': [], 'histograms': []}", QL_INVALID,
         NULL},
        {HEAD "'counters': [{'name': 'n'}], 'refusals': [], 'histograms': []}",
         QL_INVALID, "number of metrics: 'value' is missing"},
        {HISTOGRAM("'sum': 8, 'min': 4, 'max': 4, 'buckets': [4, 2]"), 0, NULL},
        {HISTOGRAM("'sum': 8, 'min': 4, 'max': 4, 'buckets': [4, 2, 5]"),
         QL_INVALID, BAD},
        {HISTOGRAM("'sum': 8, 'min': 4, 'max': 4, 'buckets': [4, 0]"),
         QL_INVALID, BAD},
        {HISTOGRAM("'sum': 8, 'min': 4, 'max': 4, 'buckets': [4, 1, 4, 1]"),
         QL_INVALID, BAD},
        {HISTOGRAM("'sum': 8, 'min': 3, 'max': 5, 'buckets': [5, 1, 3, 1]"),
         QL_INVALID, BAD},
        {HISTOGRAM("'sum': 8, 'min': 4, 'max': 4, 'buckets': [4864, 1]"),
         QL_INVALID, BAD},
        {HISTOGRAM("'sum': 8, 'min': 4, 'max': 4, 'buckets': ['a', 1]"),
         QL_INVALID, BAD},
        {HISTOGRAM("'sum': 9, 'min': 4, 'max': 4, 'buckets': [4, 2]"),
         QL_INVALID, BAD},
        {HISTOGRAM("'sum': 8, 'min': 3, 'max': 4, 'buckets': [4, 2]"),
         QL_INVALID, BAD},
        {HISTOGRAM("'sum': 8, 'min': 4, 'buckets': [4, 2]"), QL_INVALID,
         "histogram of metrics: 'max' is missing"},
    };

    (void)state;
    refusals_check(decode, rows, COUNT_OF(rows));
    cuts_check(decode, HISTOGRAM("'sum': 8, 'min': 4, 'max': 4, "
                                 "'buckets': [4, 2]"));
}

static void too_many_metrics_are_refused(void **state)
{
    struct buf buf = BUF_INIT;
    struct err err;

    (void)state;
    notation_pack(
        &buf,
        HEAD "'counters': [], 'refusals': [], 'histograms': "
             "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]}");
    assert_int_equal(decode(view_of(&buf), &err), QL_INVALID);
    assert_string_equal(
        err.text, "server metrics: 'histograms' has 17 items, more than 16");
    buf_close(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_encoded_as_documented),
        cmocka_unit_test(metrics_come_back_as_they_went),
        cmocka_unit_test(answer_of_full_histograms_fits),
        cmocka_unit_test(bad_metrics_are_refused),
        cmocka_unit_test(too_many_metrics_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
