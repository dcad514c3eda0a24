/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Copies of missing chunks that come from peers: what can be seen at once is
 * checked here, the rest by the batch that writes them.
 */
#include <stdlib.h>
#include <string.h>

#include "machine/must.h"
#include "store/reads.h"
#include "util/limits.h"
#include "util/mem.h"

struct supply_work {
    struct list link;   /* reads->supplies */
    struct list due;    /* reads->supplied, or alone */
    struct list waiter; /* the struct chunk_supply, unless it was cancelled */
    struct chunk_store *store;
    uint64_t bytes; /* what it counts */
    int status;
};

static int look(const struct chunk *chunk, const uint8_t *row,
                struct bytes frame);
static void on_written(struct store_item *item, int status);
static void end(struct supply_work *work);

int chunk_store_supply(struct chunk_store *store, struct chunk_supply *supply,
                       struct chunk *chunk, const uint8_t *row,
                       struct bytes frame, chunk_supply_cb cb)
{
    struct store_reads *reads = store->reads;
    struct store_keep *keep = store_kept(chunk);
    uint64_t bytes = frame.len + (uint64_t)chunk->len;
    struct buf copy = BUF_INIT;
    struct supply_work *work;

    if (store->is_stopped || reads->supply_bytes + bytes > STORE_SUPPLY_BYTES ||
        (keep != NULL && keep->item != NULL)) {
        return QL_BUSY;
    }
    work = mem_must_zalloc(sizeof(*work));
    work->store = store;
    work->bytes = bytes;
    reads->supply_bytes += bytes;
    list_push_back(&reads->supplies, &work->link);
    list_init(&work->due);
    list_init(&work->waiter);
    supply->cb = cb;
    list_push_back(&work->waiter, &supply->link);
    work->status = chunk->home != NULL ? 0 : look(chunk, row, frame);
    if (chunk->home != NULL || work->status != 0) {
        list_push_back(&reads->supplied, &work->due);
        store_later(store);
        return 0;
    }
    (void)must_have_memory(buf_add(&copy, frame.data, frame.len));
    (void)store_queue_frame(store, chunk, row, &copy, on_written, work);
    store_queue_kick(store);
    return 0;
}

void chunk_store_supply_cancel(struct chunk_supply *supply)
{
    list_remove(&supply->link);
}

void supplies_answer(struct chunk_store *store)
{
    struct list due;

    list_init(&due);
    list_move_all(&due, &store->reads->supplied);
    while (!list_empty(&due)) {
        end(LIST_ITEM(due.next, struct supply_work, due));
    }
}

void supplies_free(struct store_reads *reads)
{
    while (!list_empty(&reads->supplies)) {
        struct supply_work *work =
            LIST_ITEM(reads->supplies.next, struct supply_work, link);

        list_remove(&work->waiter);
        list_remove(&work->due);
        list_remove(&work->link);
        free(work);
    }
}

/* Does it speak of this chunk, and can it be a frame of it? */
static int look(const struct chunk *chunk, const uint8_t *row,
                struct bytes frame)
{
    struct chunk_facts facts = chunk_facts(chunk);
    struct pack_row decoded;

    if (pack_row_decode(row, &decoded, NULL) != 0 ||
        !chunk_name_equal(&decoded.facts.name, &facts.name) ||
        decoded.facts.last_time_ms != facts.last_time_ms ||
        decoded.facts.len != facts.len ||
        decoded.facts.entries != facts.entries ||
        decoded.facts.payload != facts.payload) {
        return QL_CORRUPT;
    }
    return decoded.frame_len == frame.len ? 0 : QL_CORRUPT;
}

static void on_written(struct store_item *item, int status)
{
    struct supply_work *work = item->data;

    work->status = status;
    end(work);
}

static void end(struct supply_work *work)
{
    struct chunk_supply *supply = NULL;
    int status = work->status;

    if (!list_empty(&work->waiter)) {
        supply = LIST_ITEM(work->waiter.next, struct chunk_supply, link);
        list_remove(&supply->link);
    }
    work->store->reads->supply_bytes -= work->bytes;
    list_remove(&work->due);
    list_remove(&work->link);
    free(work);
    if (supply != NULL) {
        supply->cb(supply, status);
    }
}
