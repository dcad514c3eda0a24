/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The scrub reads all packs again, one after the other at a set rate, so that
 * damage is found while other nodes still have what was lost. A round goes by the
 * packs' numbers; the next begins not before SCRUB_ROUND_MS after it began.
 */
#include <assert.h>
#include <stdlib.h>

#include "store/pack_check.h"
#include "store/reads.h"
#include "util/limits.h"
#include "util/mem.h"

struct scrub_work {
    struct read_work read; /* first */
    struct pack *pack;     /* used */
    struct pack_check check;
    struct chunk_name *names; /* those of the chunks in use */
    bool *bad;
    struct err err;
};

static void pay(struct store_scrub *scrub, const struct chunk_store *store);
static void round_begin(struct chunk_store *store);
static void kick(struct chunk_store *store);
static struct pack *next_pack(const struct chunk_store *store);
static void begin(struct chunk_store *store, struct pack *pack);
static int run(struct disk_work *work);
static bool try_again(struct store_scrub *state,
                      const struct scrub_work *scrub);
static void on_done(struct disk_work *work, int status);
static void scrub_work_free(struct read_work *work);

void scrub_tick(struct chunk_store *store)
{
    if (store->options.scrub_bytes == 0) {
        return;
    }
    pay(&store->reads->scrub, store);
    round_begin(store);
    kick(store);
}

/* What may be read is for the time since the last tick, but never for more than a
 * second: a late tick is no reason to read in a burst. */
static void pay(struct store_scrub *scrub, const struct chunk_store *store)
{
    uint64_t since_ms = store->now_ms - scrub->ticked_ms;
    int64_t second = (int64_t)store->options.scrub_bytes;

    if (since_ms > 1000) {
        since_ms = 1000;
    }
    scrub->ticked_ms = store->now_ms;
    scrub->budget += second * (int64_t)since_ms / 1000;
    if (scrub->budget > second) {
        scrub->budget = second;
    }
}

static void round_begin(struct chunk_store *store)
{
    struct store_scrub *scrub = &store->reads->scrub;

    if (scrub->is_round || list_empty(&store->packs) ||
        (scrub->has_begun &&
         store->now_ms - scrub->began_ms < SCRUB_ROUND_MS)) {
        return;
    }
    scrub->is_round = true;
    scrub->has_begun = true;
    scrub->began_ms = store->now_ms;
    scrub->next = 0;
    scrub->bytes = 0;
}

static void kick(struct chunk_store *store)
{
    struct store_scrub *scrub = &store->reads->scrub;
    struct pack *pack;

    if (!scrub->is_round || scrub->work != NULL || scrub->budget <= 0 ||
        scrub->retry_ms > store->now_ms || store->is_stopped) {
        return;
    }
    pack = next_pack(store);
    if (pack != NULL) {
        begin(store, pack);
        return;
    }
    scrub->is_round = false;
    scrub->rounds++;
    scrub->ended_ms = store->now_ms;
}

static struct pack *next_pack(const struct chunk_store *store)
{
    const struct list *link;

    for (link = store->packs.next; link != &store->packs; link = link->next) {
        struct pack *pack = LIST_ITEM(link, struct pack, link);

        if (pack->number >= store->reads->scrub.next && !pack->is_damaged) {
            return pack;
        }
    }
    return NULL;
}

/* ---- One pack ------------------------------------------------------------ */

static void begin(struct chunk_store *store, struct pack *pack)
{
    struct store_scrub *state = &store->reads->scrub;
    struct scrub_work *scrub = mem_must_zalloc(sizeof(*scrub));

    scrub->read.store = store;
    scrub->read.free = scrub_work_free;
    scrub->pack = pack;
    scrub->names = mem_must_array(pack->rows, sizeof(*scrub->names));
    scrub->bad = mem_must_array(pack->rows, sizeof(*scrub->bad));
    for (uint32_t i = 0; i < pack->rows; i++) {
        if (pack->chunks[i] != NULL) {
            scrub->names[i] = pack->chunks[i]->name;
        }
    }
    scrub->check.number = pack->number;
    scrub->check.cluster = store->options.cluster;
    scrub->check.file_len = pack->file_len;
    scrub->check.rows = pack->rows;
    scrub->check.names = scrub->names;
    pack_use(pack);
    if (pack->number != state->next) {
        state->tries = 0; /* not the one that was refused */
    }
    state->work = &scrub->read;
    state->next = pack->number + 1;
    state->budget -= (int64_t)pack->file_len;
    (void)read_work_begin(store, store->options.readers, &scrub->read, run,
                          on_done);
}

static int run(struct disk_work *work)
{
    struct scrub_work *scrub = work->data;

    return pack_check(scrub->read.store->options.readers, &scrub->check,
                      scrub->bad, &scrub->err);
}

static void on_done(struct disk_work *work, int status)
{
    struct scrub_work *scrub = work->data;
    struct chunk_store *store = scrub->read.store;

    read_work_ended(&scrub->read);
    if (read_is_refused(status) && try_again(&store->reads->scrub, scrub)) {
        scrub_work_free(&scrub->read);
        store_tell_fatal(store);
        return;
    }
    store->reads->scrub.tries = 0;
    store->reads->scrub.bytes += scrub->pack->file_len;
    /* What is not known to be bad is read once more when it is moved. */
    if (status != 0) {
        store_pack_damaged(store, scrub->pack, scrub->bad, scrub->err.text);
    }
    scrub_work_free(&scrub->read);
    kick(store);
    store_tell_fatal(store);
}

static bool try_again(struct store_scrub *state, const struct scrub_work *scrub)
{
    state->tries++;
    if (state->tries >= STORE_READ_TRIES) {
        return false;
    }
    state->next = scrub->pack->number;
    state->retry_ms = scrub->read.store->now_ms + STORE_RETRY_MS;
    return true;
}

static void scrub_work_free(struct read_work *work)
{
    struct scrub_work *scrub = (struct scrub_work *)(void *)work;

    assert(work->store->reads->scrub.work == work);
    work->store->reads->scrub.work = NULL;
    pack_unuse(scrub->pack);
    free(scrub->names);
    free(scrub->bad);
    free(scrub);
}
