/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A run of consecutive entries of one log. An open chunk grows in memory; a
 * sealed one never changes again and has a name, and its bytes may be on disk
 * only, or nowhere on this node. Layout of an entry in a chunk
 * (docs/formats.md, "Chunk"):
 *
 *     0   8  position
 *     8   8  time_ms
 *    16   4  key_len (0xffffffff: no key)
 *    20   4  value_len
 *    24  ..  key, value
 *
 * Chunks and their reference counts belong to the loop thread. Another thread
 * may read a sealed chunk's name and numbers (last_time_ms, len, entries,
 * payload) while something it was given keeps the chunk, and bytes that were
 * shared with it: what was written once is not written again, and growing moves
 * an open chunk to new memory when somebody holds the old.
 */
#pragma once

#include <stdbool.h>

#include "util/hash128.h"
#include "wire/args_read.h"

#define CHUNK_NO_KEY UINT32_MAX /* as a key_len */

struct chunk;

/* Who a sealed chunk is: equal names mean equal bytes. */
struct chunk_name {
    uint64_t uid;   /* of the log */
    uint64_t first; /* position of the first entry */
    uint64_t last;  /* of the last; first - 1 in an open chunk without any */
    uint8_t chain[HASH128_LEN]; /* the log's chain digest behind the last entry;
                                   zeros while the chunk is open */
};
bool chunk_name_equal(const struct chunk_name *a, const struct chunk_name *b);

/* All that is known of a sealed chunk beside its bytes. */
struct chunk_facts {
    struct chunk_name name;
    uint64_t last_time_ms; /* of the last entry */
    uint32_t len;          /* raw bytes */
    uint32_t entries;      /* holes would make it less than last - first + 1 */
    uint32_t payload;      /* key and value bytes */
};

/* Who keeps a sealed chunk's bytes on disk; the store embeds it. */
struct chunk_home {
    /* The last reference to @chunk went; it is freed when this returns. */
    void (*on_unused)(struct chunk_home *home, struct chunk *chunk);
};

/* What a merged chunk was made of; none of them has parts itself. */
struct chunk_parts {
    size_t count;
    struct chunk *chunks[]; /* one reference each */
};

/* ---- Bytes ---- */

/* Counted bytes. The count belongs to the loop thread. */
struct chunk_memory;

/* Room for @len bytes, to be filled through chunk_memory_bytes() before anybody
 * else sees it; any thread. One reference. */
struct chunk_memory *chunk_memory_new(size_t len);
uint8_t *chunk_memory_bytes(struct chunk_memory *memory);
size_t chunk_memory_len(const struct chunk_memory *memory); /* the room */
/* Notes where entries begin, so that chunk_find() need not start at the front;
 * any thread, once, before the memory is shared. QL_CORRUPT when the lengths of
 * the entries do not end where the bytes do: the memory is of no use then. */
int chunk_memory_mark(struct chunk_memory *memory);
struct chunk_memory *chunk_memory_ref(struct chunk_memory *memory);
void chunk_memory_drop(struct chunk_memory *memory); /* NULL is fine */
/* Are @bytes those of the chunk of @facts, the chain before it being @from? Walks
 * them: every length, rising positions, times that do not fall, all numbers, and
 * that the chain over the entries is the one in the name. QL_CORRUPT otherwise.
 * Pure; any thread. */
int chunk_memory_check(struct bytes bytes, const struct chunk_facts *facts,
                       const uint8_t from[HASH128_LEN], struct err *err);

/* ---- Chunks ---- */

struct chunk {
    struct chunk_name name;
    uint64_t last_time_ms;
    uint32_t refs;
    uint32_t len;
    uint32_t entries;
    uint32_t payload;
    bool sealed;
    uint32_t slot;               /* the home's */
    struct chunk_memory *memory; /* NULL: the bytes are elsewhere */
    struct chunk_parts *parts; /* NULL, or what it was merged of, until it has a
                                  copy of its own */
    struct chunk_home *home;   /* NULL: not on this disk (yet, or any more) */
    void *keeper; /* the store's: what it has in hand about it, or NULL */
};

/* An open chunk without entries; one reference. */
struct chunk *chunk_new(uint64_t uid, uint64_t first);
/* A sealed chunk without bytes; one reference. */
struct chunk *chunk_stub(const struct chunk_facts *facts);
/* A sealed chunk that stands for @parts, which are sealed, of one log and in
 * order. Takes a reference on each part, or on the parts of one that has such,
 * and has no bytes of its own. One reference. */
struct chunk *chunk_merge(struct chunk *const *parts, size_t count);
struct chunk *chunk_ref(struct chunk *chunk);
void chunk_drop(struct chunk *chunk); /* NULL is fine */
struct chunk_facts chunk_facts(const struct chunk *chunk);
/* Is it the sealed chunk of that name, with these numbers? */
bool chunk_has_facts(const struct chunk *chunk,
                     const struct chunk_facts *facts);

/* Are its bytes in memory, or in parts, or on this disk? */
bool chunk_is_here(const struct chunk *chunk);

/* An open chunk of bytes out of an image, checking every length, that positions
 * rise and that times do not fall. @chain is the log's chain before them, and
 * after them when this returns 0. QL_CORRUPT otherwise. */
int chunk_load(struct chunk **ret, uint64_t uid, struct bytes bytes,
               uint8_t chain[HASH128_LEN], struct err *err);
void chunk_add(struct chunk *chunk, const struct read_entry *entry);
/* May give unused room back. @chain is that of the log behind the last entry. */
void chunk_seal(struct chunk *chunk, const uint8_t chain[HASH128_LEN]);

/* Takes the reference; the chunk had no memory, and @memory is as long as it. */
void chunk_set_memory(struct chunk *chunk, struct chunk_memory *memory);
void chunk_clear_memory(struct chunk *chunk);
/* For a stub whose bytes are known to lie in other chunks: as chunk_merge(). */
void chunk_set_parts(struct chunk *chunk, struct chunk *const *parts,
                     size_t count);
void chunk_clear_parts(struct chunk *chunk); /* it has a copy of its own */

/* ---- Entries ---- */

/* The chunk whose bytes have the first entry at or after @position, which is not
 * behind the last: @chunk itself if it has memory or no parts, otherwise one of
 * the parts. */
struct chunk *chunk_leaf(struct chunk *chunk, uint64_t position);
/* NULL when they are not in memory, or there are none. */
const uint8_t *chunk_bytes(const struct chunk *chunk);
/* Decodes the entry at *offset and moves past it; false at the end. The bytes
 * must be in memory, and what @ret points to lives as long as they are. */
bool chunk_next(const struct chunk *chunk, size_t *offset,
                struct read_entry *ret);
/* The offset of the first entry at or after @position (len when none). The bytes
 * must be in memory. */
size_t chunk_find(const struct chunk *chunk, uint64_t position);

/* A counted reference to the bytes a chunk has in memory now. */
struct chunk_share {
    struct chunk_memory *memory;
    struct bytes bytes;
};
struct chunk_share chunk_share(const struct chunk *chunk);
void chunk_share_drop(struct chunk_share *share); /* loop thread; repeatable */
