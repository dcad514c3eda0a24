/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A backup as a source: an exported stream in one file, or a manifest over the
 * pool that it lies beside. Behind a stream there may be a result (recover_result.h)
 * as a skippable LZ4 frame: then the state is one that a recovery has made.
 */
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "backup/backup_locations.h"
#include "backup/backup_proof.h"
#include "backup/backup_stream.h"
#include "consensus/recover_frame.h"
#include "consensus/recover_source.h"
#include "machine/must.h"
#include "store/pack_read.h"
#include "store/snapshot.h"
#include "util/file.h"

#define LOCATIONS_MAGIC 0x184D2A53u

static int open_file(struct recover_source *source, uint64_t *ret_size,
                     struct err *err);
static int read_front(struct recover_source *source, struct backup_front *ret,
                      struct err *err);
static int read_kind(struct recover_source *source,
                     const struct backup_front *front, uint64_t size,
                     struct err *err);
static int read_result(struct recover_source *source, uint64_t at,
                       uint64_t size, struct err *err);
static int prove(struct recover_source *source, struct err *err);
static int prove_frames(struct recover_source *source,
                        struct backup_proof *proof, struct err *err);
static int prove_tail(struct recover_source *source, struct backup_proof *proof,
                      struct err *err);
static int open_pool(struct recover_source *source, struct err *err);
static int refused(struct recover_source *source, int rv, const struct err *why,
                   struct err *err);

static struct disk *disk_of(const struct recover_source *source)
{
    return disk_reader_disk(source->files);
}

static struct bytes front_of(const struct recover_source *source)
{
    return (struct bytes){source->front.data, source->front.len};
}

int recover_file_open(struct recover_source *source, struct err *err)
{
    struct backup_front front = {.chunks = 0};
    uint64_t size = 0;
    struct err why;
    int rv = open_file(source, &size, err);

    if (rv != 0) {
        return rv;
    }
    source->kind = RECOVER_FILE;
    rv = read_front(source, &front, &why);
    if (rv == 0) {
        source->row = front.row;
        source->index = front.row.index;
        memcpy(source->cluster, front.row.cluster, CLUSTER_ID_LEN);
        rv = read_kind(source, &front, size, &why);
    }
    if (rv == 0) {
        rv = prove(source, &why);
    }
    rv = refused(source, rv, &why, err);
    if (rv == 0 && source->kind == RECOVER_MANIFEST) {
        rv = open_pool(source, err);
    }
    return rv;
}

/* That it is no good is what the source says of itself. */
static int refused(struct recover_source *source, int rv, const struct err *why,
                   struct err *err)
{
    if (rv == QL_CORRUPT || rv == QL_INVALID) {
        source->code = rv;
        source->err = *why;
        return 0;
    }
    return rv == 0 ? 0 : err_set(err, rv, "%s", why->text);
}

static int open_file(struct recover_source *source, uint64_t *ret_size,
                     struct err *err)
{
    char dir[PATH_LEN_MAX];
    char name[PATH_LEN_MAX];
    int rv;

    (void)snprintf(dir, sizeof dir, "%s", source->path);
    (void)snprintf(name, sizeof name, "%s", source->path);
    rv = disk_reader_open(&source->files, dirname(dir), err);
    if (rv == 0) {
        rv = disk_of(source)->ops->open(disk_of(source), basename(name), false,
                                        &source->file, err);
    }
    if (rv == 0) {
        rv = disk_of(source)->ops->size(source->file, ret_size, err);
    }
    return rv;
}

static int read_front(struct recover_source *source, struct backup_front *ret,
                      struct err *err)
{
    struct buf *bytes = &source->front;
    uint64_t len;
    int rv;

    (void)must_have_memory(buf_reserve(bytes, BACKUP_FRONT_HEADER_LEN));
    rv = pack_read_exactly(disk_of(source), source->file, 0, bytes->data,
                           BACKUP_FRONT_HEADER_LEN, err);
    if (rv == 0) {
        rv = backup_front_decode(bytes->data, ret, err);
    }
    if (rv != 0) {
        return rv;
    }
    len = backup_front_len(ret);
    (void)must_have_memory(buf_reserve(bytes, (size_t)len));
    rv = pack_read_exactly(disk_of(source), source->file, 0, bytes->data,
                           (size_t)len, err);
    bytes->len = rv == 0 ? (size_t)len : 0;
    return rv;
}

static int read_kind(struct recover_source *source,
                     const struct backup_front *front, uint64_t size,
                     struct err *err)
{
    uint8_t magic[4] = {0};
    size_t got = 0;
    int rv = disk_of(source)->ops->read(source->file, source->front.len, magic,
                                        sizeof magic, &got, err);

    if (rv != 0) {
        return rv;
    }
    if (got == sizeof magic && get_u32(magic) == LOCATIONS_MAGIC) {
        source->kind = RECOVER_MANIFEST;
        return 0;
    }
    if (size < front->stream_len) {
        return err_set(
            err, QL_CORRUPT, "it has %llu of the %llu bytes of the backup",
            (unsigned long long)size, (unsigned long long)front->stream_len);
    }
    return size == front->stream_len
               ? 0
               : read_result(source, front->stream_len, size, err);
}

static int read_result(struct recover_source *source, uint64_t at,
                       uint64_t size, struct err *err)
{
    uint8_t bytes[RECOVER_FRAME_MAX];
    int rv;

    if (size - at > sizeof bytes) {
        return err_set(err, QL_CORRUPT, "something stands behind its end");
    }
    rv = pack_read_exactly(disk_of(source), source->file, at, bytes,
                           (size_t)(size - at), err);
    if (rv == 0) {
        rv = recover_frame_decode(
            &source->result, (struct bytes){bytes, (size_t)(size - at)}, err);
    }
    if (rv == 0) {
        source->has_result = true;
        source->index = source->result.index;
        source->term = source->result.term;
    }
    return rv;
}

/* ---- Is it good? ---- */

static int prove(struct recover_source *source, struct err *err)
{
    struct backup_proof proof;
    int rv = backup_proof_begin(&proof, front_of(source), err);

    if (rv != 0) {
        return rv;
    }
    if (source->kind == RECOVER_FILE) {
        rv = prove_frames(source, &proof, err);
        if (rv == 0) {
            rv = prove_tail(source, &proof, err);
        }
    }
    backup_proof_close(&proof);
    return rv;
}

/* Others may have the chunks that are damaged here. */
static int prove_frames(struct recover_source *source,
                        struct backup_proof *proof, struct err *err)
{
    int rv = 0;

    while (rv == 0 && proof->next < proof->front.chunks) {
        uint32_t number = proof->next;
        struct pack_row row;

        rv = backup_front_row(proof->bytes, number, &row, err);
        if (rv == 0) {
            source->frame.len = 0;
            rv = pack_read_frame(disk_of(source), source->file, &row,
                                 &source->frame, err);
        }
        if (rv != 0) {
            return rv;
        }
        rv = backup_proof_chunk(
            proof, (struct bytes){source->frame.data, source->frame.len}, NULL,
            err);
        if (rv == 0) {
            recover_source_add(source, &row.facts.name, row.frame_at, number);
        } else if (rv == QL_CORRUPT) {
            source->bad_chunks++;
            backup_proof_skip(proof);
            rv = 0;
        }
    }
    return rv;
}

static int prove_tail(struct recover_source *source, struct backup_proof *proof,
                      struct err *err)
{
    size_t len = (size_t)proof->front.tail_len;
    struct buf tail = BUF_INIT;
    int rv;

    if (len == 0) {
        return 0;
    }
    (void)must_have_memory(buf_reserve(&tail, len));
    rv = pack_read_exactly(disk_of(source), source->file,
                           backup_stream_tail_at(&proof->front), tail.data, len,
                           err);
    if (rv == 0) {
        rv = backup_proof_tail(proof, (struct bytes){tail.data, len}, err);
    }
    buf_close(&tail);
    return rv;
}

/* Everything in it may be of use, whichever backup it is of. */
static int open_pool(struct recover_source *source, struct err *err)
{
    char dir[PATH_LEN_MAX];
    char path[PATH_LEN_MAX];
    int rv;

    (void)snprintf(dir, sizeof dir, "%s", source->path);
    rv = path_join(path, sizeof path, dirname(dir), CHUNKS_DIR_NAME, err);
    if (rv == 0) {
        rv = disk_reader_open(&source->packs, path, err);
    }
    if (rv == QL_NOT_FOUND) {
        return 0;
    }
    return rv == 0 ? recover_packs_open(source, NULL, err) : rv;
}

/* ---- What it has ---- */

int recover_file_restore(struct recover_source *source, struct machine *machine,
                         struct err *err)
{
    struct backup_front front;
    struct bytes snapshot;
    int rv = backup_front_check(front_of(source), &front, err);

    if (rv != 0) {
        return rv;
    }
    snapshot = backup_front_snapshot(front_of(source), &front);
    return snapshot_restore(machine, snapshot.data, snapshot.len, NULL, NULL,
                            err);
}

int recover_file_read(struct recover_source *source,
                      const struct recover_have *have, struct pack_row *ret_row,
                      struct err *err)
{
    int rv = backup_front_row(front_of(source), have->row, ret_row, err);

    if (rv == 0) {
        source->frame.len = 0;
        rv = pack_read_frame(disk_of(source), source->file, ret_row,
                             &source->frame, err);
    }
    return rv;
}
