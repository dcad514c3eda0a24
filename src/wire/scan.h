/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Walks untrusted MessagePack without decoding it: finds where one message ends
 * and refuses what exceeds the limits, before anything is decoded. It allocates
 * nothing and never reads past the bytes it is given.
 *
 * Source of the format: msgpack spec, https://github.com/msgpack/msgpack.
 */
#pragma once

#include <stdbool.h>

#include "util/err.h"
#include "util/limits.h"

/* The place in a message that arrives in pieces. */
struct scan {
    size_t at;      /* bytes of the message walked so far; beyond what is here
                       when the rest of a string is still on its way */
    size_t len_max; /* a message is refused as soon as it must be longer */
    uint32_t depth; /* open containers */
    uint32_t items_left; /* of MESSAGE_ITEMS_MAX, less what was claimed */
    /* Items still to come in each, the message itself being the first. */
    uint64_t left[MESSAGE_DEPTH_MAX + 1];
    bool done;
};

void scan_init(struct scan *scan, size_t len_max);
/* Goes on with the message that starts at @bytes, of which @len are here now
 * (all from the start, not only the new ones). Each byte is looked at once.
 * 0: scan->done tells whether the message is whole; then scan->at is its length.
 * QL_TOO_LARGE, as soon as it is certain: it must be longer than len_max, also
 * because a length or count it claims does not fit; it is deeper than
 * MESSAGE_DEPTH_MAX or has more than MESSAGE_ITEMS_MAX items. QL_PROTOCOL: a
 * byte that no MessagePack has (0xc1). */
int scan_feed(struct scan *scan, const uint8_t *bytes, size_t len,
              struct err *err);
/* One value that is wholly in @bytes; *ret_len is its length. QL_PROTOCOL also
 * when it is cut off. */
int scan_value(const uint8_t *bytes, size_t len, size_t *ret_len,
               struct err *err);
/* The same for a value in a map, which is one of its levels. */
int scan_member(const uint8_t *bytes, size_t len, size_t *ret_len,
                struct err *err);
