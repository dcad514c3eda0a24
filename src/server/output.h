/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What waits to be sent on a connection. Small messages are copied into blocks,
 * large ones keep their own memory, so nothing large is copied. The blocks of all
 * connections come from one pool: they are used and freed with every turn of the
 * loop. */
#pragma once

#include <stdbool.h>

#include "util/buf.h"
#include "util/list.h"

/* Freed blocks, OUTPUT_BLOCKS_SPARE at most. */
struct output_pool {
    struct list spare; /* struct output_block */
    size_t count;
};

void output_pool_init(struct output_pool *pool);
void output_pool_close(struct output_pool *pool);

struct output {
    struct output_pool *pool; /* borrowed */
    struct list waiting;      /* struct output_block */
    struct list writing;      /* taken by output_take() */
    size_t bytes;             /* in both */
    size_t held;              /* the memory that they are in */
};

void output_init(struct output *output, struct output_pool *pool);
void output_close(struct output *output);
/* The message is empty afterwards; it has its memory still, unless that was
 * taken. */
void output_add(struct output *output, struct buf *message);
/* What the next write sends: at most @count_max runs, and no further one once
 * they have OUTPUT_WRITE_BYTES. They stay valid until output_taken(). */
size_t output_take(struct output *output, struct bytes *ret_runs,
                   size_t count_max);
/* The write is over. */
void output_taken(struct output *output);
