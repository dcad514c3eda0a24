/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The metrics that a program is told: one piece of memory with all that they point
 * to. Those who make one return NULL when there is no memory. */
#pragma once

#include "quorlog.h"
#include "wire/args_metrics.h"

/* Copies @result. */
struct ql_node_metrics *metrics_told_new(const struct metrics_result *result);
struct ql_node_metrics *metrics_told_copy(
    const struct ql_node_metrics *metrics);
/* Accepts NULL. */
void metrics_told_free(struct ql_node_metrics *metrics);

/* From its buckets. */
void metrics_told_percentiles(struct ql_metric_histogram *histogram);
