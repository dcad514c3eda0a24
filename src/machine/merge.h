/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Which neighbours become one chunk (docs/decisions/chunk-merges.md). It depends
 * on the lengths of a log's chunks alone, so that all nodes have the same ones.
 */
#pragma once

#include "machine/chunk_list.h"

#define MERGE_CLASS_MAX 3u /* such a chunk is merged no more */

/* How many of the bounds @len reaches: 0 to MERGE_CLASS_MAX. @chunk_bytes is the
 * largest of them. */
unsigned merge_class(uint64_t len, uint64_t chunk_bytes);
/* How many of the last chunks are to be one now, when the last of all is of
 * @level; 0 when none are. */
size_t merge_run(const struct chunk_list *list, unsigned level,
                 uint64_t chunk_bytes);
