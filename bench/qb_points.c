/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* All measurements of a run, one after the other. */
#include <stdio.h>
#include <stdlib.h>

#include "qb_bench.h"
#include "qb_load.h"
#include "qb_stages.h"

static int run_point(struct qb_bench *bench, struct qb_watch *watch,
                     uint64_t outstanding, struct err *err);

int qb_bench_points(struct qb_bench *bench, struct qb_watch *watch,
                    struct err *err)
{
    int rv = 0;

    for (size_t i = 0; rv == 0 && i < bench->options.outstanding_count; i++) {
        rv = run_point(bench, watch, bench->options.outstanding[i], err);
    }
    return rv;
}

struct qb_point *qb_bench_point(struct qb_bench *bench, uint64_t outstanding,
                                struct err *err)
{
    struct qb_result *result = &bench->result;
    struct qb_point *point;

    if (result->points == NULL) {
        result->points = calloc(QB_POINTS_MAX, sizeof *result->points);
    }
    if (result->points == NULL || result->point_count == QB_POINTS_MAX) {
        (void)err_set(err, QL_NO_MEMORY, "out of memory");
        return NULL;
    }
    point = &result->points[result->point_count];
    if (qb_point_init(point, outstanding, (size_t)bench->options.repetitions) !=
        0) {
        (void)err_set(err, QL_NO_MEMORY, "out of memory");
        return NULL;
    }
    result->point_count++;
    return point;
}

static int run_point(struct qb_bench *bench, struct qb_watch *watch,
                     uint64_t outstanding, struct err *err)
{
    struct qb_point *point = qb_bench_point(bench, outstanding, err);
    char label[64];
    struct qb_load load = {.bench = bench,
                           .outstanding = outstanding,
                           .rate = (double)bench->options.rate,
                           .warmup_ms = bench->options.warmup_ms,
                           .duration_ms = bench->options.duration_ms,
                           .watch = watch,
                           .label = label};
    struct ql_node_metrics *before;
    int rv = 0;

    if (point == NULL) {
        return err->code;
    }
    before = qb_stages_look(bench);
    for (uint64_t i = 0; rv == 0 && i < bench->options.repetitions; i++) {
        struct qb_repetition *repetition =
            &point->repetitions[point->repetition_count];

        (void)snprintf(
            label, sizeof label, "%s, %llu outstanding, %llu of %llu",
            qb_mode_name(bench->options.mode), (unsigned long long)outstanding,
            (unsigned long long)i + 1,
            (unsigned long long)bench->options.repetitions);
        rv = qb_load_run(&load, repetition, err);
        if (rv == 0) {
            point->repetition_count++;
            rv = qb_bench_judge(repetition, err);
        }
        if (rv == 0) {
            rv = qb_cluster_check(&bench->cluster, err);
        }
    }
    qb_point_choose(point);
    point->stages = qb_stages_since(bench, before);
    ql_node_metrics_free(before);
    return rv;
}
