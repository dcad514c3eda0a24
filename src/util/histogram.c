/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "util/histogram.h"

#include <assert.h>
#include <string.h>

#include "quorlog.h"

#define RANK_ROUNDING 1e-14

static void bound_by_buckets(struct histogram *histogram);

void histogram_init(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
    histogram->min = UINT64_MAX;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        into->buckets[i] += from->buckets[i];
    }
    into->count += from->count;
    into->sum += from->sum;
    into->min = from->min < into->min ? from->min : into->min;
    into->max = from->max > into->max ? from->max : into->max;
}

void histogram_subtract(struct histogram *from, const struct histogram *older)
{
    uint64_t min = from->min;
    uint64_t max = from->max;

    assert(from->count >= older->count);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        assert(from->buckets[i] >= older->buckets[i]);
        from->buckets[i] -= older->buckets[i];
    }
    from->count -= older->count;
    from->sum -= older->sum;
    bound_by_buckets(from);
    if (from->count > 0) {
        from->min = from->min > min ? from->min : min;
        from->max = from->max < max ? from->max : max;
    }
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
    /* Less what a double rounds, or a rank that is a whole number, like 99.9 % of
     * 41,000, could become the next one. */
    double wanted =
        (double)histogram->count * percent / 100 * (1 - RANK_ROUNDING);
    uint64_t seen = 0;

    if (histogram->count == 0) {
        return 0;
    }
    if (percent <= 0) {
        return histogram->min;
    }
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if ((double)seen >= wanted) {
            uint64_t high = histogram_high(i);

            return high < histogram->max ? high : histogram->max;
        }
    }
    return histogram->max;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->count == 0
               ? 0
               : (double)histogram->sum / (double)histogram->count;
}

uint64_t histogram_low(uint32_t index)
{
    uint32_t row = index >> HISTOGRAM_BITS;
    uint32_t shift = row > 0 ? row - 1 : 0;

    assert(index < HISTOGRAM_BUCKETS);
    return (uint64_t)(index - (shift << HISTOGRAM_BITS)) << shift;
}

uint64_t histogram_high(uint32_t index)
{
    uint32_t row = index >> HISTOGRAM_BITS;
    uint32_t shift = row > 0 ? row - 1 : 0;

    return histogram_low(index) + (1ull << shift) - 1;
}

size_t histogram_used(const struct histogram *histogram)
{
    size_t used = 0;

    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        used += histogram->buckets[i] > 0 ? 1 : 0;
    }
    return used;
}

bool histogram_next(const struct histogram *histogram, uint32_t *index,
                    uint64_t *ret_count)
{
    for (uint32_t i = *index; i < HISTOGRAM_BUCKETS; i++) {
        if (histogram->buckets[i] > 0) {
            *index = i;
            *ret_count = histogram->buckets[i];
            return true;
        }
    }
    return false;
}

int histogram_put(struct histogram *histogram, uint32_t index, uint64_t count)
{
    if (index >= HISTOGRAM_BUCKETS || count == 0 ||
        count > UINT64_MAX - histogram->count) {
        return QL_INVALID;
    }
    histogram->buckets[index] += count;
    histogram->count += count;
    return 0;
}

int histogram_close_sparse(struct histogram *histogram, uint64_t sum,
                           uint64_t min, uint64_t max)
{
    double least = 0;
    double most = 0;

    bound_by_buckets(histogram);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (histogram->buckets[i] > 0) {
            double count = (double)histogram->buckets[i];

            least += (double)histogram_low(i) * count;
            most += (double)histogram_high(i) * count;
        }
    }
    histogram->sum = least < 0x1p63 ? (uint64_t)least : UINT64_MAX;
    if (histogram->count == 0) {
        return sum == 0 ? 0 : QL_INVALID;
    }
    /* A double rounds what is past 53 bits: by far less than this. */
    if ((double)sum < least * (1 - 1e-9) || (double)sum > most * (1 + 1e-9) ||
        min > max || histogram_index(min) != histogram_index(histogram->min) ||
        histogram_index(max) != histogram_index(histogram->max)) {
        return QL_INVALID;
    }
    histogram->sum = sum;
    histogram->min = min;
    histogram->max = max;
    return 0;
}

/* The bounds of the first and the last bucket that is not empty. */
static void bound_by_buckets(struct histogram *histogram)
{
    histogram->min = UINT64_MAX;
    histogram->max = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (histogram->buckets[i] > 0) {
            if (histogram->min == UINT64_MAX) {
                histogram->min = histogram_low(i);
            }
            histogram->max = histogram_high(i);
        }
    }
}
