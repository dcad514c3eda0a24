/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The packs of a store and which chunks they are the home of. What a pack has of
 * chunks that nobody refers to any more stays in its file; when that is most of
 * it, the rest is written elsewhere and the file goes.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/chunk_store_internal.h"
#include "util/mem.h"

static void on_unused(struct chunk_home *home, struct chunk *chunk);
static void leave_slot(struct pack *pack, struct chunk *chunk);
static bool is_sparse(const struct pack *pack);
static bool is_fresh(const struct pack *pack);

void pack_name(const char *prefix, uint64_t number, const char *suffix,
               char ret_name[DISK_NAME_MAX])
{
    (void)snprintf(ret_name, DISK_NAME_MAX, "%s%016" PRIx64 "%s", prefix,
                   number, suffix);
}

struct pack *pack_new(struct chunk_store *store, uint64_t number, uint32_t rows,
                      uint64_t file_len)
{
    size_t len = sizeof(struct pack) + rows * sizeof(struct chunk *);
    struct pack *pack = mem_must_zalloc(len + (size_t)rows * HASH128_LEN);

    pack->from = (void *)((uint8_t *)pack + len);
    pack->home.on_unused = on_unused;
    pack->store = store;
    pack->number = number;
    pack->rows = rows;
    pack->file_len = file_len;
    list_push_back(&store->packs, &pack->link);
    store->counts.packs++;
    store->counts.disk_bytes += file_len;
    return pack;
}

void packs_free(struct chunk_store *store)
{
    list_move_all(&store->packs, &store->leaving);
    while (!list_empty(&store->packs)) {
        struct pack *pack = LIST_ITEM(store->packs.next, struct pack, link);

        list_remove(&pack->link);
        for (uint32_t i = 0; i < pack->rows; i++) {
            if (pack->orphans != NULL && pack->orphans[i]) {
                chunk_drop(pack->chunks[i]);
            }
        }
        free(pack->orphans);
        free(pack);
    }
}

/* ---- Homes --------------------------------------------------------------- */

void pack_put(struct pack *pack, uint32_t slot, struct chunk *chunk)
{
    struct chunk_store *store = pack->store;
    bool is_orphan = false;

    assert(slot < pack->rows);
    assert(pack->chunks[slot] == NULL);
    if (chunk->home != NULL) {
        struct pack *before = pack_of(chunk);

        is_orphan = before->orphans != NULL && before->orphans[chunk->slot];
        leave_slot(before, chunk);
    }
    if (!chunk_table_has(&store->table, chunk)) {
        chunk_table_add(&store->table, chunk);
    }
    pack->chunks[slot] = chunk;
    pack->live++;
    pack->live_raw += chunk->len;
    chunk->home = &pack->home;
    chunk->slot = slot;
    if (is_orphan) {
        pack_set_orphan(chunk);
    }
}

void pack_put_back(struct pack *pack, uint32_t slot, struct chunk *chunk)
{
    struct list *behind = &pack->store->packs;

    assert(chunk->home == NULL);
    assert(pack->users > 0);
    if (pack->live == 0) {
        list_remove(&pack->link);
        while (behind->prev != &pack->store->packs &&
               LIST_ITEM(behind->prev, struct pack, link)->number >
                   pack->number) {
            behind = behind->prev;
        }
        list_push_back(behind, &pack->link);
    }
    pack_put(pack, slot, chunk);
}

void pack_take(struct chunk *chunk)
{
    struct pack *pack = pack_of(chunk);
    struct chunk_store *store = pack->store;
    bool is_orphan = pack->orphans != NULL && pack->orphans[chunk->slot];

    leave_slot(pack, chunk);
    if (chunk->keeper == NULL) {
        (void)chunk_table_remove(&store->table, chunk);
    }
    if (is_orphan) {
        chunk_drop(chunk);
    }
}

void pack_hand_over(struct chunk *chunk, struct chunk *heir)
{
    struct pack *pack = pack_of(chunk);
    uint32_t slot = chunk->slot;

    assert(pack_is_orphan(chunk));
    assert(heir->home == NULL);
    pack->orphans[slot] = false;
    (void)chunk_table_remove(&pack->store->table, chunk);
    chunk->home = NULL;
    pack->chunks[slot] = heir;
    heir->home = &pack->home;
    heir->slot = slot;
    if (!chunk_table_has(&pack->store->table, heir)) {
        chunk_table_add(&pack->store->table, heir);
    }
    chunk_drop(chunk);
}

bool pack_is_orphan(const struct chunk *chunk)
{
    const struct pack *pack = pack_of(chunk);

    return chunk->refs == 1 && chunk->keeper == NULL && pack != NULL &&
           pack->orphans != NULL && pack->orphans[chunk->slot];
}

void pack_set_orphan(struct chunk *chunk)
{
    struct pack *pack = pack_of(chunk);

    if (pack->orphans == NULL) {
        pack->orphans = mem_must_zalloc(pack->rows * sizeof(bool));
    }
    pack->orphans[chunk->slot] = true;
}

/* The last reference is gone, so it is no orphan and nothing waits for it. */
static void on_unused(struct chunk_home *home, struct chunk *chunk)
{
    struct pack *pack = (struct pack *)(void *)home;
    struct chunk_store *store = pack->store;

    store_reads_on_unused(store, chunk);
    assert(chunk->keeper == NULL);
    leave_slot(pack, chunk);
    (void)chunk_table_remove(&store->table, chunk);
}

static void leave_slot(struct pack *pack, struct chunk *chunk)
{
    struct chunk_store *store = pack->store;

    assert(pack->chunks[chunk->slot] == chunk);
    pack->chunks[chunk->slot] = NULL;
    if (pack->orphans != NULL) {
        pack->orphans[chunk->slot] = false;
    }
    assert(pack->live > 0);
    pack->live--;
    pack->live_raw -= chunk->len;
    chunk->home = NULL;
    if (pack->live == 0) {
        pack_leave(pack);
    } else if (!store->has_sparse && is_sparse(pack)) {
        store->has_sparse = true;
    }
}

/* ---- Their end ----------------------------------------------------------- */

void pack_leave(struct pack *pack)
{
    struct chunk_store *store = pack->store;

    assert(pack->live == 0);
    if (pack->is_moving) {
        pack->is_moving = false;
        store->moving--;
    }
    list_remove(&pack->link);
    list_push_back(&store->leaving, &pack->link);
    store_later(store);
}

void pack_use(struct pack *pack)
{
    pack->users++;
}

void pack_unuse(struct pack *pack)
{
    assert(pack->users > 0);
    pack->users--;
    if (pack->users == 0 && pack->live == 0) {
        store_later(pack->store);
    }
}

void pack_move(struct pack *pack)
{
    struct chunk_store *store = pack->store;

    if (pack->live == 0) {
        return;
    }
    if (!pack->is_moving) {
        pack->is_moving = true;
        store->moving++;
    }
    for (uint32_t i = 0; i < pack->rows; i++) {
        struct chunk *chunk = pack->chunks[i];

        if (chunk != NULL && store_keep(chunk)->move == NULL) {
            (void)store_queue(store, ITEM_MOVE, chunk, NULL);
        }
    }
}

void packs_tidy(struct chunk_store *store)
{
    struct list *link;

    if (store->is_stopped) {
        return;
    }
    store_removal_kick(store);
    /* A merge that waits may set free what would be moved. */
    if (!store->has_sparse || store->queue.lanes[LANE_MERGES].count > 0) {
        return;
    }
    store->has_sparse = false;
    for (link = store->packs.next; link != &store->packs; link = link->next) {
        struct pack *pack = LIST_ITEM(link, struct pack, link);

        if (pack->is_moving || !is_sparse(pack)) {
            continue;
        }
        if (store->moving >= STORE_MOVES_MAX || is_fresh(pack)) {
            store->has_sparse = true;
            return;
        }
        pack_move(pack);
    }
}

static bool is_sparse(const struct pack *pack)
{
    return pack->live_raw * STORE_SPARSE_PART < pack->raw || pack->is_damaged;
}

/* What is in the newest may still go together. */
static bool is_fresh(const struct pack *pack)
{
    return !pack->is_damaged &&
           pack->number + STORE_PACKS_FRESH >= pack->store->next_number;
}
