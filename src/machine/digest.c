/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/digest.h"

#include <string.h>

#include "machine/chunk.h"

void digest_add(uint8_t digest[HASH128_LEN], const struct read_entry *entry)
{
    uint8_t head[20];
    uint8_t value_len[4];
    struct bytes runs[5];

    put_u64(head, entry->position);
    put_u64(head + 8, entry->time_ms);
    put_u32(head + 16,
            entry->key.data == NULL ? CHUNK_NO_KEY : (uint32_t)entry->key.len);
    put_u32(value_len, (uint32_t)entry->value.len);

    runs[0] = (struct bytes){digest, HASH128_LEN};
    runs[1] = (struct bytes){head, sizeof(head)};
    runs[2] = entry->key;
    runs[3] = (struct bytes){value_len, sizeof(value_len)};
    runs[4] = entry->value;
    hash128_runs(runs, 5, digest);
}
