/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/metrics.h"

#include <assert.h>
#include <stdlib.h>

#include "util/mem.h"

static const char *const counter_names[COUNTERS] = {
    [COUNTER_APPENDS] = "appends",
    [COUNTER_APPEND_ENTRIES] = "append_entries",
    [COUNTER_APPEND_BYTES] = "append_bytes",
    [COUNTER_READS] = "reads",
    [COUNTER_READ_ENTRIES] = "read_entries",
    [COUNTER_READ_BYTES] = "read_bytes",
    [COUNTER_COMMANDS] = "commands",
    [COUNTER_BATCHES] = "batches",
    [COUNTER_WAL_WRITES] = "wal_writes",
    [COUNTER_WAL_BYTES] = "wal_bytes",
    [COUNTER_ELECTIONS] = "elections",
    [COUNTER_TERMS_LED] = "terms_led",
};

struct histogram_row {
    const char *name;
    const char *unit;
};

static const struct histogram_row histogram_rows[HISTOGRAMS] = {
    [HISTOGRAM_DECODE] = {"append_decode", "ns"},
    [HISTOGRAM_BATCH] = {"append_batch", "ns"},
    [HISTOGRAM_WAL] = {"append_wal", "ns"},
    [HISTOGRAM_REPLICATE] = {"append_replicate", "ns"},
    [HISTOGRAM_APPLY] = {"append_apply", "ns"},
    [HISTOGRAM_REPLY] = {"append_reply", "ns"},
    [HISTOGRAM_TOTAL] = {"append_total", "ns"},
    [HISTOGRAM_WAL_SYNC] = {"wal_sync", "ns"},
    [HISTOGRAM_BATCH_COMMANDS] = {"batch_commands", ""},
};

/* Of a zeroed histogram only the least value differs from that of an empty one:
 * pages of buckets that nothing falls into are never touched. */
struct metrics *metrics_new(void)
{
    struct metrics *metrics = mem_must_zalloc(sizeof *metrics);

    for (unsigned i = 0; i < HISTOGRAMS; i++) {
        metrics->histograms[i].min = UINT64_MAX;
    }
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    free(metrics);
}

void metrics_refused(struct metrics *metrics, int code)
{
    assert(code > 0);
    assert(code < (int)METRIC_CODES);
    metrics->refusals[code]++;
}

const char *metric_counter_name(enum metric_counter counter)
{
    assert(counter < COUNTERS);
    return counter_names[counter];
}

const char *metric_histogram_name(enum metric_histogram histogram)
{
    assert(histogram < HISTOGRAMS);
    return histogram_rows[histogram].name;
}

const char *metric_histogram_unit(enum metric_histogram histogram)
{
    assert(histogram < HISTOGRAMS);
    return histogram_rows[histogram].unit;
}
