/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * As much of HTTP/2 (RFC 9113) and gRPC as a client needs that sends many small
 * unary calls over one connection and only wants to know which were answered.
 *
 * Request headers are the same for all calls, so the first carries them and
 * enters them into the server's table of headers (RFC 7541), and all others are
 * six indexes into it. What answers have in their headers is not read: gRPC
 * sends a message only with success, and a stream that ends without one failed.
 */
#pragma once

#include "util/buf.h"

#include <stdbool.h>

#define HTTP2_FRAME_HEAD 9u
/* Of the preface and the two frames behind it. */
#define HTTP2_HELLO_MAX 64u
/* Of headers, each path at most 64 bytes. */
#define HTTP2_HEADERS_MAX 192u
#define HTTP2_MESSAGE_HEAD 5u /* gRPC's, in front of a message */
/* What the server takes before it has widened the window. */
#define HTTP2_WINDOW 65535u

enum http2_type {
    HTTP2_DATA = 0,
    HTTP2_HEADERS = 1,
    HTTP2_RST_STREAM = 3,
    HTTP2_SETTINGS = 4,
    HTTP2_PING = 6,
    HTTP2_GOAWAY = 7,
    HTTP2_WINDOW_UPDATE = 8,
    HTTP2_CONTINUATION = 9,
};

#define HTTP2_ACK 0x1u        /* of SETTINGS and PING */
#define HTTP2_END_STREAM 0x1u /* of DATA and HEADERS */
#define HTTP2_END_HEADERS 0x4u
#define HTTP2_PADDED 0x8u

struct http2_frame {
    uint8_t type; /* one of enum http2_type, or another */
    uint8_t flags;
    uint32_t stream;
    struct bytes payload; /* a view */
};

/* Takes the first frame off @bytes and returns its length with its head; 0: it
 * is not there whole. */
size_t http2_frame_take(struct bytes bytes, struct http2_frame *ret_frame);
/* HTTP2_FRAME_HEAD bytes. */
void http2_frame_head_put(uint8_t *at, size_t len, enum http2_type type,
                          unsigned flags, uint32_t stream);
/* What a client sends first: it lets the server send 2^31-1 bytes until the next
 * http2_window_put(). Returns the length. */
size_t http2_hello_put(uint8_t at[HTTP2_HELLO_MAX]);
/* A WINDOW_UPDATE of the connection, of HTTP2_FRAME_HEAD + 4 bytes. */
void http2_window_put(uint8_t *at, uint32_t more);
/* The payload of HEADERS for a POST of gRPC to @path, when the connection has
 * seen none with this path (@is_first), or has and it was the only one.
 * Returns the length. */
size_t http2_headers_put(uint8_t at[HTTP2_HEADERS_MAX], const char *path,
                         bool is_first);
/* The same with nothing entered into the table: for a call now and then. */
size_t http2_headers_once_put(uint8_t at[HTTP2_HEADERS_MAX], const char *path);
/* HTTP2_MESSAGE_HEAD bytes in front of a message of gRPC. */
void http2_message_head_put(uint8_t *at, size_t len);
/* The number in the payload of WINDOW_UPDATE, RST_STREAM. 0: it is too short. */
uint32_t http2_number(struct bytes payload);
