/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The head of one MessagePack value: its kind and how long it says it is.
 * Internal to the wire. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* In this order: those without anything behind the head, those with bytes there,
 * those with values there. */
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

/* Two words, so that it travels in registers. */
struct token {
    enum token_kind kind;
    uint32_t head_len; /* the type byte and the number behind it */
    uint64_t number;   /* UINT: it; BOOL: 0 or 1; STR, BIN, EXT: bytes behind
                          the head; ARRAY, MAP: values there, two a pair */
};

/* How many bytes of a big-endian number stand behind the type byte. */
#define NUMBER_NONE 0u
#define NUMBER_BYTE 1u                 /* one, without a sign */
#define NUMBER_LONG(len) (16u + (len)) /* anything else */

/* What a type byte means. */
struct token_form {
    uint8_t kind;
    uint8_t number_len; /* one of the above */
    uint8_t number;     /* what the type itself says, or what is added to the
                           number behind it */
    uint8_t size;       /* of the whole value, or one of the below */
};

#define SIZE_UNTOLD 0u  /* not told by the type */
#define SIZE_BYTE 0xffu /* as many bytes as its number says behind the head */

extern const struct token_form token_forms[256];

/* The length of the value that starts at @bytes if its first two bytes tell it, as
 * those of nearly all do that hold no other values. Otherwise 0, also when they
 * are not here: @len > 0 are. The rest of it may be missing. */
static inline size_t token_size(const uint8_t *bytes, size_t len)
{
    const struct token_form *form = &token_forms[bytes[0]];

    if (form->size != SIZE_BYTE) {
        return form->size;
    }
    return len > 1 ? 2u + form->number + bytes[1] : 0;
}

/* The head with a NUMBER_LONG; a signed one may turn out to be UINT. @len > 0. */
struct token token_read_long(const uint8_t *bytes, size_t len);

/* Reads the head at @bytes. Never looks beyond @len. Here, because this is what
 * decoding consists of, and most heads are one byte or two. */
static inline struct token token_read(const uint8_t *bytes, size_t len)
{
    const struct token_form *form;

    if (len == 0) {
        return (struct token){.kind = TOKEN_CUT, .head_len = 1};
    }
    form = &token_forms[bytes[0]];
    if (form->number_len == NUMBER_NONE) {
        return (struct token){(enum token_kind)form->kind, 1, form->number};
    }
    if (form->number_len == NUMBER_BYTE && len > 1) {
        return (struct token){(enum token_kind)form->kind, 2,
                              (uint64_t)form->number + bytes[1]};
    }
    return token_read_long(bytes, len);
}

/* Bytes behind the head that belong to the value, if it holds no others. */
static inline uint64_t token_body_len(const struct token *token)
{
    return token->kind >= TOKEN_STR && token->kind <= TOKEN_EXT ? token->number
                                                                : 0;
}

/* Values that it holds. */
static inline uint64_t token_items(const struct token *token)
{
    return token->kind >= TOKEN_ARRAY ? token->number : 0;
}
