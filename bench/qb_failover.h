/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * How long a cluster of our own takes no appends when its leader dies by SIGKILL,
 * or falls silent by SIGSTOP, again and again. The time is that from the signal to
 * the first acknowledged append that was begun after it, as a client sees it that
 * repeats what failed.
 */
#pragma once

#include "qb_bench.h"

#include "util/err.h"

/* Fills bench->result: one point of one repetition, whose first track has the
 * times. QL_TIMEOUT: no append was acknowledged within a minute, or the node does
 * not catch up afterwards. */
int qb_failover_run(struct qb_bench *bench, struct err *err);
