/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "backup/backup_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_internal.h"
#include "util/mem.h"

static void free_entries(struct list *entries);
static void tell(struct backup_store *store);
static void repair_damaged(struct backup_store *store);

/* ---- Life ---------------------------------------------------------------- */

struct backup_store *backup_store_open(
    const struct backup_store_options *options)
{
    struct backup_store *store = mem_must_zalloc(sizeof(*store));
    size_t ancestors = options->ancestors_count * PACK_CLUSTER_LEN;

    store->options = *options;
    store->options.where = mem_must_strdup(options->where);
    store->options.ancestors = NULL;
    store->ids = mem_must_alloc(PACK_CLUSTER_LEN + ancestors);
    memcpy(store->ids, options->cluster, PACK_CLUSTER_LEN);
    if (ancestors > 0) {
        memcpy(store->ids + PACK_CLUSTER_LEN, options->ancestors, ancestors);
    }
    store->owner.ids = store->ids;
    store->owner.count = 1 + options->ancestors_count;
    list_init(&store->chores);
    list_init(&store->entries);
    list_init(&store->strays);
    list_init(&store->gone);
    list_init(&store->jobs);
    list_init(&store->verifies);
    list_init(&store->reads);
    store->is_stale = true;
    return store;
}

void backup_store_stop(struct backup_store *store)
{
    store->is_stopped = true;
}

bool backup_store_is_busy(const struct backup_store *store)
{
    return store->chore != NULL || store->reads_count > 0;
}

void backup_store_free(struct backup_store *store)
{
    if (store == NULL) {
        return;
    }
    backup_jobs_free(store);
    backup_verifies_free(store);
    backup_reads_free(store);
    backup_scrub_free(store);
    backup_checked_free(store);
    backup_index_free(store);
    backup_remove_free(store);
    backup_scan_free(store);
    free_entries(&store->entries);
    free_entries(&store->strays);
    free_entries(&store->gone);
    pool_close(&store->pool);
    free(store->infos);
    free(store->ids);
    free((char *)store->options.where);
    free(store);
}

static void free_entries(struct list *entries)
{
    while (!list_empty(entries)) {
        struct backup_entry *entry =
            LIST_ITEM(entries->next, struct backup_entry, link);

        list_remove(&entry->link);
        backup_entry_free(entry);
    }
}

void backup_store_tick(struct backup_store *store, uint64_t now_ms,
                       uint64_t wall_ms)
{
    store->now_ms = now_ms;
    store->wall_ms = wall_ms;
    if (store->is_stopped) {
        return;
    }
    backup_chores_kick(store);
    if (!store->is_ready && store->scan == NULL && !backup_is_waiting(store)) {
        backup_scan_begin(store);
    }
    backup_verifies_tick(store);
    if (store->is_ready && !backup_is_waiting(store)) {
        repair_damaged(store);
        backup_strays_tick(store);
        backup_remove_begin(store);
        backup_jobs_go(store);
        backup_scrub_tick(store);
        backup_checked_tick(store);
    }
    backup_index_tick(store);
    tell(store);
}

void backup_store_relieve(struct backup_store *store)
{
    if (!store->is_stopped && backup_jobs_relieve(store)) {
        store->retry_ms =
            0; /* what they have written goes with the next tick */
    }
}

bool backup_store_lacks_room(const struct backup_store *store)
{
    return backup_is_waiting(store) && store->trouble == QL_NO_SPACE;
}

void backup_store_try_again(struct backup_store *store)
{
    store->retry_ms = 0;
}

static void tell(struct backup_store *store)
{
    if (store->has_changed) {
        store->has_changed = false;
        if (store->options.on_changed != NULL) {
            store->options.on_changed(store->options.data);
        }
    }
}

static void repair_damaged(struct backup_store *store)
{
    for (struct list *link = store->entries.next; link != &store->entries;
         link = link->next) {
        struct backup_entry *entry = LIST_ITEM(link, struct backup_entry, link);
        uint64_t checked;
        bool runs;

        if (entry->has_file && entry->code == 0 && !entry->repair_failed &&
            pool_is_bad(&store->pool, &entry->runs, &checked) &&
            !backup_jobs_has(store, &entry->row, &runs)) {
            backup_repair(store, entry);
        }
    }
}

/* ---- The table ----------------------------------------------------------- */

void backup_store_set_table(struct backup_store *store,
                            const struct backup_row *rows, size_t count,
                            uint64_t id_last)
{
    struct list old;

    list_init(&old);
    list_move_all(&old, &store->entries);
    for (size_t i = 0; i < count; i++) {
        struct backup_row row = rows[i];
        struct backup_entry *entry;

        backup_row_own(store, &row);
        entry = backup_entry_take(&old, &row);
        if (entry == NULL) {
            entry = backup_entry_take(&store->strays, &row);
        }
        if (entry == NULL) {
            entry = backup_entry_new(&row);
        }
        entry->row = row;
        entry->in_table = true;
        list_push_back(&store->entries, &entry->link);
    }
    while (!list_empty(&old)) {
        struct backup_entry *entry =
            LIST_ITEM(old.next, struct backup_entry, link);

        list_remove(&entry->link);
        entry->in_table = false;
        if (entry->has_file) {
            list_push_back(&store->gone, &entry->link);
            store->retry_ms = 0; /* it may be what makes room */
        } else {
            backup_entry_free(entry);
        }
    }
    store->has_table = true;
    store->id_last = id_last;
    backup_jobs_purge(store);
    backup_changed(store);
}

/* ---- What there is ------------------------------------------------------- */

struct backup_entry *backup_base(const struct backup_store *store)
{
    struct backup_entry *base = NULL;

    for (const struct list *link = store->entries.next; link != &store->entries;
         link = link->next) {
        struct backup_entry *entry = LIST_ITEM(link, struct backup_entry, link);

        if (entry->has_file && entry->code == 0) {
            base = entry;
        }
    }
    return base;
}

const struct backup_info *backup_store_find(const struct backup_store *store,
                                            const char *name)
{
    size_t count;
    const struct backup_info *infos = backup_store_infos(store, &count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(infos[i].row.name, name) == 0) {
            return &infos[i];
        }
    }
    return NULL;
}

void backup_store_get_status(const struct backup_store *store,
                             struct backup_store_status *ret)
{
    size_t count;
    const struct backup_info *infos = backup_store_infos(store, &count);

    *ret = store->counts;
    ret->is_ready = store->is_ready;
    for (size_t i = 0; i < count; i++) {
        if (infos[i].in_table && infos[i].state == BACKUP_VERIFIED) {
            ret->saved++;
            ret->last_verified_ms = infos[i].verified_at_ms;
        }
    }
    backup_jobs_count(store, ret);
    ret->packs = store->pool.count;
    ret->pool_bytes = pool_bytes(&store->pool);
    ret->where = store->options.where;
    ret->problem = store->problem[0] != '\0' ? store->problem : store->strange;
}
