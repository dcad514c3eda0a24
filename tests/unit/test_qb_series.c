/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <string.h>

#include "qb_gaps.h"
#include "qb_report.h"
#include "qb_series.h"
#include "support/cmocka.h"

#define MS 1000000ull

static void calls_count_in_the_slice_in_which_they_ended(void **state)
{
    struct qb_recorder recorder;
    const struct qb_recorder *all[] = {&recorder};
    static struct histogram whole;
    struct qb_series series;

    (void)state;
    assert_int_equal(qb_recorder_init(&recorder, 1000 * MS), 0);
    qb_recorder_add(&recorder, 0, 1 * MS);
    qb_recorder_add(&recorder, 99 * MS, 2 * MS);
    qb_recorder_add(&recorder, 100 * MS, 3 * MS);
    qb_recorder_fail(&recorder, 250 * MS, 3);
    qb_recorder_add(&recorder, 5000 * MS, 4 * MS);
    assert_int_equal(qb_recorder_sum(all, 1, &whole, &series), 0);
    assert_int_equal(series.count, 11);
    assert_int_equal(series.slices[0].count, 2);
    assert_int_equal(series.slices[0].max_ns, 2 * MS);
    assert_int_equal(series.slices[1].count, 1);
    assert_int_equal(series.slices[2].count, 0);
    assert_int_equal(series.slices[2].failed, 3);
    assert_int_equal(series.slices[10].count, 1);
    assert_int_equal(whole.count, 4);
    assert_int_equal(whole.min, 1 * MS);
    assert_int_equal(whole.max, 4 * MS);
    qb_series_close(&series);
    qb_recorder_close(&recorder);
}

static void long_measurements_have_longer_slices(void **state)
{
    struct qb_recorder recorder;

    (void)state;
    assert_int_equal(qb_recorder_init(&recorder, 3600 * 1000 * MS), 0);
    assert_int_equal(recorder.count, QB_SLICES_MAX + 1);
    assert_int_equal(recorder.slice_ns, 3000 * MS);
    qb_recorder_add(&recorder, 3600 * 1000 * MS - 1, MS);
    assert_int_equal(recorder.histograms[QB_SLICES_MAX - 1].count, 1);
    qb_recorder_close(&recorder);
}

static void only_slices_that_were_left_are_done(void **state)
{
    struct qb_recorder recorder;
    static struct histogram one;

    (void)state;
    histogram_init(&one);
    assert_int_equal(qb_recorder_init(&recorder, 1000 * MS), 0);
    qb_recorder_add(&recorder, 50 * MS, MS);
    assert_int_equal(qb_recorder_done(&recorder), 0);
    qb_recorder_add(&recorder, 310 * MS, MS);
    assert_int_equal(qb_recorder_done(&recorder), 3);
    qb_recorder_look(&recorder, 0, &one);
    qb_recorder_look(&recorder, 1, &one);
    assert_int_equal(one.count, 1);
    qb_recorder_close(&recorder);
}

static void sum_of_two_threads_has_the_calls_of_both(void **state)
{
    struct qb_recorder recorders[2];
    const struct qb_recorder *all[] = {&recorders[0], &recorders[1]};
    static struct histogram whole;
    struct qb_series series;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(qb_recorder_init(&recorders[i], 200 * MS), 0);
        qb_recorder_add(&recorders[i], 150 * MS, (i + 1) * MS);
    }
    assert_int_equal(qb_recorder_sum(all, 2, &whole, &series), 0);
    assert_int_equal(series.slices[1].count, 2);
    assert_int_equal(series.slices[1].max_ns, 2 * MS);
    assert_int_equal(whole.sum, 3 * MS);
    qb_series_close(&series);
    qb_recorder_close(&recorders[0]);
    qb_recorder_close(&recorders[1]);
}

static void gap_is_the_time_from_one_good_call_to_the_next(void **state)
{
    struct qb_gaps gaps = {.count = 0};
    uint64_t last_ns = 0;

    (void)state;
    qb_gaps_ok(&gaps, &last_ns, 5 * MS);
    qb_gaps_ok(&gaps, &last_ns, 14 * MS);
    assert_int_equal(gaps.count, 0);
    qb_gaps_ok(&gaps, &last_ns, 314 * MS);
    assert_int_equal(gaps.count, 1);
    assert_int_equal(gaps.gaps[0].from_ns, 14 * MS);
    assert_int_equal(gaps.gaps[0].to_ns, 314 * MS);
    assert_int_equal(qb_gaps_longest(&gaps, 100 * MS, 200 * MS), 300 * MS);
    assert_int_equal(qb_gaps_longest(&gaps, 400 * MS, 500 * MS), 0);
}

static void without_room_the_longest_gaps_are_kept_by_time(void **state)
{
    static struct qb_gaps gaps;

    (void)state;
    gaps.count = 0;
    for (uint64_t i = 0; i < QB_GAPS_MAX + 3u; i++) {
        qb_gaps_add(&gaps, i * 1000 * MS, i * 1000 * MS + (20 + i) * MS);
    }
    assert_int_equal(gaps.count, QB_GAPS_MAX);
    assert_int_equal(gaps.lost, 3);
    assert_int_equal(gaps.gaps[0].from_ns, 3000 * MS);
    qb_gaps_add(&gaps, 999000 * MS, 999010 * MS);
    assert_int_equal(gaps.lost, 4);
    assert_int_equal(gaps.gaps[QB_GAPS_MAX - 1].from_ns,
                     (QB_GAPS_MAX + 2u) * 1000 * MS);
}

static void gap_of_two_threads_is_what_both_have(void **state)
{
    struct qb_gaps one = {.count = 0};
    struct qb_gaps two = {.count = 0};

    (void)state;
    qb_gaps_add(&one, 0, 100 * MS);
    qb_gaps_add(&one, 200 * MS, 300 * MS);
    qb_gaps_add(&two, 50 * MS, 220 * MS);
    qb_gaps_add(&two, 295 * MS, 400 * MS);
    qb_gaps_intersect(&one, &two);
    assert_int_equal(one.count, 2);
    assert_int_equal(one.gaps[0].from_ns, 50 * MS);
    assert_int_equal(one.gaps[0].to_ns, 100 * MS);
    assert_int_equal(one.gaps[1].from_ns, 200 * MS);
    assert_int_equal(one.gaps[1].to_ns, 220 * MS);
}

static void repetition_in_the_middle_is_chosen(void **state)
{
    static const uint64_t ops[] = {500, 100, 400, 200, 300};
    static const char *const names[] = {"append"};
    struct qb_point point;

    (void)state;
    assert_int_equal(qb_point_init(&point, 1, 5), 0);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(qb_repetition_init(&point.repetitions[i], names, 1),
                         0);
        point.repetitions[i].tracks[0].ops = ops[i];
        point.repetition_count++;
    }
    qb_point_choose(&point);
    assert_int_equal(qb_point_median(&point)->tracks[0].ops, 300);
    point.repetition_count = 4;
    qb_point_choose(&point);
    assert_int_equal(qb_point_median(&point)->tracks[0].ops, 200);
    point.repetition_count = 5;
    qb_point_close(&point);
}

static void repetitions_without_an_append_are_compared_by_reads(void **state)
{
    static const uint64_t reads[] = {100, 300, 200};
    static const char *const names[] = {"append", "read"};
    struct qb_point point;

    (void)state;
    assert_int_equal(qb_point_init(&point, 1, 3), 0);
    for (size_t i = 0; i < 3; i++) {
        struct qb_repetition *one = &point.repetitions[i];

        assert_int_equal(qb_repetition_init(one, names, 2), 0);
        assert_int_equal(qb_repetition_main(one), 0);
        histogram_record(&one->tracks[1].latency, MS);
        one->tracks[1].ops = reads[i];
        assert_int_equal(qb_repetition_main(one), 1);
        point.repetition_count++;
    }
    qb_point_choose(&point);
    assert_int_equal(qb_point_median(&point)->tracks[1].ops, 200);
    qb_errors_add(&point.repetitions[0].tracks[0].errors, QL_BUSY, "full");
    assert_int_equal(qb_repetition_main(&point.repetitions[0]), 0);
    qb_point_close(&point);
}

static void failures_are_counted_by_code_with_the_first_text(void **state)
{
    struct qb_errors errors = {.count = 0};
    struct qb_errors more = {.count = 0};

    (void)state;
    qb_errors_add(&more, QL_BUSY, "a queue is full");
    qb_errors_add(&more, 4711, "never heard of");
    qb_errors_merge(&errors, &more);
    qb_errors_add(&errors, QL_BUSY, "again");
    qb_errors_add_many(&errors, QL_TIMEOUT, "never sent", 5);
    qb_errors_add_many(&errors, QL_TIMEOUT, "none", 0);
    assert_int_equal(errors.count, 8);
    assert_int_equal(errors.by_code[QL_BUSY], 2);
    assert_int_equal(errors.by_code[QL_TIMEOUT], 5);
    assert_int_equal(errors.by_code[0], 1);
    assert_string_equal(errors.first, "a queue is full");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_count_in_the_slice_in_which_they_ended),
        cmocka_unit_test(long_measurements_have_longer_slices),
        cmocka_unit_test(only_slices_that_were_left_are_done),
        cmocka_unit_test(sum_of_two_threads_has_the_calls_of_both),
        cmocka_unit_test(gap_is_the_time_from_one_good_call_to_the_next),
        cmocka_unit_test(without_room_the_longest_gaps_are_kept_by_time),
        cmocka_unit_test(gap_of_two_threads_is_what_both_have),
        cmocka_unit_test(repetition_in_the_middle_is_chosen),
        cmocka_unit_test(repetitions_without_an_append_are_compared_by_reads),
        cmocka_unit_test(failures_are_counted_by_code_with_the_first_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
