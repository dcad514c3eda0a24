/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A sum of digests: the same for the same ones in any order, and one can be taken
 * out again, so that a digest of many costs what has changed. */
#pragma once

#include "util/buf.h"
#include "util/hash128.h"

struct tally {
    uint64_t sums[2];
};

static inline void tally_add(struct tally *tally,
                             const uint8_t digest[HASH128_LEN])
{
    tally->sums[0] += get_u64(digest);
    tally->sums[1] += get_u64(digest + 8);
}

static inline void tally_remove(struct tally *tally,
                                const uint8_t digest[HASH128_LEN])
{
    tally->sums[0] -= get_u64(digest);
    tally->sums[1] -= get_u64(digest + 8);
}
