/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * After a restore: which of a state's chunks are not on this disk? A snapshot may
 * name a merged chunk whose merge was not done when the node stopped: then its
 * parts are here. They are found among all chunks that lie within the range of one
 * that is looked for: chunk_cover.h.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine/machine_parts.h"
#include "store/chunk_cover.h"
#include "store/chunk_store_internal.h"
#include "util/mem.h"

struct homeless {
    struct chunk *chunk;
    uint8_t from[HASH128_LEN];
};

struct adoption {
    struct chunk_store *store;
    struct homeless *homeless; /* by uid, then position */
    size_t homeless_count;
    size_t homeless_room;
    struct chunk **found; /* by uid, first position, the longest first */
    size_t found_count;
    size_t found_room;
    size_t missing;
};

static void adopt_part(struct adoption *adoption, const struct machine *machine,
                       enum machine_part part);
static void on_chunk(void *data, struct chunk *chunk,
                     const uint8_t from[HASH128_LEN]);
static void find_parts(struct adoption *adoption);
static bool is_within(const struct adoption *adoption,
                      const struct chunk *part);
static int compare_found(const void *left, const void *right);
static void settle(struct adoption *adoption, const struct homeless *homeless);
static const uint8_t *chain_before(const void *data, const struct chunk *chunk);

size_t chunk_store_adopt(struct chunk_store *store, struct machine *machine)
{
    struct adoption adoption = {.store = store};

    for (unsigned part = MACHINE_LIVE; part < MACHINE_PARTS; part++) {
        adopt_part(&adoption, machine, (enum machine_part)part);
    }
    free(adoption.homeless);
    free(adoption.found);
    return adoption.missing;
}

/* One by one: only in one part no two chunks have the same entries. */
static void adopt_part(struct adoption *adoption, const struct machine *machine,
                       enum machine_part part)
{
    adoption->homeless_count = 0;
    adoption->found_count = 0;
    machine_each_chunk_of(machine, part, on_chunk, adoption);
    if (adoption->homeless_count > 0) {
        find_parts(adoption);
    }
    for (size_t i = 0; i < adoption->homeless_count; i++) {
        settle(adoption, &adoption->homeless[i]);
    }
}

/* Those that are written, or wait to be, need nothing. */
static void on_chunk(void *data, struct chunk *chunk,
                     const uint8_t from[HASH128_LEN])
{
    struct adoption *adoption = data;
    const struct store_keep *keep = store_kept(chunk);
    struct homeless *homeless;

    if (chunk->home != NULL || (keep != NULL && keep->item != NULL)) {
        return;
    }
    if (adoption->homeless_count == adoption->homeless_room) {
        adoption->homeless_room =
            adoption->homeless_room == 0 ? 64 : adoption->homeless_room * 2;
        adoption->homeless = mem_must_resize(
            adoption->homeless, adoption->homeless_room * sizeof(*homeless));
    }
    homeless = &adoption->homeless[adoption->homeless_count];
    adoption->homeless_count++;
    homeless->chunk = chunk;
    memcpy(homeless->from, from, HASH128_LEN);
}

/* ---- Parts --------------------------------------------------------------- */

static void find_parts(struct adoption *adoption)
{
    const struct chunk_table *table = &adoption->store->table;

    for (size_t i = 0; i < table->room; i++) {
        struct chunk *chunk = table->slots[i];

        if (chunk == NULL || (chunk->home == NULL && chunk->memory == NULL) ||
            !is_within(adoption, chunk)) {
            continue;
        }
        if (adoption->found_count == adoption->found_room) {
            adoption->found_room =
                adoption->found_room == 0 ? 64 : adoption->found_room * 2;
            adoption->found = mem_must_resize(
                adoption->found, adoption->found_room * sizeof(struct chunk *));
        }
        adoption->found[adoption->found_count] = chunk;
        adoption->found_count++;
    }
    if (adoption->found_count > 0) {
        qsort(adoption->found, adoption->found_count, sizeof(struct chunk *),
              compare_found);
    }
}

/* Of the one that begins last of those that do not begin behind @part. */
static bool is_within(const struct adoption *adoption, const struct chunk *part)
{
    const struct chunk *whole;
    size_t low = 0;
    size_t high = adoption->homeless_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct chunk_name *name = &adoption->homeless[middle].chunk->name;

        if (name->uid < part->name.uid ||
            (name->uid == part->name.uid && name->first <= part->name.first)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return false;
    }
    whole = adoption->homeless[low - 1].chunk;
    return whole != part && whole->name.uid == part->name.uid &&
           whole->name.last >= part->name.last;
}

static int compare_found(const void *left, const void *right)
{
    const struct chunk_name *a = &(*(struct chunk *const *)left)->name;
    const struct chunk_name *b = &(*(struct chunk *const *)right)->name;

    if (a->uid != b->uid) {
        return a->uid < b->uid ? -1 : 1;
    }
    if (a->first != b->first) {
        return a->first < b->first ? -1 : 1;
    }
    return a->last > b->last ? -1 : a->last < b->last;
}

/* ---- What becomes of one ------------------------------------------------- */

static void settle(struct adoption *adoption, const struct homeless *homeless)
{
    struct chunk_store *store = adoption->store;
    struct chunk *chunk = homeless->chunk;
    const struct cover_of of = {chunk, homeless->from, chain_before, NULL};
    struct chunk **parts = NULL;
    size_t count = 0;

    if (chunk->memory != NULL) {
        (void)store_queue(store, ITEM_BYTES, chunk, homeless->from);
        return;
    }
    if (chunk->parts == NULL) {
        parts =
            chunk_cover(adoption->found, adoption->found_count, &of, &count);
    }
    if (parts != NULL) {
        chunk_set_parts(chunk, parts, count);
        free(parts);
    }
    if (chunk->parts != NULL) {
        (void)store_queue(store, ITEM_GATHER, chunk, homeless->from);
    } else {
        adoption->missing++;
        store_missing_add(store, chunk);
    }
}

/* Of what is in a pack, or waits to be. */
static const uint8_t *chain_before(const void *data, const struct chunk *chunk)
{
    const struct store_keep *keep = store_kept(chunk);

    (void)data;
    if (chunk->home != NULL) {
        return pack_of(chunk)->from[chunk->slot];
    }
    return keep != NULL && keep->item != NULL && keep->item->kind != ITEM_MOVE
               ? keep->item->from
               : NULL;
}
