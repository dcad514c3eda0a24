/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * server.metrics {} -> {node, role, term, uptime_ms, counters, refusals,
 * histograms}: what a node has counted of itself since its start.
 *
 * counters and refusals are arrays of {name, value}; those of refusals are named
 * by their code. histograms is an array of {name, unit, sum, min, max, buckets},
 * with buckets as [index, count, index, count ...] in rising order: those that are
 * not empty, numbered as in util/histogram.h. Names may be added.
 */
#pragma once

#include "util/buf.h"
#include "util/err.h"
#include "util/histogram.h"
#include "util/limits.h"

struct metrics_number {
    struct bytes name;
    uint64_t value;
};

struct metrics_histogram {
    struct bytes name;
    struct bytes unit;                 /* "ns"; len 0: a mere number */
    const struct histogram *histogram; /* the result's when decoded */
};

struct metrics_result {
    uint64_t node;
    uint32_t role; /* enum ql_role */
    uint64_t term;
    uint64_t uptime_ms;
    size_t counters_count;
    size_t refusals_count;
    size_t histograms_count;
    struct metrics_number counters[METRICS_NUMBERS_MAX];
    struct metrics_number refusals[METRICS_NUMBERS_MAX];
    struct metrics_histogram histograms[METRICS_HISTOGRAMS_MAX];
    struct histogram *decoded; /* owned; NULL when nothing was decoded */
};

/* On success the caller must metrics_result_close() it. QL_NO_MEMORY possible. */
int metrics_result_decode(struct metrics_result *ret, struct bytes result,
                          struct err *err);
void metrics_result_close(struct metrics_result *result);
int metrics_result_encode(const struct metrics_result *result, struct buf *buf);
