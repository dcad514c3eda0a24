/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Answers peers that ask for chunks. Of each peer's requests a few are read at a
 * time, in order, and no more than CHUNK_ANSWER_BYTES_MAX are on their way to it;
 * above CHUNK_ANSWERS_MAX it is told to ask later. So a peer that fetches a lot
 * costs a bounded memory here, and no time of those who append.
 *
 * Link and store come through the options. One thread.
 */
#pragma once

#include "consensus/link_chunk.h"
#include "store/chunk_store.h"

struct chunk_answers;

struct chunk_answers_options {
    const uint64_t *nodes; /* the other members; copied */
    size_t nodes_count;
    /* As chunk_store_serve() and chunk_store_serve_cancel(). */
    int (*serve)(void *data, struct chunk_serve *serve,
                 const struct chunk_name *name, chunk_serve_cb cb);
    void (*cancel)(void *data, struct chunk_serve *serve);
    /* Sends a LINK_CHUNK of the two parts, which stay until
     * chunk_answers_on_sent(), which comes later, whatever becomes of it. False:
     * it cannot be sent, and nothing comes. */
    bool (*send)(void *data, uint64_t node, const struct bytes parts[2],
                 void *sending);
    void *data;
};

struct chunk_answers *chunk_answers_new(
    const struct chunk_answers_options *options);
/* Nothing is with the link any more. */
void chunk_answers_free(struct chunk_answers *answers);
/* Begins nothing any more, and takes back what is with the store. */
void chunk_answers_stop(struct chunk_answers *answers);
/* A LINK_CHUNK_REQUEST of @from. QL_PROTOCOL: close the connection. */
int chunk_answers_on_frame(struct chunk_answers *answers, uint64_t from,
                           const uint8_t *bytes, size_t len);
void chunk_answers_on_sent(struct chunk_answers *answers, void *sending);
/* To be called each 50 ms or so while somebody waits: the store may have been
 * busy. */
void chunk_answers_step(struct chunk_answers *answers);
bool chunk_answers_wait(const struct chunk_answers *answers);

/* Since the start. */
struct chunk_answers_counts {
    uint64_t given;
    uint64_t bytes; /* of their frames */
    uint64_t not_found;
    uint64_t busy; /* turned away, to ask later */
    uint64_t failed;
};
void chunk_answers_counts(const struct chunk_answers *answers,
                          struct chunk_answers_counts *ret);
