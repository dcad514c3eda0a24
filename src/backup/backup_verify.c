/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* All files of one backup are read again because somebody asked: the manifest, then
 * one pack after the other, each compared with what the manifest says of it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_check.h"
#include "util/mem.h"

struct verify_work {
    struct backup_check check; /* first: of the manifest, then of a pack */
    struct list link;          /* store->verifies */
    struct list waiter;        /* struct backup_verify, unless cancelled */
    struct buf front;
    struct buf locations;
    struct check_item *order;
    uint32_t chunks;
    uint32_t next; /* in the order */
    bool has_manifest;
    bool is_busy;
};

static struct verify_work *work_at(const struct list *link)
{
    return LIST_ITEM(link, struct verify_work, link);
}

static void go(struct backup_store *store);
static void next_pack(struct verify_work *work);
static void done(struct backup_check *check, int status);
static void end(struct verify_work *work, int status);
static void work_free(struct verify_work *work);

int backup_store_verify(struct backup_store *store,
                        struct backup_verify *verify, const char *name,
                        backup_verify_cb cb)
{
    const struct backup_entry *entry = backup_entry_of(store, name);
    struct verify_work *work;
    unsigned count = 0;

    for (struct list *link = store->verifies.next; link != &store->verifies;
         link = link->next) {
        count++;
    }
    if (store->is_stopped || !store->is_readable ||
        count >= BACKUP_VERIFIES_MAX) {
        return QL_BUSY;
    }
    if (entry == NULL || !entry->has_file) {
        return QL_NOT_FOUND;
    }
    work = mem_must_zalloc(sizeof(*work));
    work->check.row = entry->row;
    list_init(&work->waiter);
    verify->cb = cb;
    verify->chunks = 0;
    verify->bytes = 0;
    verify->entries = 0;
    memset(&verify->err, 0, sizeof(verify->err));
    list_push_back(&work->waiter, &verify->link);
    list_push_back(&store->verifies, &work->link);
    return 0;
}

void backup_store_verify_cancel(struct backup_verify *verify)
{
    list_remove(&verify->link);
}

void backup_verifies_tick(struct backup_store *store)
{
    go(store);
}

void backup_verifies_free(struct backup_store *store)
{
    while (!list_empty(&store->verifies)) {
        work_free(work_at(store->verifies.next));
    }
}

/* ---- One after the other ------------------------------------------------- */

static void go(struct backup_store *store)
{
    struct verify_work *work;

    if (list_empty(&store->verifies) || store->is_stopped) {
        return;
    }
    work = work_at(store->verifies.next);
    if (work->is_busy) {
        return;
    }
    if (list_empty(&work->waiter)) {
        end(work, QL_CANCELED);
        return;
    }
    work->check.done = done;
    work->is_busy = true;
    if (!work->has_manifest) {
        work->check.wants_parts = true;
        backup_check_begin(store, &work->check);
    } else if (work->next < work->chunks) {
        next_pack(work);
        backup_check_begin(store, &work->check);
    } else {
        end(work, 0);
    }
}

static void next_pack(struct verify_work *work)
{
    struct bytes locations = {work->locations.data, work->locations.len};
    uint32_t first = work->next;
    uint32_t pack = work->order[first].pack;

    while (work->next < work->chunks && work->order[work->next].pack == pack) {
        work->next++;
    }
    memset(&work->check, 0, sizeof(work->check));
    work->check.done = done;
    work->check.number = backup_locations_pack(locations, pack);
    work->check.items = &work->order[first];
    work->check.items_count = work->next - first;
    work->check.front = (struct bytes){work->front.data, work->front.len};
}

static void done(struct backup_check *check, int status)
{
    struct verify_work *work = (struct verify_work *)(void *)check;
    struct backup_store *store = check->chore.store;

    work->is_busy = false;
    if (status == QL_CANCELED && !store->is_readable) {
        status = err_set(&check->chore.err, QL_IO,
                         "the directory cannot be read at the moment");
    } else if (check->number != 0 &&
               (status == QL_CANCELED || status == QL_NOT_FOUND)) {
        status = err_set(&check->chore.err, QL_CORRUPT,
                         "a pack that it needs is damaged or gone");
    }
    if (status == 0 && !list_empty(&work->waiter)) {
        struct backup_verify *verify =
            LIST_ITEM(work->waiter.next, struct backup_verify, link);

        verify->bytes += check->bytes;
        verify->entries += check->entries;
        verify->chunks += (uint64_t)check->items_count;
    }
    if (status == 0 && !work->has_manifest) {
        work->has_manifest = true;
        work->chunks = check->chunks;
        work->front = check->front_buf;
        work->locations = check->locations_buf;
        work->order = check->order;
        memset(&check->front_buf, 0, sizeof(check->front_buf));
        memset(&check->locations_buf, 0, sizeof(check->locations_buf));
        check->order = NULL;
    }
    if (status != 0) {
        end(work, status);
    }
    go(store);
}

static void end(struct verify_work *work, int status)
{
    struct backup_verify *verify = NULL;

    if (!list_empty(&work->waiter)) {
        verify = LIST_ITEM(work->waiter.next, struct backup_verify, link);
        list_remove(&verify->link);
        verify->err = work->check.chore.err;
    }
    work_free(work);
    if (verify != NULL) {
        verify->cb(verify, status);
    }
}

static void work_free(struct verify_work *work)
{
    list_remove(&work->link);
    list_remove(&work->waiter);
    backup_check_close(&work->check);
    buf_close(&work->front);
    buf_close(&work->locations);
    free(work->order);
    free(work);
}
