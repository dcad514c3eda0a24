/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Fronts, chunks and pieces of streams, for those who show, stage, export or fetch
 * a backup. Several at a time; none while the directory is looked at. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_file.h"
#include "backup/backup_internal.h"
#include "backup/backup_stream.h"
#include "machine/must.h"
#include "store/pack_read.h"
#include "util/mem.h"

enum read_kind { READ_FRONT, READ_CHUNK, READ_STREAM };

struct read_work {
    struct disk_work work;
    struct list link;   /* store->reads */
    struct list waiter; /* struct backup_read, unless cancelled */
    struct backup_store *store;
    enum read_kind kind;
    struct backup_row row;
    uint32_t number; /* of a chunk */
    uint64_t offset; /* in the stream */
    uint32_t len;
    struct buf bytes; /* the answer */
    uint8_t pack_row[PACK_ROW_LEN];
    uint8_t tag[HASH128_LEN];
    uint64_t total;
    uint64_t pack; /* that was being read; 0: none */
    struct err err;
};

/* An open manifest. */
struct source {
    struct disk *disk;
    struct disk_file *file;
    struct backup_manifest manifest;
};

static int begin(struct backup_store *store, struct backup_read *read,
                 const char *name, struct read_work **ret_work,
                 backup_read_cb cb);
static int start(struct read_work *work);
static int run(struct disk_work *work);
static int run_chunk(struct read_work *work, struct source *source);
static int run_stream(struct read_work *work, struct source *source);
static int read_frames(struct read_work *work, struct source *source);
static int find_row(struct source *source, uint64_t offset,
                    uint32_t *ret_number, struct err *err);
static int read_frame(struct read_work *work, struct source *source,
                      uint32_t number, struct pack_row *ret_row,
                      struct buf *ret, struct err *err);
static void on_done(struct disk_work *work, int status);
static void doubt(struct read_work *work);
static void work_free(struct read_work *work);

/* ---- Asking -------------------------------------------------------------- */

int backup_store_read_front(struct backup_store *store,
                            struct backup_read *read, const char *name,
                            backup_read_cb cb)
{
    struct read_work *work;
    int rv = begin(store, read, name, &work, cb);

    if (rv == 0) {
        work->kind = READ_FRONT;
        rv = start(work);
    }
    return rv;
}

int backup_store_read_chunk(struct backup_store *store,
                            struct backup_read *read, const char *name,
                            uint32_t number, backup_read_cb cb)
{
    struct read_work *work;
    int rv = begin(store, read, name, &work, cb);

    if (rv == 0) {
        work->kind = READ_CHUNK;
        work->number = number;
        rv = start(work);
    }
    return rv;
}

int backup_store_read_stream(struct backup_store *store,
                             struct backup_read *read, const char *name,
                             uint64_t offset, uint32_t len, backup_read_cb cb)
{
    struct read_work *work;
    int rv = begin(store, read, name, &work, cb);

    assert(len <= EXPORT_BYTES_MAX);
    if (rv == 0) {
        work->kind = READ_STREAM;
        work->offset = offset;
        work->len = len;
        rv = start(work);
    }
    return rv;
}

void backup_store_read_cancel(struct backup_read *read)
{
    list_remove(&read->link);
}

static int begin(struct backup_store *store, struct backup_read *read,
                 const char *name, struct read_work **ret_work,
                 backup_read_cb cb)
{
    const struct backup_entry *entry = backup_entry_of(store, name);
    struct read_work *work;

    if (store->is_stopped || !store->is_readable ||
        store->reads_count >= BACKUP_READS_MAX) {
        return QL_BUSY;
    }
    work = mem_must_zalloc(sizeof(*work));
    work->store = store;
    list_init(&work->waiter);
    list_init(&work->link);
    /* That there is none is told later, too. */
    if (entry != NULL && entry->has_file) {
        work->row = entry->row;
    }
    read->cb = cb;
    memset(&read->err, 0, sizeof(read->err));
    list_push_back(&work->waiter, &read->link);
    *ret_work = work;
    return 0;
}

static int start(struct read_work *work)
{
    struct backup_store *store = work->store;

    work->work.run = run;
    work->work.cb = on_done;
    work->work.data = work;
    if (store->options.disk->ops->work(store->options.disk, &work->work) != 0) {
        work_free(work);
        return QL_BUSY;
    }
    store->reads_count++;
    list_push_back(&store->reads, &work->link);
    return 0;
}

void backup_reads_free(struct backup_store *store)
{
    while (!list_empty(&store->reads)) {
        work_free(LIST_ITEM(store->reads.next, struct read_work, link));
    }
    store->reads_count = 0;
}

static void work_free(struct read_work *work)
{
    list_remove(&work->link);
    list_remove(&work->waiter);
    buf_close(&work->bytes);
    free(work);
}

/* ---- Off the loop -------------------------------------------------------- */

static int run(struct disk_work *disk_work)
{
    struct read_work *work = disk_work->data;
    struct backup_store *store = work->store;
    struct source source = {.disk = store->options.disk};
    uint8_t header[BACKUP_FRONT_HEADER_LEN];
    int rv;

    if (work->row.name[0] == '\0') {
        return err_set(&work->err, QL_NOT_FOUND, "it is not on this node");
    }
    rv = backup_manifest_open(source.disk, work->row.name, &store->owner,
                              &source.manifest, &source.file, &work->err);
    if (rv != 0) {
        return rv == QL_DENIED || rv == QL_INVALID ? QL_NOT_FOUND : rv;
    }
    rv = pack_read_exactly(source.disk, source.file, 0, header, sizeof(header),
                           &work->err);
    if (rv == 0) {
        backup_front_tag(header, source.manifest.front_crc, work->tag);
        work->total = source.manifest.front.stream_len;
    }
    if (rv == 0 && work->kind == READ_FRONT) {
        rv = backup_manifest_read_front(source.disk, source.file,
                                        &source.manifest, &work->bytes,
                                        &work->err);
    } else if (rv == 0 && work->kind == READ_CHUNK) {
        rv = run_chunk(work, &source);
    } else if (rv == 0) {
        rv = run_stream(work, &source);
    }
    source.disk->ops->close(source.file);
    return rv;
}

static int run_chunk(struct read_work *work, struct source *source)
{
    struct pack_row row = {.frame_len = 0};
    uint8_t *raw;
    int rv;

    if (work->number >= source->manifest.front.chunks) {
        return err_set(&work->err, QL_NOT_FOUND, "it has no chunk %u",
                       work->number);
    }
    rv = read_frame(work, source, work->number, &row, &work->bytes, &work->err);
    if (rv != 0) {
        return rv;
    }
    raw = mem_must_alloc(row.facts.len);
    rv = pack_chunk_decompress(
        &row, (struct bytes){work->bytes.data, work->bytes.len}, raw,
        &work->err);
    free(raw);
    pack_row_encode(&row, work->pack_row);
    return rv;
}

static int run_stream(struct read_work *work, struct source *source)
{
    const struct backup_front *front = &source->manifest.front;
    int rv = 0;

    while (rv == 0 && work->bytes.len < work->len) {
        uint64_t at = work->offset + work->bytes.len;
        uint64_t left = 0;
        size_t wanted = work->len - work->bytes.len;
        enum backup_stream_part part = backup_stream_at(front, at, &left);

        wanted = left < wanted ? (size_t)left : wanted;
        switch (part) {
        case BACKUP_STREAM_FRONT:
            rv = backup_file_read(source->disk, source->file, at, wanted,
                                  &work->bytes, &work->err);
            break;
        case BACKUP_STREAM_FRAMES:
            rv = read_frames(work, source);
            break;
        case BACKUP_STREAM_TAIL:
            rv = backup_file_read(source->disk, source->file,
                                  source->manifest.len - left, wanted,
                                  &work->bytes, &work->err);
            break;
        case BACKUP_STREAM_END:
            return 0;
        }
    }
    return rv;
}

/* As far as frames and what is wanted go. */
static int read_frames(struct read_work *work, struct source *source)
{
    uint64_t at = work->offset + work->bytes.len;
    uint32_t number = 0;
    int rv = find_row(source, at, &number, &work->err);

    while (rv == 0 && work->bytes.len < work->len &&
           number < source->manifest.front.chunks) {
        struct buf frame = BUF_INIT;
        struct pack_row row = {.frame_len = 0};

        rv = read_frame(work, source, number, &row, &frame, &work->err);
        /* Of the front only the header was checked. */
        if (rv == 0 && (at < row.frame_at || at - row.frame_at >= frame.len)) {
            rv = err_set(&work->err, QL_CORRUPT, "frame %u is out of place",
                         number);
        }
        if (rv == 0) {
            size_t skip = (size_t)(at - row.frame_at);
            size_t len = frame.len - skip;
            size_t wanted = work->len - work->bytes.len;

            len = len < wanted ? len : wanted;
            (void)must_have_memory(
                buf_add(&work->bytes, frame.data + skip, len));
            at += len;
            number++;
        }
        buf_close(&frame);
    }
    return rv;
}

/* The row whose frame has @offset, by halves: rows are where they are. */
static int find_row(struct source *source, uint64_t offset,
                    uint32_t *ret_number, struct err *err)
{
    uint32_t low = 0;
    uint32_t high = source->manifest.front.chunks;
    struct pack_row row = {.frame_len = 0};
    int rv = 0;

    while (rv == 0 && low + 1 < high) {
        uint32_t middle = low + (high - low) / 2;

        rv = backup_manifest_read_row(source->disk, source->file,
                                      &source->manifest, middle, &row, err);
        if (rv == 0 && row.frame_at <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    if (rv == 0 && low < source->manifest.front.chunks) {
        rv = backup_manifest_read_row(source->disk, source->file,
                                      &source->manifest, low, &row, err);
    }
    if (rv == 0 &&
        (offset < row.frame_at || offset - row.frame_at >= row.frame_len)) {
        rv = err_set(err, QL_CORRUPT, "no frame has byte %llu of the stream",
                     (unsigned long long)offset);
    }
    *ret_number = low;
    return rv;
}

/* The manifest's row of the chunk, and its frame out of the pack, which must have
 * the same. */
static int read_frame(struct read_work *work, struct source *source,
                      uint32_t number, struct pack_row *ret_row,
                      struct buf *ret, struct err *err)
{
    struct backup_location at = {0, 0};
    struct pack_row row = {.frame_len = 0};
    char name[DISK_NAME_MAX];
    struct disk_file *file;
    int rv = backup_manifest_read_row(source->disk, source->file,
                                      &source->manifest, number, ret_row, err);

    if (rv == 0) {
        rv = backup_manifest_read_location(source->disk, source->file,
                                           &source->manifest, number, &at, err);
    }
    if (rv != 0) {
        return rv;
    }
    work->pack = at.pack;
    backup_pack_name(BACKUP_POOL, at.pack, name);
    rv = source->disk->ops->open(source->disk, name, false, &file, err);
    if (rv != 0) {
        return rv == QL_NOT_FOUND || rv == QL_INVALID ? QL_CORRUPT : rv;
    }
    rv = pack_read_row(source->disk, file, at.row, &ret_row->facts.name, &row,
                       err);
    if (rv == 0) {
        rv = pack_read_frame(source->disk, file, &row, ret, err);
    }
    if (rv == 0) {
        rv =
            pack_frame_check(ret_row, (struct bytes){ret->data, ret->len}, err);
    }
    source->disk->ops->close(file);
    if (rv != 0) {
        return err_wrap(err, "%s", name);
    }
    work->pack = 0;
    return 0;
}

/* ---- And back ------------------------------------------------------------ */

static void on_done(struct disk_work *disk_work, int status)
{
    struct read_work *work = disk_work->data;
    struct backup_store *store = work->store;
    struct backup_read *read = NULL;

    (void)must_have_memory(status);
    store->reads_count--;
    list_remove(&work->link);
    if (status == QL_CORRUPT) {
        doubt(work);
    }
    if (!list_empty(&work->waiter)) {
        read = LIST_ITEM(work->waiter.next, struct backup_read, link);
        list_remove(&read->link);
        read->bytes = (struct bytes){work->bytes.data, work->bytes.len};
        memcpy(read->row, work->pack_row, sizeof(read->row));
        memcpy(read->tag, work->tag, sizeof(read->tag));
        read->total = work->total;
        read->err = work->err;
        read->cb(read, status);
    }
    work_free(work);
    backup_chores_kick(store);
}

/* What was read is bad: the scrub reads it next, and sees to it. */
static void doubt(struct read_work *work)
{
    struct backup_store *store = work->store;
    struct backup_entry *entry = backup_entry_of(store, work->row.name);
    struct pool_pack *pack = pool_find(&store->pool, work->pack);

    if (pack != NULL) {
        pack->checked_ms = 0;
    } else if (entry != NULL) {
        entry->checked_ms = 0;
    }
    backup_changed(store);
}
