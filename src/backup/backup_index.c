/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Whether the pool has a chunk, for somebody who asks about one after the other:
 * hashes of the names of all chunks that the newest whole backup has in good packs,
 * 8 bytes each, while they are asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "backup/backup_internal.h"
#include "backup/backup_plan.h"
#include "util/hash128.h"
#include "util/mem.h"

struct backup_index {
    struct backup_chore chore; /* first */
    char base[BACKUP_NAME_MAX + 1];
    uint64_t *bad;
    size_t bad_count;
    uint64_t *hashes; /* rising */
    size_t count;
    uint64_t asked_ms;
    bool is_reading;
    bool is_good;
};

static bool prepare(struct backup_chore *chore);
static int run(struct backup_chore *chore);
static int read_all(struct backup_index *index, struct backup_rows *rows,
                    struct bytes locations, struct err *err);
static void ended(struct backup_chore *chore, int status);
static uint64_t hash_of(const struct chunk_name *name);
static int compare_u64(const void *a, const void *b);

bool backup_store_has_chunk(struct backup_store *store,
                            const struct chunk_facts *facts)
{
    struct backup_index *index = store->index;
    uint64_t hash = hash_of(&facts->name);

    if (store->is_stopped || !store->is_ready) {
        return false;
    }
    if (index == NULL) {
        index = mem_must_zalloc(sizeof(*index));
        index->chore.prepare = prepare;
        index->chore.run = run;
        index->chore.ended = ended;
        store->index = index;
    }
    index->asked_ms = store->now_ms;
    if (!index->is_good) {
        if (!index->is_reading) {
            index->is_reading = true;
            backup_chore_add(store, &index->chore);
        }
        return false;
    }
    return index->count > 0 && bsearch(&hash, index->hashes, index->count,
                                       sizeof(hash), compare_u64) != NULL;
}

void backup_index_tick(struct backup_store *store)
{
    struct backup_index *index = store->index;

    if (index != NULL && !index->is_reading &&
        store->now_ms >= index->asked_ms + BACKUP_INDEX_MS) {
        backup_index_free(store);
    }
}

void backup_index_drop(struct backup_store *store)
{
    if (store->index != NULL) {
        store->index->is_good = false;
    }
}

void backup_index_free(struct backup_store *store)
{
    if (store->index != NULL) {
        free(store->index->bad);
        free(store->index->hashes);
        free(store->index);
        store->index = NULL;
    }
}

/* What is dropped while it is read stays dropped: is_good is set here, and only
 * looked at in the end. */
static bool prepare(struct backup_chore *chore)
{
    struct backup_index *index = (struct backup_index *)(void *)chore;
    struct backup_store *store = chore->store;
    const struct backup_entry *base = backup_base(store);

    free(index->bad);
    free(index->hashes);
    index->bad = NULL;
    index->hashes = NULL;
    index->count = 0;
    if (!store->is_ready) {
        return false;
    }
    index->is_good = true;
    if (base == NULL) {
        return false;
    }
    memcpy(index->base, base->row.name, sizeof(index->base));
    index->bad = pool_bad(&store->pool, &index->bad_count);
    return true;
}

static int run(struct backup_chore *chore)
{
    struct backup_index *index = (struct backup_index *)(void *)chore;
    struct backup_store *store = chore->store;
    struct disk *disk = store->options.disk;
    struct backup_manifest manifest = {.len = 0};
    struct buf locations = BUF_INIT;
    struct backup_rows rows;
    struct disk_file *file;
    int rv = backup_manifest_open(disk, index->base, &store->owner, &manifest,
                                  &file, &chore->err);

    if (rv != 0) {
        return rv;
    }
    rv = backup_manifest_read_locations(disk, file, &manifest, &locations,
                                        &chore->err);
    if (rv == 0) {
        index->hashes = mem_must_array((size_t)manifest.front.chunks + 1,
                                       sizeof(*index->hashes));
        backup_rows_init(&rows, disk, file, manifest.front.chunks);
        rv = read_all(index, &rows,
                      (struct bytes){locations.data, locations.len},
                      &chore->err);
        backup_rows_close(&rows);
    }
    disk->ops->close(file);
    buf_close(&locations);
    if (rv == 0 && index->count > 0) {
        qsort(index->hashes, index->count, sizeof(*index->hashes), compare_u64);
    }
    return rv;
}

static int read_all(struct backup_index *index, struct backup_rows *rows,
                    struct bytes locations, struct err *err)
{
    struct pack_row row = {.frame_len = 0};
    int rv = backup_rows_next(rows, &row, err);

    while (rv == 0) {
        struct backup_location at =
            backup_locations_item(locations, rows->next - 1);

        if (!backup_numbers_have(index->bad, index->bad_count, at.pack)) {
            index->hashes[index->count] = hash_of(&row.facts.name);
            index->count++;
        }
        rv = backup_rows_next(rows, &row, err);
    }
    return rv == QL_NOT_FOUND ? 0 : rv;
}

static void ended(struct backup_chore *chore, int status)
{
    struct backup_index *index = (struct backup_index *)(void *)chore;

    index->is_reading = false;
    if (status != 0) {
        index->count = 0; /* it says no to everything: that is safe */
    }
}

static uint64_t hash_of(const struct chunk_name *name)
{
    uint8_t bytes[24 + HASH128_LEN];

    put_u64(bytes, name->uid);
    put_u64(bytes + 8, name->first);
    put_u64(bytes + 16, name->last);
    memcpy(bytes + 24, name->chain, HASH128_LEN);
    return hash64(bytes, sizeof(bytes), 0);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}
