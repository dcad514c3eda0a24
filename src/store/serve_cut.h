/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Makes a chunk that a peer asks for out of bytes that hold it: those of the
 * chunk itself, of its parts, or of what it was merged into.
 */
#pragma once

#include "store/pack.h"

/* Any thread. @memory, whose first entry follows on the chain @from, has the
 * entries of the chunk called @name somewhere. Gives the row and the frame it
 * would have in a pack. QL_NOT_FOUND: the entries there are not those. Marks
 * @memory, which nobody else must use meanwhile. */
int serve_cut(struct chunk_memory *memory, const uint8_t from[HASH128_LEN],
              const struct chunk_name *name, struct pack_row *ret_row,
              struct buf *ret_frame, struct err *err);
