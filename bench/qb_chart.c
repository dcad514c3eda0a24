/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_chart.h"

#include <math.h>

#define LEFT 70.0
#define RIGHT 66.0 /* where levels have their names */
#define TOP 12.0
#define BOTTOM 34.0
#define DECADES_FINE 3.0 /* more have a mark at 1 only, not at 1, 2 and 5 */

static double round_down(double ns);
static double round_up(double ns);
static double next_mark(double ns, bool fine);

void qb_chart_begin(struct qb_chart *chart, struct qb_page *page,
                    const char *caption)
{
    chart->page = page;
    chart->y_from = round_down(chart->y_from > 0 ? chart->y_from : 1e3);
    chart->y_to =
        round_up(chart->y_to > chart->y_from ? chart->y_to : chart->y_from * 2);
    if (chart->x_to <= chart->x_from) {
        chart->x_to = chart->x_from + 1;
    }
    qb_page_add(page, "<figure><figcaption>");
    qb_page_text(page, caption);
    qb_page_add(page,
                "</figcaption>\n<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\">"
                "<title>",
                QB_CHART_WIDTH, QB_CHART_HEIGHT);
    qb_page_text(page, caption);
    qb_page_add(page, "</title>\n");
}

double qb_chart_x(const struct qb_chart *chart, double x)
{
    double part = (x - chart->x_from) / (chart->x_to - chart->x_from);

    part = part < 0 ? 0 : part > 1 ? 1 : part;
    return LEFT + part * (QB_CHART_WIDTH - LEFT - RIGHT);
}

double qb_chart_y(const struct qb_chart *chart, double ns)
{
    double part =
        log10(ns / chart->y_from) / log10(chart->y_to / chart->y_from);

    part = part < 0 ? 0 : part > 1 ? 1 : part;
    return QB_CHART_HEIGHT - BOTTOM - part * (QB_CHART_HEIGHT - TOP - BOTTOM);
}

void qb_chart_draw_y(struct qb_chart *chart)
{
    bool fine = log10(chart->y_to / chart->y_from) <= DECADES_FINE;

    for (double ns = chart->y_from; ns <= chart->y_to * 1.001;
         ns = next_mark(ns, fine)) {
        double y = qb_chart_y(chart, ns);

        qb_page_add(chart->page,
                    "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
                    "y2=\"%.1f\"/><text class=\"tick end\" x=\"%.1f\" "
                    "y=\"%.1f\">",
                    LEFT, y, QB_CHART_WIDTH - RIGHT, y, LEFT - 8, y + 4);
        if (ns < 0.999e6) {
            qb_page_add(chart->page, "%.0f µs</text>\n", ns / 1e3);
        } else if (ns < 0.999e9) {
            qb_page_add(chart->page, "%.0f ms</text>\n", ns / 1e6);
        } else {
            qb_page_add(chart->page, "%.0f s</text>\n", ns / 1e9);
        }
    }
}

void qb_chart_mark_x(struct qb_chart *chart, double x, const char *name)
{
    double at = qb_chart_x(chart, x);

    qb_page_add(chart->page,
                "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
                "y2=\"%.1f\"/><text class=\"tick middle\" x=\"%.1f\" "
                "y=\"%.1f\">",
                at, TOP, at, QB_CHART_HEIGHT - BOTTOM, at,
                QB_CHART_HEIGHT - BOTTOM + 20);
    qb_page_text(chart->page, name);
    qb_page_add(chart->page, "</text>\n");
}

void qb_chart_line_begin(struct qb_chart *chart, const char *line_class)
{
    chart->pen_down = false;
    qb_page_add(chart->page, "<path class=\"line %s\" d=\"", line_class);
}

void qb_chart_line_to(struct qb_chart *chart, double x, double ns)
{
    if (ns <= 0) {
        chart->pen_down = false;
        return;
    }
    /* A point with nothing on either side is still to be seen. */
    qb_page_add(chart->page, "%s%.1f %.1f", chart->pen_down ? "L" : "M",
                qb_chart_x(chart, x), qb_chart_y(chart, ns));
    qb_page_add(chart->page, "%s", chart->pen_down ? "" : "h.1");
    chart->pen_down = true;
}

void qb_chart_line_end(struct qb_chart *chart)
{
    qb_page_add(chart->page, "\"/>\n");
}

void qb_chart_level(struct qb_chart *chart, double ns, const char *name)
{
    double y;

    if (ns < chart->y_from || ns > chart->y_to) {
        return;
    }
    y = qb_chart_y(chart, ns);
    qb_page_add(chart->page,
                "<line class=\"level\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
                "y2=\"%.1f\"/><text class=\"levelname\" x=\"%.1f\" "
                "y=\"%.1f\">",
                LEFT, y, QB_CHART_WIDTH - RIGHT, y, QB_CHART_WIDTH - RIGHT + 6,
                y + 4);
    qb_page_text(chart->page, name);
    qb_page_add(chart->page, "</text>\n");
}

void qb_chart_end(struct qb_chart *chart)
{
    qb_page_add(chart->page, "</svg></figure>\n");
}

void qb_chart_key(struct qb_page *page, const char *key_class, const char *name)
{
    qb_page_add(page,
                "<span class=\"key\"><svg viewBox=\"0 0 24 10\" "
                "aria-hidden=\"true\"><path class=\"line %s\" d=\"M1 5H23\"/>"
                "</svg>",
                key_class);
    qb_page_text(page, name);
    qb_page_add(page, "</span>\n");
}

/* To 1, 2 or 5 times a power of ten. */
static double round_down(double ns)
{
    double decade = pow(10, floor(log10(ns) + 1e-9));
    double digit = ns / decade + 1e-9;

    return decade * (digit >= 5 ? 5 : digit >= 2 ? 2 : 1);
}

static double round_up(double ns)
{
    double down = round_down(ns);

    return down * 1.0001 >= ns ? down : next_mark(down, true);
}

static double next_mark(double ns, bool fine)
{
    double decade = pow(10, floor(log10(ns) + 1e-9));
    double digit = ns / decade;

    if (!fine || digit > 4.5) {
        return decade * 10;
    }
    return digit > 1.5 ? decade * 5 : decade * 2;
}
