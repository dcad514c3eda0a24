/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* XXH3-128 in its canonical (big-endian) bytes. Home of xxhash. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH128_LEN 16

/* One shot. */
void hash128(const void *bytes, size_t len, uint8_t ret_hash[HASH128_LEN]);
/* Of @count runs as if they stood one after the other. */
struct bytes;
void hash128_runs(const struct bytes *runs, size_t count,
                  uint8_t ret_hash[HASH128_LEN]);
/* The same, of runs that are not there at once. Free it with the end, or with
 * free() when there is none. */
struct hash128_stream;
struct hash128_stream *hash128_stream_new(void); /* NULL: out of memory */
void hash128_stream_add(struct hash128_stream *stream, const void *bytes,
                        size_t len);
void hash128_stream_end(struct hash128_stream *stream,
                        uint8_t ret_hash[HASH128_LEN]);

/* XXH3-64: for tables in memory only, never stored or sent. */
uint64_t hash64(const void *bytes, size_t len, uint64_t seed);
