/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The front of a backup: which one it is, a row for each sealed chunk, and a
 * snapshot of the tables of its logs. It begins the manifest file of a backup and
 * the stream that an export gives. Byte tables: docs/formats.md, "Backup
 * manifest". This is the format alone: pure functions, safe on any thread.
 *
 *     0    4  LZ4 skippable frame magic 0x184D2A52
 *     4    4  length of what follows in the front
 *     8    4  "QLK1"
 *    12    4  version, 1
 *    16    4  CRC-32C of bytes 4 to 255, these four left out
 *    20    4  flags: 1 foreign, 2 scheduled
 *    24  ..   the other fields of the backup's row, and lengths
 *   256  ..   chunks x PACK_ROW_LEN: rows as in a pack, but that a frame's offset
 *             is the one in the stream
 *        ..   the snapshot ("QLS1") of the logs
 *         4   CRC-32C of all bytes before
 *
 * Bytes 0 to 19 and what the first checksum covers stay as they are in any later
 * version.
 */
#pragma once

#include <stdbool.h>

#include "store/pack.h"
#include "wire/args_backup.h"

#define BACKUP_FRONT_VERSION 1u
#define BACKUP_FRONT_HEADER_LEN 256u
#define BACKUP_FRONT_CRC_LEN 4u /* behind all */
/* A name of BACKUP_NAME_MAX bytes and at least one zero. */
#define BACKUP_FRONT_NAME_LEN 64u

/* What the header says. */
struct backup_front {
    struct backup_row row; /* its id is 0 when the backup was taken in from
                              elsewhere, before the table knew of it */
    uint32_t chunks;       /* rows that follow */
    uint64_t snapshot_len;
    uint64_t tail_len;     /* of the frame of open chunks; 0: there are none */
    uint64_t tail_raw_len; /* and what it gives */
    uint32_t tail_crc;     /* CRC-32C of that frame */
    uint64_t stream_len;   /* front, frames of all rows, tail */
};

/* The length of the whole front. */
static inline uint64_t backup_front_len(const struct backup_front *front)
{
    return BACKUP_FRONT_HEADER_LEN + (uint64_t)front->chunks * PACK_ROW_LEN +
           front->snapshot_len + BACKUP_FRONT_CRC_LEN;
}

/* Where row @number begins, in the front and so in the manifest. */
static inline uint64_t backup_front_row_at(uint32_t number)
{
    return BACKUP_FRONT_HEADER_LEN + (uint64_t)number * PACK_ROW_LEN;
}

/* BACKUP_FRONT_HEADER_LEN bytes at @ret. */
void backup_front_encode(const struct backup_front *front, uint8_t *ret);
/* Checks the first BACKUP_FRONT_HEADER_LEN bytes and that nothing in them is
 * impossible: lengths are within limits and their sum is what it must be at
 * least. QL_CORRUPT: it is no backup, or damaged. QL_INVALID: a newer version
 * wrote it. */
int backup_front_decode(const uint8_t *header, struct backup_front *ret,
                        struct err *err);
/* Are these as much as a header begins with: could somebody have made it who
 * knows the format? For telling a damaged file from a stranger's. */
bool backup_front_is(const uint8_t *header);

/* The whole front: the header, the last checksum, every row, that they stand in
 * order of logs and positions, that each frame follows the one before it, that
 * the chain of each log goes from row to row, and that the tail ends the stream.
 * Of the snapshot only its checksum: snapshot_unpack() says more. */
int backup_front_check(struct bytes front, struct backup_front *ret,
                       struct err *err);
/* Row @number of a front that was found good. */
int backup_front_row(struct bytes front, uint32_t number, struct pack_row *ret,
                     struct err *err);
/* Its snapshot; borrowed. */
struct bytes backup_front_snapshot(struct bytes front,
                                   const struct backup_front *header);
/* Gives a good front another row (a new name, an id) and makes its checksums
 * anew; everything else stays. */
void backup_front_set_row(uint8_t *bytes, size_t len,
                          const struct backup_row *row);
/* Puts the checksum at the end of @len bytes, which include room for it. */
void backup_front_seal(uint8_t *bytes, size_t len);
/* What names a stream: equal tags mean equal bytes. XXH3-128 of the header and
 * of the front's last checksum. */
void backup_front_tag(const uint8_t header[BACKUP_FRONT_HEADER_LEN],
                      uint32_t crc, uint8_t ret[HASH128_LEN]);

/* Do they speak of the same backup, whatever its id? */
bool backup_row_is_same(const struct backup_row *a, const struct backup_row *b);
