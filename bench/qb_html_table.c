/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_html.h"

#include <inttypes.h>

#include "util/code.h"

#define NAME_LEN 80u

/* In the order of the heading. */
static const double percents[] = {50, 90, 99, 99.9};

static void add_cell_time(struct qb_page *page, double ns, double floor_ns)
{
    qb_page_add(page, "<td>");
    qb_page_time(page, ns);
    if (floor_ns > 0 && ns > 0) {
        qb_page_add(page, " <small>%.1f &times;</small>", ns / floor_ns);
    }
    qb_page_add(page, "</td>");
}

static void add_cell_count(struct qb_page *page, double value)
{
    qb_page_add(page, "<td>");
    qb_page_count(page, value);
    qb_page_add(page, "</td>");
}

static void add_cell_text(struct qb_page *page, const char *text)
{
    qb_page_add(page, "<td class=\"text\">");
    qb_page_text(page, text);
    qb_page_add(page, "</td>");
}

/* "13,211 to 14,020", of the rates of all repetitions. */
static void add_cell_range(struct qb_page *page, const struct qb_point *point,
                           size_t track)
{
    double least = 0;
    double most = 0;

    for (size_t i = 0; i < point->repetition_count; i++) {
        const struct qb_repetition *one = &point->repetitions[i];
        double rate = qb_track_rate(&one->tracks[track], one->seconds);

        least = i == 0 || rate < least ? rate : least;
        most = rate > most ? rate : most;
    }
    qb_page_add(page, "<td>");
    qb_page_count(page, least);
    qb_page_add(page, " to ");
    qb_page_count(page, most);
    qb_page_add(page, "</td>");
}

static void add_result(struct qb_page *page, const struct qb_result *result,
                       const struct qb_point *point, size_t index)
{
    const struct qb_repetition *median = qb_point_median(point);
    const struct qb_track *track = &median->tracks[index];
    double floor_ns = qb_result_floor_us(result, track) * 1e3;
    char name[NAME_LEN];

    qb_point_name(point, name, sizeof name);
    qb_page_add(page, "<tr>");
    add_cell_text(page, name);
    add_cell_text(page, track->name);
    add_cell_count(page, qb_track_rate(track, median->seconds));
    add_cell_range(page, point, index);
    add_cell_count(page, median->seconds > 0
                             ? (double)track->entries / median->seconds
                             : 0);
    for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        add_cell_time(
            page, (double)histogram_percentile(&track->latency, percents[i]),
            floor_ns);
    }
    add_cell_time(page, (double)track->latency.max, floor_ns);
    qb_page_add(page, "<td%s>",
                track->errors.count > 0 ? " class=\"bad\"" : "");
    qb_page_count(page, (double)track->errors.count);
    qb_page_add(page, "</td></tr>\n");
}

void qb_html_results(struct qb_page *page, const struct qb_result *result)
{
    qb_page_add(page,
                "<h2>Results</h2>\n<div class=\"wide\"><table><tr>"
                "<th>load</th><th class=\"left\">calls</th><th>a second</th>"
                "<th>of all repetitions</th><th>entries/s</th><th>p50</th>"
                "<th>p90</th><th>p99</th><th>p99.9</th><th>max</th>"
                "<th>failed</th></tr>\n");
    for (size_t i = 0; i < result->point_count; i++) {
        const struct qb_repetition *median =
            qb_point_median(&result->points[i]);

        for (size_t k = 0; median != NULL && k < median->track_count; k++) {
            add_result(page, result, &result->points[i], k);
        }
    }
    qb_page_add(page, "</table></div>\n");
    if (result->floor_known) {
        qb_page_add(page,
                    "<p class=\"note\">&times;: times the floor of such a "
                    "call on these machines, measured in the same run.</p>\n");
    }
    for (size_t i = 0; i < result->note_count; i++) {
        qb_page_add(page, "<p>");
        qb_page_text(page, result->notes[i]);
        qb_page_add(page, "</p>\n");
    }
}

static void add_phase(struct qb_page *page, const struct qb_point *point,
                      const struct qb_phase_cost *phase)
{
    char name[NAME_LEN];

    qb_point_name(point, name, sizeof name);
    qb_page_add(page, "<tr>");
    add_cell_text(page, name);
    add_cell_text(page, phase->what);
    qb_page_add(page, "<td>%.2f s</td>", phase->begun_seconds);
    add_cell_time(page, (double)phase->outage_ns, 0);
    add_cell_count(page, (double)phase->failed);
    add_cell_time(page, (double)phase->before_p50_ns, 0);
    add_cell_time(page, (double)phase->p50_ns, 0);
    add_cell_time(page, (double)phase->after_p50_ns, 0);
    add_cell_time(page, (double)phase->before_p99_ns, 0);
    add_cell_time(page, (double)phase->p99_ns, 0);
    add_cell_time(page, (double)phase->after_p99_ns, 0);
    if (phase->recovered_seconds < 0) {
        qb_page_add(page, "<td>not seen</td>");
    } else {
        qb_page_add(page, "<td>%.2f s</td>",
                    phase->recovered_seconds - phase->begun_seconds);
    }
    add_cell_text(page, phase->note);
    qb_page_add(page, "</tr>\n");
}

void qb_html_phases(struct qb_page *page, const struct qb_result *result)
{
    size_t count = 0;

    for (size_t i = 0; i < result->point_count; i++) {
        const struct qb_repetition *median =
            qb_point_median(&result->points[i]);

        for (size_t k = 0; median != NULL && k < median->phase_count; k++) {
            if (count++ == 0) {
                qb_page_add(
                    page,
                    "<h2>Phases</h2>\n<div class=\"wide\"><table><tr>"
                    "<th>load</th><th class=\"left\">what</th><th>at</th>"
                    "<th>longest gap</th><th>failed</th><th>p50 before</th>"
                    "<th>during</th><th>after</th><th>p99 before</th>"
                    "<th>during</th><th>after</th><th>normal after</th>"
                    "<th class=\"left\"></th></tr>\n");
            }
            add_phase(page, &result->points[i], &median->phases[k]);
        }
    }
    if (count > 0) {
        qb_page_add(page, "</table></div>\n");
    }
}

void qb_html_errors(struct qb_page *page, const struct qb_result *result)
{
    for (size_t i = 0; i < result->point_count; i++) {
        const struct qb_repetition *median =
            qb_point_median(&result->points[i]);

        for (size_t k = 0; median != NULL && k < median->track_count; k++) {
            const struct qb_errors *errors = &median->tracks[k].errors;
            char name[NAME_LEN];

            if (errors->count == 0) {
                continue;
            }
            qb_point_name(&result->points[i], name, sizeof name);
            qb_page_add(page, "<p><span class=\"bad\">");
            qb_page_count(page, (double)errors->count);
            qb_page_add(page, " failed</span> at ");
            qb_page_text(page, name);
            for (size_t code = 0; code < QB_CODES; code++) {
                if (errors->by_code[code] > 0) {
                    qb_page_add(page, "; %s: %" PRIu64, ql_code_name((int)code),
                                errors->by_code[code]);
                }
            }
            qb_page_add(page, ". The first: ");
            qb_page_text(page, errors->first);
            qb_page_add(page, "</p>\n");
        }
    }
}
