/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Snapshots on their way to the disk and back.
 *
 * Of its own (trailing >= 1): first the chunks that it names are all durable, so
 * that no snapshot on the disk ever names a chunk that is not there. Then it is
 * stored, then the WAL may drop what neither the trailing entries nor the older
 * snapshot that is kept need, and the chunk store what neither of them names. A
 * crash between leaves a log that reaches further back than it must.
 *
 * Installed (trailing 0): it says that the log contradicts it or ends before it.
 * What contradicts is truncated first, durably, then the snapshot is stored, then
 * the WAL begins anew behind it. So after a crash at any step the log on disk
 * either ends before the newest snapshot, and the start replaces it, or it agrees
 * with it. The other way round (store, then truncate) a crash would leave entries
 * behind the snapshot that never followed it. Its chunks were durable before the
 * core heard of it.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/configuration.h"
#include "consensus/raft_disk_internal.h"
#include "consensus/snapshot_dir.h"
#include "util/diag.h"
#include "util/mem.h"

struct put {
    struct list link; /* disk->puts */
    struct disk_work work;
    struct wal_append step;   /* of the WAL */
    struct chunk_flush flush; /* of the chunk store, */
    bool flushing;            /* while it is under way */
    struct raft_disk *disk;
    struct raft_io_snapshot_put *request;
    raft_io_snapshot_put_cb cb;
    const struct raft_snapshot *snapshot;
    struct raft_buffer configuration;
    unsigned trailing;
    raft_index oldest; /* that is kept: the work's result */
    struct err err;
};

struct get {
    struct list link; /* disk->gets */
    struct disk_work work;
    struct raft_disk *disk;
    struct raft_io_snapshot_get *request;
    raft_io_snapshot_get_cb cb;
    struct raft_snapshot *snapshot; /* the work's result */
    unsigned aside;
    struct err err;
};

static bool awaits_chunks(const struct raft_disk *disk, unsigned trailing);
static void put_on_truncated(struct wal_append *step, int status);
static void put_flush(struct put *put);
static void put_on_flushed(struct chunk_flush *flush);
static void put_store(struct put *put);
static int put_run(struct disk_work *work);
static int put_write(struct put *put, const struct snapshot_meta *meta,
                     const struct bytes *parts);
static void put_on_stored(struct disk_work *work, int status);
static void put_trim(struct put *put);
static void put_on_reset(struct wal_append *step, int status);
static void put_finish(struct put *put);
static void put_fail(struct put *put, int code);
static void put_free(struct put *put);
static int get_run(struct disk_work *work);
static void get_on_done(struct disk_work *work, int status);

int raft_disk_put(struct raft_disk *disk, unsigned trailing,
                  struct raft_io_snapshot_put *request,
                  const struct raft_snapshot *snapshot,
                  raft_io_snapshot_put_cb cb)
{
    struct put *put;
    int rv;

    if (disk->is_stopped && awaits_chunks(disk, trailing)) {
        return 0;
    }
    put = mem_must_zalloc(sizeof *put);
    put->disk = disk;
    put->request = request;
    put->cb = cb;
    put->snapshot = snapshot;
    put->trailing = trailing;
    rv = raft_configuration_encode(&snapshot->configuration,
                                   &put->configuration);
    if (rv != 0) {
        free(put);
        return QL_NO_MEMORY;
    }
    if (trailing == 0 && wal_last_index(disk->wal) >= snapshot->index) {
        rv = wal_truncate_and_tell(disk->wal, &put->step, snapshot->index,
                                   put_on_truncated);
        if (rv != 0) {
            put_free(put);
            return rv;
        }
        list_push_back(&disk->puts, &put->link);
        return 0;
    }
    list_push_back(&disk->puts, &put->link);
    if (awaits_chunks(disk, trailing)) {
        put_flush(put);
    } else {
        put_store(put);
    }
    return 0;
}

/* Whoever makes room for the chunks, or sees that there is none, stops as well:
 * such a wait might never end. */
void raft_disk_stop(struct raft_disk *disk)
{
    struct list *next;

    disk->is_stopped = true;
    for (struct list *at = disk->puts.next; at != &disk->puts; at = next) {
        struct put *put = LIST_ITEM(at, struct put, link);

        next = at->next;
        if (put->flushing) {
            list_remove(&put->link);
            put_free(put);
        }
    }
}

bool raft_disk_awaits_chunks(const struct raft_disk *disk)
{
    for (const struct list *at = disk->puts.next; at != &disk->puts;
         at = at->next) {
        if (LIST_ITEM(at, struct put, link)->flushing) {
            return true;
        }
    }
    return false;
}

int raft_disk_get(struct raft_disk *disk, struct raft_io_snapshot_get *request,
                  raft_io_snapshot_get_cb cb)
{
    struct get *get = mem_must_zalloc(sizeof *get);
    int rv;

    get->disk = disk;
    get->request = request;
    get->cb = cb;
    get->work.run = get_run;
    get->work.cb = get_on_done;
    get->work.data = get;
    rv = disk->disk->ops->work(disk->disk, &get->work);
    if (rv != 0) {
        free(get);
        return rv;
    }
    list_push_back(&disk->gets, &get->link);
    return 0;
}

/* raft_free() frees what malloc() gave, too. */
int raft_disk_take_snapshot(struct buf *data, size_t at, raft_index index,
                            raft_term term, raft_index configuration_index,
                            struct bytes configuration,
                            struct raft_snapshot **ret, struct err *err)
{
    struct raft_snapshot *snapshot = raft_malloc(sizeof *snapshot);
    struct raft_buffer *buffer = raft_malloc(sizeof *buffer);
    int rv;

    if (snapshot == NULL || buffer == NULL) {
        rv = err_set(err, QL_NO_MEMORY, "read a snapshot: no memory");
        goto free_both;
    }
    memset(snapshot, 0, sizeof *snapshot);
    raft_configuration_init(&snapshot->configuration);
    rv = configuration_decode(configuration, &snapshot->configuration, err);
    if (rv != 0) {
        goto free_both;
    }
    /* The configuration points into it, so only now. */
    buf_consume(data, at);
    buffer->base = data->data;
    buffer->len = data->len;
    buf_init(data);
    snapshot->index = index;
    snapshot->term = term;
    snapshot->configuration_index = configuration_index;
    snapshot->bufs = buffer;
    snapshot->n_bufs = 1;
    *ret = snapshot;
    return 0;

free_both:
    raft_free(buffer);
    raft_free(snapshot);
    return rv;
}

void raft_disk_free_snapshot(struct raft_snapshot *snapshot)
{
    raft_configuration_close(&snapshot->configuration);
    for (unsigned i = 0; i < snapshot->n_bufs; i++) {
        raft_free(snapshot->bufs[i].base);
    }
    raft_free(snapshot->bufs);
    raft_free(snapshot);
}

void raft_disk_drop_snapshots(struct raft_disk *disk)
{
    while (!list_empty(&disk->puts)) {
        struct put *put = LIST_ITEM(disk->puts.next, struct put, link);

        list_remove(&put->link);
        put_free(put);
    }
    while (!list_empty(&disk->gets)) {
        struct get *get = LIST_ITEM(disk->gets.next, struct get, link);

        list_remove(&get->link);
        if (get->snapshot != NULL) {
            raft_disk_free_snapshot(get->snapshot);
        }
        free(get);
    }
}

/* ---- To the disk ---- */

/* A snapshot of its own does, and is not stored before they are durable. */
static bool awaits_chunks(const struct raft_disk *disk, unsigned trailing)
{
    return trailing > 0 && disk->options.chunks != NULL;
}

static void put_on_truncated(struct wal_append *step, int status)
{
    (void)status; /* always 0 */
    put_store(LIST_ITEM(step, struct put, step));
}

static void put_flush(struct put *put)
{
    put->flushing = true;
    put->flush.data = put;
    chunk_store_flush(put->disk->options.chunks, &put->flush, put_on_flushed);
}

static void put_on_flushed(struct chunk_flush *flush)
{
    struct put *put = flush->data;

    put->flushing = false;
    put_store(put);
}

static void put_store(struct put *put)
{
    struct disk *disk = put->disk->disk;
    int rv;

    put->work.run = put_run;
    put->work.cb = put_on_stored;
    put->work.data = put;
    rv = disk->ops->work(disk, &put->work);
    if (rv != 0) {
        (void)err_set(&put->err, rv, "no room for the work");
        put_fail(put, rv);
    }
}

/* Off the loop. The core leaves the snapshot alone until it is stored. */
static int put_run(struct disk_work *work)
{
    struct put *put = work->data;
    const struct raft_snapshot *snapshot = put->snapshot;
    struct disk *disk = put->disk->disk;
    struct snapshot_meta meta = {
        .index = snapshot->index,
        .term = snapshot->term,
        .configuration_index = snapshot->configuration_index,
        .configuration = {put->configuration.base, put->configuration.len}};
    struct bytes parts[SNAPSHOT_PARTS_MAX];
    int rv;

    if (snapshot->n_bufs > SNAPSHOT_PARTS_MAX) {
        return err_set(&put->err, QL_TOO_LARGE, "it has %u parts",
                       snapshot->n_bufs);
    }
    for (unsigned i = 0; i < snapshot->n_bufs; i++) {
        parts[i].data = snapshot->bufs[i].base;
        parts[i].len = snapshot->bufs[i].len;
    }
    rv = put_write(put, &meta, parts);
    return rv == 0 ? snapshot_dir_clean(disk, &put->oldest, &put->err) : rv;
}

/* On a full disk it is begun again, in a new file: without the older of the two
 * that are kept, which is about to go anyway; then without the reserve. */
static int put_write(struct put *put, const struct snapshot_meta *meta,
                     const struct bytes *parts)
{
    struct disk *disk = put->disk->disk;
    unsigned count = put->snapshot->n_bufs;
    int rv = snapshot_dir_store(disk, meta, parts, count, &put->err);

    if (rv == QL_NO_SPACE) {
        rv = snapshot_dir_thin(disk, &put->err);
        if (rv == 0) {
            rv = snapshot_dir_store(disk, meta, parts, count, &put->err);
        }
    }
    if (rv == QL_NO_SPACE && raft_disk_make_room(put->disk)) {
        rv = snapshot_dir_store(disk, meta, parts, count, &put->err);
    }
    return rv;
}

static void put_on_stored(struct disk_work *work, int status)
{
    struct put *put = work->data;
    struct wal *wal = put->disk->wal;
    int rv;

    if (status != 0) {
        put_fail(put, status);
        return;
    }
    raft_disk_unpin(put->disk, put->oldest);
    if (put->trailing > 0) {
        put_trim(put);
        put_finish(put);
        return;
    }
    rv = wal_reset(wal, &put->step, put->snapshot->index + 1, put_on_reset);
    if (rv != 0) {
        (void)err_set(&put->err, rv, "begin the log anew");
        put_fail(put, rv);
    }
}

static void put_trim(struct put *put)
{
    raft_index keep = put->oldest + 1;
    raft_index index = put->snapshot->index;

    if (index < put->trailing) {
        return;
    }
    if (index - put->trailing + 1 < keep) {
        keep = index - put->trailing + 1;
    }
    wal_drop_before(put->disk->wal, keep);
}

static void put_on_reset(struct wal_append *step, int status)
{
    struct put *put = LIST_ITEM(step, struct put, step);

    (void)status; /* always 0 */
    raft_disk_reached(put->disk, put->snapshot->term);
    put_finish(put);
}

static void put_finish(struct put *put)
{
    struct raft_disk *disk = put->disk;

    list_remove(&put->link);
    put->cb(put->request, 0);
    put_free(put);
    raft_disk_grown(disk);
}

static void put_free(struct put *put)
{
    if (put->flushing) {
        chunk_store_flush_cancel(&put->flush);
    }
    raft_free(put->configuration.base);
    free(put);
}

/* The request is never told: the process ends. */
static void put_fail(struct put *put, int code)
{
    struct raft_disk *disk = put->disk;
    char reason[ERR_TEXT_MAX + 32];

    assert(code != 0);
    (void)snprintf(reason, sizeof reason, "storing a snapshot: %s",
                   put->err.text);
    list_remove(&put->link);
    put_free(put);
    raft_disk_fatal(disk, reason);
}

/* ---- From the disk ---- */

static int get_run(struct disk_work *work)
{
    struct get *get = work->data;
    struct snapshot_meta meta;
    struct buf data = BUF_INIT;
    size_t at;
    int rv = snapshot_dir_load(get->disk->disk, &meta, &data, &at, &get->aside,
                               &get->err);

    if (rv == 0) {
        rv = raft_disk_take_snapshot(
            &data, at, meta.index, meta.term, meta.configuration_index,
            meta.configuration, &get->snapshot, &get->err);
    }
    buf_close(&data);
    return rv;
}

static void get_on_done(struct disk_work *work, int status)
{
    struct get *get = work->data;

    list_remove(&get->link);
    if (get->aside > 0) {
        diag_warning("%u snapshots in %s are damaged; they are kept as "
                     "*.corrupt",
                     get->aside, get->disk->options.where);
    }
    if (status != 0) {
        diag_warning("a snapshot for another node cannot be read: %s",
                     get->err.text);
    } else if (get->disk->options.chunks != NULL) {
        /* That node will ask for what it names. Where the state is not of this
         * snapshot nothing is pinned; then it asks others, or for a newer one. */
        (void)chunk_store_lease(get->disk->options.chunks,
                                get->snapshot->index);
    }
    get->cb(get->request, get->snapshot, status == 0 ? 0 : RAFT_IOERR);
    free(get);
}
