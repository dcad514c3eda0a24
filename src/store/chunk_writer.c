/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * One batch at a time goes to the compactor and comes back, and one of what peers
 * sent is got ready for it by a reader meanwhile: what was written gets
 * its home in the new pack. A full disk is waited for, with everything as it was;
 * after any other failed write the node stops.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "machine/must.h"
#include "store/chunk_batch.h"
#include "util/diag.h"
#include "util/mem.h"

enum taken { TAKEN, ENDED, LEFT };

static struct store_batch *batch_new(struct chunk_store *store,
                                     enum store_lane_kind lane);
static enum taken take_item(struct store_batch *batch, struct store_item *item);
static bool take_gather(struct chunk_store *store, struct batch_entry *entry,
                        struct chunk *chunk);
static bool begin_write(struct store_batch *batch, disk_work_fn run);
static struct store_batch *collect(struct chunk_store *store,
                                   enum store_lane_kind lane);
static void on_built(struct disk_work *work, int status);
static void on_written(struct disk_work *work, int status);
static void put_back(struct store_batch *batch);
static void settle(struct store_batch *batch);
static void settle_made(struct store_batch *batch, struct batch_entry *entry);
static void settle_failed(struct store_batch *batch, struct batch_entry *entry);
static bool try_again(struct store_batch *batch, struct batch_entry *entry);
static void blame(struct chunk_store *store, const struct batch_entry *entry);
static void lost(struct chunk_store *store, const struct batch_entry *entry,
                 struct chunk *chunk, struct pack *pack);

bool store_batch_begin(struct chunk_store *store, enum store_lane_kind lane)
{
    struct store_batch *batch = collect(store, lane);

    if (batch == NULL) {
        return false;
    }
    if (!begin_write(batch, store_batch_run)) {
        put_back(batch);
        store_batch_free(batch);
        return false;
    }
    return true;
}

bool store_batch_build_next(struct chunk_store *store)
{
    struct store_batch *batch = collect(store, LANE_FETCHED);

    if (batch == NULL) {
        return false;
    }
    batch->work.run = store_batch_build;
    batch->work.cb = on_built;
    if (!store_work(store, store->options.readers, &batch->work)) {
        put_back(batch);
        store_batch_free(batch);
        return false;
    }
    store->queue.next = batch;
    return true;
}

bool store_batch_is_built(const struct chunk_store *store)
{
    return store->queue.next != NULL && store->queue.next->is_built;
}

bool store_batch_write_next(struct chunk_store *store)
{
    if (!begin_write(store->queue.next, store_batch_write)) {
        return false;
    }
    store->queue.next = NULL;
    return true;
}

/* The number only now: packs get theirs in the order in which they are written. */
static bool begin_write(struct store_batch *batch, disk_work_fn run)
{
    struct chunk_store *store = batch->store;

    batch->number = store->next_number;
    batch->work.run = run;
    batch->work.cb = on_written;
    if (!store_work(store, store->options.disk, &batch->work)) {
        return false;
    }
    store->next_number++;
    store->queue.batch = batch;
    return true;
}

/* What of @lane can be written now; NULL: nothing. */
static struct store_batch *collect(struct chunk_store *store,
                                   enum store_lane_kind lane)
{
    struct list *items = &store->queue.lanes[lane].items;
    struct store_batch *batch;
    struct list stuck;
    uint64_t raw_max =
        lane == LANE_FETCHED ? PACK_FETCHED_BYTES : PACK_BYTES_MAX;
    uint64_t raw = 0;
    struct list *next;

    store_queue_purge(store, false);
    batch = batch_new(store, lane);
    list_init(&stuck);
    for (struct list *link = items->next;
         link != items && raw < raw_max && batch->count < PACK_CHUNKS_MAX;
         link = next) {
        struct store_item *item = LIST_ITEM(link, struct store_item, link);
        uint32_t len = item->chunk->len;

        next = link->next;
        if (raw > 0 && raw + len > raw_max) {
            break;
        }
        switch (take_item(batch, item)) {
        case TAKEN:
            raw += len;
            break;
        case LEFT:
            list_remove(&item->link);
            list_push_back(&stuck, &item->link);
            break;
        case ENDED:
            break;
        }
    }
    list_move_all(items, &stuck);
    if (batch->count == 0) {
        store_batch_free(batch);
        return NULL;
    }
    return batch;
}

uint64_t store_batch_sequence(const struct store_batch *batch)
{
    return batch->lane == LANE_URGENT ? batch->entries[0].item->sequence
                                      : UINT64_MAX;
}

/* What still has an item goes with it. */
void store_batch_free(struct store_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct batch_entry *entry = &batch->entries[i];

        chunk_share_drop(&entry->share);
        chunk_gather_close(&entry->gather);
        free(entry->why);
        if (entry->item != NULL) {
            buf_close(&entry->item->frame);
            chunk_drop(entry->item->chunk);
            free(entry->item);
        }
    }
    buf_close(&batch->made);
    free(batch->rows);
    free(batch->entries);
    free(batch);
}

/* ---- To the compactor ---------------------------------------------------- */

static struct store_batch *batch_new(struct chunk_store *store,
                                     enum store_lane_kind lane)
{
    struct store_batch *batch = mem_must_zalloc(sizeof(*batch));

    batch->store = store;
    batch->lane = lane;
    batch->entries = NULL;
    buf_init(&batch->made);
    batch->work.data = batch;
    return batch;
}

/* Moves @item into the batch, unless it has come to its end or has to wait. */
static enum taken take_item(struct store_batch *batch, struct store_item *item)
{
    struct chunk_store *store = batch->store;
    struct chunk *chunk = item->chunk;
    struct batch_entry entry = {.item = item, .facts = chunk_facts(chunk)};
    size_t room = batch->count;

    if (item->retry_ms > store->now_ms) {
        return LEFT;
    }
    if (item->kind == ITEM_MOVE && chunk->home == NULL) {
        list_remove(&item->link);
        store_item_end(store, item, QL_CANCELED);
        return ENDED;
    }
    if (item->kind == ITEM_GATHER && chunk->home != NULL) {
        list_remove(&item->link);
        chunk_clear_parts(chunk);
        store_item_end(store, item, 0);
        return ENDED;
    }
    if (item->kind == ITEM_MOVE) {
        entry.pack = pack_of(chunk)->number;
        entry.slot = chunk->slot;
    } else if (item->kind == ITEM_BYTES) {
        assert(chunk->memory != NULL);
        entry.share = chunk_share(chunk);
    } else if (item->kind == ITEM_GATHER &&
               !take_gather(store, &entry, chunk)) {
        item->since_ms = store->now_ms;
        store_item_set_stuck(store, item, true);
        return LEFT;
    }
    store_item_set_stuck(store, item, false);
    list_remove(&item->link);
    /* Doubles at each power of two. */
    if ((room & (room - 1)) == 0) {
        room = room == 0 ? 1 : room * 2;
        batch->entries = mem_must_resize(batch->entries, room * sizeof(entry));
    }
    batch->entries[batch->count] = entry;
    batch->count++;
    return TAKEN;
}

/* False: a part is missing, and told as that; the merge waits for it. */
static bool take_gather(struct chunk_store *store, struct batch_entry *entry,
                        struct chunk *chunk)
{
    struct chunk *missing = NULL;

    chunk_gather_init(&entry->gather);
    if (chunk_gather_add(&entry->gather, chunk, &missing) == 0) {
        return true;
    }
    chunk_gather_close(&entry->gather);
    store_missing_add(store, missing);
    return false;
}

/* ---- And back ------------------------------------------------------------ */

/* Without anything good in it there is nothing to write. */
static void on_built(struct disk_work *work, int status)
{
    struct store_batch *batch = work->data;
    struct chunk_store *store = batch->store;

    store_work_ended(store);
    (void)must_have_memory(status);
    batch->is_built = true;
    if (batch->made_count == 0) {
        store->queue.next = NULL;
        settle(batch);
        store_batch_free(batch);
    }
    store_queue_later(store);
    store_tell_fatal(store);
}

static void on_written(struct disk_work *work, int status)
{
    struct store_batch *batch = work->data;
    struct chunk_store *store = batch->store;

    store_work_ended(store);
    store->queue.batch = NULL;
    (void)must_have_memory(status);
    if (status == 0) {
        store->counts.is_full = false;
        store->counts.full_tries = 0;
        store_queue_unblock(&store->queue);
        settle(batch);
    } else {
        put_back(batch);
    }
    if (status == QL_NO_SPACE) {
        if (!store->counts.is_full) {
            diag_warning("%s: no space for a pack of %" PRIu64
                         " bytes: chunks stay in memory until there is",
                         store->options.where, batch->file_len);
        }
        store->counts.is_full = true;
        store->counts.full_tries++;
        store->queue.is_full = true;
    } else if (status != 0) {
        store_fatal(store, batch->err.text);
    }
    store_batch_free(batch);
    store_queue_later(store);
    packs_tidy(store);
    store_tell_fatal(store);
}

/* To the front of where they came from, in their order. */
static void put_back(struct store_batch *batch)
{
    struct list *items = &batch->store->queue.lanes[batch->lane].items;

    for (size_t i = batch->count; i > 0; i--) {
        struct batch_entry *entry = &batch->entries[i - 1];

        list_push_back(items->next, &entry->item->link);
        entry->item = NULL;
    }
}

static void settle(struct store_batch *batch)
{
    struct chunk_store *store = batch->store;
    struct pack *pack = NULL;

    if (batch->made_count > 0) {
        pack =
            pack_new(store, batch->number, batch->made_count, batch->file_len);
        pack->raw = batch->raw_made;
        store->counts.written_packs++;
        store->counts.written_bytes += batch->file_len;
    }
    /* First all homes: an item that ends may free a chunk, and a pack with
     * nothing in use would leave too early. */
    for (size_t i = 0; i < batch->count; i++) {
        struct batch_entry *entry = &batch->entries[i];

        if (entry->status == 0) {
            memcpy(pack->from[entry->slot_made],
                   batch->rows[entry->slot_made].from, HASH128_LEN);
            pack_put(pack, entry->slot_made, entry->item->chunk);
        }
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct batch_entry *entry = &batch->entries[i];

        chunk_share_drop(&entry->share);
        if (entry->status == 0) {
            settle_made(batch, entry);
        } else {
            settle_failed(batch, entry);
        }
    }
}

static void settle_made(struct store_batch *batch, struct batch_entry *entry)
{
    struct chunk_store *store = batch->store;
    struct store_item *item = entry->item;

    entry->item = NULL;
    chunk_clear_parts(item->chunk);
    store_reads_on_home(store, item->chunk);
    store_item_end(store, item, 0);
}

static void settle_failed(struct store_batch *batch, struct batch_entry *entry)
{
    struct chunk_store *store = batch->store;
    struct store_item *item = entry->item;

    if (entry->status == QL_IO && try_again(batch, entry)) {
        return;
    }
    if (item->kind == ITEM_GATHER) {
        if (chunk_gather_is_current(&entry->gather)) {
            blame(store, entry);
        }
        entry->item = NULL;
        item->since_ms = store->now_ms;
        list_push_back(&store->queue.lanes[LANE_MERGES].items, &item->link);
        return;
    }
    if (item->kind == ITEM_BYTES) {
        store_fatal(store, entry->why); /* only this machine's memory has it */
    }
    if (item->kind == ITEM_MOVE && item->chunk->home != NULL) {
        lost(store, entry, item->chunk, pack_of(item->chunk));
    }
    entry->item = NULL;
    store_item_end(store, item,
                   item->kind == ITEM_FRAME ? QL_CORRUPT : QL_CANCELED);
}

/* Nobody has seen wrong bytes, so nothing is said to be damaged yet. */
static bool try_again(struct store_batch *batch, struct batch_entry *entry)
{
    struct chunk_store *store = batch->store;
    struct store_item *item = entry->item;

    item->tries++;
    if (item->tries >= STORE_READ_TRIES) {
        item->tries = 0;
        return false;
    }
    item->retry_ms = store->now_ms + STORE_RETRY_MS;
    item->since_ms = store->now_ms;
    list_push_back(&store->queue.lanes[batch->lane].items, &item->link);
    entry->item = NULL;
    return true;
}

/* A merge could not be proven. */
static void blame(struct chunk_store *store, const struct batch_entry *entry)
{
    const struct chunk_gather *gather = &entry->gather;
    const struct chunk_piece *piece;

    if (entry->bad >= gather->count) {
        store_fatal(store, entry->why); /* all pieces are good, so we are not */
        return;
    }
    piece = &gather->pieces[entry->bad];
    if (piece->memory != NULL) {
        store_fatal(store, entry->why); /* nobody else has it */
    } else {
        lost(store, entry, piece->chunk, piece->pack);
    }
}

static void lost(struct chunk_store *store, const struct batch_entry *entry,
                 struct chunk *chunk, struct pack *pack)
{
    if (entry->status == QL_IO) {
        store_refused(store, chunk, pack, entry->why);
    } else {
        store_damaged(store, chunk, pack, entry->why);
    }
}
