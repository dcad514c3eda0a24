/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdio.h>

#include "qb_progress.h"
#include "qb_report.h"

#define CELL_LEN 32u
#define TRIPLE_LEN 64u

static void format_ns(uint64_t ns, char ret[CELL_LEN])
{
    if (ns == 0) {
        (void)snprintf(ret, CELL_LEN, "-");
    } else {
        qb_format_ns((double)ns, ret, CELL_LEN);
    }
}

/* Before, during and after it. */
static void format_triple(uint64_t before_ns, uint64_t during_ns,
                          uint64_t after_ns, char ret[TRIPLE_LEN])
{
    char before[CELL_LEN];
    char during[CELL_LEN];
    char after[CELL_LEN];

    format_ns(before_ns, before);
    format_ns(during_ns, during);
    format_ns(after_ns, after);
    (void)snprintf(ret, TRIPLE_LEN, "%.15s/ %.15s/ %.15s", before, during,
                   after);
}

static void print_phase(const struct qb_point *point,
                        const struct qb_phase_cost *phase, FILE *out)
{
    char p50[TRIPLE_LEN];
    char p99[TRIPLE_LEN];
    char gap[CELL_LEN] = "< 10 ms";
    char normal[CELL_LEN] = "not seen";
    char name[QB_NAME_MAX + 1];

    if (phase->outage_ns > 0) {
        format_ns(phase->outage_ns, gap);
    }
    if (phase->recovered_seconds >= 0) {
        (void)snprintf(normal, sizeof normal, "%.2f s",
                       phase->recovered_seconds - phase->begun_seconds);
    }
    format_triple(phase->before_p50_ns, phase->p50_ns, phase->after_p50_ns,
                  p50);
    format_triple(phase->before_p99_ns, phase->p99_ns, phase->after_p99_ns,
                  p99);
    qb_point_name(point, name, sizeof name);
    (void)fprintf(out, "%-13s %6.2f s %9s %27s %27s %9s %7llu\n", phase->what,
                  phase->begun_seconds, gap, p50, p99, normal,
                  (unsigned long long)phase->failed);
    (void)fprintf(out, "  %s: %s\n", name, phase->note);
}

/* Of failover: each took as long as its gap. */
static void print_rounds(const struct qb_repetition *repetition, FILE *out)
{
    char took[CELL_LEN];

    (void)fprintf(out, "\n%-13s %8s %9s\n", "round", "at", "took");
    for (size_t i = 0; i < repetition->phase_count; i++) {
        const struct qb_phase_cost *phase = &repetition->phases[i];

        format_ns(phase->outage_ns, took);
        (void)fprintf(out, "%-13zu %6.1f s %9s  %s\n", i + 1,
                      phase->begun_seconds, took, phase->note);
    }
}

void qb_phase_print(const struct qb_result *result, FILE *out)
{
    bool begun = false;

    if (result->options->mode == QB_FAILOVER) {
        print_rounds(&result->points[0].repetitions[0], out);
        return;
    }
    for (size_t i = 0; i < result->point_count; i++) {
        const struct qb_repetition *median =
            qb_point_median(&result->points[i]);

        for (size_t k = 0; median != NULL && k < median->phase_count; k++) {
            if (!begun) {
                (void)fprintf(out, "\n%-13s %8s %9s %27s %27s %9s %7s\n",
                              "phase", "at", "gap", "p50 before/during/after",
                              "p99 before/during/after", "normal in", "failed");
            }
            begun = true;
            print_phase(&result->points[i], &median->phases[k], out);
        }
    }
}
