/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Leaves nothing behind when a person ends a run early. */
#pragma once

#include "qb_bench.h"

/* SIGINT, SIGTERM and SIGHUP: from now on a thread waits for them, cleans up as
 * qb_bench_close() does and ends the process. To be called before other threads are
 * made, as they must not get these signals. */
int qb_cleanup_on_signals(struct qb_bench *bench, struct err *err);
/* The main thread cleans up itself: a signal from now on changes nothing. */
void qb_cleanup_begin(void);
