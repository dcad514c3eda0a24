/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/value.h"

static size_t walk(struct bytes bytes);

size_t value_len(struct bytes bytes, bool is_last)
{
    struct token head = token_read(bytes.data, bytes.len);
    uint64_t len;

    /* The last one ends where they all do: no need to walk over it. */
    if (is_last && head.kind >= TOKEN_ARRAY) {
        return bytes.len;
    }
    len = head.head_len + token_body_len(&head);
    if (head.kind <= TOKEN_BAD || len > bytes.len) {
        return 0;
    }
    if (head.kind < TOKEN_ARRAY) {
        return (size_t)len;
    }
    return walk(bytes);
}

/* By counting, so that nesting costs nothing. */
static size_t walk(struct bytes bytes)
{
    size_t at = 0;
    uint64_t count = 1;

    while (count > 0) {
        uint64_t len;

        if (at == bytes.len) {
            return 0;
        }
        len = token_size(bytes.data + at, bytes.len - at);
        if (len == 0) {
            struct token token = token_read(bytes.data + at, bytes.len - at);

            if (token.kind <= TOKEN_BAD) {
                return 0;
            }
            len = token.head_len + token_body_len(&token);
            count += token_items(&token);
        }
        if (len > bytes.len - at) {
            return 0;
        }
        at += (size_t)len;
        count--;
    }
    return at;
}
