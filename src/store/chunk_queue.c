/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What waits to be written. Sealed bytes go as soon as a pack is worth it or
 * somebody waits for them, and what peers sent at once; merges and moves, whose bytes are on disk already, may
 * gather for longer, so that their packs become large.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/chunk_store_internal.h"
#include "util/mem.h"

static struct store_item *item_new(struct chunk_store *store,
                                   enum store_item_kind kind,
                                   struct chunk *chunk);
static void item_free(struct store_item *item);
static void items_free(struct list *items);
static void build_next(struct chunk_store *store);
static bool begin(struct chunk_store *store, enum store_lane_kind kind);
static bool lane_is_ready(const struct chunk_store *store,
                          enum store_lane_kind kind);
static uint64_t first_urgent(const struct store_queue *queue);
static void flushes_tell(struct chunk_store *store);
static void settle_known(struct chunk_store *store);

void store_queue_init(struct store_queue *queue)
{
    memset(queue, 0, sizeof(*queue));
    for (int i = 0; i < LANE_KINDS; i++) {
        list_init(&queue->lanes[i].items);
    }
    list_init(&queue->flushes);
    list_init(&queue->known);
}

void store_queue_free(struct store_queue *queue)
{
    for (int i = 0; i < LANE_KINDS; i++) {
        items_free(&queue->lanes[i].items);
    }
    items_free(&queue->known);
    if (queue->batch != NULL) {
        store_batch_free(queue->batch);
    }
    if (queue->next != NULL) {
        store_batch_free(queue->next);
    }
}

/* ---- Items --------------------------------------------------------------- */

struct store_item *store_queue(struct chunk_store *store,
                               enum store_item_kind kind, struct chunk *chunk,
                               const uint8_t *from)
{
    struct store_item *item = item_new(store, kind, chunk);

    assert(kind != ITEM_FRAME);
    if (from != NULL) {
        memcpy(item->from, from, HASH128_LEN);
    }
    store_queue_kick(store);
    return item;
}

struct store_item *store_queue_frame(struct chunk_store *store,
                                     struct chunk *chunk, const uint8_t *row,
                                     struct buf *frame, store_item_cb cb,
                                     void *data)
{
    struct store_item *item = item_new(store, ITEM_FRAME, chunk);

    memcpy(item->row, row, PACK_ROW_LEN);
    item->frame = *frame;
    buf_init(frame);
    item->cb = cb;
    item->data = data;
    /* What comes in the same turn goes with it. */
    store_later(store);
    return item;
}

void store_queue_known(struct chunk_store *store, struct chunk *chunk)
{
    struct store_item *item = mem_must_zalloc(sizeof(*item));

    item->chunk = chunk_ref(chunk);
    list_push_back(&store->queue.known, &item->link);
    store_later(store);
}

enum store_lane_kind store_item_lane(const struct store_item *item)
{
    switch (item->kind) {
    case ITEM_GATHER:
        return LANE_MERGES;
    case ITEM_MOVE:
        return LANE_MOVES;
    case ITEM_FRAME:
        return LANE_FETCHED;
    case ITEM_BYTES:
        break;
    }
    return LANE_URGENT;
}

void store_item_end(struct chunk_store *store, struct store_item *item,
                    int status)
{
    struct store_lane *lane = &store->queue.lanes[store_item_lane(item)];
    struct chunk *chunk = item->chunk;
    struct store_keep *keep = store_keep(chunk);

    store_item_set_stuck(store, item, false);
    lane->bytes -= chunk->len;
    lane->count--;
    if (item->kind == ITEM_MOVE) {
        keep->move = NULL;
    } else {
        keep->item = NULL;
    }
    if (item->cb != NULL) {
        item->cb(item, status);
    }
    if (chunk->home == NULL && chunk->refs == 1) {
        store_reads_on_unused(store, chunk);
    }
    store_keep_tidy(chunk);
    if (chunk->home == NULL && chunk->keeper == NULL) {
        (void)chunk_table_remove(&store->table, chunk);
    }
    item_free(item);
}

void store_item_set_stuck(struct chunk_store *store, struct store_item *item,
                          bool is_stuck)
{
    struct store_lane *lane = &store->queue.lanes[store_item_lane(item)];

    if (is_stuck && !item->is_stuck) {
        lane->stuck += item->chunk->len;
    } else if (!is_stuck && item->is_stuck) {
        lane->stuck -= item->chunk->len;
    }
    item->is_stuck = is_stuck;
}

void store_queue_purge(struct chunk_store *store, bool tells)
{
    for (int i = 0; i < LANE_KINDS; i++) {
        struct list *head = &store->queue.lanes[i].items;
        struct list *next;

        for (struct list *link = head->next; link != head; link = next) {
            struct store_item *item = LIST_ITEM(link, struct store_item, link);

            next = link->next;
            if (item->chunk->refs == 1 && (tells || item->cb == NULL)) {
                list_remove(&item->link);
                store_item_end(store, item, QL_CANCELED);
            }
        }
    }
}

static struct store_item *item_new(struct chunk_store *store,
                                   enum store_item_kind kind,
                                   struct chunk *chunk)
{
    struct store_item *item = mem_must_zalloc(sizeof(*item));
    struct store_lane *lane;
    struct store_keep *keep = store_keep(chunk);

    item->kind = kind;
    item->chunk = chunk_ref(chunk);
    item->sequence = ++store->queue.sequence;
    item->since_ms = store->now_ms;
    buf_init(&item->frame);
    if (kind == ITEM_MOVE) {
        assert(keep->move == NULL);
        keep->move = item;
    } else {
        assert(keep->item == NULL);
        keep->item = item;
    }
    if (!chunk_table_has(&store->table, chunk)) {
        chunk_table_add(&store->table, chunk);
    }
    lane = &store->queue.lanes[store_item_lane(item)];
    lane->bytes += chunk->len;
    lane->count++;
    list_push_back(&lane->items, &item->link);
    return item;
}

static void item_free(struct store_item *item)
{
    buf_close(&item->frame);
    chunk_drop(item->chunk);
    free(item);
}

static void items_free(struct list *items)
{
    while (!list_empty(items)) {
        struct store_item *item =
            LIST_ITEM(items->next, struct store_item, link);

        list_remove(&item->link);
        item_free(item);
    }
}

/* ---- Which goes next ----------------------------------------------------- */

void store_queue_unblock(struct store_queue *queue)
{
    for (int i = 0; i < LANE_KINDS; i++) {
        queue->lanes[i].is_blocked = false;
    }
}

void store_queue_kick(struct chunk_store *store)
{
    struct store_queue *queue = &store->queue;

    if (queue->is_full || store->is_stopped) {
        return;
    }
    build_next(store);
    for (int i = 0; i < LANE_KINDS && queue->batch == NULL; i++) {
        enum store_lane_kind kind =
            (enum store_lane_kind)((queue->turn + (unsigned)i) % LANE_KINDS);

        if (!lane_is_ready(store, kind)) {
            continue;
        }
        if (begin(store, kind)) {
            queue->turn = (enum store_lane_kind)((kind + 1) % LANE_KINDS);
            break;
        }
        queue->lanes[kind].is_blocked = !list_empty(&queue->lanes[kind].items);
    }
    build_next(store);
}

/* A peer's copy is waited for by whoever had it fetched. */
static void build_next(struct chunk_store *store)
{
    struct store_queue *queue = &store->queue;
    struct store_lane *lane = &queue->lanes[LANE_FETCHED];

    if (queue->next == NULL && !lane->is_blocked && !list_empty(&lane->items) &&
        !store_batch_build_next(store)) {
        lane->is_blocked = !list_empty(&lane->items);
    }
}

static bool begin(struct chunk_store *store, enum store_lane_kind kind)
{
    return kind == LANE_FETCHED ? store_batch_write_next(store)
                                : store_batch_begin(store, kind);
}

static bool lane_is_ready(const struct chunk_store *store,
                          enum store_lane_kind kind)
{
    const struct store_lane *lane = &store->queue.lanes[kind];
    const struct store_item *oldest;
    uint64_t waited_ms;

    if (kind == LANE_FETCHED) {
        return store_batch_is_built(store);
    }
    if (lane->is_blocked || list_empty(&lane->items)) {
        return false;
    }
    oldest = LIST_ITEM(lane->items.next, struct store_item, link);
    waited_ms = store->now_ms - oldest->since_ms;
    if (kind != LANE_URGENT) {
        return lane->bytes - lane->stuck >= PACK_BYTES_MAX ||
               waited_ms >= STORE_GATHER_MS;
    }
    return lane->bytes >= STORE_BATCH_BYTES || waited_ms >= STORE_BATCH_MS ||
           !list_empty(&store->queue.flushes);
}

/* What waits for something missing is not counted: it would not get less by taking
 * nothing in. Nor is what peers sent, which has a limit of its own. */
bool chunk_store_is_crowded(const struct chunk_store *store)
{
    const struct store_lane *merges = &store->queue.lanes[LANE_MERGES];

    return store->queue.lanes[LANE_URGENT].bytes > STORE_WAITING_BYTES ||
           merges->bytes - merges->stuck > STORE_MERGES_BYTES;
}

uint64_t chunk_store_waiting_bytes(const struct chunk_store *store)
{
    const struct store_lane *lanes = store->queue.lanes;

    return lanes[LANE_URGENT].bytes + lanes[LANE_FETCHED].bytes +
           lanes[LANE_MERGES].bytes;
}

/* ---- Flushes ------------------------------------------------------------- */

void chunk_store_flush(struct chunk_store *store, struct chunk_flush *flush,
                       chunk_flush_cb cb)
{
    flush->until = store->queue.sequence;
    flush->cb = cb;
    list_push_back(&store->queue.flushes, &flush->link);
    store_queue_kick(store);
    store_later(store);
}

void chunk_store_flush_cancel(struct chunk_flush *flush)
{
    list_remove(&flush->link);
}

void store_queue_later(struct chunk_store *store)
{
    settle_known(store);
    flushes_tell(store);
    store_queue_kick(store);
}

static void flushes_tell(struct chunk_store *store)
{
    struct list *flushes = &store->queue.flushes;

    while (!list_empty(flushes)) {
        struct chunk_flush *flush =
            LIST_ITEM(flushes->next, struct chunk_flush, link);

        if (first_urgent(&store->queue) <= flush->until) {
            return;
        }
        list_remove(&flush->link);
        flush->cb(flush);
    }
}

/* The oldest sequence number that is not on disk: they stand in order, and what
 * could not be written goes back to the front. */
static uint64_t first_urgent(const struct store_queue *queue)
{
    const struct list *items = &queue->lanes[LANE_URGENT].items;
    uint64_t first = UINT64_MAX;

    if (queue->batch != NULL) {
        first = store_batch_sequence(queue->batch);
    }
    if (first == UINT64_MAX && !list_empty(items)) {
        first = LIST_ITEM(items->next, struct store_item, link)->sequence;
    }
    return first;
}

/* What the machine seals again while it replays the WAL behind a snapshot. */
static void settle_known(struct chunk_store *store)
{
    struct list *known = &store->queue.known;

    while (!list_empty(known)) {
        struct store_item *item =
            LIST_ITEM(known->next, struct store_item, link);
        struct chunk *chunk = item->chunk;

        list_remove(&item->link);
        if (chunk->home != NULL) {
            chunk_clear_parts(chunk);
            store_reads_on_home(store, chunk);
        }
        item_free(item);
    }
}
