/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The sealed chunks of a log, in order. Counted and copied on write: whoever
 * freezes a log takes one reference, and who changes a list that others hold
 * gets a copy. NULL is the empty list. Counts belong to the loop thread; another
 * may read a list that was given to it.
 */
#pragma once

#include "machine/chunk.h"

struct chunk_list {
    uint32_t refs;
    uint32_t count;
    uint32_t room;
    struct chunk *chunks[]; /* one reference each */
};

struct chunk_list *chunk_list_ref(struct chunk_list *list);
void chunk_list_drop(struct chunk_list *list);
size_t chunk_list_count(const struct chunk_list *list);
struct chunk *chunk_list_at(const struct chunk_list *list, size_t index);
/* The index of the first chunk whose last position is @position or behind it;
 * the count when there is none. */
size_t chunk_list_find(const struct chunk_list *list, uint64_t position);

/* Changing: *list may become another. */

/* Takes the reference to @chunk. */
void chunk_list_push(struct chunk_list **list, struct chunk *chunk);
/* Replaces the @count last chunks by @chunk, whose reference it takes. */
void chunk_list_replace(struct chunk_list **list, size_t count,
                        struct chunk *chunk);
/* Puts @chunk, whose reference it takes, in the place of another. */
void chunk_list_set(struct chunk_list **list, size_t index,
                    struct chunk *chunk);
void chunk_list_shift(struct chunk_list **list, size_t count); /* the first */
