/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * One measurement: threads that make calls, each with clients of its own, for the
 * warm-up and the time that is measured; meanwhile the caller's thread draws the
 * progress and does what a watch asks for.
 */
#pragma once

#include <stdint.h>

#include "qb_bench.h"
#include "qb_report.h"

#include "util/err.h"

/* Told by the main thread, beside the load: each may block, calls included; then
 * only the progress waits. */
struct qb_watch {
    void *data;
    /* The measured time begins now, CLOCK_MONOTONIC. May be NULL, as the others. */
    void (*begin)(void *data, uint64_t begun_ns);
    /* About every 10 ms from then on, until the measured time is over. */
    void (*tick)(void *data, uint64_t now_ns);
    /* All calls have ended; the tracks are complete. @recorders are the workers'
     * of the main track. */
    void (*end)(void *data, struct qb_repetition *repetition,
                const struct qb_recorder *const *recorders, size_t count);
};

struct qb_load {
    struct qb_bench *bench;
    uint64_t outstanding; /* of all connections */
    double rate;          /* a second; 0: closed loop */
    uint64_t warmup_ms;
    uint64_t duration_ms;
    struct qb_watch *watch; /* or NULL */
    const char *label;      /* for the progress: "16 outstanding, 2 of 3" */
};

/* Fills *ret, to be given to qb_repetition_close(). Calls that fail are counted
 * in it; an error is returned when the load itself cannot go on: QL_NO_MEMORY,
 * QL_CONNECT, QL_INVALID. */
int qb_load_run(const struct qb_load *load, struct qb_repetition *ret,
                struct err *err);
