/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/token.h"

/* What the type bytes from 0xc0 to 0xdf mean. */
struct form {
    enum token_kind kind;
    uint8_t number_len; /* bytes of the big-endian number behind the type */
    uint8_t body_len;   /* bytes that follow whatever the number is */
};

static const struct form forms[32] = {
    {TOKEN_NIL, 0, 0},      /* c0 nil */
    {TOKEN_BAD, 0, 0},      /* c1 never used */
    {TOKEN_BOOL, 0, 0},     /* c2 false */
    {TOKEN_BOOL, 0, 0},     /* c3 true */
    {TOKEN_BIN, 1, 0},      /* c4 bin 8 */
    {TOKEN_BIN, 2, 0},      /* c5 bin 16 */
    {TOKEN_BIN, 4, 0},      /* c6 bin 32 */
    {TOKEN_EXT, 1, 1},      /* c7 ext 8; its type is a byte of the body */
    {TOKEN_EXT, 2, 1},      /* c8 ext 16 */
    {TOKEN_EXT, 4, 1},      /* c9 ext 32 */
    {TOKEN_FLOAT, 4, 0},    /* ca float 32 */
    {TOKEN_FLOAT, 8, 0},    /* cb float 64 */
    {TOKEN_UINT, 1, 0},     /* cc uint 8 */
    {TOKEN_UINT, 2, 0},     /* cd uint 16 */
    {TOKEN_UINT, 4, 0},     /* ce uint 32 */
    {TOKEN_UINT, 8, 0},     /* cf uint 64 */
    {TOKEN_NEGATIVE, 1, 0}, /* d0 int 8, negative or not */
    {TOKEN_NEGATIVE, 2, 0}, /* d1 int 16 */
    {TOKEN_NEGATIVE, 4, 0}, /* d2 int 32 */
    {TOKEN_NEGATIVE, 8, 0}, /* d3 int 64 */
    {TOKEN_EXT, 0, 2},      /* d4 fixext 1 */
    {TOKEN_EXT, 0, 3},      /* d5 fixext 2 */
    {TOKEN_EXT, 0, 5},      /* d6 fixext 4 */
    {TOKEN_EXT, 0, 9},      /* d7 fixext 8 */
    {TOKEN_EXT, 0, 17},     /* d8 fixext 16 */
    {TOKEN_STR, 1, 0},      /* d9 str 8 */
    {TOKEN_STR, 2, 0},      /* da str 16 */
    {TOKEN_STR, 4, 0},      /* db str 32 */
    {TOKEN_ARRAY, 2, 0},    /* dc array 16 */
    {TOKEN_ARRAY, 4, 0},    /* dd array 32 */
    {TOKEN_MAP, 2, 0},      /* de map 16 */
    {TOKEN_MAP, 4, 0},      /* df map 32 */
};

static void read_form(struct token *ret, const uint8_t *bytes, size_t len);
static void set_number(struct token *ret, const struct form *form, uint8_t type,
                       uint64_t number);

void token_read(struct token *ret, const uint8_t *bytes, size_t len)
{
    uint8_t type;

    *ret = (struct token){.kind = TOKEN_CUT, .head_len = 1};
    if (len == 0) {
        return;
    }
    type = bytes[0];
    if (type < 0x80) {
        ret->kind = TOKEN_UINT;
        ret->value = type;
    } else if (type < 0x90) {
        ret->kind = TOKEN_MAP;
        ret->items = 2u * (type & 0x0fu);
    } else if (type < 0xa0) {
        ret->kind = TOKEN_ARRAY;
        ret->items = type & 0x0fu;
    } else if (type < 0xc0) {
        ret->kind = TOKEN_STR;
        ret->body_len = type & 0x1fu;
    } else if (type < 0xe0) {
        read_form(ret, bytes, len);
    } else {
        ret->kind = TOKEN_NEGATIVE;
    }
}

static void read_form(struct token *ret, const uint8_t *bytes, size_t len)
{
    const struct form *form = &forms[bytes[0] - 0xc0];
    uint64_t number = 0;
    size_t i;

    ret->head_len = 1u + form->number_len;
    if (len < ret->head_len) {
        return;
    }
    for (i = 1; i <= form->number_len; i++) {
        number = number << 8 | bytes[i];
    }
    ret->kind = form->kind;
    ret->body_len = form->body_len;
    set_number(ret, form, bytes[0], number);
}

static void set_number(struct token *ret, const struct form *form, uint8_t type,
                       uint64_t number)
{
    switch (form->kind) {
    case TOKEN_BOOL:
        ret->value = type & 1u;
        break;
    case TOKEN_UINT:
        ret->value = number;
        break;
    case TOKEN_NEGATIVE:
        /* A signed form may hold a number that is not negative. */
        if (number >> (8u * form->number_len - 1u) == 0) {
            ret->kind = TOKEN_UINT;
            ret->value = number;
        }
        break;
    case TOKEN_STR:
    case TOKEN_BIN:
    case TOKEN_EXT:
        ret->body_len += number;
        break;
    case TOKEN_ARRAY:
        ret->items = number;
        break;
    case TOKEN_MAP:
        ret->items = 2u * number;
        break;
    default:
        break;
    }
}
