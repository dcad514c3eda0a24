/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Finds chunks by name: those on this disk, those that wait to be written and
 * those that are missing. Open addressing over borrowed pointers, so that a chunk
 * costs about two of them.
 */
#pragma once

#include <stdbool.h>

#include "machine/chunk.h"

struct chunk_table {
    struct chunk **slots;
    size_t room; /* a power of two, or 0 */
    size_t count;
};

void chunk_table_close(struct chunk_table *table);
/* @chunk must not be in it; another of the same name may. */
void chunk_table_add(struct chunk_table *table, struct chunk *chunk);
/* Takes out this very object; false if it was not in. */
bool chunk_table_remove(struct chunk_table *table, const struct chunk *chunk);
/* Borrowed; one that is on disk before one that is not. NULL. */
struct chunk *chunk_table_find(const struct chunk_table *table,
                               const struct chunk_name *name);
bool chunk_table_has(const struct chunk_table *table,
                     const struct chunk *chunk);
