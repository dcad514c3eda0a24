/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/utf8.h"

#define POINT_MAX 0x10ffffu

static size_t read_point(const uint8_t *at, size_t len, uint32_t *ret_point);
static bool is_control(uint32_t point);

bool utf8_is_valid(struct bytes text)
{
    size_t at = 0;

    while (at < text.len) {
        uint32_t point;
        size_t taken = read_point(text.data + at, text.len - at, &point);

        if (taken == 0) {
            return false;
        }
        at += taken;
    }
    return true;
}

bool utf8_is_printable(struct bytes text)
{
    size_t at = 0;

    while (at < text.len) {
        uint32_t point;
        size_t taken = read_point(text.data + at, text.len - at, &point);

        if (taken == 0 || is_control(point)) {
            return false;
        }
        at += taken;
    }
    return true;
}

static bool is_control(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

/* Bytes of the code point at @at; 0 when it is not well-formed. @len > 0. */
static size_t read_point(const uint8_t *at, size_t len, uint32_t *ret_point)
{
    static const uint32_t point_min[5] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t point;
    size_t need;
    size_t i;

    if (at[0] < 0x80) {
        *ret_point = at[0];
        return 1;
    }
    if ((at[0] & 0xe0) == 0xc0) {
        need = 2;
        point = at[0] & 0x1fu;
    } else if ((at[0] & 0xf0) == 0xe0) {
        need = 3;
        point = at[0] & 0x0fu;
    } else if ((at[0] & 0xf8) == 0xf0) {
        need = 4;
        point = at[0] & 0x07u;
    } else {
        return 0;
    }
    if (len < need) {
        return 0;
    }
    for (i = 1; i < need; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | (at[i] & 0x3fu);
    }
    if (point < point_min[need] || point > POINT_MAX ||
        (point >= 0xd800 && point <= 0xdfff)) {
        return 0;
    }
    *ret_point = point;
    return need;
}
