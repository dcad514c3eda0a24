/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Loads: a chunk's bytes from its pack, or from the packs of its parts, into
 * memory. One work for all who want the same chunk.
 */
#include <assert.h>
#include <stdlib.h>

#include "store/reads.h"
#include "util/limits.h"
#include "util/mem.h"

struct load_work {
    struct read_work read; /* first */
    struct chunk_gather gather;
    struct chunk *chunk; /* a reference */
    struct err err;
};

static void want(struct chunk_store *store, struct store_read *read);
static void block(struct chunk_store *store, struct store_read *read,
                  struct chunk *absent);
static struct chunk *begin(struct chunk_store *store, struct store_read *read);
static int run(struct disk_work *work);
static void on_done(struct disk_work *work, int status);
static void loaded(struct chunk_store *store, struct load_work *load);
static void failed(struct chunk_store *store, struct load_work *load,
                   int status);
static void load_work_free(struct read_work *work);
static void answer(struct chunk_store *store, struct store_read *read,
                   struct chunk_load *load, int status);
static void answer_all(struct chunk_store *store, struct store_read *read,
                       int status);

/* ---- Asking -------------------------------------------------------------- */

void chunk_store_load(struct chunk_store *store, struct chunk_load *load,
                      struct chunk *chunk, chunk_load_cb cb)
{
    struct store_read *read = store_read(chunk);

    assert(chunk->sealed);
    list_init(&load->link);
    load->chunk = chunk_ref(chunk);
    load->status = 0;
    load->holds = false;
    load->cb = cb;
    if (chunk->memory != NULL) {
        store->reads->hits++;
        answer(store, read, load, 0);
        store_later(store);
        return;
    }
    store->reads->misses++;
    list_push_back(&read->loads, &load->link);
    want(store, read);
    loads_kick(store);
}

void chunk_store_load_end(struct chunk_store *store, struct chunk_load *load)
{
    struct chunk *chunk = load->chunk;
    struct store_read *read;

    if (chunk == NULL) {
        return;
    }
    read = store_read_of(chunk);
    load->chunk = NULL;
    list_remove(&load->link);
    if (load->holds) {
        load->holds = false;
        cache_release(store, read);
        cache_shrink(store);
    } else if (read != NULL && list_empty(&read->loads) && !read->is_doubted) {
        list_remove(&read->wait);
        read->absent = NULL;
    }
    store_read_tidy(chunk);
    chunk_drop(chunk);
}

void chunk_store_ahead(struct chunk_store *store, struct chunk *chunk)
{
    struct store_reads *reads = store->reads;
    struct store_read *read = store_read_of(chunk);

    /* One work stays free for who really waits. */
    if (chunk->memory != NULL ||
        (read != NULL && (read->work != NULL || !list_empty(&read->wait))) ||
        (chunk->home == NULL && chunk->parts == NULL) ||
        !list_empty(&reads->queued) || reads->loads + 1 >= STORE_LOADS_MAX ||
        chunk->len > store->options.cache_bytes / 2) {
        return;
    }
    (void)begin(store, store_read(chunk));
    store_read_tidy(chunk);
}

/* ---- Waiting ------------------------------------------------------------- */

static void want(struct chunk_store *store, struct store_read *read)
{
    /* Under way, blocked or queued already: who joins waits with the others. */
    if (read->work == NULL && list_empty(&read->wait)) {
        list_push_back(&store->reads->queued, &read->wait);
    }
}

void loads_kick(struct chunk_store *store)
{
    struct store_reads *reads = store->reads;

    while (!list_empty(&reads->queued) && reads->loads < STORE_LOADS_MAX &&
           !store->is_stopped) {
        struct store_read *read =
            LIST_ITEM(reads->queued.next, struct store_read, wait);
        struct chunk *chunk = read->chunk;
        struct chunk *absent;

        list_remove(&read->wait);
        if (list_empty(&read->loads) && !read->is_doubted) {
            store_read_tidy(chunk);
            continue;
        }
        if (chunk->memory != NULL) {
            read->is_doubted = false;
            answer_all(store, read, 0);
            store_read_tidy(chunk);
            continue;
        }
        absent = begin(store, read);
        if (absent != NULL && refused_return(store, absent)) {
            absent = begin(store, read);
        }
        if (absent != NULL) {
            block(store, read, absent);
        }
    }
}

static void block(struct chunk_store *store, struct store_read *read,
                  struct chunk *absent)
{
    read->absent = absent;
    list_push_back(&store->reads->blocked, &read->wait);
    store_missing_add(store, absent);
    missing_hurry(store, absent);
}

void loads_unblock(struct chunk_store *store, const struct chunk *chunk)
{
    struct store_reads *reads = store->reads;
    struct list *link;
    struct list *next;

    for (link = reads->blocked.next; link != &reads->blocked; link = next) {
        struct store_read *read = LIST_ITEM(link, struct store_read, wait);

        next = link->next;
        if (read->absent == chunk || read->chunk == chunk) {
            list_remove(&read->wait);
            read->absent = NULL;
            want(store, read);
        }
    }
}

void loads_fail(struct chunk_store *store, const struct chunk *chunk,
                int status)
{
    struct store_reads *reads = store->reads;
    struct list *link;
    struct list *next;

    for (link = reads->blocked.next; link != &reads->blocked; link = next) {
        struct store_read *read = LIST_ITEM(link, struct store_read, wait);

        next = link->next;
        if (read->absent == chunk) {
            list_remove(&read->wait);
            read->absent = NULL;
            answer_all(store, read, status);
        }
    }
}

/* ---- The work ------------------------------------------------------------ */

/* Returns what is missing, or NULL. */
static struct chunk *begin(struct chunk_store *store, struct store_read *read)
{
    struct load_work *load = mem_must_zalloc(sizeof(*load));
    struct chunk *absent = NULL;

    chunk_gather_init(&load->gather);
    if (chunk_gather_add(&load->gather, read->chunk, &absent) != 0) {
        chunk_gather_close(&load->gather);
        free(load);
        return absent;
    }
    load->chunk = chunk_ref(read->chunk);
    load->read.store = store;
    load->read.free = load_work_free;
    read->work = &load->read;
    store->reads->loads++;
    (void)read_work_begin(store, store->options.readers, &load->read, run,
                          on_done);
    return NULL;
}

static int run(struct disk_work *work)
{
    struct load_work *load = work->data;
    int rv = chunk_gather_run(&load->gather, load->read.store->options.readers,
                              &load->err);

    if (rv == 0) {
        rv = chunk_memory_mark(load->gather.memory);
        if (rv != 0) {
            (void)err_set(&load->err, rv, "its entries have no ends");
        }
    }
    return rv;
}

static void on_done(struct disk_work *work, int status)
{
    struct load_work *load = work->data;
    struct chunk_store *store = load->read.store;
    struct chunk *chunk = chunk_ref(load->chunk);
    struct store_read *read;

    read_work_ended(&load->read);
    if (status == 0) {
        loaded(store, load);
    } else {
        failed(store, load, status);
    }
    load_work_free(&load->read);
    read = store_read_of(chunk);
    if (chunk->memory != NULL && read != NULL) {
        list_remove(&read->wait);
        answer_all(store, read, 0);
    } else if (read != NULL &&
               (!list_empty(&read->loads) || read->is_doubted)) {
        want(store, read);
    }
    store_read_tidy(chunk);
    chunk_drop(chunk);
    loads_kick(store);
    cache_shrink(store);
    loads_answer(store);
    store_tell_fatal(store);
}

static void loaded(struct chunk_store *store, struct load_work *load)
{
    struct chunk *chunk = load->chunk;

    if (chunk->memory == NULL) {
        chunk_set_memory(chunk, load->gather.memory);
        load->gather.memory = NULL;
    }
    store_read(chunk)->tries = 0;
    store_read(chunk)->is_doubted = false;
    if (chunk->home != NULL || chunk->parts != NULL) {
        cache_add(store, store_read(chunk));
    }
}

static void failed(struct chunk_store *store, struct load_work *load,
                   int status)
{
    struct chunk_piece *piece = &load->gather.pieces[load->gather.bad];

    /* What has moved meanwhile is read where it is now. */
    if (!chunk_gather_is_current(&load->gather)) {
        return;
    }
    if (!read_is_refused(status)) {
        store_damaged(store, piece->chunk, piece->pack, load->err.text);
    } else if (!refused_delay(store, store_read(load->chunk))) {
        store_refused(store, piece->chunk, piece->pack, load->err.text);
    }
}

static void load_work_free(struct read_work *work)
{
    struct load_work *load = (struct load_work *)(void *)work;
    struct store_read *read = store_read_of(load->chunk);

    assert(read->work == work);
    read->work = NULL;
    work->store->reads->loads--;
    chunk_gather_close(&load->gather);
    store_read_tidy(load->chunk);
    chunk_drop(load->chunk);
    free(load);
}

/* ---- Answering ----------------------------------------------------------- */

static void answer_all(struct chunk_store *store, struct store_read *read,
                       int status)
{
    while (!list_empty(&read->loads)) {
        struct chunk_load *load =
            LIST_ITEM(read->loads.next, struct chunk_load, link);

        list_remove(&load->link);
        answer(store, read, load, status);
    }
    store_later(store);
}

static void answer(struct chunk_store *store, struct store_read *read,
                   struct chunk_load *load, int status)
{
    load->status = status;
    if (status == 0) {
        load->holds = true;
        cache_hold(store, read);
    }
    list_push_back(&store->reads->answers, &load->link);
}

void loads_answer(struct chunk_store *store)
{
    struct list due;

    list_init(&due);
    list_move_all(&due, &store->reads->answers);
    while (!list_empty(&due)) {
        struct chunk_load *load = LIST_ITEM(due.next, struct chunk_load, link);

        list_remove(&load->link);
        load->cb(load, load->status);
    }
}
