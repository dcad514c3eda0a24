/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Gathers commands into batches, each of which becomes one raft entry. While
 * others are in flight the open batch goes on filling, so batches grow with the
 * load by themselves. Knows nothing of the core.
 */
#pragma once

#include <raft.h>

#include "consensus/node.h"
#include "machine/command.h"

/* One raft entry in the making or under way. */
struct proposal {
    struct list link;
    struct batch_writer writer; /* bytes from raft_malloc(), NULL: the core has
                                   them now */
    struct list submits; /* in the order of the commands; those whose outcome
                            was delivered are gone */
    struct list samples; /* struct stage_sample, of some of them */
    size_t weight;       /* bytes it counts for in the batcher */
    struct raft_apply request; /* the core's while it is under way */
};

struct batcher {
    struct proposal *open; /* still takes commands, or NULL */
    struct list full;      /* oldest first */
    size_t bytes;          /* of all proposals made and not freed */
};

void batcher_init(struct batcher *batcher);
/* Copies @params. @time_ms is taken when this opens a batch. QL_BUSY above
 * SUBMIT_BYTES_MAX, QL_TOO_LARGE when it fits into no batch. */
int batcher_add(struct batcher *batcher, struct node_submit *submit,
                struct bytes params, uint64_t time_ms);
bool batcher_is_empty(const struct batcher *batcher);
/* The oldest batch, for the caller to propose and to free; NULL: none. */
struct proposal *batcher_take(struct batcher *batcher);
/* Closes the batch: *ret_buffer is what raft_apply() takes. */
void proposal_seal(struct proposal *proposal, struct raft_buffer *ret_buffer);
/* Tells all submits left in it. */
void proposal_finish_submits(struct proposal *proposal, int status);
/* Its submits have been told. */
void proposal_free(struct batcher *batcher, struct proposal *proposal);
