/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What a node and its peers have to do with each other's chunks, put over its
 * link, its chunk store and its clock: fetching (chunk_fetch.h), answering
 * (chunk_answers.h) and holding back an install (install.h).
 */
#pragma once

#include <uv.h>

#include "consensus/chunk_answers.h"
#include "consensus/core.h"
#include "consensus/install.h"

struct chunk_peers {
    uv_timer_t timer; /* runs while there is something to do */
    struct core *core;
    struct chunk_store *store;
    struct disk *readers;
    struct chunk_fetch *fetch; /* NULL: stopped */
    struct chunk_answers *answers;
    struct install *install;
    uint64_t nodes[MEMBERS_MAX]; /* the other members */
    size_t nodes_count;
};

/* @core is open and not started; it outlives the last callback of the link. The
 * owner closes the timer, whose data is its own, after chunk_peers_stop(). */
void chunk_peers_start(struct chunk_peers *peers, struct core *core,
                       const struct node_options *options);
/* Before the core is closed: asks for nothing and holds nothing any more; who
 * waits for a chunk is told that it does not come. Safe to repeat. */
void chunk_peers_stop(struct chunk_peers *peers);
/* When core and chunks are closed. Fine with one that is all zero. */
void chunk_peers_free(struct chunk_peers *peers);

/* A LINK_CHUNK_REQUEST or LINK_CHUNK. QL_PROTOCOL: close the connection. */
int chunk_peers_on_frame(struct chunk_peers *peers, uint64_t from,
                         enum link_frame type, const uint8_t *bytes,
                         size_t len);
void chunk_peers_fill(const struct chunk_peers *peers,
                      struct node_install *ret);
