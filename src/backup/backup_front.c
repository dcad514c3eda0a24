/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "backup/backup_front.h"

#include <assert.h>
#include <string.h>

#include "util/crc32c.h"

#define SKIPPABLE_MAGIC 0x184D2A52u
#define FRONT_MAGIC "QLK1"
#define COVERED_AT 4u /* by the header's checksum, but for itself */
#define MAGIC_AT 8u
#define VERSION_AT 12u
#define CRC_AT 16u
#define FLAGS_AT 20u
#define ID_AT 24u
#define INDEX_AT 32u
#define TIME_AT 40u
#define STATE_INDEX_AT 48u
#define LOGS_AT 56u
#define ENTRIES_AT 64u
#define BYTES_AT 72u
#define DIGEST_AT 80u
#define CLUSTER_AT 96u
#define NAME_AT 112u
#define SNAPSHOT_LEN_AT 176u
#define TAIL_LEN_AT 184u
#define TAIL_RAW_LEN_AT 192u
#define STREAM_LEN_AT 200u
#define CHUNKS_AT 208u
#define TAIL_CRC_AT 212u
#define ROW_CHUNKS_AT 216u

#define FLAG_FOREIGN 1u
#define FLAG_SCHEDULED 2u

static uint32_t header_crc(const uint8_t *header);
static int check_lengths(const struct backup_front *front, struct err *err);
static int check_rows(struct bytes front, const struct backup_front *header,
                      struct err *err);
static int check_order(const struct pack_row *before,
                       const struct pack_row *row, uint32_t number,
                       struct err *err);
static int corrupt(struct err *err, const char *what);

/* ---- The header ---------------------------------------------------------- */

void backup_front_encode(const struct backup_front *front, uint8_t *ret)
{
    const struct backup_row *row = &front->row;

    memset(ret, 0, BACKUP_FRONT_HEADER_LEN);
    put_u32(ret, SKIPPABLE_MAGIC);
    put_u32(ret + 4, (uint32_t)(backup_front_len(front) - MAGIC_AT));
    memcpy(ret + MAGIC_AT, FRONT_MAGIC, 4);
    put_u32(ret + VERSION_AT, BACKUP_FRONT_VERSION);
    put_u32(ret + FLAGS_AT, (row->foreign ? FLAG_FOREIGN : 0) |
                                (row->scheduled ? FLAG_SCHEDULED : 0));
    put_u64(ret + ID_AT, row->id);
    put_u64(ret + INDEX_AT, row->index);
    put_u64(ret + TIME_AT, row->time_ms);
    put_u64(ret + STATE_INDEX_AT, row->state_index);
    put_u64(ret + LOGS_AT, row->logs);
    put_u64(ret + ENTRIES_AT, row->entries);
    put_u64(ret + BYTES_AT, row->bytes);
    memcpy(ret + DIGEST_AT, row->digest, sizeof(row->digest));
    memcpy(ret + CLUSTER_AT, row->cluster, sizeof(row->cluster));
    memcpy(ret + NAME_AT, row->name, strnlen(row->name, BACKUP_FRONT_NAME_LEN));
    put_u64(ret + SNAPSHOT_LEN_AT, front->snapshot_len);
    put_u64(ret + TAIL_LEN_AT, front->tail_len);
    put_u64(ret + TAIL_RAW_LEN_AT, front->tail_raw_len);
    put_u64(ret + STREAM_LEN_AT, front->stream_len);
    put_u32(ret + CHUNKS_AT, front->chunks);
    put_u32(ret + TAIL_CRC_AT, front->tail_crc);
    put_u64(ret + ROW_CHUNKS_AT, row->chunks);
    put_u32(ret + CRC_AT, header_crc(ret));
}

bool backup_front_is(const uint8_t *header)
{
    return get_u32(header) == SKIPPABLE_MAGIC &&
           memcmp(header + MAGIC_AT, FRONT_MAGIC, 4) == 0;
}

int backup_front_decode(const uint8_t *header, struct backup_front *ret,
                        struct err *err)
{
    struct backup_front front;
    struct backup_row *row = &front.row;
    uint32_t flags = get_u32(header + FLAGS_AT);
    uint32_t version = get_u32(header + VERSION_AT);
    int rv;

    memset(&front, 0, sizeof(front));
    if (!backup_front_is(header)) {
        return corrupt(err, "this is no backup");
    }
    if (get_u32(header + CRC_AT) != header_crc(header)) {
        return corrupt(err, "the checksum of the header is wrong");
    }
    if (version != BACKUP_FRONT_VERSION) {
        return err_set(err, QL_INVALID,
                       "it has format version %u and this program knows only "
                       "%u: a newer quorlog wrote it, use that one",
                       version, BACKUP_FRONT_VERSION);
    }
    memcpy(row->name, header + NAME_AT, BACKUP_FRONT_NAME_LEN);
    rv = backup_name_check(row->name, strlen(row->name), err);
    if (rv != 0) {
        return corrupt(err, "it has no proper name");
    }
    row->id = get_u64(header + ID_AT);
    row->index = get_u64(header + INDEX_AT);
    row->time_ms = get_u64(header + TIME_AT);
    row->state_index = get_u64(header + STATE_INDEX_AT);
    row->logs = get_u64(header + LOGS_AT);
    row->entries = get_u64(header + ENTRIES_AT);
    row->bytes = get_u64(header + BYTES_AT);
    memcpy(row->digest, header + DIGEST_AT, sizeof(row->digest));
    memcpy(row->cluster, header + CLUSTER_AT, sizeof(row->cluster));
    row->foreign = (flags & FLAG_FOREIGN) != 0;
    row->scheduled = (flags & FLAG_SCHEDULED) != 0;
    front.snapshot_len = get_u64(header + SNAPSHOT_LEN_AT);
    front.tail_len = get_u64(header + TAIL_LEN_AT);
    front.tail_raw_len = get_u64(header + TAIL_RAW_LEN_AT);
    front.stream_len = get_u64(header + STREAM_LEN_AT);
    front.chunks = get_u32(header + CHUNKS_AT);
    front.tail_crc = get_u32(header + TAIL_CRC_AT);
    row->chunks = get_u64(header + ROW_CHUNKS_AT);
    rv = check_lengths(&front, err);
    if (rv == 0 && get_u32(header + 4) != backup_front_len(&front) - MAGIC_AT) {
        rv = corrupt(err, "the lengths do not fit");
    }
    if (rv == 0) {
        *ret = front;
    }
    return rv;
}

/* Of what lies on both sides of itself. */
static uint32_t header_crc(const uint8_t *header)
{
    uint32_t crc = crc32c(0, header + COVERED_AT, CRC_AT - COVERED_AT);

    return crc32c(crc, header + FLAGS_AT, BACKUP_FRONT_HEADER_LEN - FLAGS_AT);
}

static int check_lengths(const struct backup_front *front, struct err *err)
{
    if (front->chunks > CHUNKS_MAX || front->snapshot_len < 1 ||
        front->snapshot_len > BACKUP_SNAPSHOT_MAX) {
        return corrupt(err, "no backup is as long as this");
    }
    if (front->tail_raw_len > BACKUP_TAIL_MAX ||
        front->tail_len > pack_frame_bound((size_t)front->tail_raw_len) ||
        (front->tail_raw_len == 0) != (front->tail_len == 0)) {
        return corrupt(err, "the open chunks have an impossible length");
    }
    if (front->stream_len < backup_front_len(front) + front->tail_len) {
        return corrupt(err, "the stream is shorter than its parts");
    }
    return 0;
}

/* ---- All of it ----------------------------------------------------------- */

int backup_front_check(struct bytes front, struct backup_front *ret,
                       struct err *err)
{
    struct backup_front header = {0};
    uint32_t crc;
    int rv;

    if (front.len < BACKUP_FRONT_HEADER_LEN + BACKUP_FRONT_CRC_LEN) {
        return corrupt(err, "it is cut off");
    }
    rv = backup_front_decode(front.data, &header, err);
    if (rv != 0) {
        return rv;
    }
    if (backup_front_len(&header) != front.len) {
        return corrupt(err, "it is cut off");
    }
    crc = crc32c(0, front.data, front.len - BACKUP_FRONT_CRC_LEN);
    if (crc != get_u32(front.data + front.len - BACKUP_FRONT_CRC_LEN)) {
        return corrupt(err, "the checksum of the front is wrong");
    }
    rv = check_rows(front, &header, err);
    if (rv == 0) {
        *ret = header;
    }
    return rv;
}

static int check_rows(struct bytes front, const struct backup_front *header,
                      struct err *err)
{
    uint64_t at = front.len;
    struct pack_row before = {.facts = {.name = {.uid = 0}}};

    for (uint32_t i = 0; i < header->chunks; i++) {
        struct pack_row row = {.frame_len = 0};
        int rv = backup_front_row(front, i, &row, err);

        if (rv == 0) {
            rv = check_order(&before, &row, i, err);
        }
        if (rv != 0) {
            return rv;
        }
        if (row.frame_at != at) {
            return err_set(err, QL_CORRUPT, "frame %u is out of place", i);
        }
        at += row.frame_len;
        before = row;
    }
    if (at + header->tail_len != header->stream_len) {
        return corrupt(err, "the frames do not fill the stream");
    }
    return 0;
}

static int check_order(const struct pack_row *before,
                       const struct pack_row *row, uint32_t number,
                       struct err *err)
{
    const struct chunk_name *name = &row->facts.name;
    const struct chunk_name *last = &before->facts.name;

    if (name->uid < last->uid ||
        (name->uid == last->uid && name->first <= last->last)) {
        return err_set(err, QL_CORRUPT, "row %u is out of order", number);
    }
    if (name->uid == last->uid &&
        memcmp(row->from, last->chain, HASH128_LEN) != 0) {
        return err_set(err, QL_CORRUPT,
                       "chunk %u does not follow on the one before", number);
    }
    return 0;
}

int backup_front_row(struct bytes front, uint32_t number, struct pack_row *ret,
                     struct err *err)
{
    uint64_t at = backup_front_row_at(number);

    assert(at + PACK_ROW_LEN <= front.len);
    return pack_row_decode(front.data + at, ret, err);
}

struct bytes backup_front_snapshot(struct bytes front,
                                   const struct backup_front *header)
{
    uint64_t at = backup_front_row_at(header->chunks);

    assert(at + header->snapshot_len <= front.len);
    return (struct bytes){front.data + at, (size_t)header->snapshot_len};
}

void backup_front_set_row(uint8_t *bytes, size_t len,
                          const struct backup_row *row)
{
    struct backup_front front = {.chunks = 0};
    int rv = backup_front_decode(bytes, &front, NULL);

    assert(rv == 0);
    front.row = *row;
    backup_front_encode(&front, bytes);
    backup_front_seal(bytes, len);
}

void backup_front_seal(uint8_t *bytes, size_t len)
{
    assert(len > BACKUP_FRONT_CRC_LEN);
    put_u32(bytes + len - BACKUP_FRONT_CRC_LEN,
            crc32c(0, bytes, len - BACKUP_FRONT_CRC_LEN));
}

void backup_front_tag(const uint8_t header[BACKUP_FRONT_HEADER_LEN],
                      uint32_t crc, uint8_t ret[HASH128_LEN])
{
    uint8_t last[BACKUP_FRONT_CRC_LEN];
    const struct bytes runs[] = {{header, BACKUP_FRONT_HEADER_LEN},
                                 {last, sizeof(last)}};

    put_u32(last, crc);
    hash128_runs(runs, 2, ret);
}

bool backup_row_is_same(const struct backup_row *a, const struct backup_row *b)
{
    return strcmp(a->name, b->name) == 0 && a->index == b->index &&
           a->time_ms == b->time_ms &&
           memcmp(a->digest, b->digest, sizeof(a->digest)) == 0 &&
           memcmp(a->cluster, b->cluster, sizeof(a->cluster)) == 0;
}

static int corrupt(struct err *err, const char *what)
{
    return err_set(err, QL_CORRUPT, "%s", what);
}
