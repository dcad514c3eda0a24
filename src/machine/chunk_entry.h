/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Entries as they stand in a chunk's bytes; private to the chunk*.c files. */
#pragma once

#include "machine/chunk.h"

#define CHUNK_ENTRY_HEADER_LEN 24u

/* Of the whole entry at @at, whose header is there. */
size_t chunk_entry_len(const uint8_t *at);
void chunk_entry_view(const uint8_t *at, struct read_entry *ret);
/* Writes chunk_entry_room() bytes. */
void chunk_entry_write(uint8_t *at, const struct read_entry *entry);
size_t chunk_entry_room(const struct read_entry *entry);

/* Counts @entry, which follows what @facts has. */
void chunk_entry_count(struct chunk_facts *facts,
                       const struct read_entry *entry);
/* Walks @bytes, checking every length, that positions rise and that times do not
 * fall, counts them into *ret (all but uid and chain) and adds them to @chain.
 * QL_CORRUPT. */
int chunk_entry_walk(struct bytes bytes, struct chunk_facts *ret,
                     uint8_t chain[HASH128_LEN], struct err *err);
