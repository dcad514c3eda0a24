/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Numbers that look random and are the same for the same seed: SplitMix64
 * (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
 * 2014). For spreading timeouts and for tests; never for secrets.
 */
#pragma once

#include <stdint.h>

/* The next number; @state holds any seed at first. */
static inline uint64_t splitmix64(uint64_t *state)
{
    uint64_t mixed = *state += 0x9e3779b97f4a7c15u;

    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}
