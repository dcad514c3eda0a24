/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Reads one LZ4 frame of a kind that is known beforehand: any other is refused
 * before anything is allocated by what its header claims.
 */
#pragma once

#include <lz4frame.h>

#include "util/buf.h"
#include "util/err.h"

struct lz4_frame_kind {
    LZ4F_frameInfo_t info; /* as the frame was made, the length of its content
                              (in bytes, not 0) included */
    const char *what;      /* "a pack", for errors */
    bool skips_checksum;   /* the caller has a better one of the content */
};

/* @ret has room for the whole content. The frame must be whole, end where the
 * bytes end and give exactly that length: else QL_CORRUPT. QL_NO_MEMORY. */
int lz4_frame_read(struct bytes frame, const struct lz4_frame_kind *kind,
                   uint8_t *ret, struct err *err);
