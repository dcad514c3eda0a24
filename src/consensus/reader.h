/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A node's linearizable reads: read_index.h over its core and its link. */
#pragma once

#include "consensus/core.h"
#include "consensus/read_index.h"

struct reader {
    struct core *core;
    struct read_index index;
};

/* @core is open and outlives it. */
void reader_init(struct reader *reader, struct core *core);
/* Errors as read_index_add(). */
int reader_add(struct reader *reader, struct node_read *read, node_read_cb cb);
bool reader_is_empty(const struct reader *reader);
/* At the end of each turn, outside the core: see read_index_step(). @may_ask: no
 * transfer of leadership is under way. */
void reader_step(struct reader *reader, bool may_ask, uint64_t now_ms,
                 int lost);
/* Tells all that wait. */
void reader_refuse(struct reader *reader, int status);
/* A frame of another node, of any type but the core's; a step is due. Types that
 * this version has no use for are passed over. QL_PROTOCOL: close the
 * connection. */
int reader_on_frame(struct reader *reader, uint64_t from, enum link_frame type,
                    const uint8_t *bytes, size_t len);
