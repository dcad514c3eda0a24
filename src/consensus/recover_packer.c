/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/recover_packer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_file.h"
#include "machine/must.h"
#include "util/crc32c.h"
#include "util/mem.h"

#define ASIDE_NAME "recover.tmp"

static void on_chunk(void *data, struct chunk *chunk,
                     const uint8_t from[HASH128_LEN]);
static int add(struct recover_packer *packer, const struct chunk *chunk,
               const uint8_t from[HASH128_LEN]);
static int write_pack(struct recover_packer *packer);

void recover_packer_init(struct recover_packer *packer,
                         struct recover_plan *plan, struct disk *disk,
                         const struct identity *identity)
{
    memset(packer, 0, sizeof *packer);
    packer->plan = plan;
    packer->disk = disk;
    packer->header.number = 1;
    identity_cluster_bytes(identity, packer->header.cluster);
    packer->rows = mem_must_array(PACK_CHUNKS_MAX, sizeof *packer->rows);
}

int recover_packer_run(struct recover_packer *packer, struct err *err)
{
    packer->err = err;
    machine_each_chunk(packer->plan->machine, on_chunk, packer);
    if (packer->rv == 0 && packer->header.rows > 0) {
        packer->rv = write_pack(packer);
    }
    return packer->rv;
}

void recover_packer_close(struct recover_packer *packer)
{
    free(packer->rows);
    packer->rows = NULL;
    buf_close(&packer->frames);
    buf_close(&packer->raw);
    buf_close(&packer->frame);
}

static void on_chunk(void *data, struct chunk *chunk,
                     const uint8_t from[HASH128_LEN])
{
    struct recover_packer *packer = data;

    if (packer->rv != 0) {
        return;
    }
    packer->rv = recover_plan_bytes(packer->plan, chunk, from, &packer->raw,
                                    packer->err);
    if (packer->rv == QL_NOT_FOUND && packer->allow_missing) {
        packer->rv = 0;
        return;
    }
    if (packer->rv == 0) {
        packer->rv = add(packer, chunk, from);
    }
    if (packer->rv == 0 && (packer->pack_bytes >= PACK_FETCHED_BYTES ||
                            packer->header.rows == PACK_CHUNKS_MAX)) {
        packer->rv = write_pack(packer);
    }
}

static int add(struct recover_packer *packer, const struct chunk *chunk,
               const uint8_t from[HASH128_LEN])
{
    const struct bytes raw = {packer->raw.data, packer->raw.len};
    struct pack_row *row = &packer->rows[packer->header.rows];
    int rv =
        recover_row_make(chunk, from, raw, &packer->frame, row, packer->err);

    if (rv != 0) {
        return rv;
    }
    (void)must_have_memory(
        buf_add(&packer->frames, packer->frame.data, packer->frame.len));
    packer->header.rows++;
    packer->pack_bytes += raw.len;
    packer->chunks++;
    packer->raw_bytes += raw.len;
    return 0;
}

static int write_pack(struct recover_packer *packer)
{
    size_t front_len = pack_front_len(packer->header.rows);
    uint8_t *front = mem_must_alloc(front_len);
    const struct bytes runs[] = {{front, front_len},
                                 {packer->frames.data, packer->frames.len}};
    uint64_t at = front_len;
    char name[DISK_NAME_MAX];
    int rv;

    for (uint32_t i = 0; i < packer->header.rows; i++) {
        packer->rows[i].frame_at = at;
        at += packer->rows[i].frame_len;
    }
    pack_front_encode(&packer->header, packer->rows, front);
    (void)snprintf(name, sizeof name, "%016" PRIx64 ".pack",
                   packer->header.number);
    rv = backup_file_put(packer->disk, ASIDE_NAME, name, runs, 2, true,
                         packer->err);
    free(front);
    packer->header.number++;
    packer->header.rows = 0;
    packer->frames.len = 0;
    packer->pack_bytes = 0;
    return rv;
}

int recover_row_make(const struct chunk *chunk, const uint8_t from[HASH128_LEN],
                     struct bytes raw, struct buf *frame, struct pack_row *ret,
                     struct err *err)
{
    int rv;

    frame->len = 0;
    rv = pack_frame_compress(raw, frame, err);
    if (rv != 0) {
        return rv;
    }
    *ret = (struct pack_row){.facts = chunk_facts(chunk),
                             .frame_len = (uint32_t)frame->len,
                             .frame_crc = crc32c(0, frame->data, frame->len)};
    memcpy(ret->from, from, HASH128_LEN);
    hash128(raw.data, raw.len, ret->hash);
    return 0;
}
