/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Manifests whose row has left the table go, and then the packs that no manifest
 * names. While one manifest cannot be read, all packs stay: it may name them. What
 * is not where it was makes the directory be looked at anew. */
#include <stdlib.h>
#include <string.h>

#include "backup/backup_file.h"
#include "backup/backup_internal.h"
#include "util/mem.h"

#define PACKS_AT_ONCE 64u

struct removal {
    struct backup_chore chore; /* first */
    bool is_manifest;
    struct backup_row row;
    uint64_t packs[PACKS_AT_ONCE];
    size_t count;
    size_t done; /* of them */
};

static bool has_work(const struct backup_store *store);
static bool is_unused(const struct pool_pack *pack);
static bool prepare(struct backup_chore *chore);
static int run(struct backup_chore *chore);
static void ended(struct backup_chore *chore, int status);
static void drop_file(struct backup_store *store, const struct backup_row *row);
static bool is_gone(const struct pool_pack *pack);

void backup_remove_begin(struct backup_store *store)
{
    struct removal *removal;

    if (store->removal != NULL || !has_work(store)) {
        return;
    }
    removal = mem_must_zalloc(sizeof(*removal));
    removal->chore.prepare = prepare;
    removal->chore.run = run;
    removal->chore.ended = ended;
    store->removal = &removal->chore;
    backup_chore_add(store, &removal->chore);
}

void backup_remove_free(struct backup_store *store)
{
    free(store->removal);
    store->removal = NULL;
}

static bool has_work(const struct backup_store *store)
{
    if (!store->has_table) {
        return false;
    }
    if (!list_empty(&store->gone)) {
        return true;
    }
    for (size_t i = 0; i < store->pool.count && !store->pins_all; i++) {
        if (is_unused(&store->pool.packs[i])) {
            return true;
        }
    }
    return false;
}

static bool is_unused(const struct pool_pack *pack)
{
    return pack->refs == 0;
}

static bool prepare(struct backup_chore *chore)
{
    struct removal *removal = (struct removal *)(void *)chore;
    struct backup_store *store = chore->store;

    if (!store->is_ready || !has_work(store)) {
        return false;
    }
    if (!list_empty(&store->gone)) {
        removal->is_manifest = true;
        removal->row =
            LIST_ITEM(store->gone.next, struct backup_entry, link)->row;
        return true;
    }
    for (size_t i = 0; i < store->pool.count && removal->count < PACKS_AT_ONCE;
         i++) {
        struct pool_pack *pack = &store->pool.packs[i];

        /* What was never seen, or set aside, is no file of ours. */
        if (is_unused(pack) && pack->len > 0) {
            removal->packs[removal->count] = pack->number;
            removal->count++;
        }
    }
    return true;
}

static int run(struct backup_chore *chore)
{
    struct removal *removal = (struct removal *)(void *)chore;
    struct backup_store *store = chore->store;
    struct disk *disk = store->options.disk;
    int rv = 0;

    if (removal->is_manifest) {
        return backup_manifest_remove(disk, &removal->row, &store->owner,
                                      &chore->err);
    }
    while (rv == 0 && removal->done < removal->count) {
        char name[DISK_NAME_MAX];

        backup_pack_name(BACKUP_POOL, removal->packs[removal->done], name);
        rv = disk->ops->remove(disk, name, &chore->err);
        removal->done += rv == 0;
    }
    return rv;
}

static void ended(struct backup_chore *chore, int status)
{
    struct removal *removal = (struct removal *)(void *)chore;
    struct backup_store *store = chore->store;

    store->removal = NULL;
    if (removal->is_manifest && (status == 0 || status == QL_EXISTS)) {
        drop_file(store, &removal->row);
    }
    for (size_t i = 0; i < removal->done; i++) {
        struct pool_pack *pack = pool_find(&store->pool, removal->packs[i]);

        if (pack != NULL) {
            pack->len = 0;
        }
    }
    if (!removal->is_manifest && status != QL_CANCELED) {
        pool_sweep(&store->pool, is_gone);
    }
    if (status != 0 && status != QL_CANCELED && status != QL_EXISTS) {
        backup_trouble(store, status, chore->err.text);
    } else if (status == 0) {
        backup_no_trouble(store);
    }
    backup_changed(store);
    free(removal);
}

static bool is_gone(const struct pool_pack *pack)
{
    return pack->refs == 0 && pack->len == 0;
}

static void drop_file(struct backup_store *store, const struct backup_row *row)
{
    struct backup_entry *entry = backup_entry_take(&store->gone, row);

    if (entry != NULL) {
        backup_entry_drop_file(store, entry);
        backup_entry_free(entry);
    }
}
