/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What chance decides in a test; the same for the same seed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/splitmix64.h"

struct dice {
    uint64_t state; /* the seed, at first */
};

static inline uint64_t dice_u64(struct dice *dice)
{
    return splitmix64(&dice->state);
}

/* 0 to @sides - 1. */
static inline uint64_t dice_roll(struct dice *dice, uint64_t sides)
{
    return dice_u64(dice) % sides;
}

static inline bool dice_one_in(struct dice *dice, uint64_t sides)
{
    return dice_roll(dice, sides) == 0;
}
