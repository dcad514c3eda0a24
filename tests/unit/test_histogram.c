/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdlib.h>

#include "quorlog.h"
#include "support/cmocka.h"
#include "util/histogram.h"

#define VALUES 20000u

/* Too large for a stack of small threads, and the tests use at most three. */
static struct histogram one;
static struct histogram two;
static struct histogram three;

static int empty_all(void **state)
{
    (void)state;
    histogram_init(&one);
    histogram_init(&two);
    histogram_init(&three);
    return 0;
}

/* Deterministic, and spread over all powers of two. */
static uint64_t scattered(uint64_t number)
{
    uint64_t bits = (number + 1) * 0x9e3779b97f4a7c15ull;

    return bits >> (20 + number % 40);
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static void buckets_follow_each_other_without_a_gap(void **state)
{
    uint64_t next = 0;

    (void)state;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        assert_int_equal(histogram_low(i), next);
        assert_true(histogram_high(i) >= histogram_low(i));
        assert_int_equal(histogram_index(histogram_low(i)), i);
        assert_int_equal(histogram_index(histogram_high(i)), i);
        next = histogram_high(i) + 1;
    }
    assert_int_equal(next, HISTOGRAM_VALUE_MAX + 1);
}

static void bucket_is_never_wider_than_the_stated_error(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t low = histogram_low(i);

        assert_true((histogram_high(i) - low) * 128 <= low);
    }
}

static void value_past_the_range_counts_as_the_largest(void **state)
{
    (void)state;
    histogram_record(&one, UINT64_MAX);
    assert_int_equal(one.max, HISTOGRAM_VALUE_MAX);
    assert_int_equal(histogram_percentile(&one, 50), HISTOGRAM_VALUE_MAX);
    assert_int_equal(histogram_index(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void empty_one_says_zero(void **state)
{
    uint32_t index = 0;
    uint64_t count;

    (void)state;
    assert_int_equal(histogram_percentile(&one, 99), 0);
    assert_true(histogram_mean(&one) == 0);
    assert_int_equal(histogram_used(&one), 0);
    assert_false(histogram_next(&one, &index, &count));
}

static void rank_that_is_whole_is_not_rounded_up(void **state)
{
    (void)state;
    histogram_record_many(&one, 1, 40959);
    histogram_record_many(&one, 200, 41);
    assert_int_equal(histogram_percentile(&one, 99.9), 1);
    histogram_record(&one, 200);
    assert_int_equal(histogram_percentile(&one, 99.9), 200);
}

static void percentiles_are_within_the_error_of_the_sorted_values(void **state)
{
    static uint64_t values[VALUES];
    static const double percents[] = {0.01, 1,  10,   25,    50, 75,
                                      90,   99, 99.9, 99.99, 100};

    (void)state;
    for (uint64_t i = 0; i < VALUES; i++) {
        values[i] = scattered(i);
        histogram_record(&one, values[i]);
    }
    qsort(values, VALUES, sizeof values[0], compare);
    for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        double exact_rank = percents[i] * VALUES / 100;
        size_t rank = (size_t)exact_rank;
        uint64_t exact;
        uint64_t said = histogram_percentile(&one, percents[i]);

        rank += (double)rank < exact_rank ? 1 : 0;
        exact = values[rank - 1];
        assert_true(said >= exact);
        assert_true((said - exact) * 128 <= exact);
    }
    assert_int_equal(histogram_percentile(&one, 0), values[0]);
    assert_int_equal(histogram_percentile(&one, 100), values[VALUES - 1]);
}

static void count_sum_and_bounds_are_exact(void **state)
{
    (void)state;
    histogram_record(&one, 1000003);
    histogram_record(&one, 17);
    histogram_record_many(&one, 999999937, 3);
    assert_int_equal(one.count, 5);
    assert_int_equal(one.sum, 1000003 + 17 + 3ull * 999999937);
    assert_int_equal(one.min, 17);
    assert_int_equal(one.max, 999999937);
    assert_true(histogram_mean(&one) == (double)one.sum / 5);
}

static void merged_ones_are_as_one_that_saw_all(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < VALUES; i++) {
        histogram_record(i % 3 == 0 ? &one : &two, scattered(i));
        histogram_record(&three, scattered(i));
    }
    histogram_merge(&one, &two);
    assert_memory_equal(&one, &three, sizeof one);
}

static void merging_an_empty_one_changes_nothing(void **state)
{
    (void)state;
    histogram_record(&one, 12345);
    two = one;
    histogram_merge(&one, &three);
    assert_memory_equal(&one, &two, sizeof one);
    histogram_merge(&three, &one);
    assert_memory_equal(&three, &two, sizeof three);
}

static void difference_is_what_came_since(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < VALUES; i++) {
        histogram_record(&one, scattered(i));
    }
    two = one;
    for (uint64_t i = VALUES; i < 2ull * VALUES; i++) {
        histogram_record(&one, scattered(i));
        histogram_record(&three, scattered(i));
    }
    histogram_subtract(&one, &two);
    assert_int_equal(one.count, three.count);
    assert_int_equal(one.sum, three.sum);
    assert_memory_equal(one.buckets, three.buckets, sizeof one.buckets);
    assert_int_equal(histogram_index(one.min), histogram_index(three.min));
    assert_int_equal(histogram_index(one.max), histogram_index(three.max));
    assert_true(one.min <= three.min);
    assert_true(one.max >= three.max);
}

static void difference_to_itself_is_empty(void **state)
{
    (void)state;
    histogram_record(&one, 5000);
    two = one;
    histogram_subtract(&one, &two);
    assert_memory_equal(&one, &three, sizeof one);
}

static int copy_sparse(struct histogram *to, const struct histogram *from)
{
    uint32_t index = 0;
    uint64_t count;

    while (histogram_next(from, &index, &count)) {
        assert_int_equal(histogram_put(to, index, count), 0);
        index++;
    }
    return histogram_close_sparse(to, from->sum, from->min, from->max);
}

static void sparse_form_brings_back_the_same(void **state)
{
    (void)state;
    assert_int_equal(copy_sparse(&two, &three), 0);
    assert_memory_equal(&two, &three, sizeof two);
    for (uint64_t i = 0; i < VALUES; i++) {
        histogram_record(&one, scattered(i));
    }
    assert_int_equal(copy_sparse(&two, &one), 0);
    assert_memory_equal(&one, &two, sizeof one);
}

static void sparse_form_that_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_int_equal(histogram_put(&one, HISTOGRAM_BUCKETS, 1), QL_INVALID);
    assert_int_equal(histogram_put(&one, 3, 0), QL_INVALID);
    assert_int_equal(histogram_put(&one, 3, 10), 0);
    assert_int_equal(histogram_put(&one, 4, UINT64_MAX - 9), QL_INVALID);
    assert_int_equal(histogram_put(&one, 1000, 1), 0);
    assert_int_equal(histogram_close_sparse(&one, 1, 3, 3), QL_INVALID);
    assert_int_equal(
        histogram_close_sparse(&one, 30 + histogram_low(1000), 2, 3),
        QL_INVALID);
    assert_int_equal(one.count, 11);
    assert_int_equal(one.min, 3);
    assert_int_equal(one.max, histogram_high(1000));
    assert_int_equal(histogram_close_sparse(&one, 30 + histogram_low(1000), 3,
                                            histogram_low(1000)),
                     0);
    assert_int_equal(one.max, histogram_low(1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_follow_each_other_without_a_gap),
        cmocka_unit_test(bucket_is_never_wider_than_the_stated_error),
        cmocka_unit_test_setup(value_past_the_range_counts_as_the_largest,
                               empty_all),
        cmocka_unit_test_setup(empty_one_says_zero, empty_all),
        cmocka_unit_test_setup(
            percentiles_are_within_the_error_of_the_sorted_values, empty_all),
        cmocka_unit_test_setup(rank_that_is_whole_is_not_rounded_up, empty_all),
        cmocka_unit_test_setup(count_sum_and_bounds_are_exact, empty_all),
        cmocka_unit_test_setup(merged_ones_are_as_one_that_saw_all, empty_all),
        cmocka_unit_test_setup(merging_an_empty_one_changes_nothing, empty_all),
        cmocka_unit_test_setup(difference_is_what_came_since, empty_all),
        cmocka_unit_test_setup(difference_to_itself_is_empty, empty_all),
        cmocka_unit_test_setup(sparse_form_brings_back_the_same, empty_all),
        cmocka_unit_test_setup(sparse_form_that_cannot_be_is_refused,
                               empty_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
