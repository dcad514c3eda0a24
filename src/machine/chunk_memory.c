/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/chunk_memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine/chunk_entry.h"
#include "machine/spare.h"
#include "util/mem.h"

#define MARKS_FIRST 8u

struct chunk_memory *chunk_memory_new(size_t len)
{
    struct chunk_memory *memory;

    assert(len <= UINT32_MAX);
    memory = spare_alloc(sizeof(*memory) + len);
    memset(memory, 0, sizeof(*memory));
    memory->refs = 1;
    memory->room = (uint32_t)len;
    return memory;
}

uint8_t *chunk_memory_bytes(struct chunk_memory *memory)
{
    return memory->bytes;
}

size_t chunk_memory_len(const struct chunk_memory *memory)
{
    return memory->room;
}

int chunk_memory_mark(struct chunk_memory *memory)
{
    size_t offset = 0;
    size_t left = memory->room;

    assert(memory->marks_count == 0);
    while (left > 0) {
        if (left < CHUNK_ENTRY_HEADER_LEN ||
            chunk_entry_len(memory->bytes + offset) > left) {
            return QL_CORRUPT;
        }
        chunk_memory_note(memory, offset);
        offset += chunk_entry_len(memory->bytes + offset);
        left = memory->room - offset;
    }
    return 0;
}

struct chunk_memory *chunk_memory_ref(struct chunk_memory *memory)
{
    memory->refs++;
    return memory;
}

void chunk_memory_drop(struct chunk_memory *memory)
{
    if (memory == NULL) {
        return;
    }
    assert(memory->refs > 0);
    memory->refs--;
    if (memory->refs == 0) {
        free(memory->marks);
        spare_free(memory);
    }
}

int chunk_memory_check(struct bytes bytes, const struct chunk_facts *facts,
                       const uint8_t from[HASH128_LEN], struct err *err)
{
    struct chunk_facts found;
    uint8_t chain[HASH128_LEN];
    int rv;

    memcpy(chain, from, sizeof(chain));
    rv = chunk_entry_walk(bytes, &found, chain, err);
    if (rv != 0) {
        return rv;
    }
    if (found.name.first != facts->name.first ||
        found.name.last != facts->name.last ||
        found.last_time_ms != facts->last_time_ms || found.len != facts->len ||
        found.entries != facts->entries || found.payload != facts->payload) {
        return err_set(err, QL_CORRUPT, "the chunk has other numbers");
    }
    if (memcmp(chain, facts->name.chain, sizeof(chain)) != 0) {
        return err_set(err, QL_CORRUPT, "the chunk's chain does not fit");
    }
    return 0;
}

/* ---- For chunk.c --------------------------------------------------------- */

void chunk_memory_note(struct chunk_memory *memory, size_t offset)
{
    size_t last =
        memory->marks_count == 0 ? 0 : memory->marks[memory->marks_count - 1];

    if (offset < last + CHUNK_MARK_BYTES) {
        return;
    }
    if (memory->marks_count == memory->marks_room) {
        memory->marks_room =
            memory->marks_room == 0 ? MARKS_FIRST : memory->marks_room * 2;
        memory->marks = mem_must_resize(
            memory->marks, memory->marks_room * sizeof(*memory->marks));
    }
    memory->marks[memory->marks_count] = (uint32_t)offset;
    memory->marks_count++;
}

size_t chunk_memory_near(const struct chunk_memory *memory, uint64_t position)
{
    size_t from = 0;
    size_t to = memory->marks_count;

    /* How many marks are of entries at or before @position. */
    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (get_u64(memory->bytes + memory->marks[middle]) <= position) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from == 0 ? 0 : memory->marks[from - 1];
}

struct chunk_memory *chunk_memory_resize(struct chunk_memory *memory,
                                         size_t len, size_t room)
{
    struct chunk_memory *moved;

    assert(room >= len);
    assert(room <= UINT32_MAX);
    if (memory != NULL && memory->refs == 1) {
        moved = mem_must_resize(memory, sizeof(*moved) + room);
        moved->room = (uint32_t)room;
        return moved;
    }
    moved = chunk_memory_new(room);
    if (len > 0) {
        memcpy(moved->bytes, memory->bytes, len);
        if (memory->marks_count > 0) {
            moved->marks = mem_must_dup(
                memory->marks, memory->marks_count * sizeof(*memory->marks));
            moved->marks_count = memory->marks_count;
            moved->marks_room = memory->marks_count;
        }
    }
    chunk_memory_drop(memory);
    return moved;
}
