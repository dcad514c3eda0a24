/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/chunk_row.h"

#include <string.h>

#include "machine/chunk_entry.h"

#define CHAIN_AT 36u
#define ZERO_AT 52u

static bool is_possible(const struct chunk_facts *facts);

void chunk_row_encode(const struct chunk *chunk, uint8_t ret[CHUNK_ROW_LEN])
{
    put_u64(ret, chunk->name.first);
    put_u64(ret + 8, chunk->name.last);
    put_u64(ret + 16, chunk->last_time_ms);
    put_u32(ret + 24, chunk->len);
    put_u32(ret + 28, chunk->entries);
    put_u32(ret + 32, chunk->payload);
    memcpy(ret + CHAIN_AT, chunk->name.chain, HASH128_LEN);
    memset(ret + ZERO_AT, 0, CHUNK_ROW_LEN - ZERO_AT);
}

bool chunk_row_decode(const uint8_t row[CHUNK_ROW_LEN], uint64_t uid,
                      struct chunk_facts *ret)
{
    static const uint8_t zero[CHUNK_ROW_LEN - ZERO_AT];
    struct chunk_facts facts;

    facts.name.uid = uid;
    facts.name.first = get_u64(row);
    facts.name.last = get_u64(row + 8);
    facts.last_time_ms = get_u64(row + 16);
    facts.len = get_u32(row + 24);
    facts.entries = get_u32(row + 28);
    facts.payload = get_u32(row + 32);
    memcpy(facts.name.chain, row + CHAIN_AT, HASH128_LEN);
    if (!is_possible(&facts) ||
        memcmp(row + ZERO_AT, zero, sizeof(zero)) != 0) {
        return false;
    }
    *ret = facts;
    return true;
}

/* Positions rise by at least one from entry to entry, and all of a chunk's bytes
 * that are not payload are entries' headers. */
static bool is_possible(const struct chunk_facts *facts)
{
    uint64_t headers = (uint64_t)facts->entries * CHUNK_ENTRY_HEADER_LEN;

    return facts->name.first >= 1 && facts->name.last >= facts->name.first &&
           facts->entries >= 1 &&
           facts->name.last - facts->name.first >= facts->entries - 1 &&
           facts->len <= CHUNK_BYTES_MAX &&
           facts->len == headers + facts->payload;
}
