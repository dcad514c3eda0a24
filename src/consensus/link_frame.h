/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Frames of the link out of a run of bytes, as it arrives: docs/formats.md,
 * "Link". Pure. Memory grows with the bytes that have come, never with what a
 * header claims; before the other side is proven it is fixed.
 */
#pragma once

#include <stdbool.h>

#include "consensus/link.h"

#define LINK_HEADER_LEN 12u
#define LINK_FLAG_MORE 1u             /* another piece follows */
#define LINK_PIECE_BYTES (256u * KIB) /* of a frame in bulk, at most */
#define LINK_HELLO_LEN_MAX 256u
/* A frame's memory is kept for the next unless it has become larger. */
#define LINK_READER_KEEP_BYTES (1u * MIB)

/* A whole one is small, and some of them may be queued. */
static inline bool link_is_chunk(enum link_frame type)
{
    return type == LINK_CHUNK || type == LINK_BACKUP_PIECE;
}

/* Frames of @type travel in pieces, and others overtake them. */
static inline bool link_is_bulk(enum link_frame type)
{
    return type == LINK_SNAPSHOT || type == LINK_STATE || link_is_chunk(type);
}

static inline size_t link_len_max(enum link_frame type)
{
    return type == LINK_SNAPSHOT || type == LINK_STATE ? LINK_SNAPSHOT_MAX
                                                       : LINK_FRAME_MAX;
}

/* Fills all but the checksum, and returns the checksum so far: go on with
 * crc32c() over the payload, then link_header_seal(). */
uint32_t link_header_begin(uint8_t ret_header[LINK_HEADER_LEN],
                           enum link_frame type, uint16_t flags, size_t len);
void link_header_seal(uint8_t header[LINK_HEADER_LEN], uint32_t crc);

struct link_reader {
    bool proven; /* set by the owner: not only hellos, and larger ones */
    uint8_t header[LINK_HEADER_LEN];
    size_t header_len;
    uint8_t hello[LINK_HELLO_LEN_MAX]; /* the frame while not proven */
    size_t hello_len;
    struct buf frame;  /* the frame when proven */
    struct buf pieces; /* of a frame in bulk */
    enum link_frame pieces_type;
    bool done; /* the last call returned a frame */
};

struct link_frame_view {
    enum link_frame type;
    const uint8_t *bytes; /* valid until the next link_reader_take() */
    size_t len;
};

void link_reader_init(struct link_reader *reader);
void link_reader_close(struct link_reader *reader);
/* Takes bytes off the front of @input until a frame is whole (*ret_whole) or
 * none is left. QL_PROTOCOL: no frame of ours; QL_TOO_LARGE; QL_CORRUPT: the
 * checksum does not fit; QL_NO_MEMORY. After an error only close it. */
int link_reader_take(struct link_reader *reader, struct bytes *input,
                     struct link_frame_view *ret_frame, bool *ret_whole);
