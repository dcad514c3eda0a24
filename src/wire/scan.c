/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/scan.h"

#include "wire/token.h"

static int scan_step(struct scan *scan, const uint8_t *bytes, size_t len,
                     bool *ret_cut, struct err *err);
static int check_token(const struct scan *scan, const struct token *token,
                       struct err *err);
static void take_token(struct scan *scan, const struct token *token);

void scan_init(struct scan *scan, size_t len_max)
{
    scan->at = 0;
    scan->len_max = len_max;
    scan->depth = 0;
    scan->items_left = MESSAGE_ITEMS_MAX;
    scan->done = false;
}

int scan_feed(struct scan *scan, const uint8_t *bytes, size_t len,
              struct err *err)
{
    bool cut = false;
    int rv;

    while (!cut) {
        if (scan->at > len) {
            break; /* the body of a string is still on its way */
        }
        if (scan->at > 0 && scan->depth == 0) {
            scan->done = true;
            break;
        }
        rv = scan_step(scan, bytes, len, &cut, err);
        if (rv != 0) {
            return rv;
        }
    }
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

/* Walks over one head and its body; *ret_cut when the head is not here yet. */
static int scan_step(struct scan *scan, const uint8_t *bytes, size_t len,
                     bool *ret_cut, struct err *err)
{
    struct token token;
    int rv;

    token_read(&token, bytes + scan->at, len - scan->at);
    rv = check_token(scan, &token, err);
    if (rv != 0) {
        return rv;
    }
    if (token.kind == TOKEN_CUT) {
        *ret_cut = true;
        return 0;
    }
    take_token(scan, &token);
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
    if (token->head_len > room || token->body_len > room - token->head_len) {
        return err_set(err, QL_TOO_LARGE,
                       "the message is longer than %zu bytes", scan->len_max);
    }
    room -= (size_t)(token->head_len + token->body_len);
    /* Each item takes one byte at least. */
    if (token->items > room) {
        return err_set(err, QL_TOO_LARGE,
                       "the message claims %llu more items, which do not fit "
                       "in %zu bytes",
                       (unsigned long long)token->items, scan->len_max);
    }
    if (token->items > scan->items_left) {
        return err_set(err, QL_TOO_LARGE, "the message has more than %u items",
                       MESSAGE_ITEMS_MAX);
    }
    if ((token->kind == TOKEN_ARRAY || token->kind == TOKEN_MAP) &&
        scan->depth == MESSAGE_DEPTH_MAX) {
        return err_set(err, QL_TOO_LARGE,
                       "the message is nested deeper than %u levels",
                       MESSAGE_DEPTH_MAX);
    }
    return 0;
}

static void take_token(struct scan *scan, const struct token *token)
{
    scan->at += (size_t)(token->head_len + token->body_len);
    if (token->items > 0) {
        scan->items_left -= (uint32_t)token->items;
        scan->left[scan->depth] = token->items;
        scan->depth++;
        return;
    }
    /* A value has ended, and with it each container whose last item it was. */
    while (scan->depth > 0) {
        scan->left[scan->depth - 1]--;
        if (scan->left[scan->depth - 1] > 0) {
            break;
        }
        scan->depth--;
    }
}
