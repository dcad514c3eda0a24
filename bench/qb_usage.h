/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the nodes that we started took of the machine meanwhile. */
#pragma once

#include "qb_bench.h"

struct qb_usage {
    double cpu_seconds[MEMBERS_MAX]; /* at the beginning */
    pid_t pids[MEMBERS_MAX];
};

void qb_usage_begin(struct qb_usage *usage, const struct qb_bench *bench);
/* Fills the nodes of @repetition. One that was started again meanwhile counts from
 * its new beginning. */
void qb_usage_end(const struct qb_usage *usage, const struct qb_bench *bench,
                  struct qb_repetition *repetition);
