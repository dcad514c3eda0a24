/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Writes MessagePack into a buf. Every call returns 0 or QL_NO_MEMORY. The home of
 * msgpack-c, which writes the heads of what is long. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "util/buf.h"

int pack_map(struct buf *buf, uint32_t count);
int pack_array(struct buf *buf, uint32_t count);
int pack_nil(struct buf *buf);
int pack_bool(struct buf *buf, bool value);
int pack_u64(struct buf *buf, uint64_t value);
int pack_str(struct buf *buf, const void *bytes, size_t len);
int pack_bin(struct buf *buf, const void *bytes, size_t len);
/* Already encoded MessagePack. */
int pack_raw(struct buf *buf, const void *bytes, size_t len);

/* Here, so that the length of a literal is known where it is written. */
static inline int pack_text(struct buf *buf, const char *text)
{
    return pack_str(buf, text, strlen(text));
}

/* For who writes several values at once: room for @len bytes at the end of @buf,
 * NULL when memory ran out; and the end of what was written there. */
static inline uint8_t *pack_begin(struct buf *buf, size_t len)
{
    if (buf->room - buf->len < len && buf_reserve(buf, len) != 0) {
        return NULL;
    }
    return buf->data + buf->len;
}

static inline void pack_end(struct buf *buf, const uint8_t *end)
{
    buf->len = (size_t)(end - buf->data);
    assert(buf->len <= buf->room);
}

/* Each writes at @at and returns what is behind it. */
#define PACK_U64_LEN 9u  /* at most */
#define PACK_HEAD_LEN 5u /* of a string, at most */
uint8_t *pack_put_u64(uint8_t *at, uint64_t value);
uint8_t *pack_put_bin(uint8_t *at, struct bytes bytes);

/* "key": value, for maps. */
int pack_field_u64(struct buf *buf, const char *key, uint64_t value);
int pack_field_bool(struct buf *buf, const char *key, bool value);
int pack_field_text(struct buf *buf, const char *key, const char *value);
int pack_field_str(struct buf *buf, const char *key, struct bytes value);
int pack_field_bin(struct buf *buf, const char *key, struct bytes value);

/* An array or a map whose count is known only at its end: five bytes are
 * reserved now (array 32 / map 32) and the count is set later. */
int pack_array_open(struct buf *buf, size_t *ret_mark);
int pack_map_open(struct buf *buf, size_t *ret_mark);
void pack_close(struct buf *buf, size_t mark, uint32_t count);
