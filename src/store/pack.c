/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "store/pack.h"

#include <assert.h>
#include <lz4frame.h>
#include <string.h>

#include "store/lz4_frame.h"
#include "util/crc32c.h"

#define SKIPPABLE_MAGIC 0x184D2A51u
#define PACK_MAGIC "QLP1"
#define COVERED_AT 8u /* by the front's checksum, but for the checksum itself */
#define VERSION_AT 12u
#define NUMBER_AT 16u
#define CLUSTER_AT 24u
#define ROWS_AT 40u
#define CRC_AT 44u

#define ROW_FRAME_LEN_AT 44u
#define ROW_FRAME_AT_AT 48u
#define ROW_FROM_AT 56u
#define ROW_CHAIN_AT 72u
#define ROW_HASH_AT 88u
#define ROW_FRAME_CRC_AT 104u
#define ROW_CRC_AT 108u

static uint32_t front_crc(const uint8_t *front, size_t len);
static int check_row(const struct pack_row *row, struct err *err);
static LZ4F_preferences_t preferences(size_t raw_len);
static int unpack(struct bytes frame, uint8_t *ret, size_t raw_len,
                  bool skips_checksum, struct err *err);
static int chunk_unpack(const struct pack_row *row, struct bytes frame,
                        uint8_t *ret, bool skips_checksum, struct err *err);

/* ---- The front ----------------------------------------------------------- */

void pack_front_encode(const struct pack_header *header,
                       const struct pack_row *rows, uint8_t *ret)
{
    size_t len = pack_front_len(header->rows);

    assert(header->rows >= 1);
    assert(header->rows <= PACK_CHUNKS_MAX);
    put_u32(ret, SKIPPABLE_MAGIC);
    put_u32(ret + 4, (uint32_t)len - PACK_PREFIX_LEN);
    memcpy(ret + COVERED_AT, PACK_MAGIC, 4);
    put_u32(ret + VERSION_AT, PACK_VERSION);
    put_u64(ret + NUMBER_AT, header->number);
    memcpy(ret + CLUSTER_AT, header->cluster, PACK_CLUSTER_LEN);
    put_u32(ret + ROWS_AT, header->rows);
    for (uint32_t i = 0; i < header->rows; i++) {
        pack_row_encode(&rows[i], ret + pack_front_len(i));
    }
    put_u32(ret + CRC_AT, front_crc(ret, len));
}

int pack_front_measure(const uint8_t *prefix, size_t *ret_len, struct err *err)
{
    uint32_t len = get_u32(prefix + 4);

    if (get_u32(prefix) != SKIPPABLE_MAGIC) {
        return err_set(err, QL_CORRUPT, "this is no pack");
    }
    if (len < PACK_HEADER_LEN + PACK_ROW_LEN - PACK_PREFIX_LEN ||
        len > PACK_FRONT_MAX - PACK_PREFIX_LEN) {
        return err_set(err, QL_CORRUPT, "no pack has a front of %u bytes", len);
    }
    *ret_len = PACK_PREFIX_LEN + len;
    return 0;
}

int pack_front_decode(struct bytes front, struct pack_header *ret,
                      struct err *err)
{
    uint32_t version;
    uint32_t rows;

    assert(front.len >= PACK_HEADER_LEN + PACK_ROW_LEN);
    if (memcmp(front.data + COVERED_AT, PACK_MAGIC, 4) != 0) {
        return err_set(err, QL_CORRUPT, "this is no pack");
    }
    if (get_u32(front.data + CRC_AT) != front_crc(front.data, front.len)) {
        return err_set(err, QL_CORRUPT, "the checksum of the front is wrong");
    }
    version = get_u32(front.data + VERSION_AT);
    if (version != PACK_VERSION) {
        return err_set(err, QL_INVALID,
                       "it has format version %u and this program knows only "
                       "%u: a newer quorlogd wrote it, start that one",
                       version, PACK_VERSION);
    }
    rows = get_u32(front.data + ROWS_AT);
    if (rows > PACK_CHUNKS_MAX || front.len != pack_front_len(rows)) {
        return err_set(err, QL_CORRUPT, "the count of rows does not fit");
    }
    ret->number = get_u64(front.data + NUMBER_AT);
    memcpy(ret->cluster, front.data + CLUSTER_AT, PACK_CLUSTER_LEN);
    ret->rows = rows;
    return 0;
}

bool pack_header_is(const uint8_t *bytes, uint64_t number,
                    const uint8_t cluster[PACK_CLUSTER_LEN])
{
    return get_u32(bytes) == SKIPPABLE_MAGIC &&
           memcmp(bytes + COVERED_AT, PACK_MAGIC, 4) == 0 &&
           get_u64(bytes + NUMBER_AT) == number &&
           memcmp(bytes + CLUSTER_AT, cluster, PACK_CLUSTER_LEN) == 0;
}

uint32_t pack_header_rows(const uint8_t *bytes)
{
    uint32_t rows = get_u32(bytes + ROWS_AT);

    return rows < PACK_CHUNKS_MAX ? rows : PACK_CHUNKS_MAX;
}

/* Of all behind the prefix, as if the checksum itself were not there. */
static uint32_t front_crc(const uint8_t *front, size_t len)
{
    uint32_t crc = crc32c(0, front + COVERED_AT, CRC_AT - COVERED_AT);

    return crc32c(crc, front + PACK_HEADER_LEN, len - PACK_HEADER_LEN);
}

/* ---- Rows ---------------------------------------------------------------- */

void pack_row_encode(const struct pack_row *row, uint8_t *ret)
{
    const struct chunk_facts *facts = &row->facts;

    put_u64(ret, facts->name.uid);
    put_u64(ret + 8, facts->name.first);
    put_u64(ret + 16, facts->name.last);
    put_u64(ret + 24, facts->last_time_ms);
    put_u32(ret + 32, facts->len);
    put_u32(ret + 36, facts->entries);
    put_u32(ret + 40, facts->payload);
    put_u32(ret + ROW_FRAME_LEN_AT, row->frame_len);
    put_u64(ret + ROW_FRAME_AT_AT, row->frame_at);
    memcpy(ret + ROW_FROM_AT, row->from, HASH128_LEN);
    memcpy(ret + ROW_CHAIN_AT, facts->name.chain, HASH128_LEN);
    memcpy(ret + ROW_HASH_AT, row->hash, HASH128_LEN);
    put_u32(ret + ROW_FRAME_CRC_AT, row->frame_crc);
    put_u32(ret + ROW_CRC_AT, crc32c(0, ret, ROW_CRC_AT));
}

int pack_row_decode(const uint8_t *bytes, struct pack_row *ret, struct err *err)
{
    struct pack_row row;
    int rv;

    if (get_u32(bytes + ROW_CRC_AT) != crc32c(0, bytes, ROW_CRC_AT)) {
        return err_set(err, QL_CORRUPT, "the checksum of a row is wrong");
    }
    row.facts.name.uid = get_u64(bytes);
    row.facts.name.first = get_u64(bytes + 8);
    row.facts.name.last = get_u64(bytes + 16);
    row.facts.last_time_ms = get_u64(bytes + 24);
    row.facts.len = get_u32(bytes + 32);
    row.facts.entries = get_u32(bytes + 36);
    row.facts.payload = get_u32(bytes + 40);
    row.frame_len = get_u32(bytes + ROW_FRAME_LEN_AT);
    row.frame_at = get_u64(bytes + ROW_FRAME_AT_AT);
    memcpy(row.from, bytes + ROW_FROM_AT, HASH128_LEN);
    memcpy(row.facts.name.chain, bytes + ROW_CHAIN_AT, HASH128_LEN);
    memcpy(row.hash, bytes + ROW_HASH_AT, HASH128_LEN);
    row.frame_crc = get_u32(bytes + ROW_FRAME_CRC_AT);
    rv = check_row(&row, err);
    if (rv == 0) {
        *ret = row;
    }
    return rv;
}

int pack_rows_decode(struct bytes front, struct pack_row *ret,
                     uint64_t *ret_end, struct err *err)
{
    uint32_t count = get_u32(front.data + ROWS_AT);
    uint64_t at = front.len;

    assert(front.len == pack_front_len(count));
    for (uint32_t i = 0; i < count; i++) {
        int rv = pack_row_decode(front.data + pack_front_len(i), &ret[i], err);

        if (rv != 0) {
            return rv;
        }
        if (ret[i].frame_at != at) {
            return err_set(err, QL_CORRUPT, "frame %u is out of place", i);
        }
        at += ret[i].frame_len;
    }
    *ret_end = at;
    return 0;
}

/* Nothing in it may lead to a large allocation or to an overflow. */
static int check_row(const struct pack_row *row, struct err *err)
{
    const struct chunk_facts *facts = &row->facts;

    if (facts->name.first < 1 || facts->name.last < facts->name.first) {
        return err_set(err, QL_CORRUPT, "a row has impossible positions");
    }
    if (facts->len < 1 || facts->len > CHUNK_BYTES_MAX ||
        facts->payload > facts->len || facts->entries < 1 ||
        facts->entries > facts->len ||
        facts->entries - 1 > facts->name.last - facts->name.first) {
        return err_set(err, QL_CORRUPT, "a row has impossible numbers");
    }
    if (row->frame_len < 1 || row->frame_len > pack_frame_bound(facts->len)) {
        return err_set(err, QL_CORRUPT, "a row has an impossible frame");
    }
    return 0;
}

/* ---- Frames -------------------------------------------------------------- */

/* 64 KiB is the size at which LZ4 is fastest, and little has to be kept beside
 * the result; larger blocks give a few percent less at most. */
static LZ4F_preferences_t preferences(size_t raw_len)
{
    LZ4F_preferences_t how;

    memset(&how, 0, sizeof(how));
    how.frameInfo.blockSizeID = LZ4F_max64KB;
    how.frameInfo.blockMode = LZ4F_blockIndependent;
    how.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    how.frameInfo.contentSize = raw_len;
    return how;
}

size_t pack_frame_bound(size_t raw_len)
{
    LZ4F_preferences_t how = preferences(raw_len);

    return LZ4F_compressFrameBound(raw_len, &how);
}

int pack_frame_compress(struct bytes raw, struct buf *ret, struct err *err)
{
    LZ4F_preferences_t how = preferences(raw.len);
    size_t bound = pack_frame_bound(raw.len);
    size_t written;

    assert(raw.len > 0);
    if (buf_reserve(ret, bound) != 0) {
        return err_set(err, QL_NO_MEMORY, "no memory to compress a chunk");
    }
    written = LZ4F_compressFrame(ret->data + ret->len, bound, raw.data, raw.len,
                                 &how);
    if (LZ4F_isError(written)) {
        return err_set(err, QL_NO_MEMORY, "compress a chunk: %s",
                       LZ4F_getErrorName(written));
    }
    ret->len += written;
    return 0;
}

int pack_frame_check(const struct pack_row *row, struct bytes frame,
                     struct err *err)
{
    if (frame.len != row->frame_len ||
        crc32c(0, frame.data, frame.len) != row->frame_crc) {
        return err_set(err, QL_CORRUPT, "the checksum of a frame is wrong");
    }
    return 0;
}

int pack_frame_decompress(struct bytes frame, uint8_t *ret, size_t raw_len,
                          struct err *err)
{
    return unpack(frame, ret, raw_len, false, err);
}

int pack_chunk_decompress(const struct pack_row *row, struct bytes frame,
                          uint8_t *ret, struct err *err)
{
    return chunk_unpack(row, frame, ret, false, err);
}

int pack_chunk_decompress_proven(const struct pack_row *row, struct bytes frame,
                                 uint8_t *ret, struct err *err)
{
    return chunk_unpack(row, frame, ret, true, err);
}

/* Takes only frames as pack_frame_compress() makes them, so that the library
 * allocates for 64 KiB blocks and nothing else. */
static int unpack(struct bytes frame, uint8_t *ret, size_t raw_len,
                  bool skips_checksum, struct err *err)
{
    const struct lz4_frame_kind kind = {preferences(raw_len).frameInfo,
                                        "a pack", skips_checksum};

    return lz4_frame_read(frame, &kind, ret, err);
}

static int chunk_unpack(const struct pack_row *row, struct bytes frame,
                        uint8_t *ret, bool skips_checksum, struct err *err)
{
    uint8_t hash[HASH128_LEN];
    int rv = pack_frame_check(row, frame, err);

    if (rv == 0) {
        rv = unpack(frame, ret, row->facts.len, skips_checksum, err);
    }
    if (rv != 0) {
        return rv;
    }
    hash128(ret, row->facts.len, hash);
    if (memcmp(hash, row->hash, HASH128_LEN) != 0) {
        return err_set(err, QL_CORRUPT, "a chunk is not what its row says");
    }
    return 0;
}
