/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Large blocks that were freed and are likely to be wanted again: the bytes of
 * chunks, what is read of packs, and answers come and go by the thousand a second
 * where old entries are read. malloc() gives such a block back to the system (see
 * daemon/heap.c), and then the next one costs a page fault for each 4 KiB of it.
 *
 * Blocks are of malloc(): one may be taken here and freed there. Any thread.
 */
#pragma once

#include "util/buf.h"

/* A block of @len bytes or somewhat more, not zeroed; from malloc() when there is
 * none to spare. Out of memory ends the process. */
void *spare_alloc(size_t len);
/* Keeps @block, or frees it. NULL is fine. */
void spare_free(void *block);
/* As buf_reserve(), with a spare block where the bytes must move. */
void spare_buf_reserve(struct buf *buf, size_t more);
/* As buf_close(). */
void spare_buf_close(struct buf *buf);
/* Bytes that are kept now. */
size_t spare_bytes(void);
/* Frees all of them. */
void spare_drop_all(void);
