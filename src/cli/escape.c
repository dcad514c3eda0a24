/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/escape.h"

#include "cli/strbuf.h"

static size_t utf8_len(const uint8_t *at, size_t len);
static bool is_control(const uint8_t *at, size_t char_len);
static void escape_byte(uint8_t byte, struct buf *ret_text);
static bool is_continuation(uint8_t byte);

void escape_text(const void *text, size_t len, struct buf *ret_text)
{
    const uint8_t *at = text;
    const uint8_t *end = at + len;
    const uint8_t *plain = at; /* what needs no escape and is not added yet */

    while (at < end) {
        size_t char_len = utf8_len(at, (size_t)(end - at));

        if (char_len > 0 && *at != '\\' && !is_control(at, char_len)) {
            at += char_len;
            continue;
        }
        strbuf_add(ret_text, plain, (size_t)(at - plain));
        char_len = char_len == 0 ? 1 : char_len;
        for (size_t i = 0; i < char_len; i++) {
            escape_byte(at[i], ret_text);
        }
        at += char_len;
        plain = at;
    }
    strbuf_add(ret_text, plain, (size_t)(at - plain));
}

bool escape_is_utf8(const void *text, size_t len)
{
    const uint8_t *at = text;

    while (len > 0) {
        size_t char_len = utf8_len(at, len);

        if (char_len == 0) {
            return false;
        }
        at += char_len;
        len -= char_len;
    }
    return true;
}

size_t escape_width(const char *text, size_t len)
{
    size_t width = 0;

    for (size_t i = 0; i < len; i++) {
        width += is_continuation((uint8_t)text[i]) ? 0 : 1;
    }
    return width;
}

size_t escape_cut(const char *text, size_t len, size_t width)
{
    for (size_t i = 0; i < len; i++) {
        if (is_continuation((uint8_t)text[i])) {
            continue;
        }
        if (width == 0) {
            return i;
        }
        width--;
    }
    return len;
}

/* Bytes of the character at @at, 0 when it is none: cut short, overlong, a
 * surrogate or beyond U+10FFFF (RFC 3629, section 4). */
static size_t utf8_len(const uint8_t *at, size_t len)
{
    uint8_t second_min = 0x80;
    uint8_t second_max = 0xBF;
    size_t char_len;

    if (at[0] < 0x80) {
        return 1;
    }
    if (at[0] < 0xC2 || at[0] > 0xF4) {
        return 0;
    }
    if (at[0] < 0xE0) {
        char_len = 2;
    } else {
        char_len = at[0] < 0xF0 ? 3 : 4;
    }
    if (at[0] == 0xE0) {
        second_min = 0xA0;
    } else if (at[0] == 0xED) {
        second_max = 0x9F;
    } else if (at[0] == 0xF0) {
        second_min = 0x90;
    } else if (at[0] == 0xF4) {
        second_max = 0x8F;
    }
    if (char_len > len || at[1] < second_min || at[1] > second_max) {
        return 0;
    }
    for (size_t i = 2; i < char_len; i++) {
        if (!is_continuation(at[i])) {
            return 0;
        }
    }
    return char_len;
}

/* C0, DEL, C1, and what turns the direction of writing around. */
static bool is_control(const uint8_t *at, size_t char_len)
{
    if (char_len == 1) {
        return at[0] < ' ' || at[0] == 0x7F;
    }
    if (char_len == 2) {
        return at[0] == 0xC2 && at[1] < 0xA0;
    }
    /* U+2028 to U+202E and U+2066 to U+2069. */
    return char_len == 3 && at[0] == 0xE2 &&
           ((at[1] == 0x80 && at[2] >= 0xA8 && at[2] <= 0xAE) ||
            (at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9));
}

static void escape_byte(uint8_t byte, struct buf *ret_text)
{
    switch (byte) {
    case '\\':
        strbuf_add(ret_text, "\\\\", 2);
        return;
    case '\n':
        strbuf_add(ret_text, "\\n", 2);
        return;
    case '\r':
        strbuf_add(ret_text, "\\r", 2);
        return;
    case '\t':
        strbuf_add(ret_text, "\\t", 2);
        return;
    default:
        strbuf_printf(ret_text, "\\x%02x", byte);
        return;
    }
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}
