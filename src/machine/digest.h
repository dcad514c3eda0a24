/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The chain digest of a log: digest(0) is 16 zero bytes and
 *     digest(n) = XXH3-128(digest(n-1) . position . time_ms . key_len . key .
 *                          value_len . value)
 * with position and time as u64, key_len as u32 (0xffffffff: no key), value_len
 * as u32, all little-endian. Equal digests at equal positions mean equal
 * histories. It finds corruption; it is no defence against attack.
 */
#pragma once

#include "util/hash128.h"
#include "wire/args_read.h"

/* Replaces @digest by the one that includes @entry. */
void digest_add(uint8_t digest[HASH128_LEN], const struct read_entry *entry);
