/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "util/clock.h"

#include <time.h>

static uint64_t clock_read_ms(clockid_t clock)
{
    struct timespec now;

    /* Neither clock can fail on Linux with a valid pointer. */
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

uint64_t clock_wall_ms(void)
{
    return clock_read_ms(CLOCK_REALTIME);
}

uint64_t clock_monotonic_ms(void)
{
    return clock_read_ms(CLOCK_MONOTONIC);
}

uint64_t clock_monotonic_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
