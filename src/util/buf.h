/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A growing run of bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
    uint8_t *data; /* NULL when nothing was ever stored */
    size_t len;    /* bytes in use */
    size_t room;   /* bytes allocated */
};

#define BUF_INIT                                                               \
    {                                                                          \
        0, 0, 0                                                                \
    }

/* A borrowed run of bytes. */
struct bytes {
    const uint8_t *data;
    size_t len;
};

void buf_init(struct buf *buf);
void buf_close(struct buf *buf); /* frees; the struct is usable again */
/* Moves the bytes to where there is room for @more; as buf_reserve(). */
int buf_grow(struct buf *buf, size_t more);

/* Room for @more bytes behind len. Returns 0 or QL_NO_MEMORY. These two are here
 * because messages are put together from very many very small pieces. */
static inline int buf_reserve(struct buf *buf, size_t more)
{
    return more <= buf->room - buf->len ? 0 : buf_grow(buf, more);
}

/* Appends a copy. Returns 0 or QL_NO_MEMORY. */
static inline int buf_add(struct buf *buf, const void *bytes, size_t len)
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

/* Drops @len bytes from the front, moving the rest down. */
void buf_consume(struct buf *buf, size_t len);

/* Little-endian integers of our own formats; unaligned pointers are fine. Here,
 * so that they become single loads and stores where they are used. */
static inline void put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static inline void put_u32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)(value >> 16);
    at[3] = (uint8_t)(value >> 24);
}

static inline void put_u64(uint8_t *at, uint64_t value)
{
    put_u32(at, (uint32_t)value);
    put_u32(at + 4, (uint32_t)(value >> 32));
}

static inline uint16_t get_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

static inline uint64_t get_u64(const uint8_t *at)
{
    return (uint64_t)get_u32(at) | (uint64_t)get_u32(at + 4) << 32;
}
