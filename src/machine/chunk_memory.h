/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What is behind struct chunk_memory; private to the chunk*.c files. */
#pragma once

#include "machine/chunk.h"

struct chunk_memory {
    uint32_t refs;
    uint32_t room;
    /* Offsets of entries, at least CHUNK_MARK_BYTES apart and not much more. The
     * first entry of all has none. */
    uint32_t marks_count;
    uint32_t marks_room;
    uint32_t *marks;
    uint8_t bytes[];
};

/* Notes that an entry begins at @offset, behind all that were noted. */
void chunk_memory_note(struct chunk_memory *memory, size_t offset);
/* Where a walk to @position begins in @memory, whose bytes up to @len are
 * entries: at an entry that is not behind it. */
size_t chunk_memory_near(const struct chunk_memory *memory, uint64_t position);
/* Memory of @room with the first @len bytes and the marks of @memory, whose
 * reference is taken: itself, moved, unless others hold it. NULL is fine. */
struct chunk_memory *chunk_memory_resize(struct chunk_memory *memory,
                                         size_t len, size_t room);
