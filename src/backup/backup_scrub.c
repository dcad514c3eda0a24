/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * By and by every file is read again, at a rate, those that were not for the longest
 * time first; without a rate only those of which it is not known that they ever
 * were.
 */
#include <stdlib.h>
#include <string.h>

#include "backup/backup_check.h"
#include "util/mem.h"

struct backup_scrub {
    struct backup_check check; /* first */
    int64_t budget;            /* bytes that may be read now; less: owed */
    uint64_t ticked_ms;        /* 0: never */
    uint64_t retry_ms;         /* not before: a read was refused */
    bool is_busy;
};

static bool choose(const struct backup_store *store, struct backup_check *check,
                   uint64_t *ret_bytes);
static bool is_due(const struct backup_store *store, uint64_t checked_ms,
                   uint64_t *oldest);
static void done(struct backup_check *check, int status);

void backup_scrub_tick(struct backup_store *store)
{
    uint64_t rate = store->options.scrub_bytes > 0 ? store->options.scrub_bytes
                                                   : SCRUB_BYTES;
    struct backup_scrub *scrub = store->scrub;
    uint64_t bytes = 0;

    if (scrub == NULL) {
        scrub = mem_must_zalloc(sizeof(*scrub));
        store->scrub = scrub;
    }
    if (scrub->ticked_ms != 0 && scrub->budget < (int64_t)rate) {
        scrub->budget +=
            (int64_t)(rate * (store->now_ms - scrub->ticked_ms) / 1000);
    }
    scrub->ticked_ms = store->now_ms;
    if (scrub->is_busy || scrub->budget < 0 ||
        store->now_ms < scrub->retry_ms) {
        return;
    }
    memset(&scrub->check, 0, sizeof(scrub->check));
    if (!choose(store, &scrub->check, &bytes)) {
        return;
    }
    scrub->budget -= (int64_t)bytes;
    scrub->is_busy = true;
    scrub->check.done = done;
    backup_check_begin(store, &scrub->check);
}

void backup_scrub_free(struct backup_store *store)
{
    if (store->scrub != NULL) {
        backup_check_close(&store->scrub->check);
        free(store->scrub);
        store->scrub = NULL;
    }
}

/* The one whose last check is the oldest, if that is old enough. */
static bool choose(const struct backup_store *store, struct backup_check *check,
                   uint64_t *ret_bytes)
{
    const struct list *lists[] = {&store->entries, &store->strays};
    uint64_t oldest = UINT64_MAX;

    for (size_t i = 0; i < 2; i++) {
        for (struct list *link = lists[i]->next; link != lists[i];
             link = link->next) {
            const struct backup_entry *entry =
                LIST_ITEM(link, struct backup_entry, link);

            if (entry->has_file && entry->code == 0 &&
                is_due(store, entry->checked_ms, &oldest)) {
                check->row = entry->row;
                *ret_bytes = entry->file_len;
            }
        }
    }
    for (size_t i = 0; i < store->pool.count; i++) {
        const struct pool_pack *pack = &store->pool.packs[i];

        if (!pack->is_bad && pack->refs > 0 &&
            is_due(store, pack->checked_ms, &oldest)) {
            check->number = pack->number;
            *ret_bytes = pack->len;
        }
    }
    return oldest != UINT64_MAX;
}

static bool is_due(const struct backup_store *store, uint64_t checked_ms,
                   uint64_t *oldest)
{
    bool is_old =
        checked_ms == 0 ||
        (store->options.scrub_bytes > 0 && store->wall_ms > checked_ms &&
         store->wall_ms - checked_ms >= BACKUP_SCRUB_AGE_MS);

    if (!is_old || checked_ms >= *oldest) {
        return false;
    }
    *oldest = checked_ms;
    return true;
}

static void done(struct backup_check *check, int status)
{
    struct backup_scrub *scrub = (struct backup_scrub *)(void *)check;
    struct backup_store *store = check->chore.store;

    scrub->is_busy = false;
    backup_check_close(check);
    if (status == 0) {
        store->counts.scrub_bytes += check->bytes;
    } else if (status == QL_IO) {
        scrub->retry_ms = store->now_ms + BACKUP_RETRY_MS;
    }
    backup_changed(store);
}
