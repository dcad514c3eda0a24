/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A snapshot in its simple form: the machine's image in one LZ4 frame. Byte
 * table: docs/formats.md, "Snapshot".
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
/* Checks everything and restores @machine; QL_CORRUPT leaves it as it was.
 * Never allocates more than the header's image length, which is itself bounded
 * by 255 times @len (LZ4 cannot expand further). */
int snapshot_restore(struct machine *machine, const void *bytes, size_t len,
                     uint64_t *ret_index, struct err *err);
