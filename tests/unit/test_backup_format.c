/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The bytes of a manifest, and of the stream that an export gives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_locations.h"
#include "backup/backup_stream.h"
#include "support/pool_rig.h"
#include "support/cmocka.h"
#include "util/crc32c.h"
#include "util/file.h"

#define GOLDEN "tests/unit/golden/backup-1.manifest"
#define CHUNKS 3u

/* A front with two logs and three chunks, by hand. */
struct sample {
    struct backup_front header;
    struct pack_row rows[CHUNKS];
    struct backup_location items[CHUNKS];
    struct buf front;
    struct buf file; /* the whole manifest */
};

static const char snapshot[] = "the tables of the logs";
static const char tail[] = "the bytes of open chunks";

/* Where the last frame ends. */
static uint64_t rows_make(struct sample *sample)
{
    uint64_t at = backup_front_len(&sample->header);

    for (uint32_t i = 0; i < CHUNKS; i++) {
        struct pack_row *chunk = &sample->rows[i];

        chunk->facts.name.uid = i < 2 ? 5 : 6;
        chunk->facts.name.first = 1 + 4 * (i % 2);
        chunk->facts.name.last = 4 + 4 * (i % 2);
        memset(chunk->facts.name.chain, (int)(0x10 + i), HASH128_LEN);
        memset(chunk->from, i == 1 ? 0x10 : 0, HASH128_LEN);
        memset(chunk->hash, (int)(0x20 + i), HASH128_LEN);
        chunk->facts.last_time_ms = 1700000000000 + i;
        chunk->facts.len = 200;
        chunk->facts.entries = 4;
        chunk->facts.payload = 100;
        chunk->frame_len = 20;
        chunk->frame_crc = 0xabcd0000 + i;
        chunk->frame_at = at;
        at += chunk->frame_len;
        sample->items[i] =
            (struct backup_location){i == 2 ? 4 : 9, i == 2 ? 0 : i};
    }
    return at;
}

static void sample_make(struct sample *sample)
{
    struct backup_row *row = &sample->header.row;
    struct backup_locations locations = {
        .chunks = CHUNKS, .new_bytes = 111, .stored_bytes = 60};
    uint64_t at;

    memset(sample, 0, sizeof(*sample));
    row->id = 77;
    (void)snprintf(row->name, sizeof(row->name), "golden-1");
    row->index = 77;
    row->time_ms = 1700000000000;
    row->state_index = 70;
    row->logs = 2;
    row->entries = 12;
    row->bytes = 300;
    row->chunks = CHUNKS;
    memset(row->digest, 0xd1, sizeof(row->digest));
    memset(row->cluster, 0xc1, sizeof(row->cluster));
    row->scheduled = true;
    sample->header.chunks = CHUNKS;
    sample->header.snapshot_len = sizeof(snapshot);
    sample->header.tail_raw_len = sizeof(tail);
    assert_int_equal(
        pack_frame_compress((struct bytes){(const uint8_t *)tail, sizeof(tail)},
                            &sample->file, NULL),
        0);
    sample->header.tail_len = sample->file.len;
    sample->header.tail_crc = crc32c(0, sample->file.data, sample->file.len);
    at = rows_make(sample);
    sample->header.stream_len = at + sample->header.tail_len;
    assert_int_equal(
        buf_reserve(&sample->front, (size_t)backup_front_len(&sample->header)),
        0);
    sample->front.len = (size_t)backup_front_len(&sample->header);
    backup_front_encode(&sample->header, sample->front.data);
    for (uint32_t i = 0; i < CHUNKS; i++) {
        pack_row_encode(&sample->rows[i],
                        sample->front.data + backup_front_row_at(i));
    }
    memcpy(sample->front.data + backup_front_row_at(CHUNKS), snapshot,
           sizeof(snapshot));
    backup_front_seal(sample->front.data, sample->front.len);
    /* And the file: front, locations, tail. */
    locations.front_crc = get_u32(sample->front.data + sample->front.len - 4);
    memset(locations.cluster, 0xc1, sizeof(locations.cluster));
    {
        struct buf last = sample->file;

        memset(&sample->file, 0, sizeof(sample->file));
        assert_int_equal(
            buf_add(&sample->file, sample->front.data, sample->front.len), 0);
        backup_locations_encode(&locations, sample->items, &sample->file);
        assert_int_equal(buf_add(&sample->file, last.data, last.len), 0);
        buf_close(&last);
    }
}

static void sample_close(struct sample *sample)
{
    buf_close(&sample->front);
    buf_close(&sample->file);
}

static struct bytes front_of(const struct sample *sample)
{
    return (struct bytes){sample->front.data, sample->front.len};
}

static struct bytes locations_of(const struct sample *sample)
{
    size_t len =
        sample->file.len - sample->front.len - (size_t)sample->header.tail_len;

    return (struct bytes){sample->file.data + sample->front.len, len};
}

static void the_golden_manifest_is_still_made_and_read(void **state)
{
    const char *dir = getenv("srcdir");
    char path[PATH_LEN_MAX];
    struct buf golden = BUF_INIT;
    struct sample sample;

    (void)state;
    sample_make(&sample);
    (void)snprintf(path, sizeof(path), "%s/%s", dir == NULL ? "." : dir,
                   GOLDEN);
    assert_int_equal(file_read(path, MIB, &golden, NULL), 0);
    assert_int_equal(golden.len, sample.file.len);
    assert_memory_equal(golden.data, sample.file.data, golden.len);
    buf_close(&golden);
    sample_close(&sample);
}

static void a_front_gives_back_what_it_was_made_of(void **state)
{
    struct backup_front front = {.chunks = 0};
    struct pack_row row = {.frame_len = 0};
    struct sample sample;
    struct bytes found;

    (void)state;
    sample_make(&sample);
    assert_int_equal(backup_front_check(front_of(&sample), &front, NULL), 0);
    assert_true(backup_row_is_same(&front.row, &sample.header.row));
    assert_int_equal(front.row.id, 77);
    assert_int_equal(front.row.entries, 12);
    assert_true(front.row.scheduled);
    assert_false(front.row.foreign);
    assert_int_equal(front.stream_len, sample.header.stream_len);
    assert_int_equal(backup_front_row(front_of(&sample), 1, &row, NULL), 0);
    assert_int_equal(row.facts.name.first, 5);
    found = backup_front_snapshot(front_of(&sample), &front);
    assert_int_equal(found.len, sizeof(snapshot));
    assert_memory_equal(found.data, snapshot, found.len);
    sample_close(&sample);
}

static void every_bit_of_a_front_counts(void **state)
{
    struct backup_front front = {.chunks = 0};
    struct sample sample;

    (void)state;
    sample_make(&sample);
    for (size_t bit = 0; bit < sample.front.len * 8; bit++) {
        sample.front.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(backup_front_check(front_of(&sample), &front, NULL),
                         QL_CORRUPT);
        sample.front.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < sample.front.len; len++) {
        struct bytes cut = {sample.front.data, len};

        assert_int_equal(backup_front_check(cut, &front, NULL), QL_CORRUPT);
    }
    sample_close(&sample);
}

static void every_bit_of_locations_counts(void **state)
{
    struct backup_locations locations = {.packs = 0};
    struct sample sample;
    struct bytes bytes;
    uint8_t *data;

    (void)state;
    sample_make(&sample);
    bytes = locations_of(&sample);
    data = sample.file.data + sample.front.len;
    assert_int_equal(backup_locations_check(bytes, &locations, NULL), 0);
    assert_int_equal(locations.packs, 2);
    assert_int_equal(backup_locations_pack(bytes, 0), 4);
    assert_int_equal(backup_locations_item(bytes, 1).pack, 9);
    assert_int_equal(backup_locations_item(bytes, 1).row, 1);
    assert_int_equal(backup_locations_item(bytes, 2).pack, 4);
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(backup_locations_check(bytes, &locations, NULL),
                         QL_CORRUPT);
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    sample_close(&sample);
}

static void a_newer_version_is_told_from_damage(void **state)
{
    struct backup_front front = {.chunks = 0};
    struct backup_locations locations = {.packs = 0};
    struct sample sample;
    struct bytes bytes;
    struct err err;
    uint8_t *data;
    uint32_t crc;

    (void)state;
    sample_make(&sample);
    sample.front.data[12] = 2;
    crc = crc32c(0, sample.front.data + 4, 12);
    put_u32(sample.front.data + 16,
            crc32c(crc, sample.front.data + 20, BACKUP_FRONT_HEADER_LEN - 20));
    assert_int_equal(backup_front_check(front_of(&sample), &front, &err),
                     QL_INVALID);
    assert_non_null(strstr(err.text, "a newer quorlog wrote it"));
    bytes = locations_of(&sample);
    data = sample.file.data + sample.front.len;
    data[12] = 2;
    crc = crc32c(0, data + 4, 12);
    put_u32(data + 16, crc32c(crc, data + 20, bytes.len - 20));
    assert_int_equal(backup_locations_check(bytes, &locations, &err),
                     QL_INVALID);
    assert_non_null(strstr(err.text, "a newer quorlog wrote it"));
    sample_close(&sample);
}

static void rows_out_of_order_or_without_their_chain_are_refused(void **state)
{
    struct backup_front front = {.chunks = 0};
    struct sample sample;
    uint8_t *rows;

    (void)state;
    sample_make(&sample);
    rows = sample.front.data + backup_front_row_at(0);
    sample.rows[1].from[0] ^= 1;
    pack_row_encode(&sample.rows[1], rows + PACK_ROW_LEN);
    backup_front_seal(sample.front.data, sample.front.len);
    assert_int_equal(backup_front_check(front_of(&sample), &front, NULL),
                     QL_CORRUPT);
    sample.rows[1].from[0] ^= 1;
    sample.rows[1].facts.name.first = 4;
    pack_row_encode(&sample.rows[1], rows + PACK_ROW_LEN);
    backup_front_seal(sample.front.data, sample.front.len);
    assert_int_equal(backup_front_check(front_of(&sample), &front, NULL),
                     QL_CORRUPT);
    sample_close(&sample);
}

static void another_row_changes_the_tag_and_nothing_else(void **state)
{
    struct backup_front front = {.chunks = 0};
    uint8_t before[HASH128_LEN];
    uint8_t after[HASH128_LEN];
    struct sample sample;
    struct backup_row row;

    (void)state;
    sample_make(&sample);
    row = sample.header.row;
    row.foreign = true;
    (void)snprintf(row.name, sizeof(row.name), "imported");
    backup_front_tag(sample.front.data,
                     get_u32(sample.front.data + sample.front.len - 4), before);
    backup_front_set_row(sample.front.data, sample.front.len, &row);
    backup_front_tag(sample.front.data,
                     get_u32(sample.front.data + sample.front.len - 4), after);
    assert_memory_not_equal(before, after, HASH128_LEN);
    assert_int_equal(backup_front_check(front_of(&sample), &front, NULL), 0);
    assert_string_equal(front.row.name, "imported");
    assert_true(front.row.foreign);
    assert_int_equal(front.stream_len, sample.header.stream_len);
    sample_close(&sample);
}

static void each_offset_of_a_stream_is_in_one_part(void **state)
{
    struct sample sample;
    uint64_t left;
    uint64_t tail_at;
    uint8_t raw[sizeof(tail)];
    struct bytes last;

    (void)state;
    sample_make(&sample);
    tail_at = backup_stream_tail_at(&sample.header);
    assert_int_equal(backup_stream_at(&sample.header, 0, &left),
                     BACKUP_STREAM_FRONT);
    assert_int_equal(left, sample.front.len);
    assert_int_equal(
        backup_stream_at(&sample.header, sample.front.len - 1, &left),
        BACKUP_STREAM_FRONT);
    assert_int_equal(left, 1);
    assert_int_equal(backup_stream_at(&sample.header, sample.front.len, &left),
                     BACKUP_STREAM_FRAMES);
    assert_int_equal(left, 60);
    assert_int_equal(backup_stream_at(&sample.header, tail_at, &left),
                     BACKUP_STREAM_TAIL);
    assert_int_equal(left, sample.header.tail_len);
    assert_int_equal(
        backup_stream_at(&sample.header, sample.header.stream_len, &left),
        BACKUP_STREAM_END);
    last = (struct bytes){sample.file.data + sample.file.len -
                              sample.header.tail_len,
                          (size_t)sample.header.tail_len};
    assert_int_equal(backup_stream_tail_unpack(&sample.header, last, raw, NULL),
                     0);
    assert_memory_equal(raw, tail, sizeof(tail));
    sample.file.data[sample.file.len - 3] ^= 1;
    assert_int_equal(backup_stream_tail_unpack(&sample.header, last, raw, NULL),
                     QL_CORRUPT);
    sample_close(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_golden_manifest_is_still_made_and_read),
        cmocka_unit_test(a_front_gives_back_what_it_was_made_of),
        cmocka_unit_test(every_bit_of_a_front_counts),
        cmocka_unit_test(every_bit_of_locations_counts),
        cmocka_unit_test(a_newer_version_is_told_from_damage),
        cmocka_unit_test(rows_out_of_order_or_without_their_chain_are_refused),
        cmocka_unit_test(another_row_changes_the_tag_and_nothing_else),
        cmocka_unit_test(each_offset_of_a_stream_is_in_one_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
