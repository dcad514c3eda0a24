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

int buf_grow(struct buf *buf, size_t more)
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

void buf_consume(struct buf *buf, size_t len)
{
    assert(len <= buf->len);
    buf->len -= len;
    if (len > 0 && buf->len > 0) {
        memmove(buf->data, buf->data + len, buf->len);
    }
}
