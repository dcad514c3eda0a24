/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The two clocks. */
#pragma once

#include <stdint.h>

uint64_t clock_wall_ms(void);      /* since the Unix epoch */
uint64_t clock_monotonic_ms(void); /* never goes back */
uint64_t clock_monotonic_ns(void); /* likewise, of the same clock */
