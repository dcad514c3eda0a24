/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What changes the directory is done one thing after the other, so that each finds
 * it as the one before has left it. And what comes of it when that fails.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "backup/backup_internal.h"
#include "machine/must.h"
#include "util/diag.h"

static int run(struct disk_work *work);
static void on_done(struct disk_work *work, int status);

/* ---- One after the other ------------------------------------------------- */

void backup_chore_add(struct backup_store *store, struct backup_chore *chore)
{
    chore->store = store;
    chore->work.run = run;
    chore->work.cb = on_done;
    chore->work.data = chore;
    chore->is_empty = false;
    memset(&chore->err, 0, sizeof(chore->err));
    list_push_back(&store->chores, &chore->link);
    backup_chores_kick(store);
}

void backup_chores_kick(struct backup_store *store)
{
    struct backup_chore *chore;

    if (store->chore != NULL || list_empty(&store->chores) ||
        store->is_stopped) {
        return;
    }
    chore = LIST_ITEM(store->chores.next, struct backup_chore, link);
    /* The directory is not exchanged under somebody who reads it. */
    if (chore == store->scan && store->reads_count > 0) {
        return;
    }
    chore->is_empty = chore->prepare != NULL && !chore->prepare(chore);
    if (store->options.disk->ops->work(store->options.disk, &chore->work) !=
        0) {
        return; /* with the next tick */
    }
    list_remove(&chore->link);
    store->chore = chore;
}

static int run(struct disk_work *work)
{
    struct backup_chore *chore = work->data;

    return chore->is_empty ? QL_CANCELED : chore->run(chore);
}

static void on_done(struct disk_work *work, int status)
{
    struct backup_chore *chore = work->data;
    struct backup_store *store = chore->store;

    assert(store->chore == chore);
    (void)must_have_memory(status);
    store->chore = NULL;
    chore->ended(chore, status);
    backup_chores_kick(store);
}

/* ---- Trouble ------------------------------------------------------------- */

void backup_trouble(struct backup_store *store, int code, const char *text)
{
    uint64_t delay =
        store->delay_ms == 0 ? BACKUP_RETRY_MS : store->delay_ms * 2;

    store->counts.failures++;
    store->trouble = code;
    store->delay_ms = delay < BACKUP_RETRY_MAX_MS ? delay : BACKUP_RETRY_MAX_MS;
    store->retry_ms = store->now_ms + store->delay_ms;
    if (strcmp(store->problem, text) != 0) {
        diag_warning("backups in %s: %s", store->options.where, text);
        (void)snprintf(store->problem, sizeof(store->problem), "%s", text);
    }
    if (code == QL_IO || code == QL_NOT_FOUND || code == QL_INVALID) {
        backup_look_anew(store);
    }
    backup_changed(store);
}

void backup_look_anew(struct backup_store *store)
{
    store->is_ready = false;
    store->is_readable = false;
    backup_jobs_restart(store);
}

void backup_no_trouble(struct backup_store *store)
{
    if (store->problem[0] != '\0') {
        diag_info("backups in %s: it works again", store->options.where);
        store->problem[0] = '\0';
        backup_changed(store);
    }
    store->retry_ms = 0;
    store->delay_ms = 0;
    store->trouble = 0;
}

bool backup_is_waiting(const struct backup_store *store)
{
    return store->now_ms < store->retry_ms;
}

void backup_changed(struct backup_store *store)
{
    store->is_stale = true;
    store->has_changed = true;
}
