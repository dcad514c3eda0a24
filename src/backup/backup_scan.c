/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What is in the directory: at the start, and again after trouble, as it may be
 * another one then. Of each pack its header is read, of each manifest the headers
 * and its locations. Files that are not ours stay as they are.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_checked.h"
#include "backup/backup_file.h"
#include "backup/backup_internal.h"
#include "util/diag.h"
#include "util/mem.h"

struct scan {
    struct backup_chore chore;          /* first */
    struct backup_pool pool;            /* found */
    struct list files;                  /* struct backup_entry, found */
    char (*names)[BACKUP_NAME_MAX + 1]; /* of manifests */
    size_t names_count;
    bool is_full; /* there are more files than there can be of us */
    bool pins_all;
    struct err unswept; /* code 0: what was half written is gone */
    unsigned strangers;
    char stranger[ERR_TEXT_MAX]; /* one of them, and what it is */
};

static int run(struct backup_chore *chore);
static void on_name(void *data, const char *name);
static int sweep_asides(struct scan *scan, struct err *err);
static int look_at_packs(struct scan *scan, struct err *err);
static int look_at_pack(struct scan *scan, struct pool_pack *pack,
                        struct err *err);
static int look_at_manifest(struct scan *scan, const char *name,
                            struct err *err);
static void strange(struct scan *scan, const char *text);
static void ended(struct backup_chore *chore, int status);
static void take_over(struct backup_store *store, struct scan *scan);
static void place(struct backup_store *store, struct backup_entry *file);
static void scan_free(struct scan *scan);

void backup_scan_begin(struct backup_store *store)
{
    struct scan *scan = mem_must_zalloc(sizeof(*scan));

    list_init(&scan->files);
    scan->chore.run = run;
    scan->chore.ended = ended;
    store->scan = &scan->chore;
    backup_chore_add(store, &scan->chore);
}

void backup_scan_free(struct backup_store *store)
{
    if (store->scan != NULL) {
        scan_free((struct scan *)(void *)store->scan);
        store->scan = NULL;
    }
}

static void scan_free(struct scan *scan)
{
    while (!list_empty(&scan->files)) {
        struct backup_entry *file =
            LIST_ITEM(scan->files.next, struct backup_entry, link);

        list_remove(&file->link);
        backup_entry_free(file);
    }
    pool_close(&scan->pool);
    free(scan->names);
    free(scan);
}

/* ---- Off the loop -------------------------------------------------------- */

static int run(struct backup_chore *chore)
{
    struct scan *scan = (struct scan *)(void *)chore;
    struct disk *disk = chore->store->options.disk;
    struct err *err = &chore->err;
    int rv = 0;

    scan->names = mem_must_array(BACKUP_ITEMS_MAX, sizeof(*scan->names));
    if (disk->ops->renew != NULL) {
        rv = disk->ops->renew(disk, err);
    }
    if (rv == 0) {
        rv = disk->ops->list(disk, on_name, scan, err);
    }
    if (rv == 0) {
        rv = sweep_asides(scan, err);
    }
    if (rv == 0 && scan->is_full) {
        rv = err_set(err, QL_TOO_LARGE, "there are too many files in it");
    }
    if (rv == 0) {
        rv = look_at_packs(scan, err);
    }
    for (size_t i = 0; i < scan->names_count && rv == 0; i++) {
        rv = look_at_manifest(scan, scan->names[i], err);
    }
    if (rv == 0) {
        backup_checked_load(disk, &scan->pool, &scan->files);
    }
    return rv;
}

static void on_name(void *data, const char *name)
{
    struct scan *scan = data;
    char backup[BACKUP_NAME_MAX + 1];
    uint64_t number;

    if (backup_pack_parse(name, &number)) {
        if (scan->pool.count == BACKUP_PACKS_MAX) {
            scan->is_full = true;
        } else {
            (void)pool_add(&scan->pool, number);
        }
    } else if (backup_manifest_parse(name, backup)) {
        if (scan->names_count == BACKUP_ITEMS_MAX) {
            scan->is_full = true;
        } else {
            memcpy(scan->names[scan->names_count], backup, sizeof(backup));
            scan->names_count++;
        }
    }
}

/* What was being written when a node was killed. A disk that can only be read can
 * be read. */
static int sweep_asides(struct scan *scan, struct err *err)
{
    static const char *const asides[] = {
        BACKUP_PACK_ASIDE, BACKUP_MANIFEST_ASIDE, BACKUP_CHECKED_ASIDE};
    struct disk *disk = scan->chore.store->options.disk;

    for (size_t i = 0; i < 3; i++) {
        int rv = disk->ops->remove(disk, asides[i], err);

        if (rv == QL_NO_MEMORY) {
            return rv;
        }
        if (rv != 0 && rv != QL_NOT_FOUND) {
            scan->unswept = *err;
        }
    }
    return 0;
}

static bool is_stranger(const struct pool_pack *pack)
{
    return pack->rows == 0;
}

static int look_at_packs(struct scan *scan, struct err *err)
{
    for (size_t i = 0; i < scan->pool.count; i++) {
        int rv = look_at_pack(scan, &scan->pool.packs[i], err);

        if (rv != 0) {
            return rv;
        }
    }
    pool_sweep(&scan->pool, is_stranger);
    return 0;
}

/* One that is not ours keeps its rows 0. Its number is not used again. */
static int look_at_pack(struct scan *scan, struct pool_pack *pack,
                        struct err *err)
{
    struct backup_store *store = scan->chore.store;
    struct disk *disk = store->options.disk;
    uint8_t header[PACK_HEADER_LEN];
    char name[DISK_NAME_MAX];
    struct disk_file *file;
    size_t got = 0;
    bool is_ours = false;
    int rv;

    backup_pack_name(BACKUP_POOL, pack->number, name);
    rv = disk->ops->open(disk, name, false, &file, err);
    if (rv == QL_INVALID || rv == QL_NOT_FOUND) {
        strange(scan, err->text);
        return 0;
    }
    if (rv != 0) {
        return rv;
    }
    rv = disk->ops->read(file, 0, header, sizeof(header), &got, err);
    if (rv == 0) {
        rv = disk->ops->size(file, &pack->len, err);
    }
    disk->ops->close(file);
    for (size_t i = 0; i < store->owner.count; i++) {
        is_ours = is_ours ||
                  (got == sizeof(header) &&
                   pack_header_is(header, pack->number,
                                  store->owner.ids + i * PACK_CLUSTER_LEN));
    }
    if (rv == 0 && is_ours) {
        pack->rows = pack_header_rows(header);
    } else if (rv == 0) {
        (void)err_set(err, QL_DENIED, "%s is not a pack of this cluster", name);
        strange(scan, err->text);
    }
    return rv;
}

static int look_at_manifest(struct scan *scan, const char *name,
                            struct err *err)
{
    struct backup_store *store = scan->chore.store;
    struct disk *disk = store->options.disk;
    struct backup_manifest manifest = {.len = 0};
    struct buf locations = BUF_INIT;
    struct backup_row row = {.id = 0};
    struct backup_entry *entry;
    struct disk_file *file;
    int rv =
        backup_manifest_open(disk, name, &store->owner, &manifest, &file, err);

    if (rv == QL_IO || rv == QL_NO_MEMORY) {
        return rv;
    }
    if (rv == QL_DENIED || rv == QL_NOT_FOUND) {
        strange(scan, err->text);
        return 0;
    }
    (void)snprintf(row.name, sizeof(row.name), "%s", name);
    entry = backup_entry_new(rv == 0 ? &manifest.front.row : &row);
    list_push_back(&scan->files, &entry->link);
    if (rv == 0) {
        entry->file_len = manifest.len;
        entry->new_bytes = manifest.locations.new_bytes;
        entry->stored_bytes = manifest.locations.stored_bytes;
        rv = backup_manifest_read_locations(disk, file, &manifest, &locations,
                                            err);
        disk->ops->close(file);
    }
    if (rv == 0) {
        runs_of((struct bytes){locations.data, locations.len}, &entry->runs);
    } else if (rv == QL_CORRUPT || rv == QL_INVALID) {
        backup_entry_set_error(entry, rv, err->text);
        scan->pins_all = true;
        rv = 0;
    }
    buf_close(&locations);
    return rv;
}

static void strange(struct scan *scan, const char *text)
{
    scan->strangers++;
    if (scan->strangers == 1) {
        (void)snprintf(scan->stranger, sizeof(scan->stranger), "%s", text);
    }
}

/* ---- And back ------------------------------------------------------------ */

static void ended(struct backup_chore *chore, int status)
{
    struct backup_store *store = chore->store;
    struct scan *scan = (struct scan *)(void *)chore;

    store->scan = NULL;
    if (status != 0) {
        backup_trouble(store, status, chore->err.text);
    } else {
        take_over(store, scan);
        if (scan->unswept.code != 0) {
            backup_trouble(store, scan->unswept.code, scan->unswept.text);
            store->is_ready = false;
        } else {
            backup_no_trouble(store);
        }
        store->is_readable = true;
    }
    scan_free(scan);
}

static void take_over(struct backup_store *store, struct scan *scan)
{
    struct list *lists[] = {&store->entries, &store->strays, &store->gone};

    /* What was known of files is of no use any more. */
    for (size_t i = 0; i < 3; i++) {
        struct list old;

        list_init(&old);
        list_move_all(&old, lists[i]);
        while (!list_empty(&old)) {
            struct backup_entry *entry =
                LIST_ITEM(old.next, struct backup_entry, link);

            list_remove(&entry->link);
            list_push_back(lists[i], &entry->link);
            backup_entry_drop_file(store, entry);
            entry->repair_failed = false;
        }
    }
    pool_close(&store->pool);
    store->pool = scan->pool;
    memset(&scan->pool, 0, sizeof(scan->pool));
    while (!list_empty(&scan->files)) {
        struct backup_entry *file =
            LIST_ITEM(scan->files.next, struct backup_entry, link);

        list_remove(&file->link);
        place(store, file);
        backup_entry_free(file);
    }
    backup_entries_sweep(store);
    store->pins_all = scan->pins_all;
    store->strange[0] = '\0';
    if (scan->strangers > 0) {
        (void)snprintf(store->strange, sizeof(store->strange),
                       "%u files are not this cluster's and stay as they are: "
                       "%.*s",
                       scan->strangers, 150, scan->stranger);
        diag_warning("backups in %s: %s", store->options.where, store->strange);
    }
    store->is_ready = true;
    backup_changed(store);
}

/* To the backup that it is. */
static void place(struct backup_store *store, struct backup_entry *file)
{
    struct list *lists[] = {&store->entries, &store->gone, &store->strays};
    struct backup_entry *other = backup_entry_of(store, file->row.name);
    struct backup_entry *entry = NULL;
    char text[BACKUP_ERROR_MAX + 1];

    if (file->code != 0 && file->runs.count == 0) {
        entry = other; /* nothing but its name can be told */
    }
    for (size_t i = 0; i < 3 && entry == NULL; i++) {
        for (struct list *link = lists[i]->next; link != lists[i];
             link = link->next) {
            struct backup_entry *item =
                LIST_ITEM(link, struct backup_entry, link);

            if (backup_row_is_same(&item->row, &file->row)) {
                entry = item;
                break;
            }
        }
    }
    if (entry == NULL) {
        entry = backup_entry_new(&file->row);
        list_push_back(&store->strays, &entry->link);
        if (other != NULL && other->in_table) {
            (void)snprintf(text, sizeof(text),
                           "%s%s is in the way: another backup has the name",
                           other->row.name, BACKUP_MANIFEST_SUFFIX);
            backup_entry_set_error(other, QL_EXISTS, text);
        }
    }
    backup_entry_set_file(store, entry, file);
}
