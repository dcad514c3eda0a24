/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/token.h"

/* Sixteen types that hold a small number themselves: from @from on, by @step. A
 * string is longer by what it holds, an array or a map ends nobody knows where. */
#define FORM(kind, number, size)                                               \
    {                                                                          \
        (kind), NUMBER_NONE, (number), (size)                                  \
    }
#define FOUR(kind, from, step, size, grow)                                     \
    FORM(kind, from, size), FORM(kind, (from) + (step), (size) + (grow)),      \
        FORM(kind, (from) + 2 * (step), (size) + 2 * (grow)),                  \
        FORM(kind, (from) + 3 * (step), (size) + 3 * (grow))
#define SIXTEEN(kind, from, step, size, grow)                                  \
    FOUR(kind, from, step, size, grow),                                        \
        FOUR(kind, (from) + 4 * (step), step, (size) + 4 * (grow), grow),      \
        FOUR(kind, (from) + 8 * (step), step, (size) + 8 * (grow), grow),      \
        FOUR(kind, (from) + 12 * (step), step, (size) + 12 * (grow), grow)
#define NUMBERS(from) SIXTEEN(TOKEN_UINT, from, 1, 1, 0)

const struct token_form token_forms[256] = {
    /* 00 to 7f: the number itself */
    NUMBERS(0),
    NUMBERS(16),
    NUMBERS(32),
    NUMBERS(48),
    NUMBERS(64),
    NUMBERS(80),
    NUMBERS(96),
    NUMBERS(112),
    SIXTEEN(TOKEN_MAP, 0, 2, 0, 0),   /* 80 to 8f; two values a pair */
    SIXTEEN(TOKEN_ARRAY, 0, 1, 0, 0), /* 90 to 9f */
    SIXTEEN(TOKEN_STR, 0, 1, 1, 1),
    SIXTEEN(TOKEN_STR, 16, 1, 17, 1),       /* a0 to bf */
    FORM(TOKEN_NIL, 0, 1),                  /* c0 */
    FORM(TOKEN_BAD, 0, 0),                  /* c1: never used */
    FORM(TOKEN_BOOL, 0, 1),                 /* c2: false */
    FORM(TOKEN_BOOL, 1, 1),                 /* c3: true */
    {TOKEN_BIN, NUMBER_BYTE, 0, SIZE_BYTE}, /* c4: bin 8 */
    {TOKEN_BIN, NUMBER_LONG(2), 0, 0},      /* c5: bin 16 */
    {TOKEN_BIN, NUMBER_LONG(4), 0, 0},      /* c6: bin 32 */
    {TOKEN_EXT, NUMBER_BYTE, 1,
     SIZE_BYTE},                       /* c7: ext 8; its type is in the body */
    {TOKEN_EXT, NUMBER_LONG(2), 1, 0}, /* c8: ext 16 */
    {TOKEN_EXT, NUMBER_LONG(4), 1, 0}, /* c9: ext 32 */
    {TOKEN_FLOAT, NUMBER_LONG(4), 0, 5},    /* ca: float 32 */
    {TOKEN_FLOAT, NUMBER_LONG(8), 0, 9},    /* cb: float 64 */
    {TOKEN_UINT, NUMBER_BYTE, 0, 2},        /* cc: uint 8 */
    {TOKEN_UINT, NUMBER_LONG(2), 0, 3},     /* cd: uint 16 */
    {TOKEN_UINT, NUMBER_LONG(4), 0, 5},     /* ce: uint 32 */
    {TOKEN_UINT, NUMBER_LONG(8), 0, 9},     /* cf: uint 64 */
    {TOKEN_NEGATIVE, NUMBER_LONG(1), 0, 2}, /* d0: int 8, negative or not */
    {TOKEN_NEGATIVE, NUMBER_LONG(2), 0, 3}, /* d1: int 16 */
    {TOKEN_NEGATIVE, NUMBER_LONG(4), 0, 5}, /* d2: int 32 */
    {TOKEN_NEGATIVE, NUMBER_LONG(8), 0, 9}, /* d3: int 64 */
    FORM(TOKEN_EXT, 2, 3),                  /* d4: fixext 1 */
    FORM(TOKEN_EXT, 3, 4),                  /* d5: fixext 2 */
    FORM(TOKEN_EXT, 5, 6),                  /* d6: fixext 4 */
    FORM(TOKEN_EXT, 9, 10),                 /* d7: fixext 8 */
    FORM(TOKEN_EXT, 17, 18),                /* d8: fixext 16 */
    {TOKEN_STR, NUMBER_BYTE, 0, SIZE_BYTE}, /* d9: str 8 */
    {TOKEN_STR, NUMBER_LONG(2), 0, 0},      /* da: str 16 */
    {TOKEN_STR, NUMBER_LONG(4), 0, 0},      /* db: str 32 */
    {TOKEN_ARRAY, NUMBER_LONG(2), 0, 0},    /* dc: array 16 */
    {TOKEN_ARRAY, NUMBER_LONG(4), 0, 0},    /* dd: array 32 */
    {TOKEN_MAP, NUMBER_LONG(2), 0, 0},      /* de: map 16 */
    {TOKEN_MAP, NUMBER_LONG(4), 0, 0},      /* df: map 32 */
    SIXTEEN(TOKEN_NEGATIVE, 0, 0, 1, 0),
    SIXTEEN(TOKEN_NEGATIVE, 0, 0, 1, 0), /* e0 to ff */
};

static uint64_t read_number(const uint8_t *at, size_t len);

struct token token_read_long(const uint8_t *bytes, size_t len)
{
    const struct token_form *form = &token_forms[bytes[0]];
    size_t number_len = form->number_len % NUMBER_LONG(0);
    struct token token = {(enum token_kind)form->kind,
                          1u + (uint32_t)number_len, 0};

    if (len < token.head_len) {
        token.kind = TOKEN_CUT;
        return token;
    }
    token.number = read_number(bytes + 1, number_len);
    switch (token.kind) {
    case TOKEN_NEGATIVE:
        /* A signed form may hold a number that is not negative. */
        if (token.number >> (8u * number_len - 1u) == 0) {
            token.kind = TOKEN_UINT;
        }
        break;
    case TOKEN_MAP:
        token.number *= 2;
        break;
    default:
        token.number += form->number;
        break;
    }
    return token;
}

/* Each length by itself, which the compiler makes one load of. */
static uint64_t read_number(const uint8_t *at, size_t len)
{
    switch (len) {
    case 2:
        return (uint64_t)at[0] << 8 | at[1];
    case 4:
        return (uint64_t)at[0] << 24 | (uint64_t)at[1] << 16 |
               (uint64_t)at[2] << 8 | at[3];
    case 8:
        return (uint64_t)at[0] << 56 | (uint64_t)at[1] << 48 |
               (uint64_t)at[2] << 40 | (uint64_t)at[3] << 32 |
               (uint64_t)at[4] << 24 | (uint64_t)at[5] << 16 |
               (uint64_t)at[6] << 8 | at[7];
    default:
        return at[0];
    }
}
