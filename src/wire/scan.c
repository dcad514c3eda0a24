/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/scan.h"

#include "wire/token.h"

static int scan_whole(struct scan *scan, const uint8_t *bytes, size_t len,
                      size_t *ret_len, struct err *err);
static void walk_plain(struct scan *scan, const uint8_t *bytes, size_t limit);
static int walk_one(struct scan *scan, const uint8_t *bytes, size_t len,
                    bool *ret_cut, struct err *err);
static int check_token(const struct scan *scan, const struct token *token,
                       struct err *err);

void scan_init(struct scan *scan, size_t len_max)
{
    scan->at = 0;
    scan->len_max = len_max;
    scan->depth = 0;
    scan->items_left = MESSAGE_ITEMS_MAX;
    scan->left[0] = 1;
    scan->done = false;
}

int scan_feed(struct scan *scan, const uint8_t *bytes, size_t len,
              struct err *err)
{
    const size_t limit = len < scan->len_max ? len : scan->len_max;
    bool cut = false;
    int rv;

    while (!cut) {
        walk_plain(scan, bytes, limit);
        if (scan->depth == 0 && scan->left[0] == 0) {
            scan->done = scan->at <= len;
            break;
        }
        if (scan->at > len) {
            break; /* the body of a string is still on its way */
        }
        rv = walk_one(scan, bytes, len, &cut, err);
        if (rv != 0) {
            return rv;
        }
    }
    return 0;
}

/* Walks as long as values are short, wholly here and surely within the limits,
 * which nearly all are. */
static void walk_plain(struct scan *scan, const uint8_t *bytes, size_t limit)
{
    const uint8_t *at;
    const uint8_t *end = bytes + limit;
    uint32_t depth = scan->depth;
    uint64_t left = scan->left[depth];

    if (scan->at > limit) {
        return;
    }
    at = bytes + scan->at;

    while (true) {
        const struct token_form *form;
        size_t room;
        size_t size;

        while (left == 0 && depth > 0) {
            depth--;
            left = scan->left[depth];
        }
        if (left == 0 || at >= end) {
            break;
        }
        room = (size_t)(end - at);
        form = &token_forms[*at];
        size = token_size(at, room);
        if (size == 0) {
            if (form->kind < TOKEN_ARRAY || form->number_len != NUMBER_NONE ||
                form->number >= room || form->number > scan->items_left ||
                depth == MESSAGE_DEPTH_MAX) {
                break;
            }
            scan->items_left -= form->number;
            scan->left[depth] = left - 1;
            depth++;
            left = form->number;
            at++;
            continue;
        }
        if (size > room) {
            break;
        }
        at += size;
        left--;
    }
    scan->at = (size_t)(at - bytes);
    scan->depth = depth;
    scan->left[depth] = left;
}

/* Walks over any head and its body; *ret_cut when the head is not here yet. */
static int walk_one(struct scan *scan, const uint8_t *bytes, size_t len,
                    bool *ret_cut, struct err *err)
{
    struct token token = token_read(bytes + scan->at, len - scan->at);
    int rv = check_token(scan, &token, err);

    if (rv != 0) {
        return rv;
    }
    if (token.kind == TOKEN_CUT) {
        *ret_cut = true;
        return 0;
    }
    scan->at += (size_t)(token.head_len + token_body_len(&token));
    scan->left[scan->depth]--;
    if (token_items(&token) > 0) {
        scan->items_left -= (uint32_t)token.number;
        scan->depth++;
        scan->left[scan->depth] = token.number;
    }
    return 0;
}

int scan_value(const uint8_t *bytes, size_t len, size_t *ret_len,
               struct err *err)
{
    struct scan scan;

    scan_init(&scan, SIZE_MAX);
    return scan_whole(&scan, bytes, len, ret_len, err);
}

int scan_member(const uint8_t *bytes, size_t len, size_t *ret_len,
                struct err *err)
{
    struct scan scan;

    scan_init(&scan, SIZE_MAX);
    scan.left[0] = 0;
    scan.left[1] = 1;
    scan.depth = 1;
    return scan_whole(&scan, bytes, len, ret_len, err);
}

/* Whatever does not end within @len is cut off, however long it claims to be; the
 * count of items still bounds the work. */
static int scan_whole(struct scan *scan, const uint8_t *bytes, size_t len,
                      size_t *ret_len, struct err *err)
{
    int rv = scan_feed(scan, bytes, len, err);

    if (rv != 0) {
        return rv;
    }
    if (!scan->done) {
        return err_set(err, QL_PROTOCOL, "a value is cut off after %zu bytes",
                       len);
    }
    *ret_len = scan->at;
    return 0;
}

static int check_token(const struct scan *scan, const struct token *token,
                       struct err *err)
{
    size_t room = scan->len_max - scan->at;

    if (token->kind == TOKEN_BAD) {
        return err_set(err, QL_PROTOCOL,
                       "byte 0xc1 at offset %zu is not MessagePack", scan->at);
    }
    if (token->head_len > room ||
        token_body_len(token) > room - token->head_len) {
        return err_set(err, QL_TOO_LARGE,
                       "the message is longer than %zu bytes", scan->len_max);
    }
    room -= (size_t)(token->head_len + token_body_len(token));
    /* Each item takes one byte at least. */
    if (token_items(token) > room) {
        return err_set(err, QL_TOO_LARGE,
                       "the message claims %llu more items, which do not fit "
                       "in %zu bytes",
                       (unsigned long long)token_items(token), scan->len_max);
    }
    if (token_items(token) > scan->items_left) {
        return err_set(err, QL_TOO_LARGE, "the message has more than %u items",
                       MESSAGE_ITEMS_MAX);
    }
    if (token->kind >= TOKEN_ARRAY && scan->depth == MESSAGE_DEPTH_MAX) {
        return err_set(err, QL_TOO_LARGE,
                       "the message is nested deeper than %u levels",
                       MESSAGE_DEPTH_MAX);
    }
    return 0;
}
