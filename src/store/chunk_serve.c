/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Answers to peers that ask for a chunk by name: its row and frame as they lie on
 * disk, or, when this node has it otherwise, made anew. Which neighbours are
 * merged when differs between a node and one that is behind, so what a peer calls
 * a chunk may be a part of one here, or several.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine/machine_parts.h"
#include "store/pack_read.h"
#include "store/reads.h"
#include "store/serve_cut.h"
#include "util/limits.h"
#include "util/mem.h"

struct serve_work {
    struct read_work read; /* first */
    struct list waiter;    /* the struct chunk_serve, unless it was cancelled */
    struct chunk_name name;
    int found;                  /* 0, or what is to be told */
    bool as_it_is;              /* from the gather's only piece */
    struct chunk_gather gather; /* all bytes that are needed */
    uint8_t from[HASH128_LEN];  /* the chain before them, if it is known */
    bool has_from;
    struct pack_row row; /* the answer */
    struct buf frame;
    struct err err;
};

static int find(struct chunk_store *store, struct serve_work *serve);
static int find_cover(struct chunk_store *store, struct serve_work *serve);
static int run(struct disk_work *work);
static int run_as_it_is(struct serve_work *serve);
static int run_cut(struct serve_work *serve);
static void on_done(struct disk_work *work, int status);
static int blame(struct serve_work *serve, int status);
static void serve_work_free(struct read_work *work);

int chunk_store_serve(struct chunk_store *store, struct chunk_serve *serve,
                      const struct chunk_name *name, chunk_serve_cb cb)
{
    struct store_reads *reads = store->reads;
    struct serve_work *work;

    if (store->is_stopped || reads->serves >= STORE_SERVES_MAX) {
        return QL_BUSY;
    }
    store_leases_touch(store);
    work = mem_must_zalloc(sizeof(*work));
    work->read.store = store;
    work->read.free = serve_work_free;
    work->name = *name;
    chunk_gather_init(&work->gather);
    work->gather.from_disk = true;
    list_init(&work->waiter);
    reads->serves++;
    serve->cb = cb;
    list_push_back(&work->waiter, &serve->link);
    work->found = find(store, work);
    /* What is nowhere is told by a work, too: never from inside this call. */
    (void)read_work_begin(store, store->options.readers, &work->read, run,
                          on_done);
    return 0;
}

void chunk_store_serve_cancel(struct chunk_serve *serve)
{
    list_remove(&serve->link);
}

/* ---- Where it is --------------------------------------------------------- */

static int find(struct chunk_store *store, struct serve_work *serve)
{
    struct chunk *chunk = chunk_table_find(&store->table, &serve->name);
    struct chunk *absent;

    if (serve->name.first > serve->name.last) {
        return QL_NOT_FOUND;
    }
    if (chunk == NULL ||
        chunk_gather_add(&serve->gather, chunk, &absent) != 0) {
        return find_cover(store, serve);
    }
    serve->as_it_is = chunk->home != NULL;
    serve->has_from =
        store_chain_before(store, serve->gather.pieces[0].chunk, serve->from);
    return 0;
}

/* The run of chunks of the live logs that has all the entries. */
static int find_cover(struct chunk_store *store, struct serve_work *serve)
{
    const struct chunk_name *name = &serve->name;
    uint64_t at = name->first;
    struct chunk *absent;
    struct chunk *chunk;

    if (store->machine == NULL) {
        return QL_NOT_FOUND;
    }
    do {
        chunk = machine_part_find(store->machine, MACHINE_LIVE, name->uid, at);
        if (chunk == NULL || chunk->name.first > name->last ||
            serve->gather.len > STORE_SERVE_BYTES ||
            chunk_gather_add(&serve->gather, chunk, &absent) != 0) {
            return QL_NOT_FOUND;
        }
        at = chunk->name.last + 1;
    } while (chunk->name.last < name->last);
    serve->has_from =
        store_chain_before(store, serve->gather.pieces[0].chunk, serve->from);
    return 0;
}

/* ---- The work ------------------------------------------------------------ */

static int run(struct disk_work *work)
{
    struct serve_work *serve = work->data;

    if (serve->found != 0) {
        return serve->found;
    }
    return serve->as_it_is ? run_as_it_is(serve) : run_cut(serve);
}

static int run_as_it_is(struct serve_work *serve)
{
    const struct chunk_piece *piece = &serve->gather.pieces[0];
    int rv;

    rv = pack_read_chunk(serve->read.store->options.readers,
                         piece->pack->number, piece->slot, &serve->name,
                         &serve->row, &serve->frame, &serve->err);
    if (rv == 0) {
        struct bytes frame = {serve->frame.data, serve->frame.len};

        rv = pack_frame_check(&serve->row, frame, &serve->err);
    }
    return rv;
}

static int run_cut(struct serve_work *serve)
{
    struct chunk_gather *gather = &serve->gather;
    int rv = chunk_gather_run(gather, serve->read.store->options.readers,
                              &serve->err);

    if (rv != 0) {
        return rv;
    }
    gather->bad = gather->count;
    if (!gather->has_from && !serve->has_from) {
        return QL_NOT_FOUND;
    }
    return serve_cut(gather->memory,
                     gather->has_from ? gather->from : serve->from,
                     &serve->name, &serve->row, &serve->frame, &serve->err);
}

static void on_done(struct disk_work *work, int status)
{
    struct serve_work *serve = work->data;
    struct chunk_store *store = serve->read.store;
    struct bytes frame = {serve->frame.data, serve->frame.len};
    struct chunk_serve *asked = NULL;
    uint8_t row[PACK_ROW_LEN];

    read_work_ended(&serve->read);
    if (!list_empty(&serve->waiter)) {
        asked = LIST_ITEM(serve->waiter.next, struct chunk_serve, link);
        list_remove(&asked->link);
    }
    if (status != 0) {
        status = blame(serve, status);
    }
    if (asked != NULL && status == 0) {
        pack_row_encode(&serve->row, row);
        asked->cb(asked, 0, row, frame);
    } else if (asked != NULL) {
        asked->cb(asked, status, NULL, (struct bytes){NULL, 0});
    }
    serve_work_free(&serve->read);
    store_tell_fatal(store);
}

/* What the peer hears. If a copy was bad, this node misses it from now on. */
static int blame(struct serve_work *serve, int status)
{
    struct chunk_gather *gather = &serve->gather;
    const struct chunk_piece *piece;

    if (serve->found != 0 || gather->bad >= gather->count) {
        return QL_NOT_FOUND;
    }
    if (!chunk_gather_is_current(gather)) {
        return QL_BUSY; /* it has moved: the next question finds it */
    }
    piece = &gather->pieces[gather->bad];
    if (read_is_refused(status)) {
        refused_doubt(serve->read.store, piece->chunk);
        return QL_BUSY;
    }
    store_damaged(serve->read.store, piece->chunk, piece->pack,
                  serve->err.text);
    return QL_NOT_FOUND;
}

static void serve_work_free(struct read_work *work)
{
    struct serve_work *serve = (struct serve_work *)(void *)work;

    work->store->reads->serves--;
    list_remove(&serve->waiter);
    chunk_gather_close(&serve->gather);
    buf_close(&serve->frame);
    free(serve);
}
