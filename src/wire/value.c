/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/value.h"

size_t value_walk(struct bytes bytes)
{
    size_t at = 0;
    uint64_t count = 1;

    while (count > 0) {
        uint64_t len;

        assert(at < bytes.len);
        len = token_size(bytes.data + at, bytes.len - at);
        if (len == 0) {
            struct token token = token_read(bytes.data + at, bytes.len - at);

            assert(token.kind > TOKEN_BAD);
            len = token.head_len + token_body_len(&token);
            count += token_items(&token);
        }
        assert(len <= bytes.len - at);
        at += (size_t)len;
        count--;
    }
    return at;
}
