/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The frame of a chart in SVG: a linear axis to the right, times upwards on a
 * logarithmic one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "qb_page.h"

#define QB_CHART_WIDTH 960.0
#define QB_CHART_HEIGHT 320.0
#define QB_CHART_COLOURS 8u /* classes c0 and so on of the style */

struct qb_chart {
    struct qb_page *page;
    double x_from;
    double x_to;
    double y_from; /* ns, rounded outwards */
    double y_to;
    bool pen_down; /* in a line */
};

/* Opens the figure; @caption is escaped. What has no range gets one. */
void qb_chart_begin(struct qb_chart *chart, struct qb_page *page,
                    const char *caption);
/* Times are marked and have names. */
void qb_chart_draw_y(struct qb_chart *chart);
/* A mark below at @x, with a line upwards; @name is escaped. */
void qb_chart_mark_x(struct qb_chart *chart, double x, const char *name);
double qb_chart_x(const struct qb_chart *chart, double x);
double qb_chart_y(const struct qb_chart *chart, double ns);
/* A line through the points that follow; ns 0 breaks it. */
void qb_chart_line_begin(struct qb_chart *chart, const char *line_class);
void qb_chart_line_to(struct qb_chart *chart, double x, double ns);
void qb_chart_line_end(struct qb_chart *chart);
/* From side to side; nothing for a time of 0 or outside. */
void qb_chart_level(struct qb_chart *chart, double ns, const char *name);
void qb_chart_end(struct qb_chart *chart);
/* One entry of a legend, which is a <p> of the caller's. */
void qb_chart_key(struct qb_page *page, const char *key_class,
                  const char *name);
