/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A pack in which nothing is used any more is removed, or set aside in
 * quarantine/ when something in it was found damaged. One at a time, on the
 * compactor's disk and so behind the write of whatever took its place; and the
 * file is looked at once more before: one that is not the pack we know is never
 * removed.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/chunk_store_internal.h"
#include "util/diag.h"

static struct pack *next_pack(const struct chunk_store *store);
static int removal_run(struct disk_work *work);
static int check_it(struct chunk_store *store, const char *name,
                    struct err *err);
static void on_removed(struct disk_work *work, int status);
static void forget(struct chunk_store *store, struct pack *pack);

void store_removal_kick(struct chunk_store *store)
{
    struct store_removal *removal = &store->removal;
    struct pack *pack = next_pack(store);

    if (pack == NULL || removal->pack != NULL || removal->is_blocked ||
        store->is_stopped) {
        return;
    }
    removal->pack = pack;
    removal->number = pack->number;
    removal->is_quarantine = pack->is_damaged;
    removal->is_unread = false;
    removal->work.run = removal_run;
    removal->work.cb = on_removed;
    removal->work.data = store;
    if (!store_work(store, store->options.disk, &removal->work)) {
        removal->pack = NULL;
    }
}

/* Of those that have left, one that no work reads. */
static struct pack *next_pack(const struct chunk_store *store)
{
    const struct list *link;

    for (link = store->leaving.next; link != &store->leaving;
         link = link->next) {
        struct pack *pack = LIST_ITEM(link, struct pack, link);

        if (pack->users == 0) {
            return pack;
        }
    }
    return NULL;
}

/* On a thread. */
static int removal_run(struct disk_work *work)
{
    struct chunk_store *store = work->data;
    struct store_removal *removal = &store->removal;
    struct disk *disk = store->options.disk;
    char aside[DISK_NAME_MAX];
    char name[DISK_NAME_MAX];
    int rv;

    pack_name("", removal->number, PACK_SUFFIX, name);
    pack_name(PACK_QUARANTINE, removal->number, PACK_SUFFIX, aside);
    rv = removal->is_quarantine ? 0 : check_it(store, name, &removal->err);
    if (rv == QL_CORRUPT) {
        removal->is_quarantine = true;
    } else if (rv != 0) {
        removal->is_unread = rv != QL_NOT_FOUND;
        return 0;
    }
    rv = removal->is_quarantine
             ? disk->ops->rename(disk, name, aside, &removal->err)
             : disk->ops->remove(disk, name, &removal->err);
    /* It is gone, which is all we want. */
    return rv == QL_NOT_FOUND ? 0 : rv;
}

/* Is the file of that name the pack that was written under it? QL_NOT_FOUND;
 * QL_CORRUPT: it is something else; QL_IO: it cannot be read just now. */
static int check_it(struct chunk_store *store, const char *name,
                    struct err *err)
{
    struct disk *disk = store->options.disk;
    uint8_t header[PACK_HEADER_LEN];
    struct disk_file *file;
    size_t front_len;
    size_t got = 0;
    int rv = disk->ops->open(disk, name, false, &file, err);

    if (rv != 0) {
        return rv;
    }
    rv = disk->ops->read(file, 0, header, sizeof(header), &got, err);
    disk->ops->close(file);
    if (rv == 0 && (got < sizeof(header) ||
                    pack_front_measure(header, &front_len, NULL) != 0 ||
                    !pack_header_is(header, store->removal.number,
                                    store->options.cluster))) {
        rv = err_set(err, QL_CORRUPT, "%s is another file", name);
    }
    return rv;
}

static void on_removed(struct disk_work *work, int status)
{
    struct chunk_store *store = work->data;
    struct store_removal *removal = &store->removal;
    struct pack *pack = removal->pack;

    store_work_ended(store);
    removal->pack = NULL;
    if (status == QL_NO_SPACE || removal->is_unread) {
        /* The directory quarantine/ did not fit, or the disk is not there. */
        removal->is_blocked = true;
    } else if (status != 0) {
        store_fatal(store, removal->err.text);
    } else {
        if (removal->is_quarantine) {
            diag_warning("%s/%016" PRIx64 "%s, which is damaged, was moved to "
                         "%s; what was good in it is in another file now",
                         store->options.where, pack->number, PACK_SUFFIX,
                         PACK_QUARANTINE);
            store->counts.quarantined++;
        }
        forget(store, pack);
        store_removal_kick(store);
    }
    store_tell_fatal(store);
}

static void forget(struct chunk_store *store, struct pack *pack)
{
    assert(pack->live == 0);
    assert(pack->users == 0);
    store->counts.packs--;
    store->counts.disk_bytes -= pack->file_len;
    list_remove(&pack->link);
    free(pack->orphans);
    free(pack);
}
