/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The bytes of a state: its tables, then its chunks. Byte tables:
 * docs/formats.md, "Machine image". Equal states give equal bytes.
 */
#pragma once

#include "machine/state.h"

#define IMAGE_MAGIC "QLM1"
#define IMAGE_HEADER_LEN 80u

/* Flags. An image without a flag is one of before it came. */
#define IMAGE_AGE_SUSPENDED 1u
#define IMAGE_SPACE_LOW 2u
#define IMAGE_FROZEN 4u /* the tables end with the standstill */
#define IMAGE_FLAGS (IMAGE_AGE_SUSPENDED | IMAGE_SPACE_LOW | IMAGE_FROZEN)

/* The least bytes a row takes; a count is checked against them. */
#define IMAGE_LOG_LEN_MIN 109u /* the fixed fields and a name of one byte */
#define IMAGE_CHUNK_LEN 24u
#define IMAGE_PRODUCER_LEN_MIN 32u
#define IMAGE_RESULT_LEN_MIN 32u
#define IMAGE_PLACE_LEN 16u

#define IMAGE_CHUNK_OPEN 1u /* the only flag of a chunk */

/* Above this no number of ours goes; so sums of two cannot overflow. */
#define IMAGE_NUMBER_MAX (UINT64_MAX / 4)

/* Appends the tables, which end where the chunks' bytes begin. Chunks follow in
 * the order of logs (by uid), each log's by position. */
void image_write_tables(const struct state *state, struct buf *buf);
/* QL_CORRUPT, or 0 and a new state. Nothing is believed that can be counted
 * again, and nothing allocated that the bytes given do not account for. */
int image_read(struct state **ret_state, const uint8_t *image, size_t len,
               struct err *err);
