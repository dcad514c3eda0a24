/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A backup that should be here, or is: its row, its file, and what to tell of it. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_internal.h"
#include "util/mem.h"

static void refresh(struct backup_store *store);
static void fill(const struct backup_store *store,
                 const struct backup_entry *entry, struct backup_info *ret);

struct backup_entry *backup_entry_new(const struct backup_row *row)
{
    struct backup_entry *entry = mem_must_zalloc(sizeof(*entry));

    list_init(&entry->link);
    entry->row = *row;
    return entry;
}

void backup_entry_free(struct backup_entry *entry)
{
    runs_close(&entry->runs);
    free(entry);
}

void backup_entry_set_error(struct backup_entry *entry, int code,
                            const char *text)
{
    entry->code = code;
    (void)snprintf(entry->error, sizeof(entry->error), "%s", text);
}

void backup_entry_set_file(struct backup_store *store,
                           struct backup_entry *entry,
                           struct backup_entry *file)
{
    backup_entry_drop_file(store, entry);
    entry->has_file = true;
    entry->repair_failed = false;
    entry->code = file->code;
    memcpy(entry->error, file->error, sizeof(entry->error));
    entry->file_len = file->file_len;
    entry->new_bytes = file->new_bytes;
    entry->stored_bytes = file->stored_bytes;
    entry->checked_ms = file->checked_ms;
    entry->runs = file->runs;
    memset(&file->runs, 0, sizeof(file->runs));
    pool_ref(&store->pool, &entry->runs);
    backup_index_drop(store);
    backup_changed(store);
}

void backup_entry_drop_file(struct backup_store *store,
                            struct backup_entry *entry)
{
    pool_unref(&store->pool, &entry->runs);
    runs_close(&entry->runs);
    entry->has_file = false;
    entry->code = 0;
    entry->error[0] = '\0';
    entry->file_len = 0;
    entry->new_bytes = 0;
    entry->stored_bytes = 0;
    entry->checked_ms = 0;
    entry->tries = 0;
    backup_index_drop(store);
    backup_changed(store);
}

/* Those that are neither in the table nor on the disk go. */
void backup_entries_sweep(struct backup_store *store)
{
    struct list *lists[] = {&store->strays, &store->gone};

    for (size_t i = 0; i < 2; i++) {
        struct list *next;

        for (struct list *link = lists[i]->next; link != lists[i];
             link = next) {
            struct backup_entry *entry =
                LIST_ITEM(link, struct backup_entry, link);

            next = link->next;
            if (!entry->has_file) {
                list_remove(&entry->link);
                backup_entry_free(entry);
            }
        }
    }
}

/* The table says zeros for this cluster, whose id the machine does not know. */
void backup_row_own(const struct backup_store *store, struct backup_row *row)
{
    static const uint8_t nobody[sizeof(row->cluster)];

    if (!row->foreign &&
        memcmp(row->cluster, nobody, sizeof(row->cluster)) == 0) {
        memcpy(row->cluster, store->ids, sizeof(row->cluster));
    }
}

struct backup_entry *backup_entry_take(struct list *entries,
                                       const struct backup_row *row)
{
    for (struct list *link = entries->next; link != entries;
         link = link->next) {
        struct backup_entry *entry = LIST_ITEM(link, struct backup_entry, link);

        if (backup_row_is_same(&entry->row, row)) {
            list_remove(&entry->link);
            return entry;
        }
    }
    return NULL;
}

struct backup_entry *backup_entry_of(const struct backup_store *store,
                                     const char *name)
{
    const struct list *lists[] = {&store->entries, &store->strays};

    for (size_t i = 0; i < 2; i++) {
        for (struct list *link = lists[i]->next; link != lists[i];
             link = link->next) {
            struct backup_entry *entry =
                LIST_ITEM(link, struct backup_entry, link);

            if (strcmp(entry->row.name, name) == 0) {
                return entry;
            }
        }
    }
    return NULL;
}

/* ---- Telling ------------------------------------------------------------- */

enum backup_state backup_entry_state(const struct backup_store *store,
                                     const struct backup_entry *entry,
                                     uint64_t *ret_verified_ms)
{
    uint64_t checked = 0;
    bool is_bad = pool_is_bad(&store->pool, &entry->runs, &checked);
    bool runs = false;

    *ret_verified_ms = 0;
    if (backup_jobs_has(store, &entry->row, &runs)) {
        return runs ? BACKUP_WRITING : BACKUP_WAITING;
    }
    if (entry->code == QL_CORRUPT || is_bad) {
        return BACKUP_DAMAGED;
    }
    if (!entry->has_file || entry->code != 0) {
        return BACKUP_MISSING;
    }
    checked = checked < entry->checked_ms ? checked : entry->checked_ms;
    *ret_verified_ms = checked;
    return checked == 0 ? BACKUP_WAITING : BACKUP_VERIFIED;
}

const struct backup_info *backup_store_infos(const struct backup_store *store,
                                             size_t *ret_count)
{
    /* What is made up when somebody asks is no change to them. */
    refresh((struct backup_store *)(uintptr_t)store);
    *ret_count = store->infos_count;
    return store->infos;
}

static void refresh(struct backup_store *store)
{
    const struct list *lists[] = {&store->entries, &store->strays};
    size_t count = 0;

    if (!store->is_stale) {
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        for (struct list *link = lists[i]->next; link != lists[i];
             link = link->next) {
            count++;
        }
    }
    free(store->infos);
    store->infos = mem_must_array(count + 1, sizeof(*store->infos));
    store->infos_count = 0;
    for (size_t i = 0; i < 2; i++) {
        for (struct list *link = lists[i]->next; link != lists[i];
             link = link->next) {
            fill(store, LIST_ITEM(link, struct backup_entry, link),
                 &store->infos[store->infos_count]);
            store->infos_count++;
        }
    }
    store->is_stale = false;
}

static void fill(const struct backup_store *store,
                 const struct backup_entry *entry, struct backup_info *ret)
{
    ret->row = entry->row;
    ret->in_table = entry->in_table;
    ret->state = backup_entry_state(store, entry, &ret->verified_at_ms);
    ret->new_bytes = entry->new_bytes;
    ret->stored_bytes = entry->file_len + entry->stored_bytes;
    /* What is in the way would stay there. */
    ret->wants_fetch = entry->in_table && store->is_ready &&
                       ((ret->state == BACKUP_MISSING &&
                         (entry->code == 0 || entry->code == QL_NO_SPACE)) ||
                        (ret->state == BACKUP_DAMAGED &&
                         (entry->repair_failed || entry->code == QL_CORRUPT)));
    ret->code = entry->code;
    memcpy(ret->error, entry->error, sizeof(ret->error));
    if (ret->state == BACKUP_DAMAGED && ret->code == 0) {
        ret->code = QL_CORRUPT;
        (void)snprintf(ret->error, sizeof(ret->error),
                       "a pack that it needs is damaged or gone");
    }
}
