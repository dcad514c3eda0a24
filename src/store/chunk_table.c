/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "store/chunk_table.h"

#include <assert.h>
#include <stdlib.h>

#include "util/mem.h"

#define ROOM_FIRST 64u

static_assert(sizeof(struct chunk_name) == 3 * sizeof(uint64_t) + HASH128_LEN,
              "a name is hashed as it lies in memory: it must have no gaps");

static size_t home_slot(const struct chunk_table *table,
                        const struct chunk_name *name);
static size_t next_slot(const struct chunk_table *table, size_t slot);
static size_t find_slot(const struct chunk_table *table,
                        const struct chunk *chunk);
static void put(struct chunk_table *table, struct chunk *chunk);
static void grow(struct chunk_table *table);
static void close_gap(struct chunk_table *table, size_t gap);

void chunk_table_close(struct chunk_table *table)
{
    free(table->slots);
    table->slots = NULL;
    table->room = 0;
    table->count = 0;
}

void chunk_table_add(struct chunk_table *table, struct chunk *chunk)
{
    assert(!chunk_table_has(table, chunk));
    if (table->count + table->count / 3 >= table->room) {
        grow(table);
    }
    put(table, chunk);
    table->count++;
}

bool chunk_table_remove(struct chunk_table *table, const struct chunk *chunk)
{
    size_t slot = find_slot(table, chunk);

    if (slot == table->room) {
        return false;
    }
    close_gap(table, slot);
    table->count--;
    return true;
}

struct chunk *chunk_table_find(const struct chunk_table *table,
                               const struct chunk_name *name)
{
    struct chunk *found = NULL;
    size_t slot;

    if (table->room == 0) {
        return NULL;
    }
    for (slot = home_slot(table, name); table->slots[slot] != NULL;
         slot = next_slot(table, slot)) {
        struct chunk *chunk = table->slots[slot];

        if (chunk_name_equal(&chunk->name, name)) {
            if (chunk->home != NULL) {
                return chunk;
            }
            found = found == NULL ? chunk : found;
        }
    }
    return found;
}

bool chunk_table_has(const struct chunk_table *table, const struct chunk *chunk)
{
    return find_slot(table, chunk) < table->room;
}

/* ---- Slots --------------------------------------------------------------- */

static size_t home_slot(const struct chunk_table *table,
                        const struct chunk_name *name)
{
    return (size_t)hash64(name, sizeof(*name), 0) & (table->room - 1);
}

static size_t next_slot(const struct chunk_table *table, size_t slot)
{
    return (slot + 1) & (table->room - 1);
}

/* The room when it is not there. */
static size_t find_slot(const struct chunk_table *table,
                        const struct chunk *chunk)
{
    size_t slot;

    if (table->room == 0) {
        return 0;
    }
    for (slot = home_slot(table, &chunk->name); table->slots[slot] != NULL;
         slot = next_slot(table, slot)) {
        if (table->slots[slot] == chunk) {
            return slot;
        }
    }
    return table->room;
}

static void put(struct chunk_table *table, struct chunk *chunk)
{
    size_t slot = home_slot(table, &chunk->name);

    while (table->slots[slot] != NULL) {
        slot = next_slot(table, slot);
    }
    table->slots[slot] = chunk;
}

static void grow(struct chunk_table *table)
{
    struct chunk **old = table->slots;
    size_t old_room = table->room;

    table->room = old_room == 0 ? ROOM_FIRST : old_room * 2;
    table->slots = mem_must_array(table->room, sizeof(struct chunk *));
    for (size_t i = 0; i < old_room; i++) {
        if (old[i] != NULL) {
            put(table, old[i]);
        }
    }
    free(old);
}

/* Moves down what stands behind @gap, so that a search never ends too early. */
static void close_gap(struct chunk_table *table, size_t gap)
{
    size_t mask = table->room - 1;
    size_t slot;

    for (slot = next_slot(table, gap); table->slots[slot] != NULL;
         slot = next_slot(table, slot)) {
        size_t home = home_slot(table, &table->slots[slot]->name);

        if (((slot - home) & mask) >= ((slot - gap) & mask)) {
            table->slots[gap] = table->slots[slot];
            gap = slot;
        }
    }
    table->slots[gap] = NULL;
}
