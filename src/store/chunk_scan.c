/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What packs there are when the store opens. Only the front of each is read. What
 * was being written is removed; a pack whose front is damaged cannot be used and is
 * set aside, as is, later, one whose file is too short for its frames. A crash may
 * leave a chunk in two packs: the newer one counts.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "machine/must.h"
#include "store/chunk_store_internal.h"
#include "util/diag.h"
#include "util/mem.h"

#define NAME_DIGITS 16u
#define STEP_BYTES (16u * KIB) /* holds most fronts */

struct names {
    struct chunk_store *store;
    uint64_t *packs; /* numbers */
    size_t packs_count;
    size_t packs_room;
    uint64_t *asides; /* likewise, of what was being written */
    size_t asides_count;
    size_t asides_room;
};

static void on_name(void *data, const char *name);
static bool parse_name(const char *name, const char *prefix, const char *suffix,
                       uint64_t *ret_number);
static void add_number(uint64_t **numbers, size_t *count, size_t *room,
                       uint64_t number);
static int compare_numbers(const void *left, const void *right);
static int remove_asides(struct chunk_store *store, const struct names *names,
                         struct err *err);
static int scan_pack(struct chunk_store *store, uint64_t number,
                     struct buf *front, struct err *err);
static int read_front(struct chunk_store *store, struct disk_file *file,
                      struct buf *front, struct err *err);
static int check_front(struct chunk_store *store, uint64_t number,
                       struct bytes front, struct err *err);
static int set_aside(struct chunk_store *store, uint64_t number,
                     const char *reason, struct err *err);
static int add_pack(struct chunk_store *store, uint64_t number,
                    struct bytes front, uint64_t file_len, struct err *err);
static void add_row(struct pack *pack, uint32_t slot,
                    const struct pack_row *row);

int store_scan(struct chunk_store *store, struct err *err)
{
    struct disk *disk = store->options.disk;
    struct names names = {.store = store};
    struct buf front = BUF_INIT;
    size_t i;
    int rv;

    /* A rename that was not synced when the node was killed. */
    rv = disk->ops->sync_directory(disk, err);
    if (rv == 0) {
        rv = disk->ops->list(disk, on_name, &names, err);
    }
    if (rv == 0) {
        rv = remove_asides(store, &names, err);
    }
    if (names.packs_count > 0) {
        qsort(names.packs, names.packs_count, sizeof(*names.packs),
              compare_numbers);
    }
    for (i = 0; i < names.packs_count && rv == 0; i++) {
        rv = scan_pack(store, names.packs[i], &front, err);
    }
    buf_close(&front);
    free(names.packs);
    free(names.asides);
    return rv;
}

/* ---- Names --------------------------------------------------------------- */

static void on_name(void *data, const char *name)
{
    struct names *names = data;
    struct chunk_store *store = names->store;
    uint64_t number;

    if (parse_name(name, "", PACK_SUFFIX, &number)) {
        add_number(&names->packs, &names->packs_count, &names->packs_room,
                   number);
    } else if (parse_name(name, "", PACK_ASIDE_SUFFIX, &number)) {
        add_number(&names->asides, &names->asides_count, &names->asides_room,
                   number);
    } else if (parse_name(name, PACK_QUARANTINE, PACK_SUFFIX, &number)) {
        store->counts.quarantined++;
    } else {
        return; /* not ours */
    }
    if (number >= store->next_number) {
        store->next_number = number + 1;
    }
}

static bool parse_name(const char *name, const char *prefix, const char *suffix,
                       uint64_t *ret_number)
{
    char canonical[DISK_NAME_MAX];
    uint64_t number;

    if (strncmp(name, prefix, strlen(prefix)) != 0) {
        return false;
    }
    number = strtoull(name + strlen(prefix), NULL, 16);
    pack_name(prefix, number, suffix, canonical);
    if (strcmp(name, canonical) != 0 || number == UINT64_MAX) {
        return false;
    }
    *ret_number = number;
    return true;
}

static void add_number(uint64_t **numbers, size_t *count, size_t *room,
                       uint64_t number)
{
    if (*count == *room) {
        *room = *room == 0 ? 64 : *room * 2;
        *numbers = mem_must_resize(*numbers, *room * sizeof(number));
    }
    (*numbers)[*count] = number;
    (*count)++;
}

static int compare_numbers(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;

    return *a < *b ? -1 : *a > *b;
}

static int remove_asides(struct chunk_store *store, const struct names *names,
                         struct err *err)
{
    struct disk *disk = store->options.disk;
    int rv = 0;

    for (size_t i = 0; i < names->asides_count && rv == 0; i++) {
        char name[DISK_NAME_MAX];

        pack_name("", names->asides[i], PACK_ASIDE_SUFFIX, name);
        rv = disk->ops->remove(disk, name, err);
    }
    return rv;
}

/* ---- One pack ------------------------------------------------------------ */

static int scan_pack(struct chunk_store *store, uint64_t number,
                     struct buf *front, struct err *err)
{
    struct disk *disk = store->options.disk;
    struct err why = {0};
    char name[DISK_NAME_MAX];
    struct disk_file *file;
    uint64_t file_len = 0;
    int rv;

    pack_name("", number, PACK_SUFFIX, name);
    rv = disk->ops->open(disk, name, false, &file, err);
    if (rv != 0) {
        return rv;
    }
    rv = disk->ops->size(file, &file_len, &why);
    if (rv == 0) {
        rv = read_front(store, file, front, &why);
    }
    disk->ops->close(file);
    if (rv == 0) {
        struct bytes bytes = {front->data, front->len};

        rv = check_front(store, number, bytes, &why);
        if (rv == 0) {
            rv = add_pack(store, number, bytes, file_len, &why);
        }
    }
    if (rv == QL_CORRUPT) {
        rv = set_aside(store, number, why.text, err);
    } else if (rv != 0) {
        (void)err_set(err, rv, "%s/%s: %s", store->options.where, name,
                      why.text);
    }
    return rv;
}

/* Fills @front with exactly the front of @file. */
static int read_front(struct chunk_store *store, struct disk_file *file,
                      struct buf *front, struct err *err)
{
    struct disk *disk = store->options.disk;
    size_t len = 0;
    size_t got = 0;
    int rv;

    front->len = 0;
    (void)must_have_memory(buf_reserve(front, STEP_BYTES));
    rv = disk->ops->read(file, 0, front->data, STEP_BYTES, &got, err);
    if (rv != 0) {
        return rv;
    }
    front->len = got;
    if (got < PACK_PREFIX_LEN) {
        return err_set(err, QL_CORRUPT, "the front is cut off");
    }
    rv = pack_front_measure(front->data, &len, err);
    if (rv == 0 && len > got) {
        (void)must_have_memory(buf_reserve(front, len - got));
        rv =
            disk->ops->read(file, got, front->data + got, len - got, &got, err);
        front->len += got;
    }
    if (rv == 0 && front->len < len) {
        rv = err_set(err, QL_CORRUPT, "the front is cut off");
    }
    front->len = len;
    return rv;
}

static int check_front(struct chunk_store *store, uint64_t number,
                       struct bytes front, struct err *err)
{
    struct pack_header header;
    int rv = pack_front_decode(front, &header, err);

    if (rv != 0) {
        return rv;
    }
    if (memcmp(header.cluster, store->options.cluster, PACK_CLUSTER_LEN) != 0) {
        return err_set(err, QL_INVALID,
                       "it is of another cluster, and chunks of two must not "
                       "be mixed: move it out of this directory, or bring "
                       "back the directory that this node had");
    }
    if (header.number != number) {
        return err_set(err, QL_CORRUPT,
                       "it is pack %016" PRIx64 " under another name",
                       header.number);
    }
    return 0;
}

static int set_aside(struct chunk_store *store, uint64_t number,
                     const char *reason, struct err *err)
{
    struct disk *disk = store->options.disk;
    char aside[DISK_NAME_MAX];
    char name[DISK_NAME_MAX];
    int rv;

    pack_name("", number, PACK_SUFFIX, name);
    pack_name(PACK_QUARANTINE, number, PACK_SUFFIX, aside);
    diag_error("%s/%s is damaged: %s; it is moved to %s, and what was in it is "
               "fetched from the other nodes: look at the disk",
               store->options.where, name, reason, PACK_QUARANTINE);
    rv = disk->ops->rename(disk, name, aside, err);
    if (rv == 0) {
        store->counts.quarantined++;
        store->counts.damaged++;
    }
    return rv;
}

static int add_pack(struct chunk_store *store, uint64_t number,
                    struct bytes front, uint64_t file_len, struct err *err)
{
    uint32_t count = (uint32_t)((front.len - PACK_HEADER_LEN) / PACK_ROW_LEN);
    struct pack_row *rows = mem_must_array(count, sizeof(*rows));
    struct pack *pack;
    uint64_t end = 0;
    int rv;

    rv = pack_rows_decode(front, rows, &end, err);
    if (rv != 0) {
        goto free_rows;
    }
    pack = pack_new(store, number, count, file_len);
    for (uint32_t i = 0; i < count; i++) {
        pack->raw += rows[i].facts.len;
        memcpy(pack->from[i], rows[i].from, HASH128_LEN);
        if (rows[i].frame_at + rows[i].frame_len <= file_len) {
            add_row(pack, i, &rows[i]);
        }
    }
    if (end != file_len) {
        diag_error("%s/%016" PRIx64 "%s is damaged: it has %" PRIu64
                   " bytes and should have %" PRIu64
                   "; what is whole in it is written into another file, the "
                   "rest is fetched from the other nodes: look at the disk",
                   store->options.where, number, PACK_SUFFIX, file_len, end);
        pack->is_damaged = true;
        store->has_sparse = true;
        store->counts.damaged++;
    }
    if (pack->live == 0) {
        pack_leave(pack);
    }

free_rows:
    free(rows);
    return rv;
}

/* The reference of a new chunk is the store's, as that of an orphan. */
static void add_row(struct pack *pack, uint32_t slot,
                    const struct pack_row *row)
{
    struct chunk *chunk =
        chunk_table_find(&pack->store->table, &row->facts.name);

    if (chunk != NULL && !chunk_has_facts(chunk, &row->facts)) {
        return; /* one of them lies, and the first is as good */
    }
    if (chunk == NULL) {
        chunk = chunk_stub(&row->facts);
        pack_put(pack, slot, chunk);
        pack_set_orphan(chunk);
    } else if (pack->chunks[slot] == NULL && chunk->home != &pack->home) {
        pack_put(pack, slot, chunk);
    }
}
