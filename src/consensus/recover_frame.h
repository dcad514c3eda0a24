/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A result as an LZ4 skippable frame, behind the stream of an exported recovery.
 *
 *     0   4  magic 0x184D2A54
 *     4   4  length of what follows
 *     8   4  "QLKR"
 *    12  ..  the text (recover_result.h)
 */
#pragma once

#include "consensus/recover_result.h"

#define RECOVER_FRAME_MAX (16u * KIB)

/* Appends it to @buf. */
void recover_frame_encode(const struct recover_result *result, struct buf *buf);
/* QL_CORRUPT. */
int recover_frame_decode(struct recover_result *ret, struct bytes frame,
                         struct err *err);
