/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A backup whose checksums all fit, and whose entries are others than it says. */
#include "backup/backup_proof.h"

#include <stdlib.h>
#include <string.h>

#include "backup/backup_stream.h"
#include "support/cmocka.h"
#include "support/pool_rig.h"
#include "util/crc32c.h"

struct scene {
    struct pool_rig rig;
    struct buf stream;
    struct backup_front front;
};

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    pool_rig_init(&scene->rig, 41);
    pool_rig_append(&scene->rig, 40);
    pool_rig_take(&scene->rig, "one");
    pool_rig_run(&scene->rig, 5000);
    assert_int_equal(pool_rig_stream(&scene->rig, "one", 5000, &scene->stream),
                     0);
    assert_int_equal(
        backup_front_decode(scene->stream.data, &scene->front, NULL), 0);
    assert_true(scene->front.chunks > 1);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    buf_close(&scene->stream);
    pool_rig_close(&scene->rig);
    free(scene);
    return 0;
}

static struct bytes front_of(const struct scene *scene)
{
    return (struct bytes){scene->stream.data,
                          (size_t)backup_front_len(&scene->front)};
}

static struct pack_row row_of(const struct scene *scene, uint32_t number)
{
    struct pack_row row;

    assert_int_equal(backup_front_row(front_of(scene), number, &row, NULL), 0);
    return row;
}

/* All of @stream; 0, or what the first piece that is no good came to. */
static int prove(const struct scene *scene, struct err *err)
{
    struct backup_proof proof;
    int rv = backup_proof_begin(&proof, front_of(scene), err);

    if (rv != 0) {
        return rv;
    }
    while (rv == 0 && proof.next < proof.front.chunks) {
        struct pack_row row = row_of(scene, proof.next);

        rv = backup_proof_chunk(
            &proof,
            (struct bytes){scene->stream.data + row.frame_at, row.frame_len},
            NULL, err);
    }
    if (rv == 0) {
        assert_false(backup_proof_is_whole(&proof));
        rv = backup_proof_tail(
            &proof,
            (struct bytes){scene->stream.data +
                               backup_stream_tail_at(&scene->front),
                           (size_t)scene->front.tail_len},
            err);
    }
    if (rv == 0) {
        assert_true(backup_proof_is_whole(&proof));
        assert_int_equal(proof.entries, scene->front.row.entries);
    }
    backup_proof_close(&proof);
    return rv;
}

static void a_good_stream_proves_to_be_one(void **state)
{
    struct err err = {0};

    assert_int_equal(prove(*state, &err), 0);
}

/* The last chunk gets another byte in its last value, and everything that can be
 * computed from it anew is. */
static void the_chain_finds_what_no_checksum_can(void **state)
{
    struct scene *scene = *state;
    struct pack_row row = row_of(scene, scene->front.chunks - 1);
    uint8_t *raw = malloc(row.facts.len);
    struct buf frame = BUF_INIT;
    struct buf forged = BUF_INIT;
    struct err err = {0};

    assert_int_equal(
        pack_chunk_decompress(
            &row,
            (struct bytes){scene->stream.data + row.frame_at, row.frame_len},
            raw, &err),
        0);
    raw[row.facts.len - 1] ^= 1;
    assert_int_equal(
        pack_frame_compress((struct bytes){raw, row.facts.len}, &frame, &err),
        0);
    assert_int_equal(buf_add(&forged, scene->stream.data, (size_t)row.frame_at),
                     0);
    assert_int_equal(buf_add(&forged, frame.data, frame.len), 0);
    assert_int_equal(
        buf_add(&forged,
                scene->stream.data + backup_stream_tail_at(&scene->front),
                (size_t)scene->front.tail_len),
        0);
    row.frame_len = (uint32_t)frame.len;
    row.frame_crc = crc32c(0, frame.data, frame.len);
    hash128(raw, row.facts.len, row.hash);
    pack_row_encode(&row,
                    forged.data + backup_front_row_at(scene->front.chunks - 1));
    scene->front.stream_len = forged.len;
    backup_front_encode(&scene->front, forged.data);
    backup_front_seal(forged.data, (size_t)backup_front_len(&scene->front));
    buf_close(&scene->stream);
    scene->stream = forged;
    assert_int_equal(prove(scene, &err), QL_CORRUPT);
    assert_non_null(strstr(err.text, "chunk"));
    buf_close(&frame);
    free(raw);
}

static void another_digest_or_count_is_found(void **state)
{
    struct scene *scene = *state;
    struct backup_row row = scene->front.row;
    struct err err = {0};

    row.digest[5] ^= 1;
    backup_front_set_row(scene->stream.data, front_of(scene).len, &row);
    assert_int_equal(prove(scene, &err), QL_CORRUPT);
    assert_non_null(strstr(err.text, "digest"));
    row = scene->front.row;
    row.entries++;
    backup_front_set_row(scene->stream.data, front_of(scene).len, &row);
    assert_int_equal(prove(scene, &err), QL_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_stream_proves_to_be_one, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_chain_finds_what_no_checksum_can,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(another_digest_or_count_is_found, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
