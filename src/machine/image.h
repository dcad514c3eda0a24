/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The bytes of a state: its tables, then a row for each sealed chunk, then the
 * bytes of open chunks. Byte tables: docs/formats.md, "Machine image". Equal
 * states give equal bytes.
 */
#pragma once

#include "machine/state.h"

#define IMAGE_MAGIC "QLM2"
#define IMAGE_MAGIC_OLD "QLM1" /* with the bytes of all chunks */
#define IMAGE_HEADER_LEN 88u

/* Flags. An image without a flag is one of before it came. */
#define IMAGE_AGE_SUSPENDED 1u
#define IMAGE_SPACE_LOW 2u
#define IMAGE_FROZEN 4u /* the tables end with the standstill */
#define IMAGE_FLAGS (IMAGE_AGE_SUSPENDED | IMAGE_SPACE_LOW | IMAGE_FROZEN)

/* The least bytes a row takes; a count is checked against them. */
#define IMAGE_LOG_FIXED_LEN 128u /* of a log, before its name */
#define IMAGE_LOG_LEN_MIN 137u   /* with a name of one byte */
#define IMAGE_PRODUCER_LEN_MIN 32u
#define IMAGE_RESULT_LEN_MIN 32u
#define IMAGE_PLACE_LEN 16u

/* Above this no number of ours goes; so sums of two cannot overflow. */
#define IMAGE_NUMBER_MAX (UINT64_MAX / 4)

/* Appends the tables, which end where the rows of chunks begin. Those follow in
 * the order of logs (by uid), each log's by position, and so do open chunks. */
void image_write_tables(const struct state *state, struct buf *buf);
/* Rows of them. */
void image_write_log(const struct log *log, struct buf *buf);
void image_write_producer(const struct producer *producer, struct buf *buf);
void image_write_standstill(const struct standstill *standstill,
                            struct buf *buf);
/* 0 and a new state, QL_CORRUPT, or QL_INVALID for an image of another version.
 * Nothing is believed that can be counted again, and nothing allocated that the
 * bytes given do not account for. What is said of sealed chunks is only checked
 * for sense: their bytes are not here. */
int image_read(struct state **ret_state, const struct machine_limits *limits,
               const uint8_t *image, size_t len,
               const struct chunk_source *source, struct err *err);
