/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A hash map from byte strings to pointers, open addressing. It never decides
 * an order that anyone can see: to walk in order, sort (map_sorted).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map;

/* @seed randomises the hash against chosen keys; it must never influence a
 * result. Returns NULL when out of memory. */
struct map *map_new(uint64_t seed);
void map_free(struct map *map); /* values are the caller's */
size_t map_count(const struct map *map);
/* NULL when absent. */
void *map_get(const struct map *map, const void *key, size_t key_len);
/* Copies the key. Replaces a present value and gives the old one in *ret_old
 * (may be NULL). Returns 0 or QL_NO_MEMORY; @value must not be NULL. */
int map_set(struct map *map, const void *key, size_t key_len, void *value,
            void **ret_old);
/* Returns the removed value, NULL when absent. */
void *map_remove(struct map *map, const void *key, size_t key_len);

struct map_item {
    const void *key;
    size_t key_len;
    void *value;
};
/* All items by memcmp order of their keys (a prefix first). *ret_items is the
 * caller's to free(). Returns 0 or QL_NO_MEMORY. */
int map_sorted(const struct map *map, struct map_item **ret_items,
               size_t *ret_count);
/* Walks in no order: *iterator starts at 0; false at the end. Removing the item
 * just returned is allowed, adding is not. */
bool map_next(const struct map *map, size_t *iterator,
              struct map_item *ret_item);

/* The same map for 64-bit keys, kept as 8 big-endian bytes: map_sorted() gives
 * them by value. */
void *map_get_u64(const struct map *map, uint64_t key);
int map_set_u64(struct map *map, uint64_t key, void *value, void **ret_old);
void *map_remove_u64(struct map *map, uint64_t key);
