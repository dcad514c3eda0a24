/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Encoded values and what stands in them, read where they are: a value is the
 * bytes from its head to its end. Only for bytes in which scan_value() has found a
 * whole value: then nothing here can fail or look beyond them. Internal to the
 * wire.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>

#include "util/buf.h"
#include "wire/token.h"

/* Values that stand one behind the other: the items of an array or, two a pair,
 * of a map. All zero: none. */
struct items {
    struct bytes left; /* those still to come, and nothing else */
    uint64_t count;    /* of them */
};

/* The length of the value at the start of @bytes, which is walked over. */
size_t value_walk(struct bytes bytes);

/* Takes the next one; there must be one. */
static inline struct bytes items_next(struct items *items)
{
    struct bytes value = {items->left.data, 0};

    assert(items->left.len > 0);
    assert(items->count > 0);
    items->count--;
    value.len = token_size(value.data, items->left.len);
    if (value.len == 0) {
        /* The last one ends where they all do: no need to walk over it. */
        value.len =
            items->count == 0 ? items->left.len : value_walk(items->left);
    }
    assert(value.len <= items->left.len);
    items->left.data += value.len;
    items->left.len -= value.len;
    return value;
}

/* The head of a value. */
static inline struct token value_head(struct bytes value)
{
    struct token token = token_read(value.data, value.len);

    assert(token.kind > TOKEN_BAD);
    return token;
}

/* What stands behind it. */
static inline struct bytes value_body(struct bytes value,
                                      const struct token *head)
{
    return (struct bytes){value.data + head->head_len,
                          value.len - head->head_len};
}

/* Of an array or a map. */
static inline struct items value_items(struct bytes value,
                                       const struct token *head)
{
    return (struct items){value_body(value, head), head->number};
}

/* The bytes of a str or bin; false for anything else. */
static inline bool value_bytes(struct bytes value, struct bytes *ret)
{
    struct token head = value_head(value);

    if (head.kind != TOKEN_STR && head.kind != TOKEN_BIN) {
        return false;
    }
    *ret = value_body(value, &head);
    return true;
}

/* The same, and data NULL for nil. */
static inline bool value_bytes_or_nil(struct bytes value, struct bytes *ret)
{
    if (value_head(value).kind == TOKEN_NIL) {
        *ret = (struct bytes){NULL, 0};
        return true;
    }
    return value_bytes(value, ret);
}

/* An integer that is not negative; false for anything else. */
static inline bool value_u64(struct bytes value, uint64_t *ret)
{
    struct token head = value_head(value);

    if (head.kind != TOKEN_UINT) {
        return false;
    }
    *ret = head.number;
    return true;
}

/* An array of @count items; false for anything else. */
static inline bool value_tuple(struct bytes value, uint64_t count,
                               struct items *ret)
{
    struct token head = value_head(value);

    if (head.kind != TOKEN_ARRAY || head.number != count) {
        return false;
    }
    *ret = value_items(value, &head);
    return true;
}
