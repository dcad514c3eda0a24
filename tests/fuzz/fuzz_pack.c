/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Pack files, rows and frames from outside. The first byte says how the rest is
 * taken: 0, a file as it is; 1, a file whose checksums are put right first, so
 * that what they protect is reached; 2, a frame, of the length that the next four
 * bytes say.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "store/pack.h"
#include "util/crc32c.h"

#define RAW_MAX (1u * MIB)

/* Of @len bytes in memory of their own, so that a step behind the end is seen. */
static uint8_t *copy_of(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);

    assert(copy != NULL);
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

static void put_right(uint8_t *file, size_t len)
{
    size_t front_len;
    uint32_t crc;

    if (len < PACK_PREFIX_LEN ||
        pack_front_measure(file, &front_len, NULL) != 0 || front_len > len) {
        return;
    }
    for (size_t at = PACK_HEADER_LEN; at + PACK_ROW_LEN <= front_len;
         at += PACK_ROW_LEN) {
        uint8_t *row = file + at;
        uint32_t frame_len = get_u32(row + 44);
        uint64_t frame_at = get_u64(row + 48);

        if (frame_at <= len && frame_len <= len - frame_at) {
            put_u32(row + 104, crc32c(0, file + frame_at, frame_len));
        }
        put_u32(row + 108, crc32c(0, row, 108));
    }
    crc = crc32c(0, file + 8, 36);
    put_u32(file + 44,
            crc32c(crc, file + PACK_HEADER_LEN, front_len - PACK_HEADER_LEN));
}

/* A chunk that is taken has the length and the hash of its row. */
static void check_frame(const struct pack_row *row, const uint8_t *file)
{
    struct bytes frame = {file + row->frame_at, row->frame_len};
    uint8_t hash[HASH128_LEN];
    uint8_t *raw;

    if (row->facts.len > RAW_MAX) {
        return;
    }
    raw = malloc(row->facts.len);
    assert(raw != NULL);
    if (pack_chunk_decompress(row, frame, raw, NULL) == 0) {
        hash128(raw, row->facts.len, hash);
        assert(memcmp(hash, row->hash, HASH128_LEN) == 0);
    }
    free(raw);
}

/* What is taken is, when it is written again, the very bytes it came from. */
static void check_file(const uint8_t *file, size_t len)
{
    struct bytes front = {file, 0};
    struct pack_header header;
    struct pack_row *rows;
    uint64_t end;
    uint8_t *again;

    if (len < PACK_PREFIX_LEN ||
        pack_front_measure(file, &front.len, NULL) != 0 || front.len > len ||
        pack_front_decode(front, &header, NULL) != 0) {
        return;
    }
    assert(front.len <= PACK_FRONT_MAX);
    assert(front.len == pack_front_len(header.rows));
    rows = calloc(header.rows, sizeof(*rows));
    again = malloc(front.len);
    assert(rows != NULL);
    assert(again != NULL);
    if (pack_rows_decode(front, rows, &end, NULL) == 0) {
        pack_front_encode(&header, rows, again);
        assert(memcmp(again, file, front.len) == 0);
        for (uint32_t i = 0; i < header.rows && end <= len; i++) {
            check_frame(&rows[i], file);
        }
    }
    free(again);
    free(rows);
}

static void check_lone_frame(const uint8_t *bytes, size_t len)
{
    struct bytes frame = {bytes + 4, len - 4};
    uint32_t raw_len = get_u32(bytes) % RAW_MAX;
    uint8_t *raw = malloc(raw_len == 0 ? 1 : raw_len);

    assert(raw != NULL);
    (void)pack_frame_decompress(frame, raw, raw_len, NULL);
    free(raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    uint8_t *copy;

    if (len < 1) {
        return 0;
    }
    copy = copy_of(bytes + 1, len - 1);
    switch (bytes[0] % 3) {
    case 0:
        check_file(copy, len - 1);
        break;
    case 1:
        put_right(copy, len - 1);
        check_file(copy, len - 1);
        break;
    default:
        if (len - 1 >= 4) {
            check_lone_frame(copy, len - 1);
        }
        break;
    }
    free(copy);
    return 0;
}
