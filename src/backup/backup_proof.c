/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "backup/backup_proof.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_stream.h"
#include "machine/machine_parts.h"
#include "store/snapshot.h"
#include "util/mem.h"

/* What the tables of a state take beside its image, at most about. */
#define TABLES_FACTOR 3u

/* The rows as they are compared with the chunks of the state. */
struct comparing {
    const struct backup_proof *proof;
    uint32_t next;
    bool differs;
};

static int restore(struct backup_proof *proof, struct err *err);
static int check_counts(const struct backup_proof *proof, struct err *err);
static int check_rows(const struct backup_proof *proof, struct err *err);
static void compare_row(void *data, struct chunk *chunk,
                        const uint8_t from[HASH128_LEN]);
static int check_open(struct backup_proof *proof, struct bytes image,
                      struct err *err);
static void use_memory(struct backup_proof *proof, uint64_t more);

int backup_proof_begin(struct backup_proof *proof, struct bytes front,
                       struct err *err)
{
    int rv;

    memset(proof, 0, sizeof(*proof));
    rv = backup_front_check(front, &proof->front, err);
    if (rv != 0) {
        return rv;
    }
    proof->bytes = front;
    rv = restore(proof, err);
    if (rv == 0) {
        rv = check_counts(proof, err);
    }
    if (rv == 0) {
        rv = check_rows(proof, err);
    }
    if (rv != 0) {
        backup_proof_close(proof);
        return rv;
    }
    proof->has_tail = proof->front.tail_len == 0;
    proof->raw = mem_must_alloc(CHUNK_BYTES_MAX);
    use_memory(proof, CHUNK_BYTES_MAX + pack_frame_bound(CHUNK_BYTES_MAX));
    return 0;
}

int backup_proof_chunk(struct backup_proof *proof, struct bytes frame,
                       struct bytes *ret_raw, struct err *err)
{
    struct bytes raw = {proof->raw, 0};
    struct pack_row row;
    int rv;

    if (proof->next == proof->front.chunks) {
        return err_set(err, QL_CORRUPT, "it has more frames than rows");
    }
    rv = backup_front_row(proof->bytes, proof->next, &row, err);
    if (rv == 0) {
        raw.len = row.facts.len;
        rv = pack_chunk_decompress(&row, frame, proof->raw, err);
    }
    if (rv == 0) {
        rv = chunk_memory_check(raw, &row.facts, row.from, err);
    }
    if (rv != 0) {
        err_wrap(err,
                 "chunk %" PRIu32 " of %" PRIu32 " (log uid %" PRIu64
                 ", from position %" PRIu64 ")",
                 proof->next + 1, proof->front.chunks, row.facts.name.uid,
                 row.facts.name.first);
        return rv;
    }
    proof->next++;
    proof->entries += row.facts.entries;
    proof->raw_bytes += row.facts.len;
    if (ret_raw != NULL) {
        *ret_raw = raw;
    }
    return 0;
}

void backup_proof_skip(struct backup_proof *proof)
{
    proof->next++;
}

int backup_proof_tail(struct backup_proof *proof, struct bytes tail,
                      struct err *err)
{
    size_t len = (size_t)proof->front.tail_raw_len;
    uint8_t hash[HASH128_LEN];
    uint8_t *raw;
    int rv;

    if (proof->front.tail_len == 0) {
        return tail.len == 0 ? 0
                             : err_set(err, QL_CORRUPT,
                                       "something stands behind its end");
    }
    raw = mem_must_alloc(len == 0 ? 1 : len);
    use_memory(proof, tail.len + len);
    rv = backup_stream_tail_unpack(&proof->front, tail, raw, err);
    if (rv == 0) {
        hash128(raw, len, hash);
        if (memcmp(hash, proof->open_hash, sizeof(hash)) != 0) {
            rv = err_set(err, QL_CORRUPT,
                         "its tail has other entries than its logs");
        }
    }
    free(raw);
    proof->has_tail = rv == 0;
    return rv;
}

bool backup_proof_is_whole(const struct backup_proof *proof)
{
    return proof->next == proof->front.chunks && proof->has_tail;
}

void backup_proof_close(struct backup_proof *proof)
{
    machine_free(proof->machine);
    proof->machine = NULL;
    free(proof->raw);
    proof->raw = NULL;
}

/* ---- The state ---- */

static int restore(struct backup_proof *proof, struct err *err)
{
    struct bytes snapshot = backup_front_snapshot(proof->bytes, &proof->front);
    struct buf image = BUF_INIT;
    uint64_t index;
    int rv = snapshot_unpack(snapshot.data, snapshot.len, &image, &index, err);

    if (rv == 0) {
        proof->machine = machine_new(NULL);
        rv = machine_restore(proof->machine, image.data, image.len, NULL, err);
        if (rv == 0) {
            rv = check_open(proof, (struct bytes){image.data, image.len}, err);
        }
        use_memory(proof, proof->bytes.len + image.len * TABLES_FACTOR);
    }
    buf_close(&image);
    return rv == 0 ? 0 : err_wrap(err, "the tables of its logs");
}

static int check_counts(const struct backup_proof *proof, struct err *err)
{
    const struct backup_row *row = &proof->front.row;
    struct machine_counts counts;
    uint8_t digest[HASH128_LEN];

    machine_logs_digest(proof->machine, digest);
    if (memcmp(digest, row->digest, sizeof(digest)) != 0) {
        return err_set(err, QL_CORRUPT,
                       "its logs have another digest than it was made with");
    }
    machine_counts(proof->machine, &counts);
    if (counts.logs != row->logs || counts.entries != row->entries ||
        counts.bytes != row->bytes) {
        return err_set(err, QL_CORRUPT,
                       "it says that it has %" PRIu64 " entries in %" PRIu64
                       " logs, but there are %" PRIu64 " in %" PRIu64,
                       row->entries, row->logs, counts.entries, counts.logs);
    }
    return 0;
}

/* Each chunk of the state has its row, and no row is without one. */
static int check_rows(const struct backup_proof *proof, struct err *err)
{
    struct comparing comparing = {.proof = proof};

    machine_each_chunk(proof->machine, compare_row, &comparing);
    if (comparing.differs || comparing.next != proof->front.chunks) {
        return err_set(err, QL_CORRUPT,
                       "its rows are not the chunks of its logs");
    }
    return 0;
}

static void compare_row(void *data, struct chunk *chunk,
                        const uint8_t from[HASH128_LEN])
{
    struct comparing *comparing = data;
    const struct backup_proof *proof = comparing->proof;
    struct pack_row row;

    if (comparing->differs || comparing->next == proof->front.chunks ||
        backup_front_row(proof->bytes, comparing->next, &row, NULL) != 0) {
        comparing->differs = true;
        return;
    }
    comparing->differs = !chunk_has_facts(chunk, &row.facts) ||
                         memcmp(row.from, from, HASH128_LEN) != 0;
    comparing->next++;
}

/* ---- The tail ---- */

/* The state has the bytes of open chunks, too, one behind the other at the end of
 * its image, in the order of the tail; restoring it has walked them. */
static int check_open(struct backup_proof *proof, struct bytes image,
                      struct err *err)
{
    struct log_list_args args = {.max = LIST_PAGE_MAX};
    struct log_list_result page = {0};
    uint64_t len = 0;
    int rv = 0;

    do {
        log_list_result_close(&page);
        rv = machine_log_list(proof->machine, &args, &page);
        for (size_t i = 0; rv == 0 && i < page.count; i++) {
            const struct chunk *open = machine_part_open(
                proof->machine, MACHINE_LIVE, page.stats[i].uid);

            len += open == NULL ? 0 : open->len;
            proof->entries += open == NULL ? 0 : open->entries;
            args.after = page.stats[i].name;
        }
    } while (rv == 0 && page.more);
    log_list_result_close(&page);
    if (rv != 0) {
        return err_set(err, rv, "list its logs");
    }
    if (len != proof->front.tail_raw_len || len > image.len) {
        return err_set(err, QL_CORRUPT,
                       "its tail has not the length of its open chunks");
    }
    proof->raw_bytes += len;
    hash128(image.data + image.len - len, (size_t)len, proof->open_hash);
    return 0;
}

static void use_memory(struct backup_proof *proof, uint64_t more)
{
    proof->memory += more;
}
