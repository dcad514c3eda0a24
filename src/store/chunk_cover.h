/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Which chunks have the entries of a merged one whose merge was not done: see
 * chunk_adopt.c. Parts of a state may have the same entries cut in other ways, or
 * some of them only, so the longest at each place need not be the right ones.
 */
#pragma once

#include "machine/chunk.h"

/* What is to be covered. */
struct cover_of {
    const struct chunk *whole;
    const uint8_t *from; /* the chain before it; NULL: not known */
    /* The same for any of the chunks; NULL: of none. */
    const uint8_t *(*chain_before)(const void *data, const struct chunk *chunk);
    const void *data;
};

/* Of @chunks, which are in order of uid, first position and the longest first, some
 * that follow each other, in their chains too as far as these are known, have as many
 * entries and bytes as the whole and end with its chain; NULL if there are none
 * such. An array of the caller's. Histories that went apart may have chunks alike in
 * all but their chains. */
struct chunk **chunk_cover(struct chunk *const *chunks, size_t count,
                           const struct cover_of *of, size_t *ret_count);
