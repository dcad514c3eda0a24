/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/scan.h"

#include "wire/token.h"

static inline bool token_fits(const struct scan *scan,
                              const struct token *token, size_t room);
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
    uint64_t left = scan->left[scan->depth];
    size_t at = scan->at;
    int rv;

    while (true) {
        struct token token;
        size_t size;

        /* Most are short, and their type byte says how short. */
        while (left > 0 && at < limit) {
            size = token_size(bytes + at, limit - at);
            if (size == 0 || size > limit - at) {
                break;
            }
            at += size;
            left--;
        }
        if (left == 0) {
            if (scan->depth == 0) {
                break;
            }
            scan->depth--;
            left = scan->left[scan->depth];
            continue;
        }
        if (at > len) {
            break; /* the body of a string is still on its way */
        }
        token = token_read(bytes + at, len - at);
        if (!token_fits(scan, &token, limit - at)) {
            scan->at = at;
            rv = check_token(scan, &token, err);
            if (rv != 0) {
                return rv;
            }
            if (token.kind == TOKEN_CUT) {
                break;
            }
        }
        at += (size_t)(token.head_len + token_body_len(&token));
        left--;
        if (token_items(&token) > 0) {
            scan->items_left -= (uint32_t)token.number;
            scan->left[scan->depth] = left;
            scan->depth++;
            left = token.number;
        }
    }
    scan->at = at;
    scan->left[scan->depth] = left;
    scan->done = left == 0 && at <= len;
    return 0;
}

int scan_value(const uint8_t *bytes, size_t len, size_t *ret_len,
               struct err *err)
{
    struct scan scan;
    int rv;

    /* Whatever does not end within @len is cut off, however long it claims to
     * be; the count of items still bounds the work. */
    scan_init(&scan, SIZE_MAX);
    rv = scan_feed(&scan, bytes, len, err);
    if (rv != 0) {
        return rv;
    }
    if (!scan.done) {
        return err_set(err, QL_PROTOCOL, "a value is cut off after %zu bytes",
                       len);
    }
    *ret_len = scan.at;
    return 0;
}

/* Surely sound and wholly here, which nearly all are. */
static inline bool token_fits(const struct scan *scan,
                              const struct token *token, size_t room)
{
    if (token->kind <= TOKEN_BAD ||
        token->head_len + token_body_len(token) > room) {
        return false;
    }
    return token->kind < TOKEN_ARRAY ||
           (token->number <= room - token->head_len &&
            token->number <= scan->items_left &&
            scan->depth < MESSAGE_DEPTH_MAX);
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
