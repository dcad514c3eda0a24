/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/strbuf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/diag.h"

/* Room for @more bytes. */
static void reserve(struct buf *buf, size_t more)
{
    if (buf_reserve(buf, more) != 0) {
        diag_die(EXIT_FAILURE, "out of memory (%zu bytes)", more);
    }
}

void strbuf_add(struct buf *buf, const void *bytes, size_t len)
{
    reserve(buf, len);
    (void)buf_add(buf, bytes, len);
}

void strbuf_printf(struct buf *buf, const char *format, ...)
{
    va_list arguments;
    va_list again;
    int len;

    va_start(arguments, format);
    va_copy(again, arguments);
    len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (len > 0) {
        size_t room = (size_t)len + 1;

        reserve(buf, room);
        (void)vsnprintf((char *)buf->data + buf->len, room, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

const char *strbuf_text(struct buf *buf)
{
    reserve(buf, 1);
    buf->data[buf->len] = '\0';
    return (const char *)buf->data;
}

void strbuf_base64(struct buf *buf, const void *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *at = bytes;

    while (len > 0) {
        size_t take = len < 3 ? len : 3;
        uint32_t group = (uint32_t)at[0] << 16;
        char text[4];

        group |= take > 1 ? (uint32_t)at[1] << 8 : 0;
        group |= take > 2 ? at[2] : 0;
        text[0] = digits[group >> 18];
        text[1] = digits[(group >> 12) & 63];
        text[2] = take > 1 ? digits[(group >> 6) & 63] : '=';
        text[3] = take > 2 ? digits[group & 63] : '=';
        strbuf_add(buf, text, sizeof text);
        at += take;
        len -= take;
    }
}
