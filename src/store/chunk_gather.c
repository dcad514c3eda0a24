/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "store/chunk_gather.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine/spare.h"
#include "store/chunk_store_internal.h"
#include "store/pack_read.h"
#include "util/limits.h"
#include "util/mem.h"

static void add_piece(struct chunk_gather *gather, struct chunk *chunk);
static int read_piece(const struct chunk_piece *piece, struct disk *disk,
                      struct pack_row *row, uint8_t *ret_bytes,
                      struct err *err);

/* ---- Loop ---------------------------------------------------------------- */

void chunk_gather_init(struct chunk_gather *gather)
{
    memset(gather, 0, sizeof(*gather));
}

int chunk_gather_add(struct chunk_gather *gather, struct chunk *chunk,
                     struct chunk **ret_missing)
{
    size_t i;

    assert(chunk->sealed);
    if (chunk->memory != NULL || chunk->home != NULL) {
        add_piece(gather, chunk);
        return 0;
    }
    if (chunk->parts == NULL) {
        *ret_missing = chunk;
        return QL_NOT_FOUND;
    }
    for (i = 0; i < chunk->parts->count; i++) {
        struct chunk *part = chunk->parts->chunks[i];

        if (part->memory == NULL && part->home == NULL) {
            *ret_missing = part;
            return QL_NOT_FOUND;
        }
    }
    for (i = 0; i < chunk->parts->count; i++) {
        add_piece(gather, chunk->parts->chunks[i]);
    }
    return 0;
}

bool chunk_gather_is_current(const struct chunk_gather *gather)
{
    size_t i;

    for (i = 0; i < gather->count; i++) {
        const struct chunk_piece *piece = &gather->pieces[i];

        if (piece->memory == NULL && piece->chunk->home != &piece->pack->home) {
            return false;
        }
    }
    return true;
}

void chunk_gather_close(struct chunk_gather *gather)
{
    size_t i;

    for (i = 0; i < gather->count; i++) {
        if (gather->pieces[i].pack != NULL) {
            pack_unuse(gather->pieces[i].pack);
        }
        chunk_memory_drop(gather->pieces[i].memory);
        chunk_drop(gather->pieces[i].chunk);
    }
    free(gather->pieces);
    chunk_memory_drop(gather->memory);
    chunk_gather_init(gather);
}

static void add_piece(struct chunk_gather *gather, struct chunk *chunk)
{
    struct chunk_piece *piece;

    gather->pieces = mem_must_resize(
        gather->pieces, (gather->count + 1) * sizeof(*gather->pieces));
    piece = &gather->pieces[gather->count];
    gather->count++;
    gather->len += chunk->len;
    memset(piece, 0, sizeof(*piece));
    piece->chunk = chunk_ref(chunk);
    if (chunk->memory != NULL && (chunk->home == NULL || !gather->from_disk)) {
        piece->memory = chunk_memory_ref(chunk->memory);
    } else {
        piece->pack = pack_of(chunk);
        piece->slot = chunk->slot;
        pack_use(piece->pack);
    }
}

/* ---- Any thread ---------------------------------------------------------- */

int chunk_gather_run(struct chunk_gather *gather, struct disk *disk,
                     struct err *err)
{
    uint8_t *to;
    size_t i;

    assert(gather->memory == NULL);
    gather->memory = chunk_memory_new(gather->len);
    to = chunk_memory_bytes(gather->memory);
    for (i = 0; i < gather->count; i++) {
        const struct chunk_piece *piece = &gather->pieces[i];
        struct pack_row row;
        int rv;

        if (piece->memory != NULL) {
            memcpy(to, chunk_memory_bytes(piece->memory), piece->chunk->len);
        } else {
            rv = read_piece(piece, disk, &row, to, err);
            if (rv != 0) {
                gather->bad = i;
                return rv;
            }
            if (i == 0) {
                memcpy(gather->from, row.from, HASH128_LEN);
                gather->has_from = true;
            }
        }
        to += piece->chunk->len;
    }
    return 0;
}

static int read_piece(const struct chunk_piece *piece, struct disk *disk,
                      struct pack_row *row, uint8_t *ret_bytes, struct err *err)
{
    struct buf frame = BUF_INIT;
    int rv;

    rv = pack_read_chunk(disk, piece->pack->number, piece->slot,
                         &piece->chunk->name, row, &frame, err);
    if (rv == 0 && row->facts.len != piece->chunk->len) {
        rv = err_set(err, QL_CORRUPT, "row %u has another length", piece->slot);
    }
    if (rv == 0) {
        struct bytes packed = {frame.data, frame.len};

        rv = pack_chunk_decompress_proven(row, packed, ret_bytes, err);
    }
    spare_buf_close(&frame);
    return rv;
}
