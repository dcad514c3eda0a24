/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "store/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "util/crc32c.h"

#define CHUNKS 3u
#define GOLDEN "tests/unit/golden/pack-1.pack"

static const struct pack_header golden_header = {
    .number = 0x1234,
    .cluster = {0xc1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    .rows = CHUNKS,
};

/* A whole pack, and what it is made of. */
struct sample {
    struct chunk *chunks[CHUNKS];
    uint8_t from[CHUNKS][HASH128_LEN];
    struct pack_row rows[CHUNKS];
    struct buf file;
};

/* Entries as a machine would pack them. The chain is only an example. */
static struct chunk *make_chunk(uint64_t uid, uint64_t first, unsigned entries,
                                size_t len, const uint8_t *chain)
{
    struct chunk *chunk = chunk_new(uid, first);
    uint8_t *value = malloc(len);

    assert_non_null(value);
    for (unsigned i = 0; i < entries; i++) {
        struct read_entry entry = {.position = first + i,
                                   .time_ms = 1700000000000 + i * 10};

        for (size_t at = 0; at < len; at++) {
            value[at] = (uint8_t)(at % 7 == 0 ? at * (i + 3) : 'v');
        }
        if (i % 2 == 0) {
            entry.key = (struct bytes){(const uint8_t *)"key", 3};
        }
        entry.value = (struct bytes){value, len};
        chunk_add(chunk, &entry);
    }
    free(value);
    chunk_seal(chunk, chain);
    return chunk;
}

static void add_row(struct sample *sample, unsigned i)
{
    const struct chunk *chunk = sample->chunks[i];
    struct pack_row *row = &sample->rows[i];
    size_t start = sample->file.len;

    row->facts = chunk_facts(chunk);
    row->frame_at = start;
    memcpy(row->from, sample->from[i], HASH128_LEN);
    hash128(chunk_bytes(chunk), chunk->len, row->hash);
    assert_int_equal(
        pack_frame_compress((struct bytes){chunk_bytes(chunk), chunk->len},
                            &sample->file, NULL),
        0);
    row->frame_len = (uint32_t)(sample->file.len - start);
    row->frame_crc = crc32c(0, sample->file.data + start, row->frame_len);
}

static void sample_init(struct sample *sample)
{
    memset(sample, 0, sizeof(*sample));
    assert_int_equal(buf_reserve(&sample->file, pack_front_len(CHUNKS)), 0);
    sample->file.len = pack_front_len(CHUNKS);
    for (unsigned i = 0; i < CHUNKS; i++) {
        uint8_t chain[HASH128_LEN];

        memset(chain, (int)(0xa0 + i), sizeof(chain));
        memset(sample->from[i], (int)(0x50 + i), HASH128_LEN);
        sample->chunks[i] = make_chunk(i + 1, 100 * i + 1, i + 1, 40, chain);
        add_row(sample, i);
    }
    pack_front_encode(&golden_header, sample->rows, sample->file.data);
}

static void sample_close(struct sample *sample)
{
    for (unsigned i = 0; i < CHUNKS; i++) {
        chunk_drop(sample->chunks[i]);
    }
    buf_close(&sample->file);
}

/* Everything that is checked of a file: 0, or the first fault. */
static int check_file(struct bytes file, struct pack_header *ret_header,
                      struct pack_row *ret_rows, struct err *err)
{
    struct bytes front = {file.data, 0};
    uint64_t end = 0;
    int rv;

    if (file.len < PACK_PREFIX_LEN) {
        return QL_CORRUPT;
    }
    rv = pack_front_measure(file.data, &front.len, err);
    if (rv == 0 && front.len > file.len) {
        return QL_CORRUPT;
    }
    if (rv == 0) {
        rv = pack_front_decode(front, ret_header, err);
    }
    if (rv == 0 && ret_header->rows > CHUNKS) {
        return QL_CORRUPT;
    }
    if (rv == 0) {
        rv = pack_rows_decode(front, ret_rows, &end, err);
    }
    if (rv == 0 && end != file.len) {
        return QL_CORRUPT;
    }
    for (uint32_t i = 0; rv == 0 && i < ret_header->rows; i++) {
        const struct pack_row *row = &ret_rows[i];
        uint8_t *raw = malloc(row->facts.len);

        assert_non_null(raw);
        rv = pack_chunk_decompress(
            row, (struct bytes){file.data + row->frame_at, row->frame_len}, raw,
            err);
        free(raw);
    }
    return rv;
}

static int check_bytes(struct bytes file)
{
    struct pack_header header;
    struct pack_row rows[CHUNKS];
    struct err err = {0};

    return check_file(file, &header, rows, &err);
}

/* ---- Tests --------------------------------------------------------------- */

static void pack_gives_back_what_went_in(void **state)
{
    struct sample sample;
    struct pack_header header;
    struct pack_row rows[CHUNKS];
    struct err err = {0};

    (void)state;
    sample_init(&sample);
    assert_int_equal(
        check_file((struct bytes){sample.file.data, sample.file.len}, &header,
                   rows, &err),
        0);
    assert_int_equal(header.number, golden_header.number);
    assert_int_equal(header.rows, golden_header.rows);
    assert_memory_equal(header.cluster, golden_header.cluster,
                        PACK_CLUSTER_LEN);
    for (unsigned i = 0; i < CHUNKS; i++) {
        const struct chunk *chunk = sample.chunks[i];
        uint8_t raw[4096];

        assert_true(chunk_has_facts(chunk, &rows[i].facts));
        assert_memory_equal(rows[i].from, sample.from[i], HASH128_LEN);
        assert_int_equal(pack_chunk_decompress(
                             &rows[i],
                             (struct bytes){sample.file.data + rows[i].frame_at,
                                            rows[i].frame_len},
                             raw, &err),
                         0);
        assert_memory_equal(raw, chunk_bytes(chunk), chunk->len);
    }
    sample_close(&sample);
}

static void any_flipped_bit_is_found(void **state)
{
    struct sample sample;

    (void)state;
    sample_init(&sample);
    for (size_t bit = 0; bit < sample.file.len * 8; bit++) {
        sample.file.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (check_bytes((struct bytes){sample.file.data, sample.file.len}) !=
            QL_CORRUPT) {
            fail_msg("bit %zu", bit);
        }
        sample.file.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    sample_close(&sample);
}

static void any_other_length_is_found(void **state)
{
    struct sample sample;

    (void)state;
    sample_init(&sample);
    for (size_t len = 0; len < sample.file.len; len++) {
        /* A copy, so that a read behind the end is seen. */
        uint8_t *cut = malloc(len == 0 ? 1 : len);

        assert_non_null(cut);
        memcpy(cut, sample.file.data, len);
        assert_int_equal(check_bytes((struct bytes){cut, len}), QL_CORRUPT);
        free(cut);
    }
    assert_int_equal(buf_add(&sample.file, "", 1), 0);
    assert_int_equal(
        check_bytes((struct bytes){sample.file.data, sample.file.len}),
        QL_CORRUPT);
    sample_close(&sample);
}

static void reseal(struct sample *sample)
{
    size_t len = pack_front_len(CHUNKS);
    uint32_t crc = crc32c(0, sample->file.data + 8, 36);

    crc =
        crc32c(crc, sample->file.data + PACK_HEADER_LEN, len - PACK_HEADER_LEN);
    put_u32(sample->file.data + 44, crc);
}

static void newer_version_is_not_taken_for_damage(void **state)
{
    struct sample sample;
    struct err err = {0};
    struct pack_header header;
    struct pack_row rows[CHUNKS];

    (void)state;
    sample_init(&sample);
    put_u32(sample.file.data + 12, 2);
    reseal(&sample);
    assert_int_equal(
        check_file((struct bytes){sample.file.data, sample.file.len}, &header,
                   rows, &err),
        QL_INVALID);
    assert_non_null(strstr(err.text, "version 2"));
    sample_close(&sample);
}

static void header_tells_which_pack_it_is(void **state)
{
    struct sample sample;
    uint8_t other[PACK_CLUSTER_LEN] = {0};

    (void)state;
    sample_init(&sample);
    assert_true(
        pack_header_is(sample.file.data, 0x1234, golden_header.cluster));
    assert_false(
        pack_header_is(sample.file.data, 0x1235, golden_header.cluster));
    assert_false(pack_header_is(sample.file.data, 0x1234, other));
    sample_close(&sample);
}

/* Rows whose checksums are right and which say what cannot be. */
static void impossible_rows_are_refused(void **state)
{
    struct sample sample;
    struct pack_row row;
    struct pack_row out;
    uint8_t bytes[PACK_ROW_LEN];
    struct err err = {0};

    (void)state;
    sample_init(&sample);
#define REFUSED(change)                                                        \
    do {                                                                       \
        row = sample.rows[1];                                                  \
        (change);                                                              \
        pack_row_encode(&row, bytes);                                          \
        assert_int_equal(pack_row_decode(bytes, &out, &err), QL_CORRUPT);      \
    } while (0)
    REFUSED(row.facts.name.first = 0);
    REFUSED(row.facts.name.last = row.facts.name.first - 1);
    REFUSED(row.facts.len = 0);
    REFUSED(row.facts.len = CHUNK_BYTES_MAX + 1);
    REFUSED(row.facts.len = UINT32_MAX);
    REFUSED(row.facts.payload = row.facts.len + 1);
    REFUSED(row.facts.entries = 0);
    REFUSED(row.facts.entries = 3); /* of two positions */
    REFUSED(row.frame_len = 0);
    REFUSED(row.frame_len = (uint32_t)pack_frame_bound(row.facts.len) + 1);
    REFUSED(row.frame_len = UINT32_MAX);
    row = sample.rows[1];
    pack_row_encode(&row, bytes);
    assert_int_equal(pack_row_decode(bytes, &out, &err), 0);
    assert_true(chunk_has_facts(sample.chunks[1], &out.facts));
    sample_close(&sample);
}

static void frames_must_follow_each_other(void **state)
{
    struct sample sample;

    (void)state;
    sample_init(&sample);
    sample.rows[1].frame_at += 1;
    pack_front_encode(&golden_header, sample.rows, sample.file.data);
    assert_int_equal(
        check_bytes((struct bytes){sample.file.data, sample.file.len}),
        QL_CORRUPT);
    sample_close(&sample);
}

/* The frame's own header has a checksum of one byte: found among 256. */
static void frame_that_claims_a_huge_size_is_refused(void **state)
{
    struct sample sample;
    struct buf frame = BUF_INIT;
    uint8_t raw[256] = {0};
    uint8_t out[256];
    struct err err = {0};
    unsigned refused = 0;

    (void)state;
    sample_init(&sample);
    assert_int_equal(
        pack_frame_compress((struct bytes){raw, sizeof(raw)}, &frame, &err), 0);
    for (unsigned check = 0; check < 256; check++) {
        put_u64(frame.data + 6, 1ull << 62);
        frame.data[14] = (uint8_t)check;
        refused += pack_frame_decompress((struct bytes){frame.data, frame.len},
                                         out, sizeof(out), &err) == QL_CORRUPT;
    }
    assert_int_equal(refused, 256);
    /* And blocks of 4 MiB, for which more would be allocated. */
    put_u64(frame.data + 6, sizeof(raw));
    frame.data[5] = 0x70;
    for (unsigned check = 0; check < 256; check++) {
        frame.data[14] = (uint8_t)check;
        assert_int_equal(
            pack_frame_decompress((struct bytes){frame.data, frame.len}, out,
                                  sizeof(out), &err),
            QL_CORRUPT);
    }
    buf_close(&frame);
    sample_close(&sample);
}

static void frame_of_another_length_is_refused(void **state)
{
    struct buf frame = BUF_INIT;
    uint8_t raw[300] = {1, 2, 3};
    uint8_t out[400];
    struct err err = {0};

    (void)state;
    assert_int_equal(
        pack_frame_compress((struct bytes){raw, sizeof(raw)}, &frame, &err), 0);
    assert_true(frame.len <= pack_frame_bound(sizeof(raw)));
    for (size_t len = 0; len < sizeof(out); len++) {
        int rv = pack_frame_decompress((struct bytes){frame.data, frame.len},
                                       out, len, &err);

        assert_int_equal(rv, len == sizeof(raw) ? 0 : QL_CORRUPT);
    }
    assert_memory_equal(out, raw, sizeof(raw));
    /* Two frames are not one. */
    assert_int_equal(
        pack_frame_compress((struct bytes){raw, sizeof(raw)}, &frame, &err), 0);
    assert_int_equal(
        pack_frame_decompress((struct bytes){frame.data, frame.len}, out,
                              sizeof(raw), &err),
        QL_CORRUPT);
    buf_close(&frame);
}

static void read_golden(struct buf *ret)
{
    const char *srcdir = getenv("srcdir");
    char path[1024];
    uint8_t bytes[4096];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/" GOLDEN,
                   srcdir == NULL ? "." : srcdir);
    file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("cannot open %s (srcdir says where the sources are)", path);
    }
    assert_int_equal(buf_add(ret, bytes, fread(bytes, 1, sizeof(bytes), file)),
                     0);
    (void)fclose(file);
}

/* Its frames need not be what another release of the compressor makes of the
 * same bytes; all else is. */
static void pack_of_the_first_release_is_read_and_made_again(void **state)
{
    struct sample sample;
    struct buf golden = BUF_INIT;
    struct pack_header header;
    struct pack_row rows[CHUNKS];
    uint8_t front[PACK_HEADER_LEN + CHUNKS * PACK_ROW_LEN];
    struct err err = {0};

    (void)state;
    sample_init(&sample);
    read_golden(&golden);
    assert_int_equal(check_file((struct bytes){golden.data, golden.len},
                                &header, rows, &err),
                     0);
    assert_int_equal(header.number, golden_header.number);
    assert_int_equal(header.rows, golden_header.rows);
    assert_memory_equal(header.cluster, golden_header.cluster,
                        PACK_CLUSTER_LEN);
    pack_front_encode(&header, rows, front);
    assert_memory_equal(front, golden.data, sizeof(front));
    for (unsigned i = 0; i < CHUNKS; i++) {
        assert_true(chunk_has_facts(sample.chunks[i], &rows[i].facts));
        assert_memory_equal(rows[i].from, sample.rows[i].from, HASH128_LEN);
        assert_memory_equal(rows[i].hash, sample.rows[i].hash, HASH128_LEN);
    }
    buf_close(&golden);
    sample_close(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pack_gives_back_what_went_in),
        cmocka_unit_test(any_flipped_bit_is_found),
        cmocka_unit_test(any_other_length_is_found),
        cmocka_unit_test(newer_version_is_not_taken_for_damage),
        cmocka_unit_test(header_tells_which_pack_it_is),
        cmocka_unit_test(impossible_rows_are_refused),
        cmocka_unit_test(frames_must_follow_each_other),
        cmocka_unit_test(frame_that_claims_a_huge_size_is_refused),
        cmocka_unit_test(frame_of_another_length_is_refused),
        cmocka_unit_test(pack_of_the_first_release_is_read_and_made_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
