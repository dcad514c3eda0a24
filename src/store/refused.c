/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Copies that the disk does not give: a path that is lost for a moment, a process
 * without descriptors. Nobody has seen wrong bytes, so they are read again
 * STORE_READ_TRIES times, STORE_RETRY_MS apart. A spot that cannot be read for so
 * long is worth a copy from a peer: the chunk counts as missing then. But its pack
 * stays as it is for as long, and when nobody else has the chunk either it has
 * its place there again, to be read when it is asked for.
 */
#include <assert.h>

#include "store/reads.h"
#include "util/limits.h"

static void put_off(struct chunk_store *store, struct store_read *read);

bool read_is_refused(int status)
{
    return status == QL_IO || status == QL_NO_MEMORY;
}

/* ---- Again --------------------------------------------------------------- */

bool refused_delay(struct chunk_store *store, struct store_read *read)
{
    read->tries++;
    if (read->tries >= STORE_READ_TRIES) {
        read->tries = 0;
        return false;
    }
    if (!list_empty(&read->loads) || read->is_doubted) {
        put_off(store, read);
    }
    return true;
}

void refused_doubt(struct chunk_store *store, struct chunk *chunk)
{
    struct store_read *read = store_read(chunk);

    assert(chunk->home != NULL);
    read->is_doubted = true;
    /* Else it is about to be read. */
    if (read->work == NULL && list_empty(&read->wait)) {
        read->tries++;
        put_off(store, read);
    }
}

static void put_off(struct chunk_store *store, struct store_read *read)
{
    read->retry_ms = store->now_ms + STORE_RETRY_MS;
    list_push_back(&store->reads->delayed, &read->wait);
}

void refused_tick(struct chunk_store *store)
{
    struct store_reads *reads = store->reads;

    while (!list_empty(&reads->delayed)) {
        struct store_read *read =
            LIST_ITEM(reads->delayed.next, struct store_read, wait);

        if (read->retry_ms > store->now_ms) {
            break;
        }
        list_remove(&read->wait);
        list_push_back(&reads->queued, &read->wait);
    }
}

/* ---- What there is ------------------------------------------------------- */

void refused_remember(struct store_read *read, struct pack *pack, uint32_t slot)
{
    assert(read->is_missing);
    refused_forget(read);
    pack_use(pack);
    read->last = pack;
    read->last_slot = slot;
}

void refused_forget(struct store_read *read)
{
    if (read->last != NULL) {
        pack_unuse(read->last);
        read->last = NULL;
    }
}

bool refused_return(struct chunk_store *store, struct chunk *chunk)
{
    struct store_read *read = store_read_of(chunk);
    struct pack *pack;

    if (read == NULL || !read->is_given_up || read->last == NULL) {
        return false;
    }
    pack = read->last;
    pack_put_back(pack, read->last_slot, chunk);
    pack_move(pack);
    loads_unblock(store, chunk);
    missing_remove(store, chunk);
    return true;
}
