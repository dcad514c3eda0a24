/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The head of one MessagePack value: its kind and how long it says it is.
 * Internal to the wire. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum token_kind {
    TOKEN_CUT = 0, /* the head is not wholly here; head_len is its length */
    TOKEN_BAD,     /* 0xc1, which no MessagePack has */
    TOKEN_NIL,
    TOKEN_BOOL,
    TOKEN_UINT,
    TOKEN_NEGATIVE,
    TOKEN_FLOAT,
    TOKEN_STR,
    TOKEN_BIN,
    TOKEN_EXT,
    TOKEN_ARRAY,
    TOKEN_MAP,
};

struct token {
    enum token_kind kind;
    uint32_t head_len; /* the type byte and the number behind it */
    uint64_t body_len; /* bytes behind the head: str, bin, ext */
    uint64_t items;    /* values behind the head: array, map (two a pair) */
    uint64_t value;    /* UINT; BOOL: 0 or 1 */
};

/* Reads the head at @bytes. Never looks beyond @len. */
void token_read(struct token *ret, const uint8_t *bytes, size_t len);
