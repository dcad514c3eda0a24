/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Latency over time: the time of a measurement in slices of equal length, and in
 * each how many calls ended and how long they had taken. A worker records into
 * full histograms, one a slice; what is kept of them afterwards is a short row.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "util/histogram.h"

#define QB_SLICE_NS 100000000ull /* at least; longer runs have longer ones */
#define QB_SLICES_MAX 1200u      /* of one series */

struct qb_slice { /* calls that ended within it */
    uint64_t count;
    uint64_t failed;
    uint64_t p50_ns; /* of those that went well; 0: none */
    uint64_t p99_ns;
    uint64_t max_ns;
};

struct qb_series {
    uint64_t slice_ns;
    size_t count;
    struct qb_slice
        *slices; /* slice i begins i * slice_ns after the measurement;
                                the last one also has what ended after it */
};

/* Where one worker records. One thread writes; another may look at slices that
 * qb_recorder_done() says are complete. */
struct qb_recorder {
    uint64_t slice_ns;
    size_t count;
    struct histogram *histograms; /* one a slice */
    uint64_t *failed;
    size_t done; /* slices before it change no more; atomic */
};

/* QL_NO_MEMORY. Memory is used as slices fill, not before. */
int qb_recorder_init(struct qb_recorder *recorder, uint64_t duration_ns);
void qb_recorder_close(struct qb_recorder *recorder);
/* @at_ns: when it ended, since the measurement began. */
void qb_recorder_add(struct qb_recorder *recorder, uint64_t at_ns,
                     uint64_t latency_ns);
/* @count calls failed at @at_ns. */
void qb_recorder_fail(struct qb_recorder *recorder, uint64_t at_ns,
                      uint64_t count);
size_t qb_recorder_done(const struct qb_recorder *recorder);
/* Adds slice @index to @into; it is done, or its worker has ended. */
void qb_recorder_look(const struct qb_recorder *recorder, size_t index,
                      struct histogram *into);
/* Of @count recorders of one measurement, whose workers have ended: the whole, and
 * the rows of *ret_series, to be given to qb_series_close(). QL_NO_MEMORY. */
int qb_recorder_sum(const struct qb_recorder *const *recorders, size_t count,
                    struct histogram *ret_whole, struct qb_series *ret_series);
void qb_series_close(struct qb_series *series);
