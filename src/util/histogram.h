/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A high-dynamic-range histogram of times: fixed size, a stated relative error.
 *
 * Values are whole numbers of one unit, which the owner chooses; here it is the
 * nanosecond everywhere, and with it the range is 0 to 4.8 hours (2^44 - 1 ns);
 * what is longer counts as that. Below 256 every value has a bucket of its own;
 * above, each power of two is cut into 128 buckets, so a bucket is never wider
 * than 2^-7 of its lowest value. What percentiles say is therefore never below
 * the true value and less than 1/128 (0.79 %) above it. Count, sum, minimum and
 * maximum are exact. The idea is that of G. Tene's HdrHistogram.
 *
 * Recording is O(1): a count of leading zeros, two shifts and five stores.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BITS 7u /* a power of two has 2^7 buckets */
#define HISTOGRAM_RANGE_BITS 44u
#define HISTOGRAM_VALUE_MAX ((1ull << HISTOGRAM_RANGE_BITS) - 1u)
#define HISTOGRAM_BUCKETS                                                      \
    ((HISTOGRAM_RANGE_BITS - HISTOGRAM_BITS + 1u) << HISTOGRAM_BITS)

struct histogram {
    uint64_t count;
    uint64_t sum;
    uint64_t min; /* UINT64_MAX while it is empty */
    uint64_t max; /* 0 while it is empty */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* The number of the bucket that @value falls into; it is part of the wire's
 * format and of the reports' and never changes. */
static inline uint32_t histogram_index(uint64_t value)
{
    uint64_t capped = value < HISTOGRAM_VALUE_MAX ? value : HISTOGRAM_VALUE_MAX;
    uint32_t top =
        63u - (uint32_t)__builtin_clzll(capped | (1u << HISTOGRAM_BITS));
    uint32_t shift = top - HISTOGRAM_BITS;

    return (shift << HISTOGRAM_BITS) + (uint32_t)(capped >> shift);
}

/* Counts @value @times times. */
static inline void histogram_record_many(struct histogram *histogram,
                                         uint64_t value, uint64_t times)
{
    uint64_t capped = value < HISTOGRAM_VALUE_MAX ? value : HISTOGRAM_VALUE_MAX;

    histogram->buckets[histogram_index(capped)] += times;
    histogram->count += times;
    histogram->sum += capped * times;
    histogram->min = capped < histogram->min ? capped : histogram->min;
    histogram->max = capped > histogram->max ? capped : histogram->max;
}

static inline void histogram_record(struct histogram *histogram, uint64_t value)
{
    histogram_record_many(histogram, value, 1);
}

/* Empties it. A zeroed one is not an empty one. */
void histogram_init(struct histogram *histogram);
/* Adds all that @from counted. */
void histogram_merge(struct histogram *into, const struct histogram *from);
/* Leaves what was counted since @older, an earlier copy of the same histogram.
 * Minimum and maximum are then known no better than their buckets: they become
 * these buckets' bounds, but never lie outside of what they were. */
void histogram_subtract(struct histogram *from, const struct histogram *older);

/* The least value of which at least @percent percent (0 to 100) of the values
 * are no larger, rounded up to its bucket's end but not past the maximum. 0 when
 * it is empty; @percent 0 gives the minimum. */
uint64_t histogram_percentile(const struct histogram *histogram,
                              double percent);
/* 0 when it is empty. */
double histogram_mean(const struct histogram *histogram);

/* The least and the largest value of a bucket. */
uint64_t histogram_low(uint32_t index);
uint64_t histogram_high(uint32_t index);

/* The sparse form, for a wire or a page: the numbers and counts of the buckets
 * that are not empty, in rising order, beside sum, minimum and maximum. */

/* Buckets that are not empty. */
size_t histogram_used(const struct histogram *histogram);
/* Looks from bucket *@index on for one that is not empty. True: *index and
 * *ret_count tell it; go on with *index + 1. False: there is none. */
bool histogram_next(const struct histogram *histogram, uint32_t *index,
                    uint64_t *ret_count);
/* Takes one pair of the sparse form into a histogram that began empty; at the end
 * histogram_close_sparse() takes the rest. QL_INVALID: no such bucket, no count,
 * or the whole count does not fit 64 bits; nothing was taken. */
int histogram_put(struct histogram *histogram, uint32_t index, uint64_t count);
/* QL_INVALID: the three cannot belong to what was put; the histogram keeps the
 * buckets and has bounds made of them. */
int histogram_close_sparse(struct histogram *histogram, uint64_t sum,
                           uint64_t min, uint64_t max);
