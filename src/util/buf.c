/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "util/buf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "quorlog.h"

#define BUF_ROOM_MIN 64u

void buf_init(struct buf *buf)
{
    *buf = (struct buf)BUF_INIT;
}

void buf_close(struct buf *buf)
{
    free(buf->data);
    buf_init(buf);
}

int buf_reserve(struct buf *buf, size_t more)
{
    size_t needed;
    size_t room = buf->room < BUF_ROOM_MIN ? BUF_ROOM_MIN : buf->room;
    uint8_t *data;

    if (__builtin_add_overflow(buf->len, more, &needed)) {
        return QL_NO_MEMORY;
    }
    if (needed <= buf->room) {
        return 0;
    }
    /* Doubling keeps the cost of many small adds linear. */
    while (room < needed) {
        if (__builtin_mul_overflow(room, (size_t)2, &room)) {
            room = needed;
        }
    }
    data = realloc(buf->data, room);
    if (data == NULL) {
        return QL_NO_MEMORY;
    }
    buf->data = data;
    buf->room = room;
    return 0;
}

int buf_add(struct buf *buf, const void *bytes, size_t len)
{
    int rv = buf_reserve(buf, len);

    if (rv != 0) {
        return rv;
    }
    /* memcpy takes no NULL, not even for nothing. */
    if (len > 0) {
        memcpy(buf->data + buf->len, bytes, len);
        buf->len += len;
    }
    return 0;
}

void buf_consume(struct buf *buf, size_t len)
{
    assert(len <= buf->len);
    buf->len -= len;
    if (len > 0 && buf->len > 0) {
        memmove(buf->data, buf->data + len, buf->len);
    }
}

void put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, (uint16_t)value);
    put_u16(at + 2, (uint16_t)(value >> 16));
}

void put_u64(uint8_t *at, uint64_t value)
{
    put_u32(at, (uint32_t)value);
    put_u32(at + 4, (uint32_t)(value >> 32));
}

uint16_t get_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | (at[1] << 8));
}

uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)get_u16(at) | ((uint32_t)get_u16(at + 2) << 16);
}

uint64_t get_u64(const uint8_t *at)
{
    return (uint64_t)get_u32(at) | ((uint64_t)get_u32(at + 4) << 32);
}
