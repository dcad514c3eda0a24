/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_stages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quorlog.h"

/* The histograms of sampled appends; the rest of the name is the stage's. */
#define PREFIX "append_"

static void take(struct qb_stages *stages,
                 const struct ql_metric_histogram *from);

struct ql_node_metrics *qb_stages_look(struct qb_bench *bench)
{
    struct ql_cluster_status status;
    struct ql_node_metrics *metrics;

    if (ql_cluster_status(bench->admin, NULL, &status, NULL) != 0) {
        return NULL;
    }
    for (size_t i = 0; i < status.member_count; i++) {
        const struct ql_member *member = &status.members[i];

        if (member->id == status.leader_id &&
            ql_node_metrics(bench->admin, member->client_address, &metrics,
                            NULL) == 0) {
            return metrics;
        }
    }
    return NULL;
}

struct qb_stages *qb_stages_since(struct qb_bench *bench,
                                  const struct ql_node_metrics *older)
{
    struct ql_node_metrics *newer = qb_stages_look(bench);
    struct ql_node_metrics *between = NULL;
    struct qb_stages *stages = NULL;

    if (older != NULL && newer != NULL &&
        ql_node_metrics_since(older, newer, &between, NULL) == 0) {
        stages = calloc(1, sizeof *stages);
    }
    for (size_t i = 0; stages != NULL && i < between->histogram_count; i++) {
        take(stages, &between->histograms[i]);
    }
    if (stages != NULL && stages->count == 0) {
        free(stages);
        stages = NULL;
    }
    ql_node_metrics_free(between);
    ql_node_metrics_free(newer);
    return stages;
}

static void take(struct qb_stages *stages,
                 const struct ql_metric_histogram *from)
{
    struct qb_stage *stage = &stages->stages[stages->count];

    if (strncmp(from->name, PREFIX, strlen(PREFIX)) != 0 ||
        strcmp(from->unit, "ns") != 0 || from->count == 0 ||
        stages->count == QB_STAGES_MAX) {
        return;
    }
    (void)snprintf(stage->name, sizeof stage->name, "%.60s",
                   from->name + strlen(PREFIX));
    histogram_init(&stage->times);
    for (size_t i = 0; i < from->bucket_count; i++) {
        const struct ql_metric_bucket *bucket = &from->buckets[i];

        if (histogram_put(&stage->times, histogram_index(bucket->low),
                          bucket->count) != 0) {
            return;
        }
    }
    if (histogram_close_sparse(&stage->times, from->sum, from->min,
                               from->max) == 0) {
        stages->count++;
    }
}
