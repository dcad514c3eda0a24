/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "backup/backup_check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_file.h"
#include "backup/backup_stream.h"
#include "store/pack_check.h"
#include "store/pack_read.h"
#include "store/snapshot.h"
#include "util/diag.h"
#include "util/mem.h"

static bool prepare(struct backup_chore *chore);
static int run(struct backup_chore *chore);
static int run_pack(struct backup_check *check);
static int read_cluster(struct backup_check *check, struct disk_file *file,
                        uint8_t ret[PACK_CLUSTER_LEN], struct err *err);
static int compare(struct backup_check *check, struct disk_file *file,
                   struct err *err);
static int run_manifest(struct backup_check *check);
static int check_rest(const struct backup_manifest *manifest, struct disk *disk,
                      struct disk_file *file, struct bytes front,
                      struct err *err);
static void put_in_order(struct backup_check *check);
static void ended(struct backup_chore *chore, int status);
static void settle_pack(struct backup_store *store, struct backup_check *check,
                        int status);
static void settle_manifest(struct backup_store *store,
                            struct backup_check *check, int status);

void backup_check_begin(struct backup_store *store, struct backup_check *check)
{
    check->chore.prepare = prepare;
    check->chore.run = run;
    check->chore.ended = ended;
    backup_chore_add(store, &check->chore);
}

void backup_check_close(struct backup_check *check)
{
    buf_close(&check->front_buf);
    buf_close(&check->locations_buf);
    free(check->order);
    check->order = NULL;
}

static bool prepare(struct backup_chore *chore)
{
    struct backup_check *check = (struct backup_check *)(void *)chore;
    struct backup_store *store = chore->store;
    const struct pool_pack *pack;

    if (!store->is_readable) {
        return false;
    }
    if (check->number == 0) {
        return true;
    }
    pack = pool_find(&store->pool, check->number);
    if (pack == NULL || pack->len == 0) {
        return false;
    }
    check->pack_len = pack->len;
    check->pack_rows = pack->rows;
    return true;
}

static int run(struct backup_chore *chore)
{
    struct backup_check *check = (struct backup_check *)(void *)chore;

    return check->number != 0 ? run_pack(check) : run_manifest(check);
}

/* ---- A pack -------------------------------------------------------------- */

static int run_pack(struct backup_check *check)
{
    struct backup_store *store = check->chore.store;
    struct disk *disk = store->options.disk;
    struct err *err = &check->chore.err;
    uint32_t rows = check->pack_rows > 0 ? check->pack_rows : 1;
    struct chunk_name *names = mem_must_array(rows, sizeof(*names));
    bool *bad = mem_must_array(rows, sizeof(*bad));
    uint8_t cluster[PACK_CLUSTER_LEN] = {0};
    struct pack_check what = {.prefix = BACKUP_POOL,
                              .number = check->number,
                              .cluster = cluster,
                              .file_len = check->pack_len,
                              .rows = rows,
                              .names = names};
    char name[DISK_NAME_MAX];
    char aside[DISK_NAME_MAX];
    struct disk_file *file;
    int rv;

    backup_pack_name(BACKUP_POOL, check->number, name);
    rv = disk->ops->open(disk, name, false, &file, err);
    if (rv == 0) {
        rv = read_cluster(check, file, cluster, err);
        if (rv == 0) {
            rv = pack_check(disk, &what, bad, err);
        }
        if (rv == QL_CORRUPT) {
            backup_pack_name(BACKUP_QUARANTINE, check->number, aside);
            check->is_set_aside =
                disk->ops->rename(disk, name, aside, NULL) == 0;
        }
        if (rv == 0 && check->items_count > 0) {
            rv = compare(check, file, err);
        }
        disk->ops->close(file);
    }
    if (rv != 0) {
        (void)err_wrap(err, "%s", name);
    }
    check->bytes = check->pack_len;
    free(names);
    free(bad);
    return rv;
}

/* Its own, if that is one of ours. */
static int read_cluster(struct backup_check *check, struct disk_file *file,
                        uint8_t ret[PACK_CLUSTER_LEN], struct err *err)
{
    struct backup_store *store = check->chore.store;
    uint8_t header[PACK_HEADER_LEN];
    int rv = pack_read_exactly(store->options.disk, file, 0, header,
                               sizeof(header), err);

    memcpy(ret, store->owner.ids, PACK_CLUSTER_LEN);
    for (size_t i = 0; i < store->owner.count && rv == 0; i++) {
        const uint8_t *id = store->owner.ids + i * PACK_CLUSTER_LEN;

        if (pack_header_is(header, check->number, id)) {
            memcpy(ret, id, PACK_CLUSTER_LEN);
        }
    }
    return rv;
}

/* The pack is good in itself: is it what the manifest says? */
static int compare(struct backup_check *check, struct disk_file *file,
                   struct err *err)
{
    struct disk *disk = check->chore.store->options.disk;

    for (size_t i = 0; i < check->items_count; i++) {
        const struct check_item *item = &check->items[i];
        struct pack_row expected = {.frame_len = 0};
        struct pack_row row = {.frame_len = 0};
        int rv = backup_front_row(check->front, item->number, &expected, err);

        if (rv == 0 && item->row >= check->pack_rows) {
            rv = err_set(err, QL_CORRUPT, "it has no row %u", item->row);
        }
        if (rv == 0) {
            rv = pack_read_row(disk, file, item->row, &expected.facts.name,
                               &row, err);
        }
        if (rv == 0 && (row.frame_len != expected.frame_len ||
                        row.frame_crc != expected.frame_crc ||
                        memcmp(row.hash, expected.hash, HASH128_LEN) != 0 ||
                        memcmp(row.from, expected.from, HASH128_LEN) != 0)) {
            rv = err_set(err, QL_CORRUPT, "row %u is another one", item->row);
        }
        if (rv != 0) {
            return rv;
        }
    }
    return 0;
}

/* ---- A manifest ---------------------------------------------------------- */

static int run_manifest(struct backup_check *check)
{
    struct backup_store *store = check->chore.store;
    struct disk *disk = store->options.disk;
    struct err *err = &check->chore.err;
    struct backup_manifest manifest = {.len = 0};
    struct disk_file *file;
    struct bytes front;
    int rv = backup_manifest_open(disk, check->row.name, &store->owner,
                                  &manifest, &file, err);

    if (rv != 0) {
        return rv;
    }
    backup_file_uncache(disk, file);
    rv = backup_manifest_read_front(disk, file, &manifest, &check->front_buf,
                                    err);
    if (rv == 0) {
        rv = backup_manifest_read_locations(disk, file, &manifest,
                                            &check->locations_buf, err);
    }
    if (rv == 0) {
        front = (struct bytes){check->front_buf.data, check->front_buf.len};
        rv = check_rest(&manifest, disk, file, front, err);
    }
    disk->ops->close(file);
    if (rv != 0) {
        return err_wrap(err, "%s", check->row.name);
    }
    check->bytes = manifest.len;
    check->chunks = manifest.front.chunks;
    check->entries = manifest.front.row.entries;
    if (check->wants_parts) {
        put_in_order(check);
    } else {
        buf_close(&check->front_buf);
        buf_close(&check->locations_buf);
    }
    return 0;
}

/* The snapshot and the open chunks, which must give what they say. */
static int check_rest(const struct backup_manifest *manifest, struct disk *disk,
                      struct disk_file *file, struct bytes front,
                      struct err *err)
{
    struct bytes snapshot = backup_front_snapshot(front, &manifest->front);
    struct buf image = BUF_INIT;
    struct buf tail = BUF_INIT;
    uint8_t *raw = NULL;
    uint64_t index;
    int rv = snapshot_unpack(snapshot.data, snapshot.len, &image, &index, err);

    buf_close(&image);
    if (rv == 0) {
        rv = backup_manifest_read_tail(disk, file, manifest, &tail, err);
    }
    if (rv == 0) {
        raw = mem_must_alloc((size_t)manifest->front.tail_raw_len + 1);
        rv = backup_stream_tail_unpack(
            &manifest->front, (struct bytes){tail.data, tail.len}, raw, err);
    }
    free(raw);
    buf_close(&tail);
    return rv;
}

/* Chunks by the packs that they are in: counted, then placed. */
static void put_in_order(struct backup_check *check)
{
    struct bytes bytes = {check->locations_buf.data, check->locations_buf.len};
    struct backup_locations header = {.packs = 0};
    int rv = backup_locations_measure(bytes.data, &header, NULL);
    uint32_t *ends;

    if (rv != 0) {
        return;
    }
    ends = mem_must_array((size_t)header.packs + 1, sizeof(*ends));
    check->order =
        mem_must_array((size_t)header.chunks + 1, sizeof(*check->order));
    for (uint32_t i = 0; i < header.chunks; i++) {
        ends[backup_locations_index(bytes, i) + 1]++;
    }
    for (uint32_t i = 0; i < header.packs; i++) {
        ends[i + 1] += ends[i];
    }
    for (uint32_t i = 0; i < header.chunks; i++) {
        uint32_t pack = backup_locations_index(bytes, i);

        check->order[ends[pack]] =
            (struct check_item){pack, backup_locations_item(bytes, i).row, i};
        ends[pack]++;
    }
    free(ends);
}

/* ---- And back ------------------------------------------------------------ */

static void ended(struct backup_chore *chore, int status)
{
    struct backup_check *check = (struct backup_check *)(void *)chore;
    struct backup_store *store = chore->store;

    if (status == QL_NOT_FOUND) {
        backup_trouble(store, status, chore->err.text);
    } else if (status != QL_CANCELED && check->number != 0) {
        settle_pack(store, check, status);
    } else if (status != QL_CANCELED) {
        settle_manifest(store, check, status);
    }
    check->done(check, status);
}

static void settle_pack(struct backup_store *store, struct backup_check *check,
                        int status)
{
    struct pool_pack *pack = pool_find(&store->pool, check->number);

    if (pack == NULL) {
        return;
    }
    store->is_stale = true;
    if (status == 0) {
        pack->checked_ms = store->wall_ms;
        pack->tries = 0;
        store->has_checks = true;
        return;
    }
    if (status == QL_IO) {
        pack->tries++;
    }
    if (status == QL_IO && pack->tries < STORE_READ_TRIES) {
        return;
    }
    diag_warning("backups in %s: %s", store->options.where,
                 check->chore.err.text);
    pack->is_bad = true;
    store->counts.damaged++;
    if (check->is_set_aside) {
        pack->len = 0;
        store->counts.quarantined++;
    }
    backup_index_drop(store);
    backup_changed(store);
}

static void settle_manifest(struct backup_store *store,
                            struct backup_check *check, int status)
{
    struct backup_entry *entry = backup_entry_of(store, check->row.name);

    if (entry == NULL || !backup_row_is_same(&entry->row, &check->row) ||
        !entry->has_file) {
        return;
    }
    store->is_stale = true;
    if (status == 0) {
        entry->checked_ms = store->wall_ms;
        entry->tries = 0;
        store->has_checks = true;
        return;
    }
    if (status == QL_IO) {
        entry->tries++;
    }
    if (status == QL_IO && entry->tries < STORE_READ_TRIES) {
        return;
    }
    /* It stays where it is until a good one takes its place: it tells which packs
     * it needs. */
    diag_warning("backups in %s: %s", store->options.where,
                 check->chore.err.text);
    backup_entry_set_error(entry, QL_CORRUPT, check->chore.err.text);
    store->counts.damaged++;
    backup_index_drop(store);
    backup_changed(store);
}
