/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What waits to be sent on a connection. Small messages share a block, large
 * ones keep their own memory, so nothing large is copied. */
#pragma once

#include "util/buf.h"
#include "util/list.h"

struct output {
    struct list waiting; /* struct output_block */
    struct list writing; /* taken by output_take() */
    size_t bytes;        /* in both */
};

void output_init(struct output *output);
void output_close(struct output *output);
/* Takes the message's memory; it is empty after. */
void output_add(struct output *output, struct buf *message);
/* What the next write sends: at most @count_max runs, and no further one once
 * they have OUTPUT_WRITE_BYTES. They stay valid until output_taken(). */
size_t output_take(struct output *output, struct bytes *ret_runs,
                   size_t count_max);
/* The write is over. */
void output_taken(struct output *output);
