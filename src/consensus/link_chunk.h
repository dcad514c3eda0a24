/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Asking a peer for a chunk, and its answer: docs/formats.md, "Link". Pure.
 *
 *     request    0   8  id, the asker's; the answer repeats it
 *                8  40  name: uid, first, last (8 each), chain (16)
 *
 *     answer     0   8  id
 *                8   4  status
 *               12   4  zero
 *               16 112  only with status 0: row of the chunk (store/pack.h)
 *              128  ..  and its frame
 */
#pragma once

#include "machine/chunk.h"
#include "store/pack.h"

#define LINK_CHUNK_NAME_LEN 40u
#define LINK_CHUNK_REQUEST_LEN (8u + LINK_CHUNK_NAME_LEN)
#define LINK_CHUNK_HEAD_LEN 16u

/* On the wire: never renumber. */
enum link_chunk_status {
    LINK_CHUNK_GIVEN = 0,
    LINK_CHUNK_NOT_FOUND = 1, /* the peer does not have it */
    LINK_CHUNK_BUSY = 2,      /* it has too much to do: ask later */
    LINK_CHUNK_FAILED = 3,    /* it could not be read: ask another */
    LINK_CHUNK_STATUSES       /* how many there are */
};

struct link_chunk_request {
    uint64_t id;
    struct chunk_name name;
};

struct link_chunk {
    uint64_t id;
    enum link_chunk_status status;
    const uint8_t *row; /* PACK_ROW_LEN bytes; NULL unless given */
    struct bytes frame; /* empty unless given */
};

void link_chunk_request_encode(const struct link_chunk_request *request,
                               uint8_t ret[LINK_CHUNK_REQUEST_LEN]);
/* QL_PROTOCOL: another length, or no name that a chunk can have. */
int link_chunk_request_decode(const uint8_t *bytes, size_t len,
                              struct link_chunk_request *ret);

/* What stands before row and frame. */
void link_chunk_head_encode(uint64_t id, enum link_chunk_status status,
                            uint8_t ret[LINK_CHUNK_HEAD_LEN]);
/* Row and frame are views into @bytes and not looked at. A status that a later
 * version has becomes LINK_CHUNK_FAILED. QL_PROTOCOL: lengths that do not fit. */
int link_chunk_decode(const uint8_t *bytes, size_t len, struct link_chunk *ret);
