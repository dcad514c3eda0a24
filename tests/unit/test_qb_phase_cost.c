/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdlib.h>

#include "qb_phase_cost.h"
#include "support/cmocka.h"

#define SLICES 40u
#define SLICE_NS 100000000ull
#define CALLS 100u /* of a slice */
#define US 1000u
#define END 4.0 /* seconds */

/* Four seconds of calls that take as long as a test says. */
struct measurement {
    struct qb_recorder recorder;
    const struct qb_recorder *recorders[1];
    struct qb_track track;
    struct qb_phase_calls calls;
    struct qb_phase_cost cost;
};

static struct measurement one;

static int measurement_setup(void **state)
{
    one = (struct measurement){.recorders = {&one.recorder}};
    assert_int_equal(qb_recorder_init(&one.recorder, SLICES * SLICE_NS), 0);
    one.calls = (struct qb_phase_calls){&one.track, one.recorders, 1};
    one.cost.begun_seconds = 1.05;
    one.cost.ended_seconds = 2.0;
    *state = &one;
    return 0;
}

static int measurement_teardown(void **state)
{
    struct measurement *measurement = *state;

    qb_recorder_close(&measurement->recorder);
    qb_series_close(&measurement->track.series);
    return 0;
}

/* Slices from @first to before @last have calls of @us. */
static void calls_take(struct measurement *measurement, size_t first,
                       size_t last, uint64_t us)
{
    for (size_t i = first; i < last; i++) {
        for (size_t k = 0; k < CALLS; k++) {
            qb_recorder_add(&measurement->recorder,
                            i * SLICE_NS + k * SLICE_NS / CALLS, us * US);
        }
    }
}

static void fill(struct measurement *measurement)
{
    assert_int_equal(qb_recorder_sum(measurement->recorders, 1,
                                     &measurement->track.latency,
                                     &measurement->track.series),
                     0);
    assert_int_equal(measurement->track.series.slice_ns, SLICE_NS);
    qb_phase_cost_fill(&measurement->cost, &measurement->calls, 0, END);
}

static void assert_near(double left, double right)
{
    assert_true(left - right < right / 100 + 1e-9);
    assert_true(right - left < right / 100 + 1e-9);
}

static void slow_slices_last_until_it_is_calm(void **state)
{
    struct measurement *measurement = *state;

    calls_take(measurement, 0, 10, 100);
    calls_take(measurement, 10, 16, 900);
    calls_take(measurement, 16, SLICES, 110);
    fill(measurement);
    assert_near(measurement->cost.recovered_seconds, 1.6);
    assert_near((double)measurement->cost.before_p50_ns, 100 * US);
    assert_near((double)measurement->cost.p99_ns, 900 * US);
    assert_near((double)measurement->cost.after_p99_ns, 110 * US);
}

static void short_calm_between_slow_slices_is_none(void **state)
{
    struct measurement *measurement = *state;

    calls_take(measurement, 0, 10, 100);
    calls_take(measurement, 10, 12, 900);
    calls_take(measurement, 12, 15, 100);
    calls_take(measurement, 15, 20, 900);
    calls_take(measurement, 20, SLICES, 100);
    fill(measurement);
    assert_near(measurement->cost.recovered_seconds, 2.0);
}

static void what_changes_nothing_is_over_at_once(void **state)
{
    struct measurement *measurement = *state;

    calls_take(measurement, 0, SLICES, 100);
    fill(measurement);
    assert_near(measurement->cost.recovered_seconds, 1.05);
    assert_int_equal(measurement->cost.outage_ns, 0);
    assert_int_equal(measurement->cost.failed, 0);
}

static void latencies_that_stay_high_never_recover(void **state)
{
    struct measurement *measurement = *state;

    calls_take(measurement, 0, 10, 100);
    calls_take(measurement, 10, SLICES, 900);
    fill(measurement);
    assert_true(measurement->cost.recovered_seconds < 0);
    assert_near((double)measurement->cost.p50_ns, 900 * US);
    assert_int_equal(measurement->cost.after_p50_ns, 0);
}

static void slices_at_both_ends_are_of_other_times(void **state)
{
    struct measurement *measurement = *state;

    calls_take(measurement, 0, 11, 100);
    for (size_t i = 11; i < 20; i++) {
        qb_recorder_add(&measurement->recorder, i * SLICE_NS, 50000 * US);
    }
    calls_take(measurement, 20, SLICES, 100);
    fill(measurement);
    assert_near((double)measurement->cost.p50_ns, 50000 * US);
    assert_near((double)measurement->cost.after_p99_ns, 100 * US);
}

static void empty_slices_are_not_calm(void **state)
{
    struct measurement *measurement = *state;

    calls_take(measurement, 0, 11, 100);
    calls_take(measurement, 18, SLICES, 100);
    measurement->track.gaps.count = 2;
    measurement->track.gaps.gaps[0] =
        (struct qb_gap){0, 900000000}; /* before it */
    measurement->track.gaps.gaps[1] = (struct qb_gap){1060000000, 1800000000};
    fill(measurement);
    assert_near(measurement->cost.recovered_seconds, 1.8);
    assert_int_equal(measurement->cost.outage_ns, 740000000);
}

static void slices_with_failures_are_not_calm(void **state)
{
    struct measurement *measurement = *state;

    calls_take(measurement, 0, SLICES, 100);
    qb_recorder_fail(&measurement->recorder, 13 * SLICE_NS + 1, 1);
    qb_recorder_fail(&measurement->recorder, 13 * SLICE_NS + 2, 1);
    fill(measurement);
    assert_near(measurement->cost.recovered_seconds, 1.4);
    assert_int_equal(measurement->cost.failed, 2);
}

static void without_a_time_before_nothing_can_be_compared(void **state)
{
    struct measurement *measurement = *state;

    measurement->cost.begun_seconds = 0.01;
    calls_take(measurement, 0, SLICES, 100);
    fill(measurement);
    assert_true(measurement->cost.recovered_seconds < 0);
    assert_int_equal(measurement->cost.before_p50_ns, 0);
    assert_near((double)measurement->cost.p50_ns, 100 * US);
}

static void next_phase_ends_what_counts_for_this_one(void **state)
{
    struct measurement *measurement = *state;

    calls_take(measurement, 0, 10, 100);
    calls_take(measurement, 10, 14, 300);
    calls_take(measurement, 14, 25, 100);
    calls_take(measurement, 25, SLICES, 5000);
    assert_int_equal(qb_recorder_sum(measurement->recorders, 1,
                                     &measurement->track.latency,
                                     &measurement->track.series),
                     0);
    qb_phase_cost_fill(&measurement->cost, &measurement->calls, 0, 2.5);
    assert_near(measurement->cost.recovered_seconds, 1.4);
    assert_near((double)measurement->cost.max_ns, 300 * US);
    assert_near((double)measurement->cost.after_p99_ns, 100 * US);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, measurement_setup,                   \
                                    measurement_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(slow_slices_last_until_it_is_calm),
        TEST(short_calm_between_slow_slices_is_none),
        TEST(what_changes_nothing_is_over_at_once),
        TEST(latencies_that_stay_high_never_recover),
        TEST(slices_at_both_ends_are_of_other_times),
        TEST(empty_slices_are_not_calm),
        TEST(slices_with_failures_are_not_calm),
        TEST(without_a_time_before_nothing_can_be_compared),
        TEST(next_phase_ends_what_counts_for_this_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
