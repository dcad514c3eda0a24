/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A directory as a struct disk that can only be read: list, open, size and read;
 * everything else fails with QL_DENIED. For looking at a stopped node without
 * changing it, and so without the loop and the threads of the real disk.
 */
#pragma once

#include "store/disk.h"

struct disk_reader;

/* QL_NOT_FOUND, QL_IO. */
int disk_reader_open(struct disk_reader **ret_reader, const char *dir,
                     struct err *err);
/* Fine with NULL. Its files were closed before. */
void disk_reader_close(struct disk_reader *reader);
struct disk *disk_reader_disk(struct disk_reader *reader);
