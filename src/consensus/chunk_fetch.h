/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Fetches chunks that this node lacks from its peers: for readers and for what a
 * damaged disk lost first, then for an install (install.h). Many at once and from
 * any peer; what a peer sends is proven by whoever stores it, and asked of another
 * one when it is not good.
 *
 * Each chunk is asked for in rounds. A round ends when every peer that is
 * connected has been asked; then there is a pause that grows. Who waits is told
 * when all members have said that they do not have it, or after
 * FETCH_PATIENCE_MS; the chunk itself stays wanted as long as it is needed.
 *
 * Time, the link and the store come through the options, so that tests and the
 * simulator drive it. One thread.
 */
#pragma once

#include "consensus/link_chunk.h"
#include "store/chunk_store.h"

struct chunk_fetch;

struct chunk_fetch_options {
    const uint64_t *nodes; /* the other members; copied */
    size_t nodes_count;
    uint64_t rate_bytes; /* of frames, a second; 0: no limit */
    uint64_t (*now_ms)(void *data);
    bool (*is_connected)(void *data, uint64_t node);
    /* False: it cannot be sent. */
    bool (*send)(void *data, uint64_t node,
                 const struct link_chunk_request *request);
    /* As chunk_store_supply(), chunk_store_supply_cancel() and
     * chunk_store_give_up(). */
    int (*supply)(void *data, struct chunk_supply *supply, struct chunk *chunk,
                  const uint8_t *row, struct bytes frame, chunk_supply_cb cb);
    void (*cancel)(void *data, struct chunk_supply *supply);
    void (*give_up)(void *data, struct chunk *chunk);
    /* Somebody beside store and fetch refers to @chunk. */
    bool (*is_needed)(void *data, const struct chunk *chunk);
    void *data;
};

struct chunk_fetch *chunk_fetch_new(const struct chunk_fetch_options *options);
/* Asks for nothing any more; what is wanted is given up. */
void chunk_fetch_free(struct chunk_fetch *fetch);

/* What the store says through its on_missing; a reference is taken. Comes before
 * what only an install wants. Told again, somebody waits for it: then it comes
 * before all others. */
void chunk_fetch_missing(struct chunk_fetch *fetch, struct chunk *chunk);

/* The chunks of an install are marked: first begin, which forgets the marks of
 * the one before; then each missing one; then end, which drops all that only the
 * one before wanted. */
void chunk_fetch_install_begin(struct chunk_fetch *fetch);
void chunk_fetch_install_want(struct chunk_fetch *fetch, struct chunk *chunk);
void chunk_fetch_install_end(struct chunk_fetch *fetch);
/* Marked chunks that have not come yet. */
size_t chunk_fetch_install_left(const struct chunk_fetch *fetch);

/* A LINK_CHUNK of @from; a step is due then. QL_PROTOCOL: close the
 * connection. */
int chunk_fetch_on_frame(struct chunk_fetch *fetch, uint64_t from,
                         const uint8_t *bytes, size_t len);
/* Sends what may be sent; @leader (0: none known) is spared. To be called often,
 * and every 50 ms or so while something is wanted. */
void chunk_fetch_step(struct chunk_fetch *fetch, uint64_t leader);

/* Since the start, but for the first three. */
struct chunk_fetch_counts {
    size_t wanted;    /* now */
    size_t asked;     /* of them, of some peer */
    unsigned peers;   /* that are asked for something now */
    uint64_t chunks;  /* that came and are on disk */
    uint64_t bytes;   /* of their frames */
    uint64_t damaged; /* answers that were not the chunk */
    uint64_t given_up;
};
void chunk_fetch_counts(const struct chunk_fetch *fetch,
                        struct chunk_fetch_counts *ret);
