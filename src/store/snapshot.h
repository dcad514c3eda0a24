/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A snapshot: the machine's image in one LZ4 frame. The image names the sealed
 * chunks of the logs, whose bytes are elsewhere (chunk_store.h), and holds those
 * of the open ones. Byte table: docs/formats.md, "Snapshot".
 *
 *     0   4  LZ4 skippable frame magic 0x184D2A51
 *     4   4  28: length of what follows up to the frame
 *     8   4  "QLS1"
 *    12   4  CRC-32C of bytes 16 to 35
 *    16   8  length of the image
 *    24   8  raft index the image is from (0: not known)
 *    32   4  CRC-32C of the image
 *    36  ..  LZ4 frame with content size, block and content checksums
 *
 * The header is a skippable frame, so plain `lz4 -dc` yields the image.
 */
#pragma once

#include "machine/machine.h"
#include "util/buf.h"
#include "util/err.h"

/* Compresses @view into @ret, allocated as it grows. Safe on a work thread. */
int snapshot_encode(const struct view *view, uint64_t index, struct buf *ret,
                    struct err *err);
/* Checks everything and restores @machine with chunks of @source (or NULL):
 * machine_restore(). QL_CORRUPT and QL_INVALID leave it as it was.
 * Never allocates more than the header's image length, which is itself bounded
 * by 255 times @len (LZ4 cannot expand further). */
int snapshot_restore(struct machine *machine, const void *bytes, size_t len,
                     const struct chunk_source *source, uint64_t *ret_index,
                     struct err *err);
/* Its two halves apart. This one gives the image, for machine_restore(), and may
 * run on any thread; @ret_image was initialised by the caller. QL_CORRUPT. */
int snapshot_unpack(const void *bytes, size_t len, struct buf *ret_image,
                    uint64_t *ret_index, struct err *err);
/* The index alone, of a header that is whole; QL_CORRUPT. */
int snapshot_index(const void *bytes, size_t len, uint64_t *ret_index,
                   struct err *err);
