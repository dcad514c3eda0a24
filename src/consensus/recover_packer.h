/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Packs of a new directory with all chunks of a recovered state: each is read out
 * of a source, proven, compressed anew, written and read back. Memory for one pack.
 */
#pragma once

#include "consensus/recover_plan.h"

struct recover_packer {
    struct recover_plan *plan;
    struct disk *disk;
    struct pack_header header; /* of the pack that is being filled */
    struct pack_row *rows;
    struct buf frames;
    uint64_t pack_bytes; /* raw, in it */
    struct buf raw;
    struct buf frame;
    bool allow_missing;
    uint64_t chunks;
    uint64_t raw_bytes;
    int rv;
    struct err *err;
};

void recover_packer_init(struct recover_packer *packer,
                         struct recover_plan *plan, struct disk *disk,
                         const struct identity *identity);
/* QL_NOT_FOUND: a chunk is in no source. */
int recover_packer_run(struct recover_packer *packer, struct err *err);
void recover_packer_close(struct recover_packer *packer);

/* The row and the frame (in @frame, which is emptied first) of @raw. All but the
 * frame's offset. */
int recover_row_make(const struct chunk *chunk, const uint8_t from[HASH128_LEN],
                     struct bytes raw, struct buf *frame, struct pack_row *ret,
                     struct err *err);
