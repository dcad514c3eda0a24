/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "store/reads.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine/machine_parts.h"
#include "util/mem.h"

static void forget_chunks(struct chunk_store *store);
static void read_free(struct chunk *chunk);

/* ---- For the rest of the store ------------------------------------------- */

struct store_reads *store_reads_new(struct chunk_store *store)
{
    struct store_reads *reads = mem_must_zalloc(sizeof(*reads));

    reads->store = store;
    list_init(&reads->works);
    list_init(&reads->queued);
    list_init(&reads->blocked);
    list_init(&reads->delayed);
    list_init(&reads->answers);
    list_init(&reads->cached);
    list_init(&reads->to_tell);
    list_init(&reads->told);
    list_init(&reads->given_up);
    list_init(&reads->supplies);
    list_init(&reads->supplied);
    return reads;
}

void store_reads_free(struct store_reads *reads)
{
    struct list *missing[] = {&reads->to_tell, &reads->told, &reads->given_up};
    struct chunk_store *store = reads->store;
    size_t i;

    while (!list_empty(&reads->works)) {
        struct read_work *work =
            LIST_ITEM(reads->works.next, struct read_work, link);

        list_remove(&work->link);
        work->free(work);
    }
    supplies_free(reads);
    for (i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
        while (!list_empty(missing[i])) {
            missing_remove(
                store,
                LIST_ITEM(missing[i]->next, struct store_read, missing)->chunk);
        }
    }
    forget_chunks(store);
    free(reads);
}

/* Chunks outlive the store; what it knows of them does not, and loads that were
 * not answered never are. */
static void forget_chunks(struct chunk_store *store)
{
    struct list loads;
    size_t i;

    list_init(&loads);
    list_move_all(&loads, &store->reads->answers);
    for (i = 0; i < store->table.room; i++) {
        struct chunk *chunk = store->table.slots[i];
        struct store_read *read = chunk == NULL ? NULL : store_read_of(chunk);

        if (read != NULL) {
            list_move_all(&loads, &read->loads);
            read_free(chunk);
        }
    }
    while (!list_empty(&loads)) {
        struct chunk_load *load =
            LIST_ITEM(loads.next, struct chunk_load, link);
        struct chunk *chunk = load->chunk;

        list_remove(&load->link);
        load->chunk = NULL;
        /* Without a home nobody would hear that it goes. */
        if (chunk->refs == 1 && chunk->home == NULL) {
            (void)chunk_table_remove(&store->table, chunk);
        }
        chunk_drop(chunk);
    }
}

void store_reads_tick(struct chunk_store *store)
{
    missing_tick(store);
    refused_tick(store);
    cache_shrink(store);
    loads_kick(store);
    scrub_tick(store);
    quarantine_tick(store);
}

void store_reads_later(struct chunk_store *store)
{
    missing_tell(store);
    loads_answer(store);
    supplies_answer(store);
}

void store_reads_on_home(struct chunk_store *store, struct chunk *chunk)
{
    assert(chunk->home != NULL);
    (void)chunk_ref(chunk);
    loads_unblock(store, chunk);
    if (chunk->memory != NULL) {
        cache_add(store, store_read(chunk));
        cache_shrink(store);
    }
    missing_remove(store, chunk);
    loads_kick(store);
    chunk_drop(chunk);
}

void store_reads_on_unused(struct chunk_store *store, struct chunk *chunk)
{
    struct store_read *read = store_read_of(chunk);

    if (read != NULL) {
        assert(list_empty(&read->loads));
        assert(read->held == 0);
        assert(read->work == NULL);
        cache_remove(store, read);
        read_free(chunk);
    }
}

void store_reads_status(const struct chunk_store *store,
                        struct chunk_store_status *ret)
{
    const struct store_reads *reads = store->reads;

    ret->missing = chunk_store_missing(store);
    ret->cache_bytes = reads->cache_bytes;
    ret->cache_hits = reads->hits;
    ret->cache_misses = reads->misses;
    ret->scrub_rounds = reads->scrub.rounds;
    ret->scrub_bytes = reads->scrub.bytes;
    ret->scrubbed_ms = reads->scrub.ended_ms;
}

/* ---- What is known of a chunk -------------------------------------------- */

struct store_read *store_read(struct chunk *chunk)
{
    struct store_keep *keep = store_keep(chunk);
    struct store_read *read = keep->read;

    if (read == NULL) {
        read = mem_must_zalloc(sizeof(*read));
        read->chunk = chunk;
        list_init(&read->loads);
        list_init(&read->wait);
        list_init(&read->cached);
        list_init(&read->missing);
        keep->read = read;
    }
    return read;
}

struct store_read *store_read_of(const struct chunk *chunk)
{
    const struct store_keep *keep = store_kept(chunk);

    return keep == NULL ? NULL : keep->read;
}

void store_read_tidy(struct chunk *chunk)
{
    struct store_read *read = store_read_of(chunk);

    if (read != NULL && list_empty(&read->loads) && read->work == NULL &&
        read->held == 0 && !read->is_cached && !read->is_missing &&
        !read->is_doubted) {
        read_free(chunk);
    }
}

static void read_free(struct chunk *chunk)
{
    struct store_keep *keep = store_kept(chunk);
    struct store_read *read = keep->read;

    assert(read->last == NULL);
    list_remove(&read->wait);
    list_remove(&read->cached);
    list_remove(&read->missing);
    free(read);
    keep->read = NULL;
    store_keep_tidy(chunk);
}

bool store_chain_before(const struct chunk_store *store,
                        const struct chunk *chunk, uint8_t ret[HASH128_LEN])
{
    const struct store_keep *keep = store_kept(chunk);
    const uint8_t *from;

    if (keep != NULL && keep->item != NULL && keep->item->kind != ITEM_MOVE) {
        memcpy(ret, keep->item->from, HASH128_LEN);
        return true;
    }
    if (store->machine == NULL ||
        machine_find_named(store->machine, &chunk->name, &from) != chunk) {
        return false;
    }
    memcpy(ret, from, HASH128_LEN);
    return true;
}

/* ---- Works --------------------------------------------------------------- */

bool read_work_begin(struct chunk_store *store, struct disk *disk,
                     struct read_work *work, disk_work_fn run, disk_work_cb cb)
{
    work->store = store;
    work->work.run = run;
    work->work.cb = cb;
    work->work.data = work;
    if (!store_work(store, disk, &work->work)) {
        work->free(work);
        return false;
    }
    list_push_back(&store->reads->works, &work->link);
    return true;
}

void read_work_ended(struct read_work *work)
{
    store_work_ended(work->store);
    list_remove(&work->link);
}
