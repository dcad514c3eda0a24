/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Reads a whole pack file again, from the disk and not from what memory has of
 * it, and checks every byte: header, rows, frames, raw bytes and what they prove.
 */
#pragma once

#include <stdbool.h>

#include "store/disk.h"
#include "store/pack.h"

/* What the file should be. */
struct pack_check {
    const char *prefix; /* before the file's name; NULL: nothing */
    uint64_t number;
    const uint8_t *cluster;
    uint64_t file_len;
    uint32_t rows;
    const struct chunk_name *names; /* by row; uid 0: any chunk may be there */
};

/* Blocking; for a work thread. Takes memory for the file and one chunk.
 * @ret_bad[row] is set for each row whose chunk is not good. QL_CORRUPT: there
 * are such rows, or something else is wrong. QL_NOT_FOUND: there is no file; all
 * rows are bad. Other errors say nothing about single rows. */
int pack_check(struct disk *disk, const struct pack_check *check, bool *ret_bad,
               struct err *err);
