/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The work of the compactor: chunks become a pack. Nothing gets into one whose
 * bytes do not give the chain digest in its name, wherever they came from; and the
 * file is read again before it gets its name.
 */
#include "store/chunk_batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/pack_read.h"
#include "store/readback.h"
#include "machine/must.h"
#include "util/crc32c.h"
#include "util/mem.h"

struct scratch {
    struct buf raw; /* of one chunk */
};

static void make_entry(struct store_batch *batch, struct batch_entry *entry,
                       struct scratch *scratch);
static int make_of_bytes(struct store_batch *batch,
                         const struct batch_entry *entry, struct bytes raw,
                         struct pack_row *row, struct err *err);
static int make_of_gather(struct store_batch *batch, struct batch_entry *entry,
                          struct pack_row *row, struct err *err);
static size_t piece_to_blame(const struct batch_entry *entry);
static int make_of_frame(struct store_batch *batch,
                         const struct batch_entry *entry,
                         struct scratch *scratch, struct pack_row *row,
                         struct err *err);
static int make_of_pack(struct store_batch *batch,
                        const struct batch_entry *entry,
                        struct scratch *scratch, struct pack_row *row,
                        struct err *err);
static int prove_frame(const struct batch_entry *entry,
                       const struct pack_row *row, struct bytes frame,
                       struct scratch *scratch, struct err *err);
static void finish_front(struct store_batch *batch);
static int write_file(struct store_batch *batch);
static int write_aside(struct store_batch *batch, const char *name);
static int write_bytes(struct store_batch *batch, struct disk_file *file,
                       const uint8_t *bytes);

int store_batch_run(struct disk_work *work)
{
    int rv = store_batch_build(work);

    return rv == 0 ? store_batch_write(work) : rv;
}

int store_batch_build(struct disk_work *work)
{
    struct store_batch *batch = work->data;
    struct scratch scratch = {BUF_INIT};

    batch->rows = mem_must_array(batch->count, sizeof(*batch->rows));
    (void)must_have_memory(
        buf_reserve(&batch->made, pack_front_len((uint32_t)batch->count)));
    batch->made.len = pack_front_len((uint32_t)batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        make_entry(batch, &batch->entries[i], &scratch);
    }
    buf_close(&scratch.raw);
    return 0;
}

int store_batch_write(struct disk_work *work)
{
    struct store_batch *batch = work->data;
    int rv = 0;

    if (batch->made_count > 0) {
        finish_front(batch);
        rv = write_file(batch);
    }
    buf_close(&batch->made);
    return rv;
}

/* ---- Entries ------------------------------------------------------------- */

/* Appends its frame, or says why not. */
static void make_entry(struct store_batch *batch, struct batch_entry *entry,
                       struct scratch *scratch)
{
    struct pack_row *row = &batch->rows[batch->made_count];
    size_t start = batch->made.len;
    struct err err = {0};
    int rv = QL_INTERNAL;

    memset(row, 0, sizeof(*row));
    switch (entry->item->kind) {
    case ITEM_BYTES:
        rv = make_of_bytes(batch, entry, entry->share.bytes, row, &err);
        break;
    case ITEM_GATHER:
        rv = make_of_gather(batch, entry, row, &err);
        break;
    case ITEM_FRAME:
        rv = make_of_frame(batch, entry, scratch, row, &err);
        break;
    case ITEM_MOVE:
        rv = make_of_pack(batch, entry, scratch, row, &err);
        break;
    }
    (void)must_have_memory(rv);
    entry->status = rv;
    if (rv != 0) {
        entry->why = mem_must_strdup(err.text);
        batch->made.len = start;
        return;
    }
    row->frame_at = start; /* for now: from where frames begin in memory */
    entry->slot_made = batch->made_count;
    batch->made_count++;
    batch->raw_made += row->facts.len;
}

static int make_of_bytes(struct store_batch *batch,
                         const struct batch_entry *entry, struct bytes raw,
                         struct pack_row *row, struct err *err)
{
    size_t start = batch->made.len;
    int rv;

    rv = chunk_memory_check(raw, &entry->facts, entry->item->from, err);
    if (rv == 0) {
        rv = pack_frame_compress(raw, &batch->made, err);
    }
    if (rv != 0) {
        return rv;
    }
    row->facts = entry->facts;
    memcpy(row->from, entry->item->from, HASH128_LEN);
    hash128(raw.data, raw.len, row->hash);
    row->frame_len = (uint32_t)(batch->made.len - start);
    row->frame_crc = crc32c(0, batch->made.data + start, row->frame_len);
    return 0;
}

static int make_of_gather(struct store_batch *batch, struct batch_entry *entry,
                          struct pack_row *row, struct err *err)
{
    struct chunk_gather *gather = &entry->gather;
    int rv = chunk_gather_run(gather, batch->store->options.disk, err);

    entry->bad = gather->bad;
    if (rv != 0) {
        return rv;
    }
    rv = make_of_bytes(
        batch, entry,
        (struct bytes){chunk_memory_bytes(gather->memory), gather->len}, row,
        err);
    if (rv == QL_CORRUPT) {
        entry->bad = piece_to_blame(entry);
    }
    /* Nobody else has seen it, and many of them would be much. */
    chunk_memory_drop(gather->memory);
    gather->memory = NULL;
    return rv;
}

/* Each piece has the hash that its pack says, but one is not what its name says:
 * it was wrong when it was written. */
static size_t piece_to_blame(const struct batch_entry *entry)
{
    const struct chunk_gather *gather = &entry->gather;
    const uint8_t *at = chunk_memory_bytes(gather->memory);
    const uint8_t *from = entry->item->from;
    size_t i;

    for (i = 0; i < gather->count; i++) {
        struct chunk_facts facts = chunk_facts(gather->pieces[i].chunk);

        if (chunk_memory_check((struct bytes){at, facts.len}, &facts, from,
                               NULL) != 0) {
            break;
        }
        at += facts.len;
        from = gather->pieces[i].chunk->name.chain;
    }
    return i;
}

static int make_of_frame(struct store_batch *batch,
                         const struct batch_entry *entry,
                         struct scratch *scratch, struct pack_row *row,
                         struct err *err)
{
    struct bytes frame = {entry->item->frame.data, entry->item->frame.len};
    int rv = pack_row_decode(entry->item->row, row, err);

    if (rv == 0) {
        rv = prove_frame(entry, row, frame, scratch, err);
    }
    if (rv == 0) {
        rv = buf_add(&batch->made, frame.data, frame.len);
    }
    return rv;
}

static int make_of_pack(struct store_batch *batch,
                        const struct batch_entry *entry,
                        struct scratch *scratch, struct pack_row *row,
                        struct err *err)
{
    struct disk *disk = batch->store->options.disk;
    size_t start = batch->made.len;
    char name[DISK_NAME_MAX];
    struct disk_file *file;
    int rv;

    pack_name("", entry->pack, PACK_SUFFIX, name);
    rv = disk->ops->open(disk, name, false, &file, err);
    if (rv != 0) {
        return rv;
    }
    rv = pack_read_row(disk, file, entry->slot, &entry->facts.name, row, err);
    if (rv == 0) {
        rv = pack_read_frame(disk, file, row, &batch->made, err);
    }
    disk->ops->close(file);
    if (rv == 0) {
        struct bytes frame = {batch->made.data + start,
                              batch->made.len - start};

        rv = prove_frame(entry, row, frame, scratch, err);
    }
    return rv;
}

/* What @row says of it are the facts we know, and @frame gives these bytes. */
static int prove_frame(const struct batch_entry *entry,
                       const struct pack_row *row, struct bytes frame,
                       struct scratch *scratch, struct err *err)
{
    const struct chunk_facts *facts = &entry->facts;
    int rv;

    if (!chunk_name_equal(&row->facts.name, &facts->name) ||
        row->facts.last_time_ms != facts->last_time_ms ||
        row->facts.len != facts->len || row->facts.entries != facts->entries ||
        row->facts.payload != facts->payload) {
        return err_set(err, QL_CORRUPT, "a row speaks of another chunk");
    }
    scratch->raw.len = 0;
    (void)must_have_memory(buf_reserve(&scratch->raw, facts->len));
    rv = pack_chunk_decompress(row, frame, scratch->raw.data, err);
    if (rv == 0) {
        rv = chunk_memory_check((struct bytes){scratch->raw.data, facts->len},
                                facts, row->from, err);
    }
    return rv;
}

/* ---- The file ------------------------------------------------------------ */

/* Puts the front right before the frames, now that the count of rows is known. */
static void finish_front(struct store_batch *batch)
{
    struct pack_header header = {.number = batch->number,
                                 .rows = batch->made_count};
    size_t room = pack_front_len((uint32_t)batch->count);

    batch->front_at = room - pack_front_len(batch->made_count);
    for (uint32_t i = 0; i < batch->made_count; i++) {
        batch->rows[i].frame_at -= batch->front_at;
    }
    memcpy(header.cluster, batch->store->options.cluster, PACK_CLUSTER_LEN);
    pack_front_encode(&header, batch->rows, batch->made.data + batch->front_at);
    batch->file_len = batch->made.len - batch->front_at;
}

static int write_file(struct store_batch *batch)
{
    struct disk *disk = batch->store->options.disk;
    char aside[DISK_NAME_MAX];
    char name[DISK_NAME_MAX];
    int rv;

    pack_name("", batch->number, PACK_ASIDE_SUFFIX, aside);
    pack_name("", batch->number, PACK_SUFFIX, name);
    rv = write_aside(batch, aside);
    if (rv == 0) {
        rv = disk->ops->rename(disk, aside, name, &batch->err);
    }
    if (rv != 0) {
        (void)disk->ops->remove(disk, aside, NULL);
    }
    return rv;
}

static int write_aside(struct store_batch *batch, const char *name)
{
    struct disk *disk = batch->store->options.disk;
    const uint8_t *bytes = batch->made.data + batch->front_at;
    struct bytes front = {bytes, pack_front_len(batch->made_count)};
    uint64_t frames_len = batch->file_len - front.len;
    uint8_t hash[HASH128_LEN];
    struct disk_file *file;
    int rv = disk->ops->open(disk, name, true, &file, &batch->err);

    if (rv != 0) {
        return rv;
    }
    rv = write_bytes(batch, file, bytes);
    if (rv == 0) {
        hash128(bytes + front.len, (size_t)frames_len, hash);
        rv = readback(disk, file, front, frames_len, hash, &batch->err);
    }
    disk->ops->close(file);
    return rv;
}

/* What peers sent is much, and readers want the newest first. */
static int write_bytes(struct store_batch *batch, struct disk_file *file,
                       const uint8_t *bytes)
{
    const struct disk_ops *ops = batch->store->options.disk->ops;
    size_t len = (size_t)batch->file_len;

    if (batch->lane == LANE_FETCHED && ops->write_past != NULL) {
        return ops->write_past(file, bytes, len, &batch->err);
    }
    return ops->write_sync(file, 0, bytes, len, &batch->err);
}
