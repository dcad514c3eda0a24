/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Where a backup's chunks are in the pool of this directory: the second part of
 * a manifest file, which does not leave it. docs/formats.md, "Backup locations".
 * This is the format alone: pure functions, safe on any thread.
 *
 *     0   4  LZ4 skippable frame magic 0x184D2A53
 *     4   4  length of what follows
 *     8   4  "QLKL"
 *    12   4  version, 1
 *    16   4  CRC-32C of bytes 4 to the end, these four left out
 *    20   4  the last checksum of the front that it belongs to
 *    24  16  id of the cluster whose directory it is
 *    40   8  raw bytes of chunks that were new to the pool
 *    48   8  bytes of all frames that it names
 *    56   4  packs
 *    60   4  chunks
 *    64  ..  packs x 8: their numbers, rising
 *        ..  chunks x {4: index of the pack among them, 4: row in it}
 */
#pragma once

#include "store/pack.h"

#define BACKUP_LOCATIONS_VERSION 1u
#define BACKUP_LOCATIONS_HEADER_LEN 64u
#define BACKUP_LOCATION_LEN 8u

struct backup_locations {
    uint32_t front_crc;
    uint8_t cluster[PACK_CLUSTER_LEN];
    uint64_t new_bytes;
    uint64_t stored_bytes;
    uint32_t packs;
    uint32_t chunks;
};

struct backup_location {
    uint64_t pack; /* its number */
    uint32_t row;
};

static inline uint64_t backup_locations_len(
    const struct backup_locations *locations)
{
    return BACKUP_LOCATIONS_HEADER_LEN + (uint64_t)locations->packs * 8 +
           (uint64_t)locations->chunks * BACKUP_LOCATION_LEN;
}

/* Appends them to @ret. @items are header->chunks, in the order of the front's
 * rows; header->packs is found out, and set. */
void backup_locations_encode(struct backup_locations *header,
                             const struct backup_location *items,
                             struct buf *ret);
/* The first BACKUP_LOCATIONS_HEADER_LEN bytes, unproven yet: only so much that
 * the length can be trusted to be within limits. QL_CORRUPT; QL_INVALID: a newer
 * version wrote it. */
int backup_locations_measure(const uint8_t *header,
                             struct backup_locations *ret, struct err *err);
/* All bytes: checksum, version, rising packs, indexes and rows within bounds,
 * every pack named by some chunk. */
int backup_locations_check(struct bytes bytes, struct backup_locations *ret,
                           struct err *err);
/* Of locations that were found good. */
uint64_t backup_locations_pack(struct bytes bytes, uint32_t index);
struct backup_location backup_locations_item(struct bytes bytes,
                                             uint32_t number);
/* The index of its pack among all. */
uint32_t backup_locations_index(struct bytes bytes, uint32_t number);
