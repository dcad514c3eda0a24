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
/* Behind it a section for each of these that is set, in this order. */
#define IMAGE_BACKUPS 8u
#define IMAGE_SETTINGS 16u
#define IMAGE_RECOVERY 32u
#define IMAGE_DRAFT 64u
#define IMAGE_STAGED 128u
#define IMAGE_UNDO 256u
#define IMAGE_SECTIONS                                                         \
    (IMAGE_BACKUPS | IMAGE_SETTINGS | IMAGE_RECOVERY | IMAGE_DRAFT |           \
     IMAGE_STAGED | IMAGE_UNDO)
#define IMAGE_FLAGS                                                            \
    (IMAGE_AGE_SUSPENDED | IMAGE_SPACE_LOW | IMAGE_FROZEN | IMAGE_SECTIONS)

/* The least bytes a row takes; a count is checked against them. */
#define IMAGE_LOG_FIXED_LEN 128u /* of a log, before its name */
#define IMAGE_LOG_LEN_MIN 137u   /* with a name of one byte */
#define IMAGE_PRODUCER_LEN_MIN 32u
#define IMAGE_RESULT_LEN_MIN 32u
#define IMAGE_PLACE_LEN 16u
#define IMAGE_BACKUP_LEN_MIN 105u /* with a name of one byte */
#define IMAGE_ROW_FOREIGN 1u      /* flags of such a row */
#define IMAGE_ROW_SCHEDULED 2u

/* Above this no number of ours goes; so sums of two cannot overflow. */
#define IMAGE_PRODUCER_WIDE (1ull << 63) /* in what it used up last */
#define IMAGE_NUMBER_MAX (UINT64_MAX / 4)

/* The flag of a kept part. */
#define IMAGE_PART(part) (IMAGE_DRAFT << ((unsigned)(part)-MACHINE_DRAFT))

/* Appends the tables, which end where the rows of chunks begin. Those follow in
 * the order of logs (by uid), each log's by position, those of live logs first,
 * and so do open chunks. */
void image_write_tables(const struct state *state, struct buf *buf);
/* The same of a machine that has nothing but these logs. */
void image_write_logs(const struct state *state, struct buf *buf);
/* Which of the flags from IMAGE_BACKUPS on are set, and their sections, without
 * the logs of kept states. */
uint32_t image_sections(const struct state *state);
void image_write_backups(const struct backups *backups, struct buf *buf);
void image_write_settings(const struct machine_settings *settings,
                          struct buf *buf);
void image_write_recovery(const struct state *state, struct buf *buf);
void image_write_kept(const struct kept *kept, struct buf *buf);
/* Rows of them. */
void image_write_log(const struct log *log, struct buf *buf);
void image_write_producer(const struct producer *producer, struct buf *buf);
void image_write_standstill(const struct standstill *standstill,
                            struct buf *buf);
/* Out of memory ends the process. */
void image_add_u32(struct buf *buf, uint32_t value);
void image_add_u64(struct buf *buf, uint64_t value);
void image_add_raw(struct buf *buf, const void *bytes, size_t len);
void image_add_sized(struct buf *buf, struct bytes bytes);

/* 0 and a new state, QL_CORRUPT, or QL_INVALID for an image of another version.
 * Nothing is believed that can be counted again, and nothing allocated that the
 * bytes given do not account for. What is said of sealed chunks is only checked
 * for sense: their bytes are not here. */
int image_read(struct state **ret_state, const struct machine_limits *limits,
               const uint8_t *image, size_t len,
               const struct chunk_source *source, struct err *err);
