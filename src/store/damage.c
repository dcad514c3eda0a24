/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A copy that is no good, whoever found it: a load, a merge, an answer to a peer,
 * the scrub. Nothing is removed because of an error. The chunk counts as missing
 * and comes from a peer; what is still good in the pack is written elsewhere; the
 * file is set aside then.
 */
#include <assert.h>
#include <inttypes.h>

#include "store/reads.h"
#include "util/diag.h"

static void mark(struct chunk_store *store, struct pack *pack,
                 const char *reason);
static void lose(struct chunk_store *store, struct chunk *chunk,
                 bool is_refused);

void store_damaged(struct chunk_store *store, struct chunk *chunk,
                   struct pack *pack, const char *reason)
{
    mark(store, pack, reason);
    /* Else it has moved, or was found bad before. */
    if (chunk->home == &pack->home) {
        lose(store, chunk, false);
    }
    pack_move(pack);
}

void store_refused(struct chunk_store *store, struct chunk *chunk,
                   struct pack *pack, const char *reason)
{
    mark(store, pack, reason);
    if (chunk->home == &pack->home) {
        lose(store, chunk, true);
    }
    pack_move(pack);
}

void store_pack_damaged(struct chunk_store *store, struct pack *pack,
                        const bool *bad, const char *reason)
{
    mark(store, pack, reason);
    for (uint32_t i = 0; i < pack->rows; i++) {
        if (bad[i] && pack->chunks[i] != NULL) {
            lose(store, pack->chunks[i], false);
        }
    }
    pack_move(pack);
}

static void mark(struct chunk_store *store, struct pack *pack,
                 const char *reason)
{
    if (!pack->is_damaged) {
        pack->is_damaged = true;
        diag_error("%s/%016" PRIx64 "%s is damaged: %s; what is good in it is "
                   "written into another file, the rest is fetched from the "
                   "other nodes: look at the disk",
                   store->options.where, pack->number, PACK_SUFFIX, reason);
    }
}

/* @chunk has no copy any more. If its bytes happen to be in memory they are
 * written again, else a peer has to help. */
static void lose(struct chunk_store *store, struct chunk *chunk,
                 bool is_refused)
{
    struct store_read *read = store_read(chunk);
    struct pack *pack = pack_of(chunk);
    uint32_t slot = chunk->slot;
    uint8_t from[HASH128_LEN];

    store->counts.damaged++;
    (void)chunk_ref(chunk);
    cache_remove(store, read);
    read->is_doubted = false;
    pack_use(pack);
    pack_take(chunk);
    if (chunk->refs == 1) {
        (void)chunk_table_remove(&store->table, chunk);
    } else if (chunk->memory != NULL && store_keep(chunk)->item == NULL &&
               store_chain_before(store, chunk, from)) {
        (void)store_queue(store, ITEM_BYTES, chunk, from);
        store_queue_kick(store);
    } else {
        store_missing_add(store, chunk);
        if (is_refused) {
            refused_remember(read, pack, slot);
        }
    }
    pack_unuse(pack);
    store_read_tidy(chunk);
    if (chunk->keeper != NULL) {
        store_keep_tidy(chunk);
    }
    chunk_drop(chunk);
}
