/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A node's chunk store: DIR/chunks, the disk on which the compactor writes, the one
 * from which readers read, several at a time, and the clock that moves the store.
 */
#pragma once

#include "consensus/identity.h"
#include "store/chunk_store.h"

struct chunks_real;
struct uv_loop_s;

struct chunks_real_options {
    struct uv_loop_s *loop;
    const char *dir; /* the data directory */
    const struct identity *identity;
    uint64_t cache_bytes;
    uint64_t scrub_bytes; /* a second; 0: none */
    /* A write failed: must not return in production. */
    void (*on_fatal)(void *data, const char *reason);
    void *data;
};

/* Makes the directory when it is missing, reads what is in it. After an error
 * nothing is open, for which it runs the loop for a moment. QL_IO; QL_INVALID,
 * QL_UNSUPPORTED: see chunk_store_open(). */
int chunks_real_open(struct chunks_real **ret_chunks,
                     const struct chunks_real_options *options,
                     struct err *err);
struct chunk_store *chunks_real_store(struct chunks_real *chunks);
/* For works that read, or take long; outlives the store. */
struct disk *chunks_real_readers(struct chunks_real *chunks);
/* Who fetches chunks that are nowhere on this node; see struct
 * chunk_store_options. Until there is somebody they are given up at once. */
void chunks_real_on_missing(struct chunks_real *chunks,
                            void (*cb)(void *data, struct chunk *chunk),
                            void *data);
/* Waits for what is under way; then @cb, and @chunks is gone. Nothing may be asked
 * of the store any more. */
void chunks_real_close(struct chunks_real *chunks, void (*cb)(void *data),
                       void *data);
