/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The file `checked`: when which file of the directory was read last and found
 * good. To lose it costs another reading of all. docs/formats.md, "Checked".
 *
 *     0   4  "QLKC"
 *     4   4  version, 1
 *     8   4  packs
 *    12   4  manifests
 *    16   4  CRC-32C of bytes 4 to the end, these four left out
 *    20   4  zero
 *    24  ..  packs x {8: number, 8: ms since the epoch}
 *        ..  manifests x {16: XXH3-128 of the name, 8: ms}
 */
#pragma once

#include "backup/backup_pool.h"
#include "store/disk.h"
#include "util/list.h"

/* The bytes for @pool and @lists (of struct backup_entry), to the end of @ret. */
void backup_checked_encode(const struct backup_pool *pool,
                           struct list *const *lists, size_t count,
                           struct buf *ret);
/* Blocking: notes in @pool and in @files what the file says; nothing if it is not
 * there, or not good. */
void backup_checked_load(struct disk *disk, struct backup_pool *pool,
                         struct list *files);
