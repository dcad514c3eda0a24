/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "util/cursor.h"

#include "quorlog.h"

void cursor_init(struct cursor *cursor, const void *bytes, size_t len)
{
    cursor->at = bytes;
    cursor->end = len > 0 ? cursor->at + len : cursor->at;
    cursor->failed = false;
}

uint8_t cursor_u8(struct cursor *cursor)
{
    const uint8_t *at = cursor_bytes(cursor, 1);

    return at == NULL ? 0 : at[0];
}

uint16_t cursor_u16(struct cursor *cursor)
{
    const uint8_t *at = cursor_bytes(cursor, 2);

    return at == NULL ? 0 : get_u16(at);
}

uint32_t cursor_u32(struct cursor *cursor)
{
    const uint8_t *at = cursor_bytes(cursor, 4);

    return at == NULL ? 0 : get_u32(at);
}

uint64_t cursor_u64(struct cursor *cursor)
{
    const uint8_t *at = cursor_bytes(cursor, 8);

    return at == NULL ? 0 : get_u64(at);
}

const uint8_t *cursor_bytes(struct cursor *cursor, size_t len)
{
    const uint8_t *at = cursor->at;

    if (cursor->failed || len > cursor_left(cursor)) {
        cursor->failed = true;
        return NULL;
    }
    if (len > 0) {
        cursor->at += len;
    }
    return at;
}

struct bytes cursor_sized(struct cursor *cursor, size_t len_max)
{
    struct bytes bytes = {NULL, 0};
    size_t len = cursor_u32(cursor);

    if (len > len_max) {
        cursor->failed = true;
    }
    bytes.data = cursor_bytes(cursor, len);
    if (!cursor->failed) {
        bytes.len = len;
    }
    return bytes;
}

size_t cursor_left(const struct cursor *cursor)
{
    return cursor->failed ? 0 : (size_t)(cursor->end - cursor->at);
}

bool cursor_ok(const struct cursor *cursor)
{
    return !cursor->failed;
}

int buf_add_u8(struct buf *buf, uint8_t value)
{
    return buf_add(buf, &value, sizeof value);
}

int buf_add_u16(struct buf *buf, uint16_t value)
{
    uint8_t bytes[2];

    put_u16(bytes, value);
    return buf_add(buf, bytes, sizeof bytes);
}

int buf_add_u32(struct buf *buf, uint32_t value)
{
    uint8_t bytes[4];

    put_u32(bytes, value);
    return buf_add(buf, bytes, sizeof bytes);
}

int buf_add_u64(struct buf *buf, uint64_t value)
{
    uint8_t bytes[8];

    put_u64(bytes, value);
    return buf_add(buf, bytes, sizeof bytes);
}

int buf_add_sized(struct buf *buf, const void *bytes, size_t len)
{
    int rv;

    if (len > UINT32_MAX) {
        return QL_NO_MEMORY;
    }
    /* All or nothing: a length alone would shift what follows. */
    rv = buf_reserve(buf, sizeof(uint32_t) + len);
    if (rv != 0) {
        return rv;
    }
    (void)buf_add_u32(buf, (uint32_t)len);
    return buf_add(buf, bytes, len);
}
