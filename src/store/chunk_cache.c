/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Loaded bytes of chunks that stay in memory when nobody holds them, the least
 * recently used going first. Counted are the bytes in memory of all chunks that
 * have a copy on disk, or parts: what a load holds is not dropped and may be more
 * than the bound.
 *
 * Whoever walks over a chunk's bytes does so within one call on the loop. Bytes
 * are dropped only where a load ends, where bytes come in, and by the tick.
 */
#include <assert.h>

#include "store/reads.h"

static void set_place(struct store_reads *reads, struct store_read *read);

void cache_add(struct chunk_store *store, struct store_read *read)
{
    assert(read->chunk->memory != NULL);
    assert(read->chunk->home != NULL || read->chunk->parts != NULL);
    if (!read->is_cached) {
        read->is_cached = true;
        store->reads->cache_bytes += read->chunk->len;
    }
    set_place(store->reads, read);
}

void cache_remove(struct chunk_store *store, struct store_read *read)
{
    if (read->is_cached) {
        read->is_cached = false;
        assert(store->reads->cache_bytes >= read->chunk->len);
        store->reads->cache_bytes -= read->chunk->len;
    }
    list_remove(&read->cached);
}

void cache_hold(struct chunk_store *store, struct store_read *read)
{
    read->held++;
    set_place(store->reads, read);
}

void cache_release(struct chunk_store *store, struct store_read *read)
{
    assert(read->held > 0);
    read->held--;
    set_place(store->reads, read);
}

void cache_shrink(struct chunk_store *store)
{
    struct store_reads *reads = store->reads;

    while (reads->cache_bytes > store->options.cache_bytes &&
           !list_empty(&reads->cached)) {
        struct store_read *read =
            LIST_ITEM(reads->cached.next, struct store_read, cached);
        struct chunk *chunk = read->chunk;

        cache_remove(store, read);
        chunk_clear_memory(chunk);
        store_read_tidy(chunk);
    }
}

void chunk_store_used(struct chunk_store *store, const struct chunk *chunk)
{
    struct store_read *read = store_read_of(chunk);

    if (read != NULL && read->is_cached) {
        store->reads->hits++;
        set_place(store->reads, read);
    }
}

/* Among those that may go, as the last one to go. */
static void set_place(struct store_reads *reads, struct store_read *read)
{
    list_remove(&read->cached);
    if (read->is_cached && read->held == 0) {
        list_push_back(&reads->cached, &read->cached);
    }
}
