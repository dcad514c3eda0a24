/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/chunk_set.h"

#include <assert.h>
#include <stdlib.h>

static const struct chunk_set_item *find_log(const struct chunk_set *set,
                                             uint64_t uid);

struct chunk_set *chunk_set_ref(struct chunk_set *set)
{
    set->refs++;
    return set;
}

void chunk_set_drop(struct chunk_set *set)
{
    size_t i;

    if (set == NULL) {
        return;
    }
    assert(set->refs > 0);
    set->refs--;
    if (set->refs > 0) {
        return;
    }
    chunk_set_drop(set->next);
    for (i = 0; i < set->count; i++) {
        chunk_list_drop(set->items[i].list);
    }
    free(set);
}

struct chunk *chunk_set_find(const struct chunk_set *set, uint64_t uid,
                             uint64_t position, const uint8_t **ret_from)
{
    const struct chunk_set_item *item = find_log(set, uid);
    struct chunk *chunk;
    size_t index;

    if (item == NULL) {
        return NULL;
    }
    index = chunk_list_find(item->list, position);
    if (index == chunk_list_count(item->list)) {
        return NULL;
    }
    chunk = chunk_list_at(item->list, index);
    if (chunk->name.first > position) {
        return NULL;
    }
    if (ret_from != NULL) {
        *ret_from = index == 0
                        ? item->base
                        : chunk_list_at(item->list, index - 1)->name.chain;
    }
    return chunk;
}

struct chunk *chunk_set_find_named(const struct chunk_set *set,
                                   const struct chunk_name *name)
{
    struct chunk *chunk;

    for (; set != NULL; set = set->next) {
        chunk = chunk_set_find(set, name->uid, name->last, NULL);
        if (chunk != NULL && chunk_name_equal(&chunk->name, name)) {
            return chunk;
        }
    }
    return NULL;
}

static const struct chunk_set_item *find_log(const struct chunk_set *set,
                                             uint64_t uid)
{
    size_t from = 0;
    size_t to = set->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (set->items[middle].uid < uid) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    if (from == set->count || set->items[from].uid != uid) {
        return NULL;
    }
    return &set->items[from];
}
