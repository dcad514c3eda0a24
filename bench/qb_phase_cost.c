/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_phase_cost.h"

#include <stdbool.h>
#include <stdlib.h>

#include "util/mem.h"

#define TIMES_P50 1.5
#define TIMES_P99 2.0

/* Slices from first to before last. */
struct window {
    size_t first;
    size_t last;
};

/* What counts as normal. */
struct normal {
    bool known;
    double p50_ns;
    double p99_ns;
};

static void look(const struct qb_phase_calls *calls, struct window window,
                 struct histogram *ret);
static struct normal normal_of(const struct qb_phase_calls *calls,
                               struct window before, uint64_t p50_ns,
                               uint64_t p99_ns);
static bool is_normal(const struct qb_slice *slice, struct normal normal);
static size_t find_calm(const struct qb_series *series, struct window window,
                        struct normal normal);
static uint64_t longest_gap(const struct qb_gaps *gaps, double from,
                            double until);

static size_t slice_at(const struct qb_series *series, double seconds)
{
    double index = seconds > 0 ? seconds * 1e9 / (double)series->slice_ns : 0;

    return index < (double)series->count ? (size_t)index : series->count;
}

static double slice_seconds(const struct qb_series *series, size_t index)
{
    return (double)index * (double)series->slice_ns / 1e9;
}

/* The first and the last slice are partly of other times, when calls may have been
 * many more. */
static struct window inside(struct window window)
{
    return window.last - window.first > 2
               ? (struct window){window.first + 1, window.last - 1}
               : window;
}

static void fill_during(struct qb_phase_cost *cost,
                        const struct qb_phase_calls *calls,
                        struct window during, struct histogram *histogram)
{
    const struct qb_series *series = &calls->track->series;

    look(calls, during, histogram);
    cost->max_ns = histogram->max;
    look(calls, inside(during), histogram);
    cost->p50_ns = histogram_percentile(histogram, 50);
    cost->p99_ns = histogram_percentile(histogram, 99);
    cost->failed = 0;
    for (size_t i = during.first; i < during.last; i++) {
        cost->failed += series->slices[i].failed;
    }
    cost->outage_ns = longest_gap(&calls->track->gaps, cost->begun_seconds,
                                  slice_seconds(series, during.last));
}

void qb_phase_cost_fill(struct qb_phase_cost *cost,
                        const struct qb_phase_calls *calls, double from,
                        double until)
{
    const struct qb_series *series = &calls->track->series;
    struct histogram *histogram = mem_must_alloc(sizeof *histogram);
    size_t begun = slice_at(series, cost->begun_seconds);
    struct window before = {slice_at(series, from), begun};
    struct window rest = {begun, slice_at(series, until)};
    struct window during = rest;
    struct window after;
    struct normal normal;
    size_t calm;

    look(calls, before, histogram);
    cost->before_p50_ns = histogram_percentile(histogram, 50);
    cost->before_p99_ns = histogram_percentile(histogram, 99);
    normal = normal_of(calls, before, cost->before_p50_ns, cost->before_p99_ns);
    calm = find_calm(series, rest, normal);
    cost->recovered_seconds = -1;
    if (calm < rest.last) {
        cost->recovered_seconds = calm == rest.first
                                      ? cost->begun_seconds
                                      : slice_seconds(series, calm);
        during.last = slice_at(series, cost->ended_seconds) + 1;
        during.last = during.last > calm ? during.last : calm;
        during.last = during.last < rest.last ? during.last : rest.last;
    }
    fill_during(cost, calls, during, histogram);
    after = (struct window){during.last, rest.last};
    look(calls, after, histogram);
    cost->after_p50_ns = histogram_percentile(histogram, 50);
    cost->after_p99_ns = histogram_percentile(histogram, 99);
    free(histogram);
}

static void look(const struct qb_phase_calls *calls, struct window window,
                 struct histogram *ret)
{
    histogram_init(ret);
    for (size_t i = window.first; i < window.last; i++) {
        for (size_t at = 0; at < calls->recorder_count; at++) {
            qb_recorder_look(calls->recorders[at], i, ret);
        }
    }
}

static struct normal normal_of(const struct qb_phase_calls *calls,
                               struct window before, uint64_t p50_ns,
                               uint64_t p99_ns)
{
    struct normal normal = {.known = p50_ns > 0,
                            .p50_ns = TIMES_P50 * (double)p50_ns,
                            .p99_ns = TIMES_P99 * (double)p99_ns};

    for (size_t i = before.first; i < before.last; i++) {
        double p99 = (double)calls->track->series.slices[i].p99_ns;

        normal.p99_ns = p99 > normal.p99_ns ? p99 : normal.p99_ns;
    }
    return normal;
}

static bool is_normal(const struct qb_slice *slice, struct normal normal)
{
    return slice->count > 0 && slice->failed == 0 &&
           (double)slice->p50_ns <= normal.p50_ns &&
           (double)slice->p99_ns <= normal.p99_ns;
}

/* The slice from which on it is calm. The first one, in which the phase began, is
 * calm when it and those behind it are. window.last: it never is. */
static size_t find_calm(const struct qb_series *series, struct window window,
                        struct normal normal)
{
    size_t begun = window.first;

    if (!normal.known) {
        return window.last;
    }
    for (size_t i = window.first; i < window.last; i++) {
        size_t needed = QB_PHASE_CALM_SLICES + (begun == window.first ? 1 : 0);

        if (!is_normal(&series->slices[i], normal)) {
            begun = i + 1;
        } else if (i + 1 - begun >= needed) {
            return begun;
        }
    }
    return begun;
}

static uint64_t longest_gap(const struct qb_gaps *gaps, double from,
                            double until)
{
    uint64_t longest = 0;

    for (size_t i = 0; i < gaps->count; i++) {
        const struct qb_gap *gap = &gaps->gaps[i];

        if ((double)gap->to_ns / 1e9 > from &&
            (double)gap->from_ns / 1e9 < until &&
            gap->to_ns - gap->from_ns > longest) {
            longest = gap->to_ns - gap->from_ns;
        }
    }
    return longest;
}
