/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Figures, each with its floor and what is wanted of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SCALE_ROWS_MAX 128u

struct scale_row {
    char what[96];
    const char *unit;
    double value; /* below 0: not known */
    double floor; /* 0: there is none */
    const char *floor_what;
    double most; /* wanted at most; 0: nothing wanted */
    double least;
};

struct scale_report {
    size_t count;
    struct scale_row rows[SCALE_ROWS_MAX];
};

/* The row, for what more is to be said of it. What is found is said at once on
 * stderr, too. */
struct scale_row *scale_report_add(struct scale_report *report, double value,
                                   const char *unit, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void scale_report_print(const struct scale_report *report, bool json);
/* The one in the middle; sorts them. 0 of none. */
double scale_median(double *values, size_t count);
