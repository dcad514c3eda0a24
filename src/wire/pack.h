/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Writes MessagePack into a buf. Every call returns 0 or QL_NO_MEMORY. The home of
 * msgpack-c, which writes the heads of what is long. */
#pragma once

#include <stdbool.h>

#include "util/buf.h"

int pack_map(struct buf *buf, uint32_t count);
int pack_array(struct buf *buf, uint32_t count);
int pack_nil(struct buf *buf);
int pack_bool(struct buf *buf, bool value);
int pack_u64(struct buf *buf, uint64_t value);
int pack_text(struct buf *buf, const char *text);
int pack_str(struct buf *buf, const void *bytes, size_t len);
int pack_bin(struct buf *buf, const void *bytes, size_t len);
/* Already encoded MessagePack. */
int pack_raw(struct buf *buf, const void *bytes, size_t len);

/* For who writes several small things at once: room for @len bytes at the end of
 * @buf, NULL when memory ran out, and what was written there. */
uint8_t *pack_begin(struct buf *buf, size_t len);
void pack_end(struct buf *buf, const uint8_t *end);
/* Each writes at @at and returns what is behind it. */
#define PACK_U64_LEN 9u /* at most */
uint8_t *pack_put_u64(uint8_t *at, uint64_t value);
#define PACK_KEY_MAX 31u /* bytes of a short string */
uint8_t *pack_put_key(uint8_t *at, const char *key, size_t len);

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
