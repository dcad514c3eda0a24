/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Linear probing. A removed item leaves a tombstone rather than a hole that
 * later items move into, because map_next() allows a removal during a walk.
 */
#include "util/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "quorlog.h"
#include "util/buf.h"
#include "util/hash128.h"

#define MAP_ROOM_MIN 16u

struct map_key {
    size_t len;
    uint8_t bytes[];
};

/* What map_slot.hash says in a slot without an item. */
enum {
    SLOT_NEVER_USED = 0,
    SLOT_REMOVED = 1,
};

struct map_slot {
    struct map_key *key; /* NULL unless the slot holds an item */
    void *value;
    uint64_t hash;
};

struct map {
    struct map_slot *slots;
    size_t room;  /* a power of two */
    size_t count; /* items */
    size_t used;  /* items and tombstones */
    uint64_t seed;
};

static bool slot_never_used(const struct map_slot *slot);
static struct map_slot *map_find(const struct map *map, uint64_t hash,
                                 const void *key, size_t key_len);
static int map_make_room(struct map *map);
static void map_place(struct map_slot *slots, size_t room,
                      const struct map_slot *item);
static int item_compare(const void *a, const void *b);

struct map *map_new(uint64_t seed)
{
    struct map *map = calloc(1, sizeof *map);

    if (map == NULL) {
        return NULL;
    }
    map->seed = seed;
    map->room = MAP_ROOM_MIN;
    map->slots = calloc(map->room, sizeof *map->slots);
    if (map->slots == NULL) {
        free(map);
        return NULL;
    }
    return map;
}

void map_free(struct map *map)
{
    if (map == NULL) {
        return;
    }
    for (size_t i = 0; i < map->room; i++) {
        free(map->slots[i].key);
    }
    free(map->slots);
    free(map);
}

size_t map_count(const struct map *map)
{
    return map->count;
}

void *map_get(const struct map *map, const void *key, size_t key_len)
{
    uint64_t hash = hash64(key, key_len, map->seed);
    struct map_slot *slot = map_find(map, hash, key, key_len);

    return slot == NULL ? NULL : slot->value;
}

int map_set(struct map *map, const void *key, size_t key_len, void *value,
            void **ret_old)
{
    struct map_slot item = {.value = value};
    struct map_slot *present;
    int rv;

    assert(value != NULL);
    item.hash = hash64(key, key_len, map->seed);
    present = map_find(map, item.hash, key, key_len);
    if (present != NULL) {
        if (ret_old != NULL) {
            *ret_old = present->value;
        }
        present->value = value;
        return 0;
    }

    rv = map_make_room(map);
    if (rv != 0) {
        return rv;
    }
    if (key_len > SIZE_MAX - sizeof *item.key) {
        return QL_NO_MEMORY;
    }
    item.key = malloc(sizeof *item.key + key_len);
    if (item.key == NULL) {
        return QL_NO_MEMORY;
    }
    item.key->len = key_len;
    if (key_len > 0) {
        memcpy(item.key->bytes, key, key_len);
    }
    map_place(map->slots, map->room, &item);
    map->count++;
    map->used++;
    if (ret_old != NULL) {
        *ret_old = NULL;
    }
    return 0;
}

void *map_remove(struct map *map, const void *key, size_t key_len)
{
    uint64_t hash = hash64(key, key_len, map->seed);
    struct map_slot *slot = map_find(map, hash, key, key_len);
    void *value;

    if (slot == NULL) {
        return NULL;
    }
    value = slot->value;
    free(slot->key);
    slot->key = NULL;
    slot->value = NULL;
    slot->hash = SLOT_REMOVED;
    map->count--;
    return value;
}

int map_sorted(const struct map *map, struct map_item **ret_items,
               size_t *ret_count)
{
    struct map_item *items;
    size_t iterator = 0;
    size_t count = 0;

    /* One more than needed, so that an empty map is not a failed calloc. */
    items = calloc(map->count + 1, sizeof *items);
    if (items == NULL) {
        return QL_NO_MEMORY;
    }
    while (map_next(map, &iterator, &items[count])) {
        count++;
    }
    assert(count == map->count);
    qsort(items, count, sizeof *items, item_compare);
    *ret_items = items;
    *ret_count = count;
    return 0;
}

bool map_next(const struct map *map, size_t *iterator,
              struct map_item *ret_item)
{
    while (*iterator < map->room) {
        const struct map_slot *slot = &map->slots[*iterator];

        (*iterator)++;
        if (slot->key != NULL) {
            ret_item->key = slot->key->bytes;
            ret_item->key_len = slot->key->len;
            ret_item->value = slot->value;
            return true;
        }
    }
    return false;
}

/* Numbers are keyed by their big-endian bytes, so that map_sorted() gives them
 * in the order of their values. */
static void u64_key(uint64_t key, uint8_t ret_bytes[8])
{
    for (int i = 7; i >= 0; i--) {
        ret_bytes[i] = (uint8_t)key;
        key >>= 8;
    }
}

void *map_get_u64(const struct map *map, uint64_t key)
{
    uint8_t bytes[8];

    u64_key(key, bytes);
    return map_get(map, bytes, sizeof bytes);
}

int map_set_u64(struct map *map, uint64_t key, void *value, void **ret_old)
{
    uint8_t bytes[8];

    u64_key(key, bytes);
    return map_set(map, bytes, sizeof bytes, value, ret_old);
}

void *map_remove_u64(struct map *map, uint64_t key)
{
    uint8_t bytes[8];

    u64_key(key, bytes);
    return map_remove(map, bytes, sizeof bytes);
}

static bool slot_never_used(const struct map_slot *slot)
{
    return slot->key == NULL && slot->hash == SLOT_NEVER_USED;
}

static struct map_slot *map_find(const struct map *map, uint64_t hash,
                                 const void *key, size_t key_len)
{
    size_t mask = map->room - 1;

    /* Ends: map_make_room() keeps a quarter of the slots never used. */
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct map_slot *slot = &map->slots[i];

        if (slot_never_used(slot)) {
            return NULL;
        }
        if (slot->key != NULL && slot->hash == hash &&
            slot->key->len == key_len &&
            (key_len == 0 || memcmp(slot->key->bytes, key, key_len) == 0)) {
            return slot;
        }
    }
}

/* Room for one more item at a load of at most 3/4, tombstones included. */
static int map_make_room(struct map *map)
{
    struct map_slot *slots;
    size_t room = map->room;

    if (map->used + 1 <= room / 4 * 3) {
        return 0;
    }
    /* Mostly tombstones: the same room is enough once they are gone. */
    if (map->count + 1 > room / 2) {
        room *= 2;
    }
    slots = calloc(room, sizeof *slots);
    if (slots == NULL) {
        return QL_NO_MEMORY;
    }
    for (size_t i = 0; i < map->room; i++) {
        if (map->slots[i].key != NULL) {
            map_place(slots, room, &map->slots[i]);
        }
    }
    free(map->slots);
    map->slots = slots;
    map->room = room;
    map->used = map->count;
    return 0;
}

/* Into the first slot never used: @item's key is known to be absent. */
static void map_place(struct map_slot *slots, size_t room,
                      const struct map_slot *item)
{
    size_t i = item->hash & (room - 1);

    while (!slot_never_used(&slots[i])) {
        i = (i + 1) & (room - 1);
    }
    slots[i] = *item;
}

static int item_compare(const void *a, const void *b)
{
    const struct map_item *left = a;
    const struct map_item *right = b;
    size_t shorter =
        left->key_len < right->key_len ? left->key_len : right->key_len;
    int order = shorter == 0 ? 0 : memcmp(left->key, right->key, shorter);

    if (order != 0) {
        return order;
    }
    return (left->key_len > right->key_len) - (left->key_len < right->key_len);
}
