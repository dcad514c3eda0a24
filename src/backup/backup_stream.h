/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The bytes that an export gives, and that one node gives another: the front,
 * then the frames of all sealed chunks in the order of its rows, then one frame
 * with the bytes of all open chunks. Plain `lz4 -dc` on it yields the raw
 * entries. docs/formats.md, "Backup stream". Pure.
 */
#pragma once

#include "backup/backup_front.h"

enum backup_stream_part {
    BACKUP_STREAM_FRONT,
    BACKUP_STREAM_FRAMES,
    BACKUP_STREAM_TAIL,
    BACKUP_STREAM_END
};

/* What @offset is in; *ret_left bytes of that part are left, from there on. */
enum backup_stream_part backup_stream_at(const struct backup_front *front,
                                         uint64_t offset, uint64_t *ret_left);
/* Where the tail begins: behind the last frame. */
uint64_t backup_stream_tail_at(const struct backup_front *front);
/* Checks that the tail is the one the header speaks of, and unpacks it into @ret,
 * tail_raw_len bytes. QL_CORRUPT. */
int backup_stream_tail_unpack(const struct backup_front *front,
                              struct bytes tail, uint8_t *ret, struct err *err);
