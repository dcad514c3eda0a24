/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/link_frame.h"

#include <assert.h>
#include <string.h>

#include "util/crc32c.h"

/* The bytes of the header that the checksum covers. */
#define COVERED_LEN 8u

static void begin_frame(struct link_reader *reader);
static void take_header(struct link_reader *reader, struct bytes *input);
static int check_header(const struct link_reader *reader);
static int take_payload(struct link_reader *reader, struct bytes *input);
static int finish_frame(struct link_reader *reader,
                        struct link_frame_view *ret_frame, bool *ret_whole);
static int finish_piece(struct link_reader *reader,
                        struct link_frame_view *frame, bool *ret_whole);

static size_t payload_len(const struct link_reader *reader)
{
    return get_u32(reader->header);
}

static enum link_frame frame_type(const struct link_reader *reader)
{
    return (enum link_frame)get_u16(reader->header + 4);
}

static bool more_follows(const struct link_reader *reader)
{
    return get_u16(reader->header + 6) == LINK_FLAG_MORE;
}

static size_t payload_have(const struct link_reader *reader)
{
    return reader->proven ? reader->frame.len : reader->hello_len;
}

uint32_t link_header_begin(uint8_t ret_header[LINK_HEADER_LEN],
                           enum link_frame type, uint16_t flags, size_t len)
{
    assert(len <= LINK_FRAME_MAX);
    put_u32(ret_header, (uint32_t)len);
    put_u16(ret_header + 4, (uint16_t)type);
    put_u16(ret_header + 6, flags);
    return crc32c(0, ret_header, COVERED_LEN);
}

void link_header_seal(uint8_t header[LINK_HEADER_LEN], uint32_t crc)
{
    put_u32(header + COVERED_LEN, crc);
}

void link_reader_init(struct link_reader *reader)
{
    *reader = (struct link_reader){0};
}

void link_reader_close(struct link_reader *reader)
{
    buf_close(&reader->frame);
    buf_close(&reader->pieces);
}

int link_reader_take(struct link_reader *reader, struct bytes *input,
                     struct link_frame_view *ret_frame, bool *ret_whole)
{
    int rv;

    if (reader->done) {
        begin_frame(reader);
    }
    *ret_whole = false;
    while (!*ret_whole) {
        if (reader->header_len < LINK_HEADER_LEN) {
            take_header(reader, input);
            if (reader->header_len < LINK_HEADER_LEN) {
                return 0;
            }
            rv = check_header(reader);
            if (rv != 0) {
                return rv;
            }
        }
        rv = take_payload(reader, input);
        if (rv != 0) {
            return rv;
        }
        if (payload_have(reader) < payload_len(reader)) {
            return 0;
        }
        rv = finish_frame(reader, ret_frame, ret_whole);
        if (rv != 0) {
            return rv;
        }
    }
    return 0;
}

static void begin_frame(struct link_reader *reader)
{
    reader->done = false;
    reader->header_len = 0;
    reader->hello_len = 0;
    reader->frame.len = 0;
    if (reader->frame.room > LINK_READER_KEEP_BYTES) {
        buf_close(&reader->frame);
    }
}

static void take_header(struct link_reader *reader, struct bytes *input)
{
    size_t len = LINK_HEADER_LEN - reader->header_len;

    if (len > input->len) {
        len = input->len;
    }
    if (len > 0) {
        memcpy(reader->header + reader->header_len, input->data, len);
    }
    reader->header_len += len;
    input->data += len;
    input->len -= len;
}

static int check_header(const struct link_reader *reader)
{
    enum link_frame type = frame_type(reader);
    size_t len = payload_len(reader);
    size_t len_max = LINK_FRAME_MAX;

    if (type < LINK_HELLO || type >= LINK_FRAMES) {
        return QL_PROTOCOL;
    }
    /* There is nothing to negotiate again, and nothing to say before. */
    if ((type == LINK_HELLO) == reader->proven) {
        return QL_PROTOCOL;
    }
    if (!reader->proven) {
        len_max = LINK_HELLO_LEN_MAX;
    }
    if (len > len_max) {
        return QL_TOO_LARGE;
    }
    /* One after the other: what was begun ends before another begins. */
    if (link_is_bulk(type) && reader->pieces.len > 0 &&
        type != reader->pieces_type) {
        return QL_PROTOCOL;
    }
    if (more_follows(reader)) {
        return link_is_bulk(type) && len > 0 ? 0 : QL_PROTOCOL;
    }
    return get_u16(reader->header + 6) == 0 ? 0 : QL_PROTOCOL;
}

static int take_payload(struct link_reader *reader, struct bytes *input)
{
    size_t len = payload_len(reader) - payload_have(reader);
    int rv = 0;

    if (len > input->len) {
        len = input->len;
    }
    if (len == 0) {
        return 0;
    }
    if (reader->proven) {
        rv = buf_add(&reader->frame, input->data, len);
    } else {
        memcpy(reader->hello + reader->hello_len, input->data, len);
        reader->hello_len += len;
    }
    input->data += len;
    input->len -= len;
    return rv;
}

static int finish_frame(struct link_reader *reader,
                        struct link_frame_view *ret_frame, bool *ret_whole)
{
    struct link_frame_view frame = {.type = frame_type(reader),
                                    .bytes = reader->proven ? reader->frame.data
                                                            : reader->hello,
                                    .len = payload_len(reader)};
    uint32_t crc = crc32c(0, reader->header, COVERED_LEN);
    int rv = 0;

    if (frame.len > 0) {
        crc = crc32c(crc, frame.bytes, frame.len);
    }
    if (crc != get_u32(reader->header + COVERED_LEN)) {
        return QL_CORRUPT;
    }
    if (more_follows(reader) ||
        (link_is_bulk(frame.type) && reader->pieces.len > 0)) {
        rv = finish_piece(reader, &frame, ret_whole);
    } else {
        *ret_whole = true;
    }
    if (rv == 0 && *ret_whole) {
        reader->done = true;
        *ret_frame = frame;
    }
    return rv;
}

/* Puts @frame behind the pieces before it; when it is the last, @frame becomes
 * all of them. */
static int finish_piece(struct link_reader *reader,
                        struct link_frame_view *frame, bool *ret_whole)
{
    struct buf *pieces = &reader->pieces;
    size_t len_max = link_len_max(frame->type);
    int rv;

    if (frame->len > len_max - pieces->len) {
        return QL_TOO_LARGE;
    }
    reader->pieces_type = frame->type;
    rv = buf_add(pieces, frame->bytes, frame->len);
    if (rv != 0) {
        return rv;
    }
    if (more_follows(reader)) {
        begin_frame(reader);
        return 0;
    }
    /* From here on they are the frame, which the next one frees. */
    buf_close(&reader->frame);
    reader->frame = *pieces;
    buf_init(pieces);
    frame->bytes = reader->frame.data;
    frame->len = reader->frame.len;
    *ret_whole = true;
    return 0;
}
