/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What a node counts of itself while it runs, for server.metrics: counters that
 * only grow, and histograms. One loop thread, so no locks; nothing here
 * allocates once it is made.
 */
#pragma once

#include <stdint.h>

#include "quorlog.h"
#include "util/histogram.h"

/* The names and what they mean: metric_counter_name() and docs/protocol.md,
 * server.metrics. The order is that of the answer. */
enum metric_counter {
    COUNTER_APPENDS, /* answered with success; so are those below */
    COUNTER_APPEND_ENTRIES,
    COUNTER_APPEND_BYTES, /* of the params */
    COUNTER_READS,
    COUNTER_READ_ENTRIES,
    COUNTER_READ_BYTES, /* of keys and values */
    COUNTER_COMMANDS,   /* that went into a batch of this node */
    COUNTER_BATCHES,
    COUNTER_WAL_WRITES,
    COUNTER_WAL_BYTES, /* as they were written, in whole blocks */
    COUNTER_ELECTIONS, /* this node stood in */
    COUNTER_TERMS_LED,
    COUNTERS
};

enum metric_histogram {
    /* The way of an append, see stages.h. */
    HISTOGRAM_DECODE,
    HISTOGRAM_BATCH,
    HISTOGRAM_WAL,
    HISTOGRAM_REPLICATE,
    HISTOGRAM_APPLY,
    HISTOGRAM_REPLY,
    HISTOGRAM_TOTAL,
    HISTOGRAM_WAL_SYNC, /* one write of the raft log, until it is synced */
    HISTOGRAM_BATCH_COMMANDS, /* commands in a batch; no time */
    HISTOGRAMS
};

/* Codes are below it (quorlog.h). */
#define METRIC_CODES 64u

struct metrics {
    uint64_t counters[COUNTERS];
    uint64_t refusals[METRIC_CODES]; /* calls answered with that code */
    struct histogram histograms[HISTOGRAMS];
};

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

static inline void metrics_add(struct metrics *metrics,
                               enum metric_counter counter, uint64_t more)
{
    metrics->counters[counter] += more;
}

static inline void metrics_record(struct metrics *metrics,
                                  enum metric_histogram histogram,
                                  uint64_t value)
{
    histogram_record(&metrics->histograms[histogram], value);
}

/* A call was answered with @code, not 0. */
void metrics_refused(struct metrics *metrics, int code);

/* As they are called on the wire. Static storage. */
const char *metric_counter_name(enum metric_counter counter);
const char *metric_histogram_name(enum metric_histogram histogram);
/* "ns", or "" for a mere number. */
const char *metric_histogram_unit(enum metric_histogram histogram);
