/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Encoded values and what stands in them, read where they are: a value is the
 * bytes from its head to its end. The bytes may be anything: whoever walks over
 * all items, and over those in them, has seen that they are sound and end where
 * they should. Internal to the wire.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>

#include "util/buf.h"
#include "util/limits.h"
#include "wire/token.h"

/* Values that stand one behind the other: the items of an array or, two a pair,
 * of a map. All zero: none. */
struct items {
    struct bytes left; /* those still to come, and nothing else */
    uint64_t count;    /* of them */
};

/* The length of the value at the start of @bytes, 0 when it is not sound; not
 * more than @bytes. Of an array or a map it is all of @bytes if @is_last, else
 * it is walked over. */
size_t value_len(struct bytes bytes, bool is_last);

/* Takes the next one; there must be one. False: the bytes are not sound. */
static inline bool items_next(struct items *items, struct bytes *ret)
{
    struct bytes left = items->left;
    size_t len = 0;

    assert(items->count > 0);
    items->count--;
    if (left.len > 0) {
        len = token_size(left.data, left.len);
    }
    if (len == 0) {
        len = value_len(left, items->count == 0);
    }
    if (len - 1 >= left.len || (items->count == 0 && len != left.len)) {
        return false;
    }
    *ret = (struct bytes){left.data, len};
    items->left = (struct bytes){left.data + len, left.len - len};
    return true;
}

/* The head of a value that was taken. */
static inline struct token value_head(struct bytes value)
{
    return token_read(value.data, value.len);
}

/* What stands behind it. */
static inline struct bytes value_body(struct bytes value,
                                      const struct token *head)
{
    return (struct bytes){value.data + head->head_len,
                          value.len - head->head_len};
}

/* What an array or a map holds. False: the bytes are not sound. */
static inline bool value_items(struct bytes value, const struct token *head,
                               struct items *ret)
{
    *ret = (struct items){value_body(value, head), head->number};
    if (ret->count == 0) {
        return ret->left.len == 0;
    }
    /* Each takes one byte at least. */
    return ret->count <= ret->left.len && ret->count <= MESSAGE_ITEMS_MAX;
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

/* ---- Taking one thing after the other ------------------------------------ */

/* For arrays whose items are few and known: no need to find their ends first.
 * Each takes a value from the front of @left; false: it is something else, or the
 * bytes are not sound. */

static inline bool take_head(struct bytes *left, struct token *ret)
{
    *ret = token_read(left->data, left->len);
    if (ret->kind <= TOKEN_BAD ||
        token_body_len(ret) > left->len - ret->head_len) {
        return false;
    }
    left->data += ret->head_len;
    left->len -= ret->head_len;
    return true;
}

/* The head of an array of @count. */
static inline bool take_tuple(struct bytes *left, uint64_t count)
{
    struct token head;

    return take_head(left, &head) && head.kind == TOKEN_ARRAY &&
           head.number == count;
}

static inline bool take_u64(struct bytes *left, uint64_t *ret)
{
    struct token head;

    if (!take_head(left, &head) || head.kind != TOKEN_UINT) {
        return false;
    }
    *ret = head.number;
    return true;
}

/* What stands behind the @head of a str or bin. */
static inline bool take_body(struct bytes *left, const struct token *head,
                             struct bytes *ret)
{
    if (head->kind != TOKEN_STR && head->kind != TOKEN_BIN) {
        return false;
    }
    *ret = (struct bytes){left->data, (size_t)head->number};
    left->data += head->number;
    left->len -= (size_t)head->number;
    return true;
}

static inline bool take_bytes(struct bytes *left, struct bytes *ret)
{
    struct token head;

    return take_head(left, &head) && take_body(left, &head, ret);
}

/* The same, and data NULL for nil. */
static inline bool take_bytes_or_nil(struct bytes *left, struct bytes *ret)
{
    if (left->len > 0 && left->data[0] == 0xc0) {
        *ret = (struct bytes){NULL, 0};
        left->data++;
        left->len--;
        return true;
    }
    return take_bytes(left, ret);
}
