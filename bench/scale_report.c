/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "scale_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "scale_process.h"

/* The last is for what does not fit, which is a mistake of ours. */
struct scale_row *scale_report_add(struct scale_report *report, double value,
                                   const char *unit, const char *format, ...)
{
    struct scale_row *row = &report->rows[report->count];
    va_list args;

    if (report->count + 1 == SCALE_ROWS_MAX) {
        scale_fail("too many figures");
    }
    report->count++;
    *row = (struct scale_row){.value = value, .unit = unit};
    va_start(args, format);
    (void)vsnprintf(row->what, sizeof row->what, format, args);
    va_end(args);
    (void)fprintf(stderr, "  %s: %.2f %s\n", row->what, value, unit);
    return row;
}

static bool is_missed(const struct scale_row *row)
{
    return (row->most > 0 && row->value > row->most) ||
           (row->least > 0 && row->value < row->least);
}

static const char *verdict(const struct scale_row *row)
{
    if (row->most == 0 && row->least == 0) {
        return "";
    }
    if (row->value < 0) {
        return "not known";
    }
    return is_missed(row) ? "MISSED" : "met";
}

static void print_row(const struct scale_row *row)
{
    char value[48] = "-";
    char goal[32] = "";
    char floor[96] = "";

    if (row->value >= 0) {
        (void)snprintf(value, sizeof value, "%.2f", row->value);
    }
    if (row->most > 0) {
        (void)snprintf(goal, sizeof goal, "<= %g", row->most);
    } else if (row->least > 0) {
        (void)snprintf(goal, sizeof goal, ">= %g", row->least);
    }
    if (row->floor > 0) {
        (void)snprintf(floor, sizeof floor, "%.2f (%s)", row->floor,
                       row->floor_what);
    }
    printf("%-62s %10s %-9s %-8s %-9s %s\n", row->what, value, row->unit, goal,
           verdict(row), floor);
}

static void print_json(const struct scale_row *row, bool last)
{
    printf("  {\"what\": \"%s\", \"unit\": \"%s\", \"value\": ", row->what,
           row->unit);
    if (row->value >= 0) {
        printf("%.4f", row->value);
    } else {
        printf("null");
    }
    if (row->floor > 0) {
        printf(", \"floor\": %.4f, \"floor_what\": \"%s\"", row->floor,
               row->floor_what);
    }
    if (row->most > 0) {
        printf(", \"at_most\": %g", row->most);
    }
    if (row->least > 0) {
        printf(", \"at_least\": %g", row->least);
    }
    if ((row->most > 0 || row->least > 0) && row->value >= 0) {
        printf(", \"met\": %s", is_missed(row) ? "false" : "true");
    }
    printf("}%s\n", last ? "" : ",");
}

void scale_report_print(const struct scale_report *report, bool json)
{
    if (json) {
        printf("[\n");
    } else {
        printf("%-62s %10s %-9s %-8s %-9s %s\n", "what", "value", "", "wanted",
               "", "floor of this run");
    }
    for (size_t i = 0; i < report->count; i++) {
        if (json) {
            print_json(&report->rows[i], i + 1 == report->count);
        } else {
            print_row(&report->rows[i]);
        }
    }
    if (json) {
        printf("]\n");
    }
}

static int compare(const void *left, const void *right)
{
    const double *a = left;
    const double *b = right;

    return *a < *b ? -1 : *a > *b;
}

double scale_median(double *values, size_t count)
{
    if (count == 0) {
        return 0;
    }
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}
