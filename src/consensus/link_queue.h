/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What waits to be written to one peer: frames in order, and beside them those in
 * bulk, a snapshot and chunks, which go in pieces between the others so that a
 * long one keeps no heartbeat waiting. Pure.
 */
#pragma once

#include "consensus/link_frame.h"

#define LINK_WRITE_RUNS 256u        /* runs of bytes in one write */
#define LINK_WRITE_BYTES (1u * MIB) /* then a write takes no further run */

struct link_queue {
    struct list frames; /* of struct link_send */
    struct list bulk;   /* the same; at most one snapshot or state among them */
    size_t frames_bytes; /* with headers; what was written counts not */
    size_t bulk_bytes;   /* what is left of them, without headers */
    size_t chunks_bytes; /* of whole chunks in bulk */
    bool has_snapshot;
};

/* One write: runs to write one after the other, and the sends that are done when
 * it is. */
struct link_write {
    struct bytes runs[LINK_WRITE_RUNS];
    size_t runs_count;
    size_t bytes;
    size_t frames; /* that begin in it */
    struct list done;
    uint8_t piece_header[LINK_HEADER_LEN];
    bool has_bulk;
};

void link_queue_init(struct link_queue *queue);
/* QL_BUSY: it would be too much; @send was not taken. */
int link_queue_add(struct link_queue *queue, struct link_send *send);
/* Fills @write with what goes next; false when there is nothing. A cut frame
 * goes on in the next one, so all writes must be made, in this order. */
bool link_queue_next(struct link_queue *queue, struct link_write *ret_write);
/* Moves all that waits to the end of @to. */
void link_queue_clear(struct link_queue *queue, struct list *to);
size_t link_queue_bytes(const struct link_queue *queue);
