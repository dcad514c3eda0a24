/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A run of consecutive entries of one log, packed as they are applied. An open
 * chunk grows; a sealed one never changes again. Layout of an entry in a chunk
 * (docs/formats.md, "Chunk"):
 *
 *     0   8  position
 *     8   8  time_ms
 *    16   4  key_len (0xffffffff: no key)
 *    20   4  value_len
 *    24  ..  key, value
 *
 * The bytes are shared with frozen views: what was written once is not written
 * again, and growing moves an open chunk to new memory when a view holds the
 * old. Reference counts belong to the loop thread; another thread may only read
 * the bytes that were there when the view was taken.
 */
#pragma once

#include <stdbool.h>

#include "wire/args_read.h"

#define CHUNK_NO_KEY UINT32_MAX /* as a key_len */

struct chunk_memory; /* counted bytes */

struct chunk {
    struct chunk_memory *memory;
    size_t len;     /* bytes in use */
    uint64_t first; /* position of the first entry */
    uint64_t last;  /* of the last; first - 1 when empty */
    uint64_t last_time_ms;
    uint64_t entries; /* count; holes make it smaller than last - first + 1 */
    uint64_t payload; /* key and value bytes */
    bool sealed;
};

void chunk_init(struct chunk *chunk, uint64_t first);
void chunk_close(struct chunk *chunk);
void chunk_add(struct chunk *chunk, const struct read_entry *entry);
void chunk_seal(struct chunk *chunk); /* gives unused room back */
const uint8_t *chunk_bytes(const struct chunk *chunk);
/* Makes a chunk of bytes read from a snapshot, checking every length, that
 * positions rise and that times do not fall. QL_CORRUPT otherwise. */
int chunk_load(struct chunk *ret, const uint8_t *bytes, size_t len, bool sealed,
               struct err *err);
/* Decodes the entry at *offset and moves past it; false at the end. What
 * @ret points to lives as long as the chunk. */
bool chunk_next(const struct chunk *chunk, size_t *offset,
                struct read_entry *ret);
/* The offset of the first entry at or after @position (len when none). */
size_t chunk_find(const struct chunk *chunk, uint64_t position);

/* A counted reference to the bytes a chunk has now. */
struct chunk_ref {
    struct chunk_memory *memory;
    const uint8_t *bytes;
    size_t len;
};
struct chunk_ref chunk_share(const struct chunk *chunk);
void chunk_ref_drop(struct chunk_ref *ref);
