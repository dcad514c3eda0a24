/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/chunk_entry.h"

#include <string.h>

#include "machine/digest.h"

static int check_entry(const struct chunk_facts *facts, const uint8_t *at,
                       size_t left, struct err *err);

size_t chunk_entry_len(const uint8_t *at)
{
    uint32_t key_len = get_u32(at + 16);
    size_t len = CHUNK_ENTRY_HEADER_LEN + (size_t)get_u32(at + 20);

    return key_len == CHUNK_NO_KEY ? len : len + key_len;
}

void chunk_entry_view(const uint8_t *at, struct read_entry *ret)
{
    uint32_t key_len = get_u32(at + 16);

    ret->position = get_u64(at);
    ret->time_ms = get_u64(at + 8);
    ret->key = (struct bytes){NULL, 0};
    if (key_len != CHUNK_NO_KEY) {
        ret->key = (struct bytes){at + CHUNK_ENTRY_HEADER_LEN, key_len};
    }
    ret->value.data = at + CHUNK_ENTRY_HEADER_LEN + ret->key.len;
    ret->value.len = get_u32(at + 20);
}

size_t chunk_entry_room(const struct read_entry *entry)
{
    size_t key_len = entry->key.data == NULL ? 0 : entry->key.len;

    return CHUNK_ENTRY_HEADER_LEN + key_len + entry->value.len;
}

void chunk_entry_write(uint8_t *at, const struct read_entry *entry)
{
    size_t key_len = entry->key.data == NULL ? 0 : entry->key.len;

    put_u64(at, entry->position);
    put_u64(at + 8, entry->time_ms);
    put_u32(at + 16,
            entry->key.data == NULL ? CHUNK_NO_KEY : (uint32_t)key_len);
    put_u32(at + 20, (uint32_t)entry->value.len);
    if (key_len > 0) {
        memcpy(at + CHUNK_ENTRY_HEADER_LEN, entry->key.data, key_len);
    }
    if (entry->value.len > 0) {
        memcpy(at + CHUNK_ENTRY_HEADER_LEN + key_len, entry->value.data,
               entry->value.len);
    }
}

void chunk_entry_count(struct chunk_facts *facts,
                       const struct read_entry *entry)
{
    if (facts->entries == 0) {
        facts->name.first = entry->position;
    }
    facts->name.last = entry->position;
    facts->last_time_ms = entry->time_ms;
    facts->entries++;
    facts->len += (uint32_t)chunk_entry_room(entry);
    facts->payload += (uint32_t)entry->value.len;
    if (entry->key.data != NULL) {
        facts->payload += (uint32_t)entry->key.len;
    }
}

int chunk_entry_walk(struct bytes bytes, struct chunk_facts *ret,
                     uint8_t chain[HASH128_LEN], struct err *err)
{
    struct chunk_facts facts = {.len = 0};
    struct read_entry entry;
    uint8_t sum[HASH128_LEN];
    int rv;

    if (bytes.len > CHUNK_BYTES_MAX) {
        return err_set(err, QL_CORRUPT, "a chunk of %zu bytes is too long",
                       bytes.len);
    }
    memcpy(sum, chain, sizeof(sum));
    while (facts.len < bytes.len) {
        const uint8_t *at = bytes.data + facts.len;

        rv = check_entry(&facts, at, bytes.len - facts.len, err);
        if (rv != 0) {
            return rv;
        }
        chunk_entry_view(at, &entry);
        chunk_entry_count(&facts, &entry);
        digest_add(sum, &entry);
    }
    if (facts.entries == 0) {
        return err_set(err, QL_CORRUPT, "a chunk has no entry");
    }
    memcpy(chain, sum, sizeof(sum));
    *ret = facts;
    return 0;
}

/* Is there a whole entry at @at that may follow what @facts counts so far? */
static int check_entry(const struct chunk_facts *facts, const uint8_t *at,
                       size_t left, struct err *err)
{
    if (left < CHUNK_ENTRY_HEADER_LEN) {
        return err_set(err, QL_CORRUPT, "entry header is cut off");
    }
    if (get_u32(at + 16) != CHUNK_NO_KEY && get_u32(at + 16) > ENTRY_KEY_MAX) {
        return err_set(err, QL_CORRUPT, "entry key is too long");
    }
    if (get_u32(at + 20) > ENTRY_VALUE_MAX) {
        return err_set(err, QL_CORRUPT, "entry value is too long");
    }
    if (chunk_entry_len(at) > left) {
        return err_set(err, QL_CORRUPT, "entry is cut off");
    }
    if (get_u64(at) <= facts->name.last) {
        return err_set(err, QL_CORRUPT, "positions do not rise");
    }
    if (get_u64(at + 8) < facts->last_time_ms) {
        return err_set(err, QL_CORRUPT, "times fall");
    }
    return 0;
}
