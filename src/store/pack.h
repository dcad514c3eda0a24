/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A pack: a file of sealed chunks, each a row that says what it is and an LZ4
 * frame of its raw bytes. Byte tables: docs/formats.md, "Pack". This is the
 * format alone: pure functions, safe on any thread.
 *
 *     0   4  LZ4 skippable frame magic 0x184D2A51
 *     4   4  length of what follows up to the frames
 *     8   4  "QLP1"
 *    12   4  version, 1
 *    16   8  number of the pack
 *    24  16  id of the cluster
 *    40   4  rows
 *    44   4  CRC-32C of bytes 8 to 43 and of all rows
 *    48  ..  the rows, PACK_ROW_LEN each
 *        ..  the frames, in the order of the rows, without gaps
 *
 * The front (header and rows) is a skippable frame, so plain `lz4 -dc` yields the
 * raw entries. Bytes 0 to 11 and what the checksum covers stay as they are in any
 * later version, so that a newer file and a damaged one can be told apart.
 */
#pragma once

#include "machine/chunk.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/hash128.h"
#include "util/limits.h"

#define PACK_VERSION 1u
#define PACK_PREFIX_LEN 8u /* tells how long the front is */
#define PACK_HEADER_LEN 48u
#define PACK_ROW_LEN 112u
#define PACK_CLUSTER_LEN 16u
#define PACK_FRONT_MAX (PACK_HEADER_LEN + PACK_CHUNKS_MAX * PACK_ROW_LEN)

struct pack_header {
    uint64_t number;
    uint8_t cluster[PACK_CLUSTER_LEN];
    uint32_t rows; /* 1 to PACK_CHUNKS_MAX */
};

/* What a pack says of one chunk.
 *
 *     0   8  uid of the log
 *     8   8  position of the first entry
 *    16   8  of the last
 *    24   8  time of the last, ms
 *    32   4  raw bytes
 *    36   4  entries
 *    40   4  key and value bytes
 *    44   4  length of the frame
 *    48   8  its offset from the start of the file
 *    56  16  chain digest of the log before the first entry
 *    72  16  after the last
 *    88  16  XXH3-128 of the raw bytes
 *   104   4  CRC-32C of the frame
 *   108   4  CRC-32C of bytes 0 to 107
 */
struct pack_row {
    struct chunk_facts facts; /* its len is 1 to CHUNK_BYTES_MAX */
    uint32_t frame_len;       /* at most pack_frame_bound(facts.len) */
    uint32_t frame_crc;
    uint64_t frame_at;
    uint8_t from[HASH128_LEN]; /* the chain before it */
    uint8_t hash[HASH128_LEN]; /* of the raw bytes */
};

static inline size_t pack_front_len(uint32_t rows)
{
    return PACK_HEADER_LEN + (size_t)rows * PACK_ROW_LEN;
}

/* Writes header and rows to @ret, pack_front_len() bytes. */
void pack_front_encode(const struct pack_header *header,
                       const struct pack_row *rows, uint8_t *ret);
/* How many bytes the front of a file has, from its first PACK_PREFIX_LEN ones.
 * QL_CORRUPT: it is no pack; never more than PACK_FRONT_MAX. */
int pack_front_measure(const uint8_t *prefix, size_t *ret_len, struct err *err);
/* @front is exactly as long as measured. Everything of it is checked but the
 * rows themselves. QL_CORRUPT; QL_INVALID: a newer version wrote it. */
int pack_front_decode(struct bytes front, struct pack_header *ret,
                      struct err *err);
/* Are these PACK_HEADER_LEN bytes, as far as they say, of that pack? */
bool pack_header_is(const uint8_t *bytes, uint64_t number,
                    const uint8_t cluster[PACK_CLUSTER_LEN]);
/* What such a header says of its rows: unproven, but no more than there can be. */
uint32_t pack_header_rows(const uint8_t *bytes);
/* One row, PACK_ROW_LEN bytes, as it stands in a file or came from a peer. What
 * it says is possible, or QL_CORRUPT; that it is true, only its bytes show. */
void pack_row_encode(const struct pack_row *row, uint8_t *ret);
int pack_row_decode(const uint8_t *bytes, struct pack_row *ret,
                    struct err *err);
/* Decodes all rows of a front that pack_front_decode() has found good into @ret,
 * one for each row; their frames follow the front and each other. @ret_end is
 * where the last one ends: the length of the file. */
int pack_rows_decode(struct bytes front, struct pack_row *ret,
                     uint64_t *ret_end, struct err *err);

/* The longest frame of so many raw bytes. */
size_t pack_frame_bound(size_t raw_len);
/* Appends the frame of @raw to @ret. Only the end of memory fails it. */
int pack_frame_compress(struct bytes raw, struct buf *ret, struct err *err);
/* Is @frame the one that @row speaks of, byte for byte? QL_CORRUPT. It says
 * nothing of what it decodes to. */
int pack_frame_check(const struct pack_row *row, struct bytes frame,
                     struct err *err);
/* Fills the @raw_len bytes at @ret, allocating nothing that @frame claims.
 * QL_CORRUPT: it is not exactly one frame of pack_frame_compress() that gives
 * @raw_len bytes (length, checksum, what follows it). */
int pack_frame_decompress(struct bytes frame, uint8_t *ret, size_t raw_len,
                          struct err *err);
/* All checks of the frame of @row: pack_frame_check(), what it gives, and that
 * the raw bytes have the row's hash. @ret has room for row->facts.len. */
int pack_chunk_decompress(const struct pack_row *row, struct bytes frame,
                          uint8_t *ret, struct err *err);
/* The same for a frame that was proven when it came here, as every frame in a pack
 * of this node was: its own checksum, which takes most of the time, is left out.
 * The row's two say as much. */
int pack_chunk_decompress_proven(const struct pack_row *row, struct bytes frame,
                                 uint8_t *ret, struct err *err);
