/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Proves that a backup is what its front says, piece by piece: that the snapshot
 * gives a state with the digest of the row, that the rows are the chunks of that
 * state, that every chunk's entries give the chain digest that stands behind them,
 * and that the tail has the bytes of the open chunks. Whoever has the pieces gives
 * them in order: the front, each frame, the tail.
 *
 * Memory: the front, the tables of the logs, and one chunk. Pure; any thread, but
 * one at a time.
 */
#pragma once

#include "backup/backup_front.h"
#include "machine/machine.h"

struct backup_proof {
    struct backup_front front;      /* the header */
    struct bytes bytes;             /* of the whole front; borrowed */
    struct machine *machine;        /* restored from it, with stubs */
    uint8_t *raw;                   /* room for a chunk */
    uint32_t next;                  /* the row whose frame is to come */
    bool has_tail;                  /* it was given, or there is none */
    uint8_t open_hash[HASH128_LEN]; /* of the bytes of open chunks */
    uint64_t entries;               /* walked, in chunks and behind them */
    uint64_t raw_bytes;             /* of them */
    uint64_t memory;                /* that this has taken at most, about */
};

/* @front is the whole front, kept until the close. QL_CORRUPT; QL_INVALID: a newer
 * version wrote it. Closed again after an error. */
int backup_proof_begin(struct backup_proof *proof, struct bytes front,
                       struct err *err);
/* The frame of row proof->next, and its raw bytes, valid until the next call
 * (@ret_raw may be NULL). QL_CORRUPT: it stays to come. */
int backup_proof_chunk(struct backup_proof *proof, struct bytes frame,
                       struct bytes *ret_raw, struct err *err);
/* Row proof->next was proven elsewhere. */
void backup_proof_skip(struct backup_proof *proof);
/* What follows the last frame, to the end of the stream. */
int backup_proof_tail(struct backup_proof *proof, struct bytes tail,
                      struct err *err);
/* Was everything given? */
bool backup_proof_is_whole(const struct backup_proof *proof);
/* Fine with one that is closed. */
void backup_proof_close(struct backup_proof *proof);
