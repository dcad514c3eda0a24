/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The steps of a job that are done off the loop: looking at what there is, writing
 * a pack, writing the manifest. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_file.h"
#include "backup/backup_job.h"
#include "machine/must.h"
#include "store/pack_check.h"
#include "store/snapshot.h"
#include "util/crc32c.h"
#include "util/mem.h"

#define IMAGE_OPEN_BYTES_AT 24u /* in an image, see docs/formats.md */

/* What a manifest is made of beside rows. */
struct rest {
    struct buf front; /* room for header and rows, then the snapshot */
    struct buf tail;
    uint64_t tail_raw_len;
    uint64_t new_bytes;
};

static struct backup_job *job_of(struct backup_chore *chore)
{
    return (struct backup_job *)(void *)chore;
}

static int source_open(struct backup_job *job, struct backup_front *ret_header,
                       struct buf *ret_front, uint64_t *ret_tail_at,
                       struct disk_file **ret_file, struct err *err);
static int gather_from_file(struct backup_job *job, struct err *err);
static int gather_one(struct backup_job *job, struct disk_file *file,
                      struct err *err);
static int write_pack(struct backup_job *job, struct err *err);
static int check_pack(struct backup_job *job, struct err *err);
static int rest_of_view(struct backup_job *job, struct rest *rest,
                        struct err *err);
static int tail_of_view(const struct view *view, struct rest *rest,
                        struct err *err);
static int rest_of_file(struct backup_job *job, struct rest *rest,
                        struct err *err);
static uint64_t fill_front(struct backup_job *job, struct rest *rest);
static int look_again(struct backup_job *job, struct err *err);

/* ---- The plan ------------------------------------------------------------ */

int job_run_plan(struct backup_chore *chore)
{
    struct backup_job *job = job_of(chore);
    struct backup_store *store = job->store;
    struct disk *disk = store->options.disk;
    struct backup_front header = {.chunks = 0};
    struct buf front = BUF_INIT;
    struct disk_file *file;
    uint64_t tail_at;
    int rv = 0;

    backup_plan_close(&job->plan);
    if (job->kind == JOB_TAKE) {
        backup_plan_of_set(&job->plan, job->set);
    } else {
        rv = source_open(job, &header, &front, &tail_at, &file, &chore->err);
        if (rv == 0) {
            backup_plan_of_front(
                &job->plan, (struct bytes){front.data, front.len}, &header);
            disk->ops->close(file);
        }
        buf_close(&front);
    }
    if (rv == 0 && job->base[0] != '\0') {
        rv = backup_plan_join(&job->plan, disk, &store->owner, job->base,
                              job->bad, job->bad_count, &chore->err);
    }
    return rv;
}

/* The file that a repair or an adoption takes its rows from, and its front. */
static int source_open(struct backup_job *job, struct backup_front *ret_header,
                       struct buf *ret_front, uint64_t *ret_tail_at,
                       struct disk_file **ret_file, struct err *err)
{
    struct backup_store *store = job->store;
    struct disk *disk = store->options.disk;
    struct backup_manifest manifest = {.len = 0};
    struct disk_file *file;
    int rv;

    if (job->kind == JOB_REPAIR) {
        rv = backup_manifest_open(disk, job->row.name, &store->owner, &manifest,
                                  &file, err);
        if (rv != 0) {
            return rv;
        }
        rv = backup_manifest_read_front(disk, file, &manifest, ret_front, err);
        *ret_header = manifest.front;
        *ret_tail_at = manifest.tail_at;
        job->was_new = manifest.locations.new_bytes;
    } else {
        struct buf head = BUF_INIT;

        rv = disk->ops->open(disk, job->file, false, &file, err);
        if (rv != 0) {
            return rv;
        }
        rv = backup_file_read(disk, file, 0, BACKUP_FRONT_HEADER_LEN, &head,
                              err);
        if (rv == 0) {
            rv = backup_front_decode(head.data, ret_header, err);
        }
        if (rv == 0) {
            rv = backup_file_read(disk, file, 0,
                                  (size_t)backup_front_len(ret_header),
                                  ret_front, err);
        }
        if (rv == 0) {
            rv = backup_front_check(
                (struct bytes){ret_front->data, ret_front->len}, ret_header,
                err);
        }
        *ret_tail_at = ret_header->stream_len - ret_header->tail_len;
        buf_close(&head);
    }
    if (rv != 0) {
        disk->ops->close(file);
        return rv;
    }
    *ret_file = file;
    return 0;
}

/* ---- A pack -------------------------------------------------------------- */

int job_run_pack(struct backup_chore *chore)
{
    struct backup_job *job = job_of(chore);
    int rv = 0;

    if (job->kind == JOB_ADOPT && job->batch.count == 0) {
        rv = gather_from_file(job, &chore->err);
    }
    if (rv == 0 && job->batch.count > 0) {
        rv = write_pack(job, &chore->err);
    }
    return rv;
}

static int gather_from_file(struct backup_job *job, struct err *err)
{
    struct disk *disk = job->store->options.disk;
    struct disk_file *file;
    int rv = disk->ops->open(disk, job->file, false, &file, err);

    if (rv != 0) {
        return rv;
    }
    while (rv == 0 && job->next < job->plan.count &&
           job->batch.raw < PACK_BYTES_MAX &&
           job->batch.count < PACK_CHUNKS_MAX) {
        if (job->plan.at[job->next].pack == 0) {
            rv = gather_one(job, file, err);
        }
        job->next++;
    }
    disk->ops->close(file);
    return rv;
}

static int gather_one(struct backup_job *job, struct disk_file *file,
                      struct err *err)
{
    struct disk *disk = job->store->options.disk;
    struct buf buf = BUF_INIT;
    struct pack_row row = {.frame_len = 0};
    struct bytes frame;
    int rv = pack_row_decode(job->plan.rows + (size_t)job->next * PACK_ROW_LEN,
                             &row, err);

    if (rv == 0) {
        rv = backup_file_read(disk, file, row.frame_at, row.frame_len, &buf,
                              err);
    }
    if (rv == 0) {
        frame = (struct bytes){buf.data, buf.len};
        rv = pack_frame_check(&row, frame, err);
    }
    if (rv == 0) {
        job_batch_add(&job->batch, &row, frame, job->next);
    } else if (rv == QL_CORRUPT) {
        rv = err_set(err, QL_NOT_FOUND,
                     "chunk %u is neither in the stream nor in the pool",
                     job->next);
    }
    buf_close(&buf);
    return rv;
}

static int write_pack(struct backup_job *job, struct err *err)
{
    struct backup_store *store = job->store;
    struct disk *disk = store->options.disk;
    struct job_batch *batch = &job->batch;
    struct pack_header header = {.number = batch->pack, .rows = batch->count};
    size_t front_len = pack_front_len(batch->count);
    uint8_t *front = mem_must_alloc(front_len);
    struct bytes runs[2] = {{front, front_len},
                            {batch->frames.data, batch->frames.len}};
    char name[DISK_NAME_MAX];
    uint64_t at = front_len;
    int rv;

    for (uint32_t i = 0; i < batch->count; i++) {
        batch->rows[i].frame_at = at;
        at += batch->rows[i].frame_len;
    }
    batch->file_len = at;
    memcpy(header.cluster, store->owner.ids, PACK_CLUSTER_LEN);
    pack_front_encode(&header, batch->rows, front);
    backup_pack_name(BACKUP_POOL, batch->pack, name);
    rv = backup_file_room(disk, batch->file_len, err);
    rv = rv != 0 ? rv : backup_file_absent(disk, name, err);
    if (rv == 0) {
        rv =
            backup_file_put(disk, BACKUP_PACK_ASIDE, name, runs, 2, false, err);
        rv = rv != 0 ? rv : check_pack(job, err);
        if (rv != 0) {
            /* It may be there all the same; nobody knows of it then. */
            (void)disk->ops->remove(disk, name, NULL);
        }
    }
    free(front);
    return rv;
}

/* From the disk, chunk by chunk. */
static int check_pack(struct backup_job *job, struct err *err)
{
    struct job_batch *batch = &job->batch;
    struct chunk_name *names = mem_must_array(batch->count, sizeof(*names));
    bool *bad = mem_must_array(batch->count, sizeof(*bad));
    struct pack_check check = {.prefix = BACKUP_POOL,
                               .number = batch->pack,
                               .cluster = job->store->owner.ids,
                               .file_len = batch->file_len,
                               .rows = batch->count,
                               .names = names};
    int rv;

    for (uint32_t i = 0; i < batch->count; i++) {
        names[i] = batch->rows[i].facts.name;
    }
    rv = pack_check(job->store->options.disk, &check, bad, err);
    free(bad);
    free(names);
    if (rv != 0) {
        (void)err_wrap(err, "read back what was written");
    }
    return rv;
}

/* ---- The manifest -------------------------------------------------------- */

int job_run_manifest(struct backup_chore *chore)
{
    struct backup_job *job = job_of(chore);
    struct backup_store *store = job->store;
    struct rest rest = {.front = BUF_INIT, .tail = BUF_INIT};
    struct backup_parts parts = {.items = job->plan.at};
    uint64_t len = 0;
    int rv;

    rest.new_bytes = job->copied;
    (void)must_have_memory(
        buf_reserve(&rest.front, (size_t)backup_front_row_at(job->plan.count)));
    rest.front.len = (size_t)backup_front_row_at(job->plan.count);
    rv = job->kind == JOB_TAKE ? rest_of_view(job, &rest, &chore->err)
                               : rest_of_file(job, &rest, &chore->err);
    if (rv == 0) {
        parts.stored_bytes = fill_front(job, &rest);
        parts.new_bytes = rest.new_bytes;
        parts.front = (struct bytes){rest.front.data, rest.front.len};
        parts.tail = (struct bytes){rest.tail.data, rest.tail.len};
        rv = backup_file_room(store->options.disk,
                              parts.front.len + parts.tail.len, &chore->err);
    }
    if (rv == 0) {
        rv = backup_manifest_put(store->options.disk, &parts, &store->owner,
                                 &len, &chore->err);
    }
    buf_close(&rest.front);
    buf_close(&rest.tail);
    return rv == 0 ? look_again(job, &chore->err) : rv;
}

static int rest_of_view(struct backup_job *job, struct rest *rest,
                        struct err *err)
{
    int rv = snapshot_encode(job->view, job->row.index, &rest->front, err);

    return rv != 0 ? rv : tail_of_view(job->view, rest, err);
}

/* The bytes of open chunks end the image. */
static int tail_of_view(const struct view *view, struct rest *rest,
                        struct err *err)
{
    struct view_cursor cursor;
    struct buf raw = BUF_INIT;
    struct bytes run;
    uint64_t at = 0;
    uint64_t from = 0;
    int rv = 0;

    view_cursor_init(&cursor);
    while (view_next(view, &cursor, &run)) {
        if (at == 0) {
            assert(run.len >= IMAGE_OPEN_BYTES_AT + 8);
            rest->tail_raw_len = get_u64(run.data + IMAGE_OPEN_BYTES_AT);
            from = view_len(view) - rest->tail_raw_len;
        }
        if (at + run.len > from) {
            size_t skip = at < from ? (size_t)(from - at) : 0;

            (void)must_have_memory(
                buf_add(&raw, run.data + skip, run.len - skip));
        }
        at += run.len;
    }
    assert(raw.len == rest->tail_raw_len);
    if (raw.len > 0) {
        rv = pack_frame_compress((struct bytes){raw.data, raw.len}, &rest->tail,
                                 err);
    }
    buf_close(&raw);
    return rv;
}

static int rest_of_file(struct backup_job *job, struct rest *rest,
                        struct err *err)
{
    struct disk *disk = job->store->options.disk;
    struct backup_front header = {.chunks = 0};
    struct buf front = BUF_INIT;
    struct disk_file *file;
    struct bytes snapshot;
    uint64_t tail_at = 0;
    int rv = source_open(job, &header, &front, &tail_at, &file, err);

    if (rv == 0) {
        assert(header.chunks == job->plan.count);
        snapshot = backup_front_snapshot((struct bytes){front.data, front.len},
                                         &header);
        (void)must_have_memory(
            buf_add(&rest->front, snapshot.data, snapshot.len));
        rest->tail_raw_len = header.tail_raw_len;
        rest->new_bytes =
            job->kind == JOB_REPAIR ? job->was_new : rest->new_bytes;
        rv = backup_file_read(disk, file, tail_at, (size_t)header.tail_len,
                              &rest->tail, err);
        disk->ops->close(file);
    }
    if (rv == 0 &&
        crc32c(0, rest->tail.data, rest->tail.len) != header.tail_crc) {
        rv = err_set(err, QL_CORRUPT,
                     "the checksum of the open chunks is wrong");
    }
    buf_close(&front);
    return rv;
}

/* Header and rows, which have their places in the stream now. The bytes of all
 * frames. */
static uint64_t fill_front(struct backup_job *job, struct rest *rest)
{
    struct backup_front front = {.row = job->row, .chunks = job->plan.count};
    uint8_t crc[BACKUP_FRONT_CRC_LEN] = {0};
    uint64_t frames_at;
    uint64_t at;

    front.snapshot_len = rest->front.len - backup_front_row_at(job->plan.count);
    front.tail_len = rest->tail.len;
    front.tail_raw_len = rest->tail_raw_len;
    front.tail_crc = crc32c(0, rest->tail.data, rest->tail.len);
    (void)must_have_memory(buf_add(&rest->front, crc, sizeof(crc)));
    frames_at = backup_front_len(&front);
    assert(frames_at == rest->front.len);
    at = frames_at;
    for (uint32_t i = 0; i < job->plan.count; i++) {
        uint8_t *bytes = rest->front.data + backup_front_row_at(i);
        struct pack_row row = {.frame_len = 0};
        int rv = pack_row_decode(job->plan.rows + (size_t)i * PACK_ROW_LEN,
                                 &row, NULL);

        assert(rv == 0);
        row.frame_at = at;
        at += row.frame_len;
        pack_row_encode(&row, bytes);
    }
    front.stream_len = at + front.tail_len;
    backup_front_encode(&front, rest->front.data);
    backup_front_seal(rest->front.data, rest->front.len);
    return at - frames_at;
}

/* As somebody finds it who comes later. */
static int look_again(struct backup_job *job, struct err *err)
{
    struct backup_store *store = job->store;
    struct disk *disk = store->options.disk;
    struct backup_manifest manifest = {.len = 0};
    struct buf locations = BUF_INIT;
    struct disk_file *file;
    int rv = backup_manifest_open(disk, job->row.name, &store->owner, &manifest,
                                  &file, err);

    if (rv != 0) {
        return rv;
    }
    rv = backup_manifest_read_locations(disk, file, &manifest, &locations, err);
    disk->ops->close(file);
    if (rv == 0) {
        job->made = backup_entry_new(&manifest.front.row);
        job->made->file_len = manifest.len;
        job->made->new_bytes = manifest.locations.new_bytes;
        job->made->stored_bytes = manifest.locations.stored_bytes;
        runs_of((struct bytes){locations.data, locations.len},
                &job->made->runs);
    }
    buf_close(&locations);
    return rv;
}
