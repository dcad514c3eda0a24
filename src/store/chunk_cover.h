/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Which chunks have the entries of a merged one whose merge was not done: see
 * chunk_adopt.c. Parts of a state may have the same entries cut in other ways, or
 * some of them only, so the longest at each place need not be the right ones.
 */
#pragma once

#include "machine/chunk.h"

/* Of @chunks, which are in order of uid, first position and the longest first, some
 * that follow each other, have as many entries and bytes as @whole and end with its
 * chain; NULL if there are none such. An array of the caller's. Whether their bytes
 * give the chain is shown when they are put together. */
struct chunk **chunk_cover(struct chunk *const *chunks, size_t count,
                           const struct chunk *whole, size_t *ret_count);
