/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/chunk_list.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define ROOM_FIRST 4u /* most logs are small */
#define AHEAD 8u      /* chunks whose memory is asked for before it is needed */

static struct chunk_list *make_own(struct chunk_list *list, size_t from,
                                   size_t count, size_t more);
static void drop_chunks(struct chunk_list *list, size_t from, size_t count);
static void prefetch(const struct chunk_list *list, size_t index);
static size_t room_for(size_t count);

struct chunk_list *chunk_list_ref(struct chunk_list *list)
{
    if (list != NULL) {
        list->refs++;
    }
    return list;
}

void chunk_list_drop(struct chunk_list *list)
{
    if (list == NULL) {
        return;
    }
    assert(list->refs > 0);
    list->refs--;
    if (list->refs == 0) {
        drop_chunks(list, 0, list->count);
        free(list);
    }
}

size_t chunk_list_count(const struct chunk_list *list)
{
    return list == NULL ? 0 : list->count;
}

struct chunk *chunk_list_at(const struct chunk_list *list, size_t index)
{
    assert(index < chunk_list_count(list));
    return list->chunks[index];
}

size_t chunk_list_find(const struct chunk_list *list, uint64_t position)
{
    size_t from = 0;
    size_t to = chunk_list_count(list);

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (list->chunks[middle]->name.last < position) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

void chunk_list_push(struct chunk_list **list, struct chunk *chunk)
{
    *list = make_own(*list, 0, chunk_list_count(*list), 1);
    (*list)->chunks[(*list)->count] = chunk;
    (*list)->count++;
}

void chunk_list_replace(struct chunk_list **list, size_t count,
                        struct chunk *chunk)
{
    size_t kept = chunk_list_count(*list) - count;

    assert(count >= 1);
    assert(count <= chunk_list_count(*list));
    *list = make_own(*list, 0, kept, 1);
    (*list)->chunks[kept] = chunk;
    (*list)->count++;
}

void chunk_list_set(struct chunk_list **list, size_t index, struct chunk *chunk)
{
    assert(index < chunk_list_count(*list));
    *list = make_own(*list, 0, chunk_list_count(*list), 0);
    chunk_drop((*list)->chunks[index]);
    (*list)->chunks[index] = chunk;
}

void chunk_list_shift(struct chunk_list **list, size_t count)
{
    size_t kept = chunk_list_count(*list) - count;

    assert(count <= chunk_list_count(*list));
    if (count == 0) {
        return;
    }
    if (kept == 0) {
        chunk_list_drop(*list);
        *list = NULL;
        return;
    }
    *list = make_own(*list, count, kept, 0);
}

/* Of @list, whose reference is taken, @count chunks from @from on, with room for
 * @more behind them: the list itself, unless others hold it. */
static struct chunk_list *make_own(struct chunk_list *list, size_t from,
                                   size_t count, size_t more)
{
    size_t room = room_for(count + more);
    struct chunk_list *own = list;
    size_t i;

    if (list != NULL && list->refs == 1) {
        drop_chunks(list, 0, from);
        drop_chunks(list, from + count, list->count - from - count);
        if (from > 0) {
            memmove(list->chunks, list->chunks + from,
                    count * sizeof(list->chunks[0]));
        }
        if (list->room < count + more || list->room > 2 * room) {
            own = mem_must_resize(list,
                                  sizeof(*own) + room * sizeof(own->chunks[0]));
            own->room = (uint32_t)room;
        }
        own->count = (uint32_t)count;
        return own;
    }
    own = mem_must_alloc(sizeof(*own) + room * sizeof(own->chunks[0]));
    own->refs = 1;
    own->count = (uint32_t)count;
    own->room = (uint32_t)room;
    for (i = 0; i < count; i++) {
        prefetch(list, from + i + AHEAD);
        own->chunks[i] = chunk_ref(list->chunks[from + i]);
    }
    chunk_list_drop(list);
    return own;
}

static void drop_chunks(struct chunk_list *list, size_t from, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        prefetch(list, from + i + AHEAD);
        chunk_drop(list->chunks[from + i]);
    }
}

/* Chunks lie all over the memory, and to count references is to wait for it. */
static void prefetch(const struct chunk_list *list, size_t index)
{
    if (index < list->count) {
        __builtin_prefetch(&list->chunks[index]->refs, 1);
    }
}

/* A quarter more, so that pushing one by one costs little and the lists of many
 * logs waste little. */
static size_t room_for(size_t count)
{
    size_t room = count + count / 4;

    return room < ROOM_FIRST ? ROOM_FIRST : room;
}
