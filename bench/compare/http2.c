/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/http2.h"

#include <assert.h>
#include <string.h>

/* RFC 7541, appendix A: where the static table has what we send. */
#define INDEX_AUTHORITY 1u
#define INDEX_PATH 4u
#define INDEX_POST 3u
#define INDEX_HTTP 6u
#define INDEX_CONTENT_TYPE 31u
/* The first of the entries that we make; the newest has the lowest number. */
#define INDEX_OWN 62u

#define INDEXED 0x80u
#define LITERAL_ENTERED 0x40u
#define LITERAL_ONCE 0x00u
#define INDEX_ONCE_MAX 15u /* in the prefix of a literal that is not entered */

#define WINDOW_MAX 0x7fffffffu
#define AUTHORITY "localhost"
#define CONTENT_TYPE "application/grpc"

static void number_put(uint8_t *at, size_t len, size_t value)
{
    for (size_t i = len; i > 0; i--) {
        at[i - 1] = (uint8_t)value;
        value >>= 8;
    }
}

static uint32_t number_get(const uint8_t *at, size_t len)
{
    uint32_t value = 0;

    for (size_t i = 0; i < len; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

size_t http2_frame_take(struct bytes bytes, struct http2_frame *ret_frame)
{
    size_t len;

    if (bytes.len < HTTP2_FRAME_HEAD) {
        return 0;
    }
    len = number_get(bytes.data, 3);
    if (bytes.len < HTTP2_FRAME_HEAD + len) {
        return 0;
    }
    *ret_frame = (struct http2_frame){
        .type = bytes.data[3],
        .flags = bytes.data[4],
        .stream = number_get(bytes.data + 5, 4) & WINDOW_MAX,
        .payload = {bytes.data + HTTP2_FRAME_HEAD, len},
    };
    return HTTP2_FRAME_HEAD + len;
}

void http2_frame_head_put(uint8_t *at, size_t len, enum http2_type type,
                          unsigned flags, uint32_t stream)
{
    number_put(at, 3, len);
    at[3] = (uint8_t)type;
    at[4] = (uint8_t)flags;
    number_put(at + 5, 4, stream);
}

size_t http2_hello_put(uint8_t at[HTTP2_HELLO_MAX])
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    size_t len = sizeof preface - 1;

    memcpy(at, preface, len);
    http2_frame_head_put(at + len, 0, HTTP2_SETTINGS, 0, 0);
    len += HTTP2_FRAME_HEAD;
    http2_window_put(at + len, WINDOW_MAX - HTTP2_WINDOW);
    return len + HTTP2_FRAME_HEAD + 4;
}

void http2_window_put(uint8_t *at, uint32_t more)
{
    http2_frame_head_put(at, 4, HTTP2_WINDOW_UPDATE, 0, 0);
    number_put(at + HTTP2_FRAME_HEAD, 4, more);
}

/* Plain, without Huffman's code. */
static size_t string_put(uint8_t *at, const char *text)
{
    size_t len = strlen(text);

    assert(len < 127);
    at[0] = (uint8_t)len;
    memcpy(at + 1, text, len);
    return 1 + len;
}

/* @name: its place in the static table. */
static size_t field_put(uint8_t *at, unsigned how, unsigned name,
                        const char *value)
{
    size_t len = 1;

    at[0] = (uint8_t)(how | name);
    if (how == LITERAL_ONCE && name >= INDEX_ONCE_MAX) {
        at[0] = INDEX_ONCE_MAX;
        at[len++] = (uint8_t)(name - INDEX_ONCE_MAX);
    }
    return len + string_put(at + len, value);
}

static size_t fields_put(uint8_t *at, const char *path, unsigned how)
{
    size_t len = 0;

    at[len++] = INDEXED | INDEX_POST;
    at[len++] = INDEXED | INDEX_HTTP;
    len += field_put(at + len, how, INDEX_PATH, path);
    len += field_put(at + len, how, INDEX_AUTHORITY, AUTHORITY);
    len += field_put(at + len, how, INDEX_CONTENT_TYPE, CONTENT_TYPE);
    at[len++] = (uint8_t)how;
    len += string_put(at + len, "te");
    len += string_put(at + len, "trailers");
    return len;
}

size_t http2_headers_put(uint8_t at[HTTP2_HEADERS_MAX], const char *path,
                         bool is_first)
{
    size_t len = 0;

    if (is_first) {
        return fields_put(at, path, LITERAL_ENTERED);
    }
    at[len++] = INDEXED | INDEX_POST;
    at[len++] = INDEXED | INDEX_HTTP;
    for (unsigned i = 4; i > 0; i--) {
        at[len++] = (uint8_t)(INDEXED | (INDEX_OWN + i - 1));
    }
    return len;
}

size_t http2_headers_once_put(uint8_t at[HTTP2_HEADERS_MAX], const char *path)
{
    return fields_put(at, path, LITERAL_ONCE);
}

void http2_message_head_put(uint8_t *at, size_t len)
{
    at[0] = 0; /* not compressed */
    number_put(at + 1, 4, len);
}

uint32_t http2_number(struct bytes payload)
{
    return payload.len < 4 ? 0 : number_get(payload.data, 4) & WINDOW_MAX;
}
