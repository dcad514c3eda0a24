/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_series.h"

#include <assert.h>
#include <stdlib.h>

#include "quorlog.h"

static size_t slice_at(struct qb_recorder *recorder, uint64_t at_ns);
static struct qb_slice row_of(const struct histogram *histogram,
                              uint64_t failed);

int qb_recorder_init(struct qb_recorder *recorder, uint64_t duration_ns)
{
    uint64_t slices = (duration_ns + QB_SLICE_NS - 1) / QB_SLICE_NS;

    *recorder = (struct qb_recorder){.slice_ns = QB_SLICE_NS};
    if (slices > QB_SLICES_MAX) {
        recorder->slice_ns = (duration_ns + QB_SLICES_MAX - 1) / QB_SLICES_MAX;
        slices = QB_SLICES_MAX;
    }
    /* One more for what ends after the time that is measured. */
    recorder->count = (size_t)slices + 1;
    recorder->failed = calloc(recorder->count, sizeof *recorder->failed);
    recorder->histograms =
        calloc(recorder->count, sizeof *recorder->histograms);
    if (recorder->failed == NULL || recorder->histograms == NULL) {
        qb_recorder_close(recorder);
        return QL_NO_MEMORY;
    }
    return 0;
}

void qb_recorder_close(struct qb_recorder *recorder)
{
    free(recorder->histograms);
    free(recorder->failed);
    *recorder = (struct qb_recorder){.count = 0};
}

void qb_recorder_add(struct qb_recorder *recorder, uint64_t at_ns,
                     uint64_t latency_ns)
{
    struct histogram *histogram =
        &recorder->histograms[slice_at(recorder, at_ns)];

    /* Zeroed memory that was never touched: no page of it exists yet. */
    if (histogram->count == 0) {
        histogram->min = UINT64_MAX;
    }
    histogram_record(histogram, latency_ns);
}

void qb_recorder_fail(struct qb_recorder *recorder, uint64_t at_ns,
                      uint64_t count)
{
    recorder->failed[slice_at(recorder, at_ns)] += count;
}

size_t qb_recorder_done(const struct qb_recorder *recorder)
{
    return __atomic_load_n(&recorder->done, __ATOMIC_ACQUIRE);
}

void qb_recorder_look(const struct qb_recorder *recorder, size_t index,
                      struct histogram *into)
{
    assert(index < recorder->count);
    if (recorder->histograms[index].count > 0) {
        histogram_merge(into, &recorder->histograms[index]);
    }
}

int qb_recorder_sum(const struct qb_recorder *const *recorders, size_t count,
                    struct histogram *ret_whole, struct qb_series *ret_series)
{
    size_t slices = count > 0 ? recorders[0]->count : 0;
    struct histogram *one = malloc(sizeof *one);

    *ret_series = (struct qb_series){
        .slice_ns = count > 0 ? recorders[0]->slice_ns : QB_SLICE_NS,
        .count = slices,
        .slices = calloc(slices + 1, sizeof *ret_series->slices)};
    if (one == NULL || ret_series->slices == NULL) {
        free(one);
        qb_series_close(ret_series);
        return QL_NO_MEMORY;
    }
    histogram_init(ret_whole);
    for (size_t i = 0; i < slices; i++) {
        uint64_t failed = 0;

        histogram_init(one);
        for (size_t j = 0; j < count; j++) {
            assert(recorders[j]->count == slices);
            qb_recorder_look(recorders[j], i, one);
            failed += recorders[j]->failed[i];
        }
        ret_series->slices[i] = row_of(one, failed);
        histogram_merge(ret_whole, one);
    }
    free(one);
    return 0;
}

void qb_series_close(struct qb_series *series)
{
    free(series->slices);
    *series = (struct qb_series){.count = 0};
}

static size_t slice_at(struct qb_recorder *recorder, uint64_t at_ns)
{
    uint64_t number = at_ns / recorder->slice_ns;
    size_t slice =
        number < recorder->count ? (size_t)number : recorder->count - 1;

    /* What another thread may look at must not change any more. */
    if (slice > recorder->done) {
        __atomic_store_n(&recorder->done, slice, __ATOMIC_RELEASE);
    }
    return slice;
}

static struct qb_slice row_of(const struct histogram *histogram,
                              uint64_t failed)
{
    return (struct qb_slice){
        .count = histogram->count,
        .failed = failed,
        .p50_ns = histogram_percentile(histogram, 50),
        .p99_ns = histogram_percentile(histogram, 99),
        .max_ns = histogram->max,
    };
}
