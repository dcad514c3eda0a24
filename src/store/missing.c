/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Chunks that somebody refers to and that are nowhere on this node. Each is told
 * to the owner, who asks the peers. What nobody had is told again from time to
 * time: a peer may be back. A chunk that only the store refers to any more is
 * forgotten.
 */
#include <assert.h>

#include "store/reads.h"
#include "util/limits.h"

#define FORGET_STEP 1024u /* looked at by a tick, of each list */

static void retell(struct chunk_store *store);
static void forget_unused(struct chunk_store *store, struct list *head);

void store_missing_add(struct chunk_store *store, struct chunk *chunk)
{
    struct store_reads *reads = store->reads;
    struct store_read *read = store_read(chunk);

    assert(chunk->home == NULL);
    if (!chunk_table_has(&store->table, chunk)) {
        chunk_table_add(&store->table, chunk);
    }
    if (!read->is_missing) {
        read->is_missing = true;
        reads->missing++;
        (void)chunk_ref(chunk);
    } else if (!read->is_given_up) {
        return;
    }
    read->is_given_up = false;
    list_remove(&read->missing);
    list_push_back(&reads->to_tell, &read->missing);
    store_later(store);
}

void missing_hurry(struct chunk_store *store, struct chunk *chunk)
{
    struct store_read *read = store_read_of(chunk);

    if (read->is_told) {
        read->is_told = false;
        list_remove(&read->missing);
        list_push_back(&store->reads->to_tell, &read->missing);
        store_later(store);
    }
}

void missing_remove(struct chunk_store *store, struct chunk *chunk)
{
    struct store_read *read = store_read_of(chunk);

    if (read == NULL || !read->is_missing) {
        return;
    }
    read->is_missing = false;
    store->reads->missing--;
    read->is_given_up = false;
    read->is_told = false;
    refused_forget(read);
    list_remove(&read->missing);
    /* Without a home nobody would hear that it goes. */
    if (chunk->refs == 1 && chunk->home == NULL) {
        (void)chunk_table_remove(&store->table, chunk);
    }
    store_read_tidy(chunk);
    chunk_drop(chunk);
}

void missing_tell(struct chunk_store *store)
{
    struct store_reads *reads = store->reads;

    while (!list_empty(&reads->to_tell) && !store->is_stopped) {
        struct store_read *read =
            LIST_ITEM(reads->to_tell.next, struct store_read, missing);
        struct chunk *chunk = read->chunk;

        read->is_given_up = false;
        read->is_told = true;
        list_remove(&read->missing);
        list_push_back(&reads->told, &read->missing);
        if (store->options.on_missing == NULL) {
            chunk_store_give_up(store, chunk);
        } else {
            store->options.on_missing(store->options.data, chunk);
        }
    }
}

void chunk_store_give_up(struct chunk_store *store, struct chunk *chunk)
{
    struct store_read *read = store_read_of(chunk);

    if (read == NULL || !read->is_missing) {
        return;
    }
    read->is_given_up = true;
    read->is_told = false;
    list_remove(&read->missing);
    list_push_back(&store->reads->given_up, &read->missing);
    loads_fail(store, chunk, QL_NOT_FOUND);
}

size_t chunk_store_missing(const struct chunk_store *store)
{
    return store->reads->missing;
}

void missing_tick(struct chunk_store *store)
{
    struct store_reads *reads = store->reads;

    forget_unused(store, &reads->told);
    forget_unused(store, &reads->given_up);
    if (store->now_ms - reads->retold_ms >= STORE_RETELL_MS) {
        reads->retold_ms = store->now_ms;
        retell(store);
    }
}

/* What has a copy that the disk refused is looked for there first. */
static void retell(struct chunk_store *store)
{
    struct list due;

    list_init(&due);
    list_move_all(&due, &store->reads->given_up);
    while (!list_empty(&due)) {
        struct store_read *read =
            LIST_ITEM(due.next, struct store_read, missing);

        if (!refused_return(store, read->chunk)) {
            list_remove(&read->missing);
            list_push_back(&store->reads->to_tell, &read->missing);
            store_later(store);
        }
    }
}

/* Some of them, in turn: there may be very many. */
static void forget_unused(struct chunk_store *store, struct list *head)
{
    struct list looked;

    list_init(&looked);
    for (unsigned i = 0; i < FORGET_STEP && !list_empty(head); i++) {
        struct store_read *read =
            LIST_ITEM(head->next, struct store_read, missing);

        list_remove(&read->missing);
        list_push_back(&looked, &read->missing);
        if (read->chunk->refs == 1) {
            missing_remove(store, read->chunk);
        }
    }
    list_move_all(head, &looked);
}
