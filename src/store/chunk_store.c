/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "store/chunk_store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine/must.h"
#include "store/chunk_store_internal.h"
#include "util/diag.h"
#include "util/mem.h"

static void on_sealed(void *data, struct chunk *chunk,
                      const uint8_t from[HASH128_LEN]);
static struct chunk *find(void *data, const struct chunk_name *name);
static void detach_all(struct chunk_store *store);
static void forget_full(struct chunk_store *store);
static int later_run(struct disk_work *work);
static void on_later(struct disk_work *work, int status);

/* ---- Life ---------------------------------------------------------------- */

int chunk_store_open(struct chunk_store **ret_store,
                     const struct chunk_store_options *options, struct err *err)
{
    struct chunk_store *store = mem_must_zalloc(sizeof(*store));
    int rv;

    store->options = *options;
    store->options.where = mem_must_strdup(options->where);
    store->next_number = 1;
    list_init(&store->packs);
    list_init(&store->leaving);
    store_queue_init(&store->queue);
    store_pins_init(&store->pins);
    store->reads = store_reads_new(store);
    /* What the scan finds to do waits for the first tick. */
    store->is_stopped = true;
    rv = store_scan(store, err);
    if (rv != 0) {
        chunk_store_free(store);
        return rv;
    }
    store->is_stopped = false;
    *ret_store = store;
    return 0;
}

void chunk_store_stop(struct chunk_store *store)
{
    store->is_stopped = true;
}

bool chunk_store_is_busy(const struct chunk_store *store)
{
    return store->works > 0;
}

void chunk_store_free(struct chunk_store *store)
{
    if (store == NULL) {
        return;
    }
    store->is_stopped = true;
    if (store->machine != NULL) {
        machine_on_chunks(store->machine, NULL);
    }
    store_reads_free(store->reads);
    detach_all(store);
    chunk_table_close(&store->table);
    store_queue_free(&store->queue);
    store_pins_free(&store->pins);
    packs_free(store);
    free(store->fatal);
    free((char *)(uintptr_t)store->options.where);
    free(store);
}

/* Chunks outlive the store: none may come back to it. Only then references are
 * given up. */
static void detach_all(struct chunk_store *store)
{
    for (size_t i = 0; i < store->table.room; i++) {
        struct chunk *chunk = store->table.slots[i];

        if (chunk != NULL) {
            chunk->home = NULL;
            free(chunk->keeper);
            chunk->keeper = NULL;
        }
    }
}

void chunk_store_tick(struct chunk_store *store, uint64_t now_ms)
{
    store->now_ms = now_ms;
    store->queue.is_full = false;
    store_queue_unblock(&store->queue);
    store->removal.is_blocked = false;
    store_pins_tick(store);
    store_queue_purge(store, true);
    forget_full(store);
    store_reads_tick(store);
    store_queue_kick(store);
    packs_tidy(store);
    store_tell_fatal(store);
}

/* What found no space is wanted no more: nobody knows how full the disk is. */
static void forget_full(struct chunk_store *store)
{
    for (int i = 0; i < LANE_KINDS; i++) {
        if (store->queue.lanes[i].count > 0) {
            return;
        }
    }
    store->counts.is_full = false;
    store->counts.full_tries = 0;
}

/* ---- With the machine ---------------------------------------------------- */

void chunk_store_attach(struct chunk_store *store, struct machine *machine)
{
    struct machine_chunk_events events = {on_sealed, store};

    store->machine = machine;
    machine_on_chunks(machine, &events);
}

struct chunk_source chunk_store_source(struct chunk_store *store)
{
    return (struct chunk_source){find, store};
}

static struct chunk *find(void *data, const struct chunk_name *name)
{
    struct chunk_store *store = data;
    struct chunk *chunk = chunk_table_find(&store->table, name);

    return chunk == NULL ? NULL : chunk_ref(chunk);
}

/* The replay of the WAL behind a snapshot seals again what was written before:
 * equal names are equal bytes. */
static void on_sealed(void *data, struct chunk *chunk,
                      const uint8_t from[HASH128_LEN])
{
    struct chunk_store *store = data;
    struct chunk *same = chunk_table_find(&store->table, &chunk->name);
    struct chunk_facts facts = chunk_facts(chunk);

    if (same != NULL && pack_is_orphan(same) && chunk_has_facts(same, &facts)) {
        pack_hand_over(same, chunk);
        store_queue_known(store, chunk);
        return;
    }
    (void)store_queue(store, chunk->parts != NULL ? ITEM_GATHER : ITEM_BYTES,
                      chunk, from);
}

/* ---- Keeping track ------------------------------------------------------- */

struct store_keep *store_keep(struct chunk *chunk)
{
    if (chunk->keeper == NULL) {
        chunk->keeper = mem_must_zalloc(sizeof(struct store_keep));
    }
    return chunk->keeper;
}

void store_keep_tidy(struct chunk *chunk)
{
    const struct store_keep *keep = chunk->keeper;

    if (keep != NULL && keep->item == NULL && keep->move == NULL &&
        keep->read == NULL) {
        free(chunk->keeper);
        chunk->keeper = NULL;
    }
}

void chunk_store_get_status(const struct chunk_store *store,
                            struct chunk_store_status *ret)
{
    const struct store_lane *lanes = store->queue.lanes;
    const struct list *link;

    *ret = store->counts;
    for (link = store->packs.next; link != &store->packs; link = link->next) {
        const struct pack *pack = LIST_ITEM(link, struct pack, link);

        ret->raw_bytes += pack->live_raw;
        ret->dead_bytes += pack->raw - pack->live_raw;
        ret->chunks += pack->live;
    }
    ret->waiting = lanes[LANE_URGENT].count + lanes[LANE_FETCHED].count +
                   lanes[LANE_MERGES].count;
    ret->waiting_bytes = lanes[LANE_URGENT].bytes + lanes[LANE_FETCHED].bytes;
    ret->merges_bytes = lanes[LANE_MERGES].bytes;
    store_reads_status(store, ret);
}

/* ---- Works --------------------------------------------------------------- */

bool store_work(struct chunk_store *store, struct disk *disk,
                struct disk_work *work)
{
    int rv;

    if (store->is_stopped) {
        return false;
    }
    rv = must_have_memory(disk->ops->work(disk, work));
    if (rv != 0) {
        store_fatal(store, "the disk takes no work");
        return false;
    }
    store->works++;
    return true;
}

void store_work_ended(struct chunk_store *store)
{
    assert(store->works > 0);
    store->works--;
}

void store_fatal(struct chunk_store *store, const char *reason)
{
    store->is_stopped = true;
    if (!store->was_fatal) {
        store->was_fatal = true;
        store->fatal = mem_must_strdup(reason);
    }
}

void store_tell_fatal(struct chunk_store *store)
{
    char *reason = store->fatal;

    if (reason != NULL) {
        store->fatal = NULL;
        store->options.on_fatal(store->options.data, reason);
        free(reason);
    }
}

void store_later(struct chunk_store *store)
{
    if (store->is_later) {
        return;
    }
    store->later.run = later_run;
    store->later.cb = on_later;
    store->later.data = store;
    store->is_later = store_work(store, store->options.readers, &store->later);
}

static int later_run(struct disk_work *work)
{
    (void)work;
    return 0;
}

static void on_later(struct disk_work *work, int status)
{
    struct chunk_store *store = work->data;

    (void)status; /* always 0 */
    store_work_ended(store);
    store->is_later = false;
    packs_tidy(store);
    store_pins_later(store);
    store_queue_later(store);
    store_reads_later(store);
    store_tell_fatal(store);
}
