/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Backups that were deleted while this node was away: their files are here, and the
 * table, which had given their ids already, does not have them. */
#include <string.h>

#include "backup/backup_internal.h"

static bool was_deleted(const struct backup_store *store,
                        const struct backup_entry *entry);

void backup_strays_tick(struct backup_store *store)
{
    struct list *link = store->strays.next;

    while (link != &store->strays) {
        struct backup_entry *entry = LIST_ITEM(link, struct backup_entry, link);

        link = link->next;
        if (!was_deleted(store, entry)) {
            entry->stray_ms = 0;
        } else if (entry->stray_ms == 0) {
            entry->stray_ms = store->now_ms;
        } else if (store->now_ms - entry->stray_ms >= BACKUP_STRAY_MS) {
            list_remove(&entry->link);
            list_push_back(&store->gone, &entry->link);
            backup_changed(store);
        }
    }
}

/* Ids of another cluster, an ancestor too, say nothing here. */
static bool was_deleted(const struct backup_store *store,
                        const struct backup_entry *entry)
{
    return store->has_table && entry->has_file && !entry->row.foreign &&
           entry->row.id != 0 && entry->row.id <= store->id_last &&
           memcmp(entry->row.cluster, store->ids, sizeof(entry->row.cluster)) ==
               0;
}
