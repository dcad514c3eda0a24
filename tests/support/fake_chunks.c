/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/fake_chunks.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "util/mem.h"

#define AHEADS_MAX 8u

struct kept {
    struct list link;
    struct chunk *chunk;         /* a reference: its name never changes */
    struct chunk_memory *memory; /* as it would come from a disk */
    size_t users;                /* loads that hold it in memory */
};

struct chunk_store {
    struct chunk_home home; /* of all, as if they were on a disk */
    struct list kept;       /* struct kept */
    struct list waiting;    /* struct chunk_load */
    struct list held;       /* likewise, called back */
    uint64_t aheads[AHEADS_MAX];
    size_t aheads_count;
    uint64_t used; /* first position of the last chunk */
};

static void fake_load(struct chunk_store *store, struct chunk_load *load,
                      struct chunk *chunk, chunk_load_cb cb);
static void fake_load_end(struct chunk_store *store, struct chunk_load *load);
static void fake_ahead(struct chunk_store *store, struct chunk *chunk);
static void fake_used(struct chunk_store *store, const struct chunk *chunk);
static void on_sealed(void *data, struct chunk *chunk,
                      const uint8_t from[HASH128_LEN]);
static struct chunk_memory *copy_of(const struct chunk *chunk);
static void on_unused(struct chunk_home *home, struct chunk *chunk);
static struct kept *kept_find(const struct chunk_store *store,
                              const struct chunk *chunk);
static bool is_held(const struct chunk_store *store,
                    const struct chunk_load *load);
static size_t count(const struct list *list);
static struct chunk_load *load_at(const struct chunk_store *store,
                                  size_t index);

const struct service_loads fake_chunks_loads = {
    .load = fake_load,
    .load_end = fake_load_end,
    .ahead = fake_ahead,
    .used = fake_used,
};

struct chunk_store *fake_chunks_new(struct machine *machine)
{
    struct chunk_store *store = mem_must_zalloc(sizeof(*store));
    const struct machine_chunk_events events = {on_sealed, store};

    store->home.on_unused = on_unused;
    list_init(&store->kept);
    list_init(&store->waiting);
    list_init(&store->held);
    machine_on_chunks(machine, &events);
    return store;
}

void fake_chunks_free(struct chunk_store *store)
{
    assert_int_equal(fake_chunks_waiting(store), 0);
    assert_int_equal(fake_chunks_held(store), 0);
    while (!list_empty(&store->kept)) {
        struct kept *kept = LIST_ITEM(store->kept.next, struct kept, link);

        list_remove(&kept->link);
        chunk_memory_drop(kept->memory);
        chunk_drop(kept->chunk);
        free(kept);
    }
    free(store);
}

void fake_chunks_put_away(struct chunk_store *store)
{
    struct list *link;

    for (link = store->kept.next; link != &store->kept; link = link->next) {
        struct kept *kept = LIST_ITEM(link, struct kept, link);

        if (kept->chunk->memory != NULL && kept->users == 0) {
            chunk_clear_memory(kept->chunk);
        }
    }
}

void fake_chunks_bring(struct chunk_store *store, uint64_t position)
{
    struct list *link;

    for (link = store->kept.next; link != &store->kept; link = link->next) {
        struct kept *kept = LIST_ITEM(link, struct kept, link);

        if (kept->chunk->name.first <= position &&
            kept->chunk->name.last >= position) {
            assert_null(kept->chunk->memory);
            chunk_set_memory(kept->chunk, chunk_memory_ref(kept->memory));
        }
    }
}

size_t fake_chunks_waiting(const struct chunk_store *store)
{
    return count(&store->waiting);
}

uint64_t fake_chunks_wanted(const struct chunk_store *store, size_t index)
{
    return load_at(store, index)->chunk->name.first;
}

void fake_chunks_finish(struct chunk_store *store, size_t index, int status)
{
    struct chunk_load *load = load_at(store, index);

    list_remove(&load->link);
    if (status == 0) {
        struct kept *kept = kept_find(store, load->chunk);

        assert_non_null(kept);
        list_push_back(&store->held, &load->link);
        kept->users++;
        if (load->chunk->memory == NULL) {
            chunk_set_memory(load->chunk, chunk_memory_ref(kept->memory));
        }
    }
    load->cb(load, status);
}

size_t fake_chunks_held(const struct chunk_store *store)
{
    return count(&store->held);
}

uint64_t fake_chunks_ahead(struct chunk_store *store)
{
    if (store->aheads_count == 0) {
        return 0;
    }
    return store->aheads[--store->aheads_count];
}

static void fake_load(struct chunk_store *store, struct chunk_load *load,
                      struct chunk *chunk, chunk_load_cb cb)
{
    load->chunk = chunk_ref(chunk);
    load->cb = cb;
    list_push_back(&store->waiting, &load->link);
}

static void fake_load_end(struct chunk_store *store, struct chunk_load *load)
{
    struct chunk *chunk = load->chunk;

    if (chunk == NULL) {
        return;
    }
    if (is_held(store, load) && --kept_find(store, chunk)->users == 0) {
        chunk_clear_memory(chunk);
    }
    list_remove(&load->link);
    load->chunk = NULL;
    chunk_drop(chunk);
}

static void fake_ahead(struct chunk_store *store, struct chunk *chunk)
{
    size_t i;

    assert_null(chunk->memory);
    for (i = 0; i < store->aheads_count; i++) {
        if (store->aheads[i] == chunk->name.first) {
            return;
        }
    }
    assert_true(store->aheads_count < AHEADS_MAX);
    store->aheads[store->aheads_count++] = chunk->name.first;
}

static void fake_used(struct chunk_store *store, const struct chunk *chunk)
{
    store->used = chunk->name.first;
}

uint64_t fake_chunks_used(const struct chunk_store *store)
{
    return store->used;
}

static void on_sealed(void *data, struct chunk *chunk,
                      const uint8_t from[HASH128_LEN])
{
    struct chunk_store *store = data;
    struct kept *kept;

    (void)from;
    if (chunk->parts != NULL) {
        return; /* it is read through its parts */
    }
    kept = mem_must_zalloc(sizeof(*kept));
    kept->chunk = chunk_ref(chunk);
    chunk->home = &store->home;
    kept->memory = copy_of(chunk);
    list_push_back(&store->kept, &kept->link);
}

/* What was sealed may have room left; what a store loads has none. */
static struct chunk_memory *copy_of(const struct chunk *chunk)
{
    struct chunk_memory *memory = chunk_memory_new(chunk->len);

    memcpy(chunk_memory_bytes(memory), chunk_memory_bytes(chunk->memory),
           chunk->len);
    assert_int_equal(chunk_memory_mark(memory), 0);
    return memory;
}

static void on_unused(struct chunk_home *home, struct chunk *chunk)
{
    (void)home;
    (void)chunk;
}

static struct kept *kept_find(const struct chunk_store *store,
                              const struct chunk *chunk)
{
    struct list *link;

    for (link = store->kept.next; link != &store->kept; link = link->next) {
        struct kept *kept = LIST_ITEM(link, struct kept, link);

        if (chunk_name_equal(&kept->chunk->name, &chunk->name)) {
            return kept;
        }
    }
    return NULL;
}

static bool is_held(const struct chunk_store *store,
                    const struct chunk_load *load)
{
    const struct list *link = store->held.next;

    while (link != &store->held && link != &load->link) {
        link = link->next;
    }
    return link == &load->link;
}

static size_t count(const struct list *list)
{
    const struct list *link;
    size_t items = 0;

    for (link = list->next; link != list; link = link->next) {
        items++;
    }
    return items;
}

static struct chunk_load *load_at(const struct chunk_store *store, size_t index)
{
    struct list *link = store->waiting.next;

    while (index > 0 && link != &store->waiting) {
        link = link->next;
        index--;
    }
    assert_true(link != &store->waiting);
    return LIST_ITEM(link, struct chunk_load, link);
}
