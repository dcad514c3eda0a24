/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Reads our own little-endian formats with bounds: once a read goes past the
 * end the cursor is failed, every later read gives 0 or NULL, and cursor_ok()
 * says so. Used for the tables inside snapshots. */
#pragma once

#include <stdbool.h>

#include "util/buf.h"

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

void cursor_init(struct cursor *cursor, const void *bytes, size_t len);
uint8_t cursor_u8(struct cursor *cursor);
uint16_t cursor_u16(struct cursor *cursor);
uint32_t cursor_u32(struct cursor *cursor);
uint64_t cursor_u64(struct cursor *cursor);
/* @len raw bytes, borrowed from the input; NULL when they are not there. */
const uint8_t *cursor_bytes(struct cursor *cursor, size_t len);
/* u32 length, then bytes; fails when longer than @len_max. */
struct bytes cursor_sized(struct cursor *cursor, size_t len_max);
size_t cursor_left(const struct cursor *cursor);
bool cursor_ok(const struct cursor *cursor);

/* The writing side, into a buf. Return 0 or QL_NO_MEMORY. */
int buf_add_u8(struct buf *buf, uint8_t value);
int buf_add_u16(struct buf *buf, uint16_t value);
int buf_add_u32(struct buf *buf, uint32_t value);
int buf_add_u64(struct buf *buf, uint64_t value);
int buf_add_sized(struct buf *buf, const void *bytes, size_t len);
