/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Linearizable reads without a read index (libraft has none): a read waits for
 * a raft entry of this leader that was proposed after the read arrived. When it
 * is applied, the machine holds everything that was acknowledged before. All
 * reads that wait share one entry: the next batch, or a barrier if none leaves.
 */
#pragma once

#include "consensus/node.h"

struct read_barrier {
    struct list waiting; /* for an entry that is not proposed yet */
    size_t count;        /* waiting here or for an entry under way */
};

void read_barrier_init(struct read_barrier *barrier);
/* QL_BUSY above READS_WAITING_MAX. */
int read_barrier_add(struct read_barrier *barrier, struct node_read *read,
                     node_read_cb cb);
/* Moves all that wait to @reads, which belongs to the entry now proposed. */
void read_barrier_attach(struct read_barrier *barrier, struct list *reads);
/* Answers all in @reads, which may be barrier->waiting. */
void read_barrier_finish(struct read_barrier *barrier, struct list *reads,
                         int status);
