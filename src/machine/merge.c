/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/merge.h"

/* What the bounds are of machine_limits.chunk_bytes. */
static const uint64_t merge_shares[MERGE_CLASS_MAX] = {64, 8, 1};

unsigned merge_class(uint64_t len, uint64_t chunk_bytes)
{
    unsigned class = 0;

    while (class < MERGE_CLASS_MAX &&
           len >= chunk_bytes / merge_shares[class]) {
        class ++;
    }
    return class;
}

size_t merge_run(const struct chunk_list *list, unsigned level,
                 uint64_t chunk_bytes)
{
    size_t all = chunk_list_count(list);
    uint64_t len = 0;
    size_t count = 0;

    if (level >= MERGE_CLASS_MAX) {
        return 0;
    }
    while (count < all) {
        const struct chunk *chunk = chunk_list_at(list, all - count - 1);

        if (merge_class(chunk->len, chunk_bytes) > level) {
            break;
        }
        len += chunk->len;
        count++;
    }
    if (count < 2) {
        return 0;
    }
    return len >= chunk_bytes / merge_shares[level] || count >= CHUNK_RUN_MAX
               ? count
               : 0;
}
