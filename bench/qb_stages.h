/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Where the time of appends goes, as their leader counts it. */
#pragma once

#include "qb_bench.h"

struct ql_node_metrics;

/* What the node that leads has counted until now; NULL: it does not tell, which is
 * no failure. The caller's to ql_node_metrics_free(). */
struct ql_node_metrics *qb_stages_look(struct qb_bench *bench);
/* The stages of the appends since @older; NULL when none was counted, or another
 * node leads now. The caller's to free(). */
struct qb_stages *qb_stages_since(struct qb_bench *bench,
                                  const struct ql_node_metrics *older);
