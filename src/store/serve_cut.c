/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "store/serve_cut.h"

#include <string.h>

#include "machine/digest.h"
#include "util/crc32c.h"

static int cut(const struct chunk *chunk, const uint8_t from[HASH128_LEN],
               struct pack_row *row, struct bytes *ret_raw, struct err *err);
static size_t payload_of(const struct read_entry *entry);

int serve_cut(struct chunk_memory *memory, const uint8_t from[HASH128_LEN],
              const struct chunk_name *name, struct pack_row *ret_row,
              struct buf *ret_frame, struct err *err)
{
    struct chunk_facts facts = {.name = *name};
    struct pack_row row = {.facts = facts};
    struct bytes raw = {NULL, 0};
    struct chunk *chunk;
    int rv = chunk_memory_mark(memory);

    if (rv != 0) {
        return rv;
    }
    /* A chunk of this thread's own, to walk over the bytes. */
    facts.name.first = 1;
    facts.name.last = UINT64_MAX;
    facts.len = (uint32_t)chunk_memory_len(memory);
    chunk = chunk_stub(&facts);
    chunk->memory = memory;
    rv = cut(chunk, from, &row, &raw, err);
    if (rv == 0) {
        rv = pack_frame_compress(raw, ret_frame, err);
    }
    chunk->memory = NULL;
    chunk_drop(chunk);
    if (rv != 0) {
        return rv;
    }
    hash128(raw.data, raw.len, row.hash);
    row.frame_at = pack_front_len(1);
    row.frame_len = (uint32_t)ret_frame->len;
    row.frame_crc = crc32c(0, ret_frame->data, ret_frame->len);
    *ret_row = row;
    return 0;
}

/* Walks up to the last entry of the chunk; the chain shows whether what lies
 * between is what was asked for. */
static int cut(const struct chunk *chunk, const uint8_t from[HASH128_LEN],
               struct pack_row *row, struct bytes *ret_raw, struct err *err)
{
    struct chunk_facts *facts = &row->facts;
    uint8_t chain[HASH128_LEN];
    struct read_entry entry = {0};
    size_t begin = 0;
    size_t end = 0;
    size_t offset = 0;

    memcpy(chain, from, HASH128_LEN);
    memcpy(row->from, from, HASH128_LEN);
    while (chunk_next(chunk, &offset, &entry) &&
           entry.position <= facts->name.last) {
        digest_add(chain, &entry);
        if (entry.position < facts->name.first) {
            begin = offset;
            memcpy(row->from, chain, HASH128_LEN);
            continue;
        }
        facts->entries++;
        facts->payload += (uint32_t)payload_of(&entry);
        facts->last_time_ms = entry.time_ms;
        end = offset;
    }
    if (end - begin > CHUNK_BYTES_MAX || facts->entries == 0 ||
        memcmp(chain, facts->name.chain, HASH128_LEN) != 0) {
        return err_set(err, QL_NOT_FOUND, "its entries are others here");
    }
    facts->len = (uint32_t)(end - begin);
    ret_raw->data = chunk_bytes(chunk) + begin;
    ret_raw->len = facts->len;
    return 0;
}

static size_t payload_of(const struct read_entry *entry)
{
    return entry->value.len + (entry->key.data == NULL ? 0 : entry->key.len);
}
