/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "backup/backup_checked.h"

#include <stdlib.h>
#include <string.h>

#include "backup/backup_file.h"
#include "backup/backup_internal.h"
#include "machine/must.h"
#include "util/crc32c.h"
#include "util/cursor.h"
#include "util/mem.h"

#define CHECKED_MAGIC "QLKC"
#define CHECKED_VERSION 1u
#define HEADER_LEN 24u
#define COVERED_AT 4u
#define CRC_AT 16u
#define AFTER_CRC_AT 20u
#define PACK_LEN 16u
#define MANIFEST_LEN 24u

struct backup_note {
    struct backup_chore chore; /* first */
    struct buf bytes;
};

static int run(struct backup_chore *chore);
static void ended(struct backup_chore *chore, int status);
static uint32_t crc_of(const uint8_t *bytes, size_t len);
static void apply(struct bytes bytes, struct backup_pool *pool,
                  struct list *files);
static void add_u64(struct buf *buf, uint64_t value);

/* ---- Bytes --------------------------------------------------------------- */

void backup_checked_encode(const struct backup_pool *pool,
                           struct list *const *lists, size_t count,
                           struct buf *ret)
{
    size_t start = ret->len;
    uint32_t manifests = 0;
    uint8_t header[HEADER_LEN] = {0};

    (void)must_have_memory(buf_add(ret, header, sizeof(header)));
    for (size_t i = 0; i < pool->count; i++) {
        add_u64(ret, pool->packs[i].number);
        add_u64(ret, pool->packs[i].checked_ms);
    }
    for (size_t i = 0; i < count; i++) {
        for (struct list *link = lists[i]->next; link != lists[i];
             link = link->next) {
            const struct backup_entry *entry =
                LIST_ITEM(link, struct backup_entry, link);
            uint8_t key[HASH128_LEN];

            if (entry->has_file) {
                hash128(entry->row.name, strlen(entry->row.name), key);
                (void)must_have_memory(buf_add(ret, key, sizeof(key)));
                add_u64(ret, entry->checked_ms);
                manifests++;
            }
        }
    }
    memcpy(ret->data + start, CHECKED_MAGIC, 4);
    put_u32(ret->data + start + 4, CHECKED_VERSION);
    put_u32(ret->data + start + 8, (uint32_t)pool->count);
    put_u32(ret->data + start + 12, manifests);
    put_u32(ret->data + start + CRC_AT,
            crc_of(ret->data + start, ret->len - start));
}

void backup_checked_load(struct disk *disk, struct backup_pool *pool,
                         struct list *files)
{
    struct buf buf = BUF_INIT;
    struct disk_file *file;
    uint64_t size = 0;
    struct bytes bytes;

    if (disk->ops->open(disk, BACKUP_CHECKED, false, &file, NULL) != 0) {
        return;
    }
    if (disk->ops->size(file, &size, NULL) == 0 && size >= HEADER_LEN &&
        size <= (uint64_t)HEADER_LEN + (uint64_t)BACKUP_PACKS_MAX * PACK_LEN +
                    (uint64_t)BACKUP_ITEMS_MAX * MANIFEST_LEN &&
        backup_file_read(disk, file, 0, (size_t)size, &buf, NULL) == 0) {
        bytes = (struct bytes){buf.data, buf.len};
        if (memcmp(bytes.data, CHECKED_MAGIC, 4) == 0 &&
            get_u32(bytes.data + CRC_AT) == crc_of(bytes.data, bytes.len) &&
            get_u32(bytes.data + 4) == CHECKED_VERSION) {
            apply(bytes, pool, files);
        }
    }
    disk->ops->close(file);
    buf_close(&buf);
}

static void apply(struct bytes bytes, struct backup_pool *pool,
                  struct list *files)
{
    uint32_t packs = get_u32(bytes.data + 8);
    uint32_t manifests = get_u32(bytes.data + 12);
    const uint8_t *at = bytes.data + HEADER_LEN;

    if (bytes.len != HEADER_LEN + (uint64_t)packs * PACK_LEN +
                         (uint64_t)manifests * MANIFEST_LEN) {
        return;
    }
    for (uint32_t i = 0; i < packs; i++, at += PACK_LEN) {
        struct pool_pack *pack = pool_find(pool, get_u64(at));

        if (pack != NULL) {
            pack->checked_ms = get_u64(at + 8);
        }
    }
    for (uint32_t i = 0; i < manifests; i++, at += MANIFEST_LEN) {
        for (struct list *link = files->next; link != files;
             link = link->next) {
            struct backup_entry *file =
                LIST_ITEM(link, struct backup_entry, link);
            uint8_t key[HASH128_LEN];

            hash128(file->row.name, strlen(file->row.name), key);
            if (memcmp(key, at, sizeof(key)) == 0) {
                file->checked_ms = get_u64(at + HASH128_LEN);
            }
        }
    }
}

static uint32_t crc_of(const uint8_t *bytes, size_t len)
{
    uint32_t crc = crc32c(0, bytes + COVERED_AT, CRC_AT - COVERED_AT);

    return crc32c(crc, bytes + AFTER_CRC_AT, len - AFTER_CRC_AT);
}

static void add_u64(struct buf *buf, uint64_t value)
{
    (void)must_have_memory(buf_add_u64(buf, value));
}

/* ---- The file ------------------------------------------------------------ */

void backup_checked_tick(struct backup_store *store)
{
    struct list *const lists[] = {&store->entries, &store->strays};
    struct backup_note *note;

    if (!store->has_checks || store->note != NULL ||
        store->now_ms < store->noted_ms + BACKUP_CHECKED_MS) {
        return;
    }
    note = mem_must_zalloc(sizeof(*note));
    backup_checked_encode(&store->pool, lists, 2, &note->bytes);
    note->chore.run = run;
    note->chore.ended = ended;
    store->note = note;
    store->noted_ms = store->now_ms;
    store->has_checks = false;
    backup_chore_add(store, &note->chore);
}

void backup_checked_free(struct backup_store *store)
{
    if (store->note != NULL) {
        buf_close(&store->note->bytes);
        free(store->note);
        store->note = NULL;
    }
}

static int run(struct backup_chore *chore)
{
    struct backup_note *note = (struct backup_note *)(void *)chore;
    struct bytes bytes = {note->bytes.data, note->bytes.len};

    return backup_file_put(chore->store->options.disk, BACKUP_CHECKED_ASIDE,
                           BACKUP_CHECKED, &bytes, 1, true, &chore->err);
}

static void ended(struct backup_chore *chore, int status)
{
    struct backup_store *store = chore->store;

    if (status != 0) {
        store->has_checks = true;
        backup_trouble(store, status, chore->err.text);
    } else {
        backup_no_trouble(store);
    }
    backup_checked_free(store);
}
