/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A growing run of bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

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
/* Room for @more bytes behind len. Returns 0 or QL_NO_MEMORY. */
int buf_reserve(struct buf *buf, size_t more);
/* Appends a copy. Returns 0 or QL_NO_MEMORY. */
int buf_add(struct buf *buf, const void *bytes, size_t len);
/* Drops @len bytes from the front, moving the rest down. */
void buf_consume(struct buf *buf, size_t len);

/* Little-endian integers of our own formats; unaligned pointers are fine. */
void put_u16(uint8_t *at, uint16_t value);
void put_u32(uint8_t *at, uint32_t value);
void put_u64(uint8_t *at, uint64_t value);
uint16_t get_u16(const uint8_t *at);
uint32_t get_u32(const uint8_t *at);
uint64_t get_u64(const uint8_t *at);
