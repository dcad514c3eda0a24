/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A sealed chunk as a row of an image, which says whose it is elsewhere
 * (docs/formats.md, "Machine image"):
 *
 *     0   8  first      24   4  len          36  16  chain
 *     8   8  last       28   4  entries      52  12  zero
 *    16   8  last_time  32   4  payload
 */
#pragma once

#include <stdbool.h>

#include "machine/chunk.h"

#define CHUNK_ROW_LEN 64u

/* Any thread: struct chunk. */
void chunk_row_encode(const struct chunk *chunk, uint8_t ret[CHUNK_ROW_LEN]);
/* False when the numbers cannot be those of a sealed chunk. */
bool chunk_row_decode(const uint8_t row[CHUNK_ROW_LEN], uint64_t uid,
                      struct chunk_facts *ret);
