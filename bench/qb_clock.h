/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* CLOCK_MONOTONIC, in the unit of all latencies. */
#pragma once

#include <stdint.h>
#include <time.h>

#define QB_NS_PER_MS 1000000ull
#define QB_NS_PER_S 1000000000ull

static inline uint64_t qb_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * QB_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Of the calling thread, so far. */
static inline double qb_thread_cpu_seconds(void)
{
    struct timespec used;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}
