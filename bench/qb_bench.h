/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the parts of quorlog-bench share: the cluster that is measured, the logs
 * and the data of the calls, and what was found. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "qb_cluster.h"
#include "qb_data.h"
#include "qb_logs.h"
#include "qb_options.h"
#include "qb_report.h"

#include "quorlog.h"
#include "util/err.h"

struct qb_watch;

struct qb_bench {
    struct qb_options options;
    struct qb_result result;
    struct qb_cluster cluster; /* node_count 0: it is not ours */
    char endpoints[QB_ENDPOINTS_MAX + 1];
    char dir[PATH_LEN_MAX];  /* of our cluster's data; "": none was made */
    struct ql_client *admin; /* for calls that block, of the main thread */
    struct qb_logs logs;
    struct qb_data data;
};

/* Starts a cluster or finds the given one, measures the floor, makes and fills the
 * logs. Whatever it returns, qb_bench_close() is next. */
int qb_bench_open(struct qb_bench *bench, const struct qb_options *options,
                  struct err *err);
/* Deletes the logs and ends the cluster; with --keep it says where they are. From
 * any thread, when no other uses @bench any more or the process ends at once. */
void qb_bench_close(struct qb_bench *bench);

/* Of our own cluster: the node that leads; waits for one. NULL: the cluster is not
 * ours, or nobody came to lead within 30 s. */
struct qb_node *qb_bench_leader(struct qb_bench *bench);
/* Measures all points of the options with qb_load_run(), repetitions and all,
 * into bench->result. @watch: for each repetition, or NULL. */
int qb_bench_points(struct qb_bench *bench, struct qb_watch *watch,
                    struct err *err);
/* A new point of the result, of @outstanding calls, with room for the repetitions
 * of the options; or NULL. */
struct qb_point *qb_bench_point(struct qb_bench *bench, uint64_t outstanding,
                                struct err *err);
/* QL_* of the first failed call when nothing went well at all in @repetition. */
int qb_bench_judge(const struct qb_repetition *repetition, struct err *err);
