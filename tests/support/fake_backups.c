/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/fake_backups.h"

#include <stdlib.h>
#include <string.h>

#include "backup/backup_front.h"
#include "store/pack.h"
#include "store/snapshot.h"
#include "support/cmocka.h"
#include "util/crc32c.h"
#include "util/list.h"
#include "util/mem.h"

#define FAKE_BACKUPS_MAX 16u

struct fake_backup {
    struct backup_row row;
    bool is_orphan;
    int code; /* that reads come to */
    uint32_t chunks;
    struct buf front;
    struct buf *frames; /* one for each chunk */
};

struct backup_store {
    struct machine *machine;
    struct fake_backup backups[FAKE_BACKUPS_MAX];
    size_t count;
    struct backup_info infos[FAKE_BACKUPS_MAX];
    struct list reads;    /* struct backup_read */
    struct list verifies; /* struct backup_verify */
    size_t chunks_read;
    bool held;
};

/* What a read is for, in its work. */
struct fake_read {
    struct fake_backup *backup;
    bool is_front;
    uint32_t number;
};

static void on_backup(void *data, const struct backup_row *row);
static void keep_chunks(struct fake_backup *backup, const struct chunk_set *set,
                        struct pack_row **ret_rows);
static void keep_chunk(const struct chunk *chunk, const uint8_t *from,
                       struct pack_row *ret, struct buf *frame);
static void raw_bytes(const struct chunk *chunk, struct buf *ret);
static void make_front(struct fake_backup *backup, struct pack_row *rows,
                       const struct view *view);
static struct fake_backup *find(const struct backup_store *store,
                                const char *name);
static int begin_read(struct backup_store *store, struct backup_read *read,
                      const char *name, bool is_front, uint32_t number,
                      backup_read_cb cb);
static void answer_read(struct backup_store *store, struct backup_read *read);
static void answer_verify(struct backup_verify *verify);

struct backup_store *fake_backups_new(struct machine *machine)
{
    struct backup_store *store = mem_must_zalloc(sizeof(*store));

    store->machine = machine;
    list_init(&store->reads);
    list_init(&store->verifies);
    machine_on_backup(machine, on_backup, store);
    return store;
}

void fake_backups_free(struct backup_store *store)
{
    size_t i;
    uint32_t j;

    assert_true(list_empty(&store->reads));
    for (i = 0; i < store->count; i++) {
        struct fake_backup *backup = &store->backups[i];

        for (j = 0; j < backup->chunks; j++) {
            buf_close(&backup->frames[j]);
        }
        free(backup->frames);
        buf_close(&backup->front);
    }
    free(store);
}

void fake_backups_hold(struct backup_store *store, bool held)
{
    store->held = held;
}

void fake_backups_break(struct backup_store *store, const char *name, int code)
{
    find(store, name)->code = code;
}

void fake_backups_lose(struct backup_store *store, const char *name)
{
    fake_backups_break(store, name, QL_NOT_FOUND);
}

void fake_backups_orphan(struct backup_store *store, const char *name)
{
    struct fake_backup *backup = &store->backups[store->count++];

    assert_true(store->count < FAKE_BACKUPS_MAX);
    backup->is_orphan = true;
    strcpy(backup->row.name, name);
    backup->code = QL_NOT_FOUND;
}

size_t fake_backups_reads(const struct backup_store *store)
{
    return store->chunks_read;
}

bool fake_backups_idle(const struct backup_store *store)
{
    return list_empty(&store->verifies) &&
           (store->held || list_empty(&store->reads));
}

void fake_backups_step(struct backup_store *store)
{
    struct list due;

    list_init(&due);
    if (!store->held) {
        list_move_all(&due, &store->reads);
    }
    while (!list_empty(&due)) {
        struct backup_read *read =
            LIST_ITEM(due.next, struct backup_read, link);

        list_remove(&read->link);
        answer_read(store, read);
    }
    list_move_all(&due, &store->verifies);
    while (!list_empty(&due)) {
        struct backup_verify *verify =
            LIST_ITEM(due.next, struct backup_verify, link);

        list_remove(&verify->link);
        answer_verify(verify);
    }
}

/* ---- Taking -------------------------------------------------------------- */

static void on_backup(void *data, const struct backup_row *row)
{
    struct backup_store *store = data;
    struct fake_backup *backup = &store->backups[store->count++];
    struct view *view = machine_freeze_logs(store->machine);
    struct chunk_set *set = view_take_chunks(view);
    struct pack_row *rows;

    assert_true(store->count < FAKE_BACKUPS_MAX);
    backup->row = *row;
    keep_chunks(backup, set, &rows);
    make_front(backup, rows, view);
    free(rows);
    chunk_set_drop(set);
    view_free(view);
}

static void keep_chunks(struct fake_backup *backup, const struct chunk_set *set,
                        struct pack_row **ret_rows)
{
    struct pack_row *rows;
    uint32_t count = 0;
    size_t i;
    size_t j;

    for (i = 0; i < set->count; i++) {
        count += (uint32_t)chunk_list_count(set->items[i].list);
    }
    rows = mem_must_array(count + 1, sizeof(*rows));
    backup->frames = mem_must_array(count + 1, sizeof(*backup->frames));
    for (i = 0; i < set->count; i++) {
        const uint8_t *from = set->items[i].base;

        for (j = 0; j < chunk_list_count(set->items[i].list); j++) {
            const struct chunk *chunk = chunk_list_at(set->items[i].list, j);

            keep_chunk(chunk, from, &rows[backup->chunks],
                       &backup->frames[backup->chunks]);
            from = chunk->name.chain;
            backup->chunks++;
        }
    }
    *ret_rows = rows;
}

static void keep_chunk(const struct chunk *chunk, const uint8_t *from,
                       struct pack_row *ret, struct buf *frame)
{
    struct buf raw = BUF_INIT;
    struct err err;

    raw_bytes(chunk, &raw);
    assert_int_equal(raw.len, chunk->len);
    assert_int_equal(
        pack_frame_compress((struct bytes){raw.data, raw.len}, frame, &err), 0);
    memset(ret, 0, sizeof(*ret));
    ret->facts = chunk_facts(chunk);
    ret->frame_len = (uint32_t)frame->len;
    ret->frame_crc = crc32c(0, frame->data, frame->len);
    memcpy(ret->from, from, HASH128_LEN);
    hash128(raw.data, raw.len, ret->hash);
    buf_close(&raw);
}

static void raw_bytes(const struct chunk *chunk, struct buf *ret)
{
    size_t i;

    if (chunk->memory != NULL) {
        assert_int_equal(buf_add(ret, chunk_bytes(chunk), chunk->len), 0);
        return;
    }
    assert_non_null(chunk->parts);
    for (i = 0; i < chunk->parts->count; i++) {
        raw_bytes(chunk->parts->chunks[i], ret);
    }
}

static void make_front(struct fake_backup *backup, struct pack_row *rows,
                       const struct view *view)
{
    struct backup_front front = {.row = backup->row, .chunks = backup->chunks};
    struct buf snapshot = BUF_INIT;
    struct err err;
    uint64_t at;
    uint32_t i;

    assert_int_equal(snapshot_encode(view, backup->row.index, &snapshot, &err),
                     0);
    front.snapshot_len = snapshot.len;
    at = backup_front_len(&front);
    for (i = 0; i < backup->chunks; i++) {
        rows[i].frame_at = at;
        at += rows[i].frame_len;
    }
    front.stream_len = at;
    assert_int_equal(buf_reserve(&backup->front, backup_front_len(&front)), 0);
    backup->front.len = backup_front_len(&front);
    backup_front_encode(&front, backup->front.data);
    for (i = 0; i < backup->chunks; i++) {
        pack_row_encode(&rows[i], backup->front.data + backup_front_row_at(i));
    }
    memcpy(backup->front.data + backup_front_row_at(backup->chunks),
           snapshot.data, snapshot.len);
    backup_front_seal(backup->front.data, backup->front.len);
    buf_close(&snapshot);
}

/* ---- The store ----------------------------------------------------------- */

const struct backup_info *backup_store_infos(const struct backup_store *store,
                                             size_t *ret_count)
{
    struct backup_store *self = (struct backup_store *)(uintptr_t)store;
    size_t i;

    *ret_count = 0;
    for (i = 0; i < store->count; i++) {
        const struct fake_backup *backup = &store->backups[i];
        const struct backup_row *row = machine_find_backup(
            store->machine, (struct bytes){(const uint8_t *)backup->row.name,
                                           strlen(backup->row.name)});
        struct backup_info *info = &self->infos[*ret_count];

        if (row == NULL && !backup->is_orphan) {
            continue;
        }
        memset(info, 0, sizeof(*info));
        info->row = row != NULL ? *row : backup->row;
        info->in_table = row != NULL;
        info->state = BACKUP_VERIFIED;
        if (backup->code != 0) {
            info->state =
                backup->code == QL_NOT_FOUND ? BACKUP_MISSING : BACKUP_DAMAGED;
        }
        info->verified_at_ms = 77;
        info->new_bytes = 10;
        info->stored_bytes = backup->front.len;
        (*ret_count)++;
    }
    return self->infos;
}

const struct backup_info *backup_store_find(const struct backup_store *store,
                                            const char *name)
{
    size_t count;
    const struct backup_info *infos = backup_store_infos(store, &count);
    size_t i;

    for (i = 0; i < count; i++) {
        if (strcmp(infos[i].row.name, name) == 0) {
            return &infos[i];
        }
    }
    return NULL;
}

void backup_store_get_status(const struct backup_store *store,
                             struct backup_store_status *ret)
{
    *ret = (struct backup_store_status){.is_ready = true,
                                        .last_success_ms = 55,
                                        .last_verified_ms = 66,
                                        .failures = 2,
                                        .saved = store->count,
                                        .pool_bytes = 1000,
                                        .problem = "",
                                        .where = "/backups"};
}

int backup_store_verify(struct backup_store *store,
                        struct backup_verify *verify, const char *name,
                        backup_verify_cb cb)
{
    verify->work = find(store, name);
    verify->cb = cb;
    list_push_back(&store->verifies, &verify->link);
    return 0;
}

void backup_store_verify_cancel(struct backup_verify *verify)
{
    if (verify->link.next != NULL) {
        list_remove(&verify->link);
    }
}

int backup_store_read_front(struct backup_store *store,
                            struct backup_read *read, const char *name,
                            backup_read_cb cb)
{
    return begin_read(store, read, name, true, 0, cb);
}

int backup_store_read_chunk(struct backup_store *store,
                            struct backup_read *read, const char *name,
                            uint32_t number, backup_read_cb cb)
{
    return begin_read(store, read, name, false, number, cb);
}

void backup_store_read_cancel(struct backup_read *read)
{
    if (read->work != NULL) {
        list_remove(&read->link);
        free(read->work);
        read->work = NULL;
    }
}

/* What the service's own tests do not come to. Here, because the real ones would
 * bring the rest of the real store with them. */

int backup_store_read_stream(struct backup_store *store,
                             struct backup_read *read, const char *name,
                             uint64_t offset, uint32_t len, backup_read_cb cb)
{
    (void)store;
    (void)read;
    (void)name;
    (void)offset;
    (void)len;
    (void)cb;
    return QL_BUSY;
}

bool backup_store_has_chunk(struct backup_store *store,
                            const struct chunk_facts *facts)
{
    (void)store;
    (void)facts;
    return false;
}

int backup_store_adopt(struct backup_store *store, struct backup_adopt *adopt,
                       const char *file, const struct backup_row *row,
                       backup_adopt_cb cb)
{
    (void)store;
    (void)adopt;
    (void)file;
    (void)row;
    (void)cb;
    return QL_BUSY;
}

void backup_store_adopt_cancel(struct backup_adopt *adopt)
{
    (void)adopt;
}

/* ---- Helpers ------------------------------------------------------------- */

static struct fake_backup *find(const struct backup_store *store,
                                const char *name)
{
    size_t i;

    for (i = 0; i < store->count; i++) {
        if (strcmp(store->backups[i].row.name, name) == 0) {
            return (struct fake_backup *)(uintptr_t)&store->backups[i];
        }
    }
    return NULL;
}

static int begin_read(struct backup_store *store, struct backup_read *read,
                      const char *name, bool is_front, uint32_t number,
                      backup_read_cb cb)
{
    struct fake_read *fake = mem_must_zalloc(sizeof(*fake));

    fake->backup = find(store, name);
    fake->is_front = is_front;
    fake->number = number;
    read->work = fake;
    read->cb = cb;
    list_push_back(&store->reads, &read->link);
    return 0;
}

static void answer_read(struct backup_store *store, struct backup_read *read)
{
    struct fake_read fake = *(struct fake_read *)read->work;
    struct fake_backup *backup = fake.backup;
    int code = backup == NULL ? QL_NOT_FOUND : backup->code;

    free(read->work);
    read->work = NULL;
    if (code != 0) {
        err_set(&read->err, code, "it was made to be bad");
    } else if (fake.is_front) {
        read->bytes = (struct bytes){backup->front.data, backup->front.len};
    } else {
        const struct buf *frame = &backup->frames[fake.number];

        assert_true(fake.number < backup->chunks);
        store->chunks_read++;
        memcpy(read->row, backup->front.data + backup_front_row_at(fake.number),
               PACK_ROW_LEN);
        read->bytes = (struct bytes){frame->data, frame->len};
    }
    read->cb(read, code);
}

static void answer_verify(struct backup_verify *verify)
{
    const struct fake_backup *backup = verify->work;
    int code = backup == NULL ? QL_NOT_FOUND : backup->code;

    if (code != 0) {
        err_set(&verify->err, code, "it was made to be bad");
    } else {
        verify->chunks = backup->chunks;
        verify->bytes = backup->front.len;
        verify->entries = backup->row.entries;
    }
    verify->cb(verify, code);
}

bool backup_store_lacks_room(const struct backup_store *store)
{
    (void)store;
    return false;
}

void backup_store_try_again(struct backup_store *store)
{
    (void)store;
}
