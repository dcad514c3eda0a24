/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What snapshots on disk refer to stays on disk: a pin is a reference to each
 * chunk that the snapshot names. Chunks that were there at open and belong to no
 * state are orphans until a snapshot is newer than the one that was loaded: what
 * they belong to may be an older snapshot, which nobody has looked into.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/chunk_store_internal.h"
#include "util/limits.h"
#include "util/mem.h"

struct pin {
    struct list link;
    uint64_t index;
    struct chunk_set *takes;
    uint64_t leased_ms; /* until then it stays; 0: no lease */
};

static void pin_drop(struct pin *pin);
static bool is_leased(const struct chunk_store *store, const struct pin *pin);
static void drop_old(struct chunk_store *store);
static unsigned release_orphans(struct pack *pack);

void store_pins_init(struct store_pins *pins)
{
    memset(pins, 0, sizeof(*pins));
    list_init(&pins->pins);
}

void store_pins_free(struct store_pins *pins)
{
    while (!list_empty(&pins->pins)) {
        pin_drop(LIST_ITEM(pins->pins.next, struct pin, link));
    }
}

void chunk_store_pin(struct chunk_store *store, uint64_t index,
                     struct chunk_set *takes)
{
    struct pin *pin = mem_must_zalloc(sizeof(*pin));

    pin->index = index;
    pin->takes = takes;
    list_push_back(&store->pins.pins, &pin->link);
    if (store->pins.loaded == 0) {
        store->pins.loaded = index;
    }
}

void chunk_store_unpin_before(struct chunk_store *store, uint64_t index)
{
    struct store_pins *pins = &store->pins;

    if (index > pins->kept) {
        pins->kept = index;
    }
    drop_old(store);
    if (pins->loaded != 0 && index >= pins->loaded && !pins->is_releasing) {
        pins->is_releasing = true;
        store_later(store);
    }
}

bool chunk_store_lease(struct chunk_store *store, uint64_t index)
{
    const struct list *head = &store->pins.pins;

    for (struct list *link = head->next; link != head; link = link->next) {
        struct pin *pin = LIST_ITEM(link, struct pin, link);

        if (pin->index == index) {
            pin->leased_ms = store->now_ms + STORE_LEASE_MS;
            return true;
        }
    }
    return false;
}

void store_leases_touch(struct chunk_store *store)
{
    const struct list *head = &store->pins.pins;

    for (struct list *link = head->next; link != head; link = link->next) {
        struct pin *pin = LIST_ITEM(link, struct pin, link);

        if (is_leased(store, pin)) {
            pin->leased_ms = store->now_ms + STORE_LEASE_MS;
        }
    }
}

void store_pins_tick(struct chunk_store *store)
{
    drop_old(store);
}

/* Some at a time: the loop has other things to do. */
void store_pins_later(struct chunk_store *store)
{
    struct list *head = &store->packs;
    unsigned released = 0;
    struct list *next;

    if (!store->pins.is_releasing) {
        return;
    }
    for (struct list *link = head->next;
         link != head && released < STORE_RELEASE_MAX; link = next) {
        struct pack *pack = LIST_ITEM(link, struct pack, link);

        next = link->next;
        if (pack->orphans != NULL) {
            released += release_orphans(pack);
        }
    }
    if (released >= STORE_RELEASE_MAX) {
        store_later(store);
    } else {
        store->pins.is_releasing = false;
    }
}

/* The pack may leave, but is there for a while yet. */
static unsigned release_orphans(struct pack *pack)
{
    unsigned released = 0;

    for (uint32_t i = 0; i < pack->rows; i++) {
        if (pack->orphans[i]) {
            pack->orphans[i] = false;
            released++;
            chunk_drop(pack->chunks[i]);
        }
    }
    free(pack->orphans);
    pack->orphans = NULL;
    return released;
}

static void drop_old(struct chunk_store *store)
{
    struct list *head = &store->pins.pins;
    struct list *next;

    for (struct list *link = head->next; link != head; link = next) {
        struct pin *pin = LIST_ITEM(link, struct pin, link);

        next = link->next;
        if (pin->index < store->pins.kept && !is_leased(store, pin)) {
            pin_drop(pin);
        }
    }
}

static bool is_leased(const struct chunk_store *store, const struct pin *pin)
{
    return pin->leased_ms > store->now_ms;
}

static void pin_drop(struct pin *pin)
{
    list_remove(&pin->link);
    chunk_set_drop(pin->takes);
    free(pin);
}
