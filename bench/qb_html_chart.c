/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_html.h"

#include <math.h>
#include <stdio.h>

#include "qb_chart.h"

#define NAME_MAX_LEN 80u
#define CURVE_STEP 0.02
#define CURVE_END 6.0 /* 99.9999 % */
#define HITS_MAX 240u /* places where a pointer is told the numbers */
#define MARKS 10.0

/* ---- Percentiles ---- */

/* The axis shows log10(1 / (1 - q)): each nine is as wide as the one before. */
static double quantile_at(double x)
{
    return 100 * (1 - pow(10, -x));
}

static double curve_end(const struct histogram *histogram)
{
    double end = log10((double)histogram->count);

    return end < CURVE_END ? end : CURVE_END;
}

static bool is_shown(const struct qb_track *track)
{
    return track->latency.count > 1;
}

/* @index is that of the line: so many colours, then dashed. */
static void name_line(size_t index, char ret[NAME_MAX_LEN])
{
    (void)snprintf(ret, NAME_MAX_LEN, "c%zu%s", index % QB_CHART_COLOURS,
                   index >= QB_CHART_COLOURS ? " dash" : "");
}

static void name_curve(const struct qb_result *result,
                       const struct qb_point *point,
                       const struct qb_track *track, char ret[NAME_MAX_LEN])
{
    char label[NAME_MAX_LEN / 2];

    qb_point_name(point, label, sizeof label);
    (void)snprintf(ret, NAME_MAX_LEN, "%s%s%.30s", label,
                   result->options->mode == QB_APPEND ? "" : ", ",
                   result->options->mode == QB_APPEND ? "" : track->name);
}

static void draw_curve(struct qb_chart *chart, const struct histogram *times,
                       const char *line)
{
    double end = curve_end(times);

    qb_chart_line_begin(chart, line);
    for (double x = 0; x < end; x += CURVE_STEP) {
        qb_chart_line_to(chart, x,
                         (double)histogram_percentile(times, quantile_at(x)));
    }
    qb_chart_line_to(chart, end,
                     (double)histogram_percentile(times, quantile_at(end)));
    qb_chart_line_end(chart);
}

static void draw_quantiles(struct qb_chart *chart)
{
    static const struct {
        double x;
        const char *name;
    } marks[] = {{0.30103, "50 %"}, {1, "90 %"},    {2, "99 %"},
                 {3, "99.9 %"},     {4, "99.99 %"}, {5, "99.999 %"},
                 {6, "99.9999 %"}};

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (marks[i].x <= chart->x_to) {
            qb_chart_mark_x(chart, marks[i].x, marks[i].name);
        }
    }
}

static void widen(struct qb_chart *chart, double ns)
{
    if (ns > 0) {
        chart->y_from =
            chart->y_from == 0 || ns < chart->y_from ? ns : chart->y_from;
        chart->y_to = ns > chart->y_to ? ns : chart->y_to;
    }
}

/* Calls @draw for each line of the chart. */
static size_t each_curve(const struct qb_result *result, struct qb_chart *chart,
                         void (*draw)(struct qb_chart *chart,
                                      const struct qb_result *result,
                                      const struct qb_point *point,
                                      const struct qb_track *track,
                                      size_t index))
{
    size_t lines = 0;

    for (size_t i = 0; i < result->point_count; i++) {
        const struct qb_repetition *median =
            qb_point_median(&result->points[i]);

        for (size_t k = 0; median != NULL && k < median->track_count; k++) {
            if (is_shown(&median->tracks[k])) {
                draw(chart, result, &result->points[i], &median->tracks[k],
                     lines++);
            }
        }
    }
    return lines;
}

static void on_range(struct qb_chart *chart, const struct qb_result *result,
                     const struct qb_point *point, const struct qb_track *track,
                     size_t index)
{
    double end = curve_end(&track->latency);

    (void)point;
    (void)index;
    widen(chart, (double)track->latency.min);
    widen(chart,
          (double)histogram_percentile(&track->latency, quantile_at(end)));
    widen(chart, qb_result_floor_us(result, track) * 1e3);
    chart->x_to = end > chart->x_to ? end : chart->x_to;
}

static void on_line(struct qb_chart *chart, const struct qb_result *result,
                    const struct qb_point *point, const struct qb_track *track,
                    size_t index)
{
    char line[NAME_MAX_LEN];

    (void)result;
    (void)point;
    name_line(index, line);
    draw_curve(chart, &track->latency, line);
}

static void on_key(struct qb_chart *chart, const struct qb_result *result,
                   const struct qb_point *point, const struct qb_track *track,
                   size_t index)
{
    char line[NAME_MAX_LEN];
    char name[NAME_MAX_LEN];

    name_line(index, line);
    name_curve(result, point, track, name);
    qb_chart_key(chart->page, line, name);
}

void qb_html_percentiles(struct qb_page *page, const struct qb_result *result)
{
    struct qb_chart chart = {.page = page};
    const struct qb_repetition *first =
        result->point_count > 0 ? qb_point_median(&result->points[0]) : NULL;

    if (each_curve(result, &chart, on_range) == 0) {
        return;
    }
    qb_page_add(page, "<h2>Percentiles</h2>\n");
    qb_chart_begin(&chart, page, "Latency by percentile, of all calls");
    qb_chart_draw_y(&chart);
    draw_quantiles(&chart);
    (void)each_curve(result, &chart, on_line);
    qb_chart_level(&chart, qb_result_floor_us(result, &first->tracks[0]) * 1e3,
                   "the floor");
    qb_chart_end(&chart);
    qb_page_add(page, "<p class=\"keys\">");
    (void)each_curve(result, &chart, on_key);
    qb_page_add(page, "</p>\n");
}

/* ---- Over time ---- */

static double slice_middle(const struct qb_series *series, size_t index)
{
    return ((double)index + 0.5) * (double)series->slice_ns / 1e9;
}

/* The last slice also has what ended after the measurement. */
static size_t slices_shown(const struct qb_repetition *repetition)
{
    const struct qb_series *series = &repetition->tracks[0].series;
    size_t count = series->count;

    while (count > 1 && (double)(count - 1) * (double)series->slice_ns / 1e9 >=
                            repetition->seconds - 1e-3) {
        count--;
    }
    return count;
}

static void draw_series(struct qb_chart *chart, const struct qb_series *series,
                        size_t count, size_t offset, const char *line)
{
    qb_chart_line_begin(chart, line);
    for (size_t i = 0; i < count; i++) {
        const uint64_t *ns =
            (const void *)((const char *)&series->slices[i] + offset);

        qb_chart_line_to(chart, slice_middle(series, i), (double)*ns);
    }
    qb_chart_line_end(chart);
}

static void draw_phases(struct qb_chart *chart,
                        const struct qb_repetition *repetition)
{
    double top = qb_chart_y(chart, chart->y_to);
    double bottom = qb_chart_y(chart, chart->y_from);

    for (size_t i = 0; i < repetition->phase_count; i++) {
        const struct qb_phase_cost *phase = &repetition->phases[i];
        double from = qb_chart_x(chart, phase->begun_seconds);
        double to = qb_chart_x(chart, phase->ended_seconds);

        qb_page_add(chart->page,
                    "<rect class=\"band\" x=\"%.1f\" y=\"%.1f\" "
                    "width=\"%.1f\" height=\"%.1f\"><title>",
                    from, top, to - from > 2 ? to - from : 2, bottom - top);
        qb_page_text(chart->page, phase->note);
        qb_page_add(chart->page,
                    "</title></rect><text class=\"bandname\" x=\"%.1f\" "
                    "y=\"%.1f\">",
                    from + 3, top + 12 + 14 * (double)(i % 4));
        qb_page_text(chart->page, phase->what);
        qb_page_add(chart->page, "</text>\n");
    }
}

/* What a pointer is told, for a few slices at once where there are many. */
static void draw_hits(struct qb_chart *chart, const struct qb_series *series,
                      size_t count)
{
    size_t each = count / HITS_MAX + 1;

    for (size_t i = 0; i < count; i += each) {
        const struct qb_slice *slice = &series->slices[i];
        double begin = (double)i * (double)series->slice_ns / 1e9;
        double x = qb_chart_x(chart, begin);
        double end = qb_chart_x(
            chart, begin + (double)each * (double)series->slice_ns / 1e9);
        double top = qb_chart_y(chart, chart->y_to);

        qb_page_add(chart->page,
                    "<rect class=\"hit\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                    "height=\"%.1f\"><title>at %.1f s: ",
                    x, top, end - x, qb_chart_y(chart, chart->y_from) - top,
                    begin);
        qb_page_count(chart->page, (double)slice->count);
        qb_page_add(chart->page, " calls, p50 ");
        qb_page_time(chart->page, (double)slice->p50_ns);
        qb_page_add(chart->page, ", p99 ");
        qb_page_time(chart->page, (double)slice->p99_ns);
        qb_page_add(chart->page, ", max ");
        qb_page_time(chart->page, (double)slice->max_ns);
        qb_page_add(chart->page, "</title></rect>\n");
    }
}

static void draw_seconds(struct qb_chart *chart)
{
    double step = 0.1;
    char name[32];

    for (size_t i = 0; chart->x_to / step > MARKS; i++) {
        step *= i % 3 == 1 ? 2.5 : 2;
    }
    for (double at = 0; at <= chart->x_to * 1.0001; at += step) {
        (void)snprintf(name, sizeof name, step < 1 ? "%.1f s" : "%.0f s", at);
        qb_chart_mark_x(chart, at, name);
    }
}

static void add_times(struct qb_page *page, const struct qb_result *result,
                      const struct qb_point *point)
{
    const struct qb_repetition *median = qb_point_median(point);
    const struct qb_track *track = &median->tracks[qb_repetition_main(median)];
    const struct qb_series *series = &track->series;
    double floor_ns = qb_result_floor_us(result, track) * 1e3;
    size_t count = slices_shown(median);
    struct qb_chart chart = {.x_to = (double)count * (double)series->slice_ns /
                                     1e9};
    char caption[4 * NAME_MAX_LEN];
    char label[NAME_MAX_LEN];

    for (size_t i = 0; i < count; i++) {
        widen(&chart, (double)series->slices[i].p50_ns);
        widen(&chart, (double)series->slices[i].max_ns);
    }
    widen(&chart, floor_ns);
    qb_point_name(point, label, sizeof label);
    (void)snprintf(caption, sizeof caption,
                   "%s, %s: each %.0f ms, by when calls ended", label,
                   track->name, (double)series->slice_ns / 1e6);
    qb_chart_begin(&chart, page, caption);
    draw_phases(&chart, median);
    qb_chart_draw_y(&chart);
    draw_seconds(&chart);
    draw_series(&chart, series, count, offsetof(struct qb_slice, max_ns),
                "max");
    draw_series(&chart, series, count, offsetof(struct qb_slice, p99_ns), "c1");
    draw_series(&chart, series, count, offsetof(struct qb_slice, p50_ns), "c0");
    qb_chart_level(&chart, floor_ns, "the floor");
    draw_hits(&chart, series, count);
    qb_chart_end(&chart);
}

void qb_html_times(struct qb_page *page, const struct qb_result *result)
{
    bool begun = false;

    for (size_t i = 0; i < result->point_count; i++) {
        const struct qb_repetition *median =
            qb_point_median(&result->points[i]);

        if (median == NULL || median->track_count == 0 ||
            median->tracks[0].series.count == 0) {
            continue;
        }
        if (!begun) {
            qb_page_add(page, "<h2>Latency over time</h2>\n<p class=\"keys\">");
            qb_chart_key(page, "c0", "p50");
            qb_chart_key(page, "c1", "p99");
            qb_chart_key(page, "max", "maximum");
            qb_page_add(page, "</p>\n");
        }
        begun = true;
        add_times(page, result, &result->points[i]);
    }
}
