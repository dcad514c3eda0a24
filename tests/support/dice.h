/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Numbers that look random and are the same for the same seed (SplitMix64:
 * Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
 * 2014). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state; /* the seed, at first */
};

static inline uint64_t dice_u64(struct dice *dice)
{
    uint64_t mixed;

    dice->state += 0x9e3779b97f4a7c15u;
    mixed = dice->state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
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
