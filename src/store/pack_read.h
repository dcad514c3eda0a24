/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Reading one chunk out of a pack file: its row and its frame. Blocking; for work
 * threads.
 */
#pragma once

#include "store/disk.h"
#include "store/pack.h"

/* Reads the row at @slot of the pack and checks that it is the one of the chunk
 * called @name. QL_CORRUPT: it is not. */
int pack_read_row(struct disk *disk, struct disk_file *file, uint32_t slot,
                  const struct chunk_name *name, struct pack_row *ret,
                  struct err *err);
/* Reads the frame of @row to the end of @ret, unchecked. QL_CORRUPT: the file is
 * too short. */
int pack_read_frame(struct disk *disk, struct disk_file *file,
                    const struct pack_row *row, struct buf *ret,
                    struct err *err);
/* Both, of the pack called @number. QL_NOT_FOUND: there is no such file. */
int pack_read_chunk(struct disk *disk, uint64_t number, uint32_t slot,
                    const struct chunk_name *name, struct pack_row *ret_row,
                    struct buf *ret_frame, struct err *err);
/* Exactly @len bytes; QL_CORRUPT when the file ends before. */
int pack_read_exactly(struct disk *disk, struct disk_file *file, uint64_t at,
                      void *ret_bytes, size_t len, struct err *err);
