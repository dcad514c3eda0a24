/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What was written is read again before anything relies on it: a sync says that
 * the device has taken the bytes, not that they are the ones that were meant, and
 * what is dropped because a file covers it cannot be had again.
 *
 * The disk is asked and not the page cache: by direct reads where the file system
 * takes them, else after the kernel was told to forget the pages, which it does
 * for those that are clean and in nobody's use. A device's own cache may still
 * answer; no call goes past it.
 */
#pragma once

#include "store/disk.h"
#include "util/buf.h"
#include "util/hash128.h"

/* Blocking; little memory. @file must hold @front and then @len bytes with @hash,
 * and nothing more. QL_CORRUPT: it does not, and what to make of that. */
int readback(struct disk *disk, struct disk_file *file, struct bytes front,
             uint64_t len, const uint8_t hash[HASH128_LEN], struct err *err);
