/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Where the raw bytes of a chunk are now, noted on the loop, and their putting
 * together on a work thread: from its own copy, from memory, or from what it was
 * merged of. Packs that are to be read stay until the end, though the chunks may
 * move on.
 */
#pragma once

#include "machine/chunk.h"
#include "store/disk.h"
#include "util/buf.h"
#include "util/err.h"

struct pack;

struct chunk_piece {
    struct chunk *chunk;         /* a reference */
    struct chunk_memory *memory; /* a reference, or NULL: */
    struct pack *pack;           /* used, so it stays; its number is fixed */
    uint32_t slot;
};

struct chunk_gather {
    struct chunk_piece *pieces;
    size_t count;
    size_t len; /* raw bytes of all of them */
    bool
        from_disk; /* set before adding: rather than from memory, if possible */
    struct chunk_memory *memory; /* what run() makes; NULL before */
    size_t bad; /* behind a failed run(): the piece that was to blame */
    uint8_t from[HASH128_LEN]; /* by run(): the chain before the first piece */
    bool has_from;             /* unless the first piece was in memory */
};

/* Loop. @gather is empty or was closed. */
void chunk_gather_init(struct chunk_gather *gather);
/* Adds @chunk behind what is there. QL_NOT_FOUND: its bytes, or those of
 * *ret_missing (@chunk or one of its parts), are nowhere on this node. */
int chunk_gather_add(struct chunk_gather *gather, struct chunk *chunk,
                     struct chunk **ret_missing);
/* Is each piece still where it was noted? */
bool chunk_gather_is_current(const struct chunk_gather *gather);
/* Loop. Fine with one that was closed. */
void chunk_gather_close(struct chunk_gather *gather);

/* Any thread, once. Fills gather->memory with the raw bytes; they have the hashes
 * that the packs say, the marks are not made. Any failure says that the copy of
 * pieces[bad] is no good (or gone), if it is current yet. */
int chunk_gather_run(struct chunk_gather *gather, struct disk *disk,
                     struct err *err);
