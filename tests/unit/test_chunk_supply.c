/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Copies of missing chunks that come from peers. */
#include <string.h>

#include "store/pack.h"
#include "support/chunk_rig.h"
#include "support/cmocka.h"
#include "util/crc32c.h"

#define CHUNKS 2u

struct fixture {
    struct chunk_rig rig;
    struct chunk_rig peer; /* has the same logs */
};

/* The first chunk is missing. */
static int setup(void **state)
{
    static struct fixture fixture;
    struct chunk *chunk;

    memset(&fixture, 0, sizeof(fixture));
    chunk_rig_open(&fixture.rig);
    chunk_rig_open(&fixture.peer);
    chunk_rig_fill(&fixture.rig, CHUNKS);
    chunk_rig_fill(&fixture.peer, CHUNKS);
    chunk = chunk_rig_chunk(&fixture.rig, 1);
    fake_disk_delete(fixture.rig.fake, chunk_rig_file(chunk));
    assert_int_equal(chunk_rig_load(&fixture.rig, chunk), -1);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    chunk_rig_close(&fixture->rig);
    chunk_rig_close(&fixture->peer);
    return 0;
}

struct copy {
    uint8_t row[PACK_ROW_LEN];
    struct buf frame;
    int status;
};

static void on_served(struct chunk_serve *serve, int status, const uint8_t *row,
                      struct bytes frame)
{
    struct copy *copy = serve->data;

    assert_int_equal(status, 0);
    memcpy(copy->row, row, PACK_ROW_LEN);
    assert_int_equal(buf_add(&copy->frame, frame.data, frame.len), 0);
}

static void on_supplied(struct chunk_supply *supply, int status)
{
    *(int *)supply->data = status;
}

/* The status that the supply ends with. */
static int supply(struct chunk_rig *rig, struct chunk *chunk,
                  const struct copy *copy)
{
    int status = -1;
    struct chunk_supply supply = {.data = &status};
    struct bytes frame = {copy->frame.data, copy->frame.len};

    assert_int_equal(chunk_store_supply(rig->store, &supply, chunk, copy->row,
                                        frame, on_supplied),
                     0);
    assert_int_equal(status, -1);
    chunk_rig_settle(rig);
    return status;
}

/* The peer's copy of the missing chunk. */
static struct copy copy_of(struct fixture *fixture, struct chunk *chunk)
{
    struct copy copy = {.frame = BUF_INIT};
    struct chunk_serve serve = {.data = &copy};

    assert_int_equal(
        chunk_store_serve(fixture->peer.store, &serve, &chunk->name, on_served),
        0);
    chunk_rig_settle(&fixture->peer);
    return copy;
}

static void a_copy_that_is_not_the_chunk_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct chunk_rig *rig = &fixture->rig;
    struct chunk *chunk = chunk_rig_chunk(rig, 1);
    struct copy copy = copy_of(fixture, chunk);

    for (size_t bit = 0; bit < 8 * (size_t)PACK_ROW_LEN; bit += 5) {
        copy.row[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(supply(rig, chunk, &copy), QL_CORRUPT);
        copy.row[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * copy.frame.len; bit += 997) {
        copy.frame.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(supply(rig, chunk, &copy), QL_CORRUPT);
        copy.frame.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    copy.frame.len--;
    assert_int_equal(supply(rig, chunk, &copy), QL_CORRUPT);
    copy.frame.len++;
    assert_null(chunk->home);
    assert_int_equal(supply(rig, chunk, &copy), 0);
    assert_int_equal(chunk_rig_load(rig, chunk), 0);
    buf_close(&copy.frame);
}

/* All checksums fit, but the entries are not those of the name. */
static void a_copy_of_another_history_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct chunk_rig *rig = &fixture->rig;
    struct chunk *chunk = chunk_rig_chunk(rig, 1);
    struct copy copy = copy_of(fixture, chunk);
    struct pack_row row;
    uint8_t raw[CHUNK_RIG_LEN];

    assert_int_equal(pack_row_decode(copy.row, &row, NULL), 0);
    assert_int_equal(
        pack_chunk_decompress(
            &row, (struct bytes){copy.frame.data, copy.frame.len}, raw, NULL),
        0);
    raw[sizeof(raw) - 1] ^= 1;
    copy.frame.len = 0;
    assert_int_equal(pack_frame_compress((struct bytes){raw, sizeof(raw)},
                                         &copy.frame, NULL),
                     0);
    row.frame_len = (uint32_t)copy.frame.len;
    row.frame_crc = crc32c(0, copy.frame.data, copy.frame.len);
    hash128(raw, sizeof(raw), row.hash);
    pack_row_encode(&row, copy.row);
    assert_int_equal(supply(rig, chunk, &copy), QL_CORRUPT);
    assert_null(chunk->home);
    assert_int_equal(chunk_store_missing(rig->store), 1);
    buf_close(&copy.frame);
}

static void a_copy_of_what_is_here_again_is_taken_for_good(void **state)
{
    struct fixture *fixture = *state;
    struct chunk_rig *rig = &fixture->rig;
    struct chunk *chunk = chunk_rig_chunk(rig, 1);
    struct copy copy = copy_of(fixture, chunk);
    struct chunk_store_status before;

    assert_int_equal(supply(rig, chunk, &copy), 0);
    before = chunk_rig_status(rig);
    assert_int_equal(supply(rig, chunk, &copy), 0);
    assert_int_equal(chunk_rig_status(rig).written_packs, before.written_packs);
    buf_close(&copy.frame);
}

static void a_second_copy_has_to_wait_for_the_first(void **state)
{
    struct fixture *fixture = *state;
    struct chunk_rig *rig = &fixture->rig;
    struct chunk *chunk = chunk_rig_chunk(rig, 1);
    struct copy copy = copy_of(fixture, chunk);
    struct bytes frame = {copy.frame.data, copy.frame.len};
    int first_status = -1;
    int second_status = -1;
    struct chunk_supply first = {.data = &first_status};
    struct chunk_supply second = {.data = &second_status};

    assert_int_equal(chunk_store_supply(rig->store, &first, chunk, copy.row,
                                        frame, on_supplied),
                     0);
    assert_int_equal(chunk_store_supply(rig->store, &second, chunk, copy.row,
                                        frame, on_supplied),
                     QL_BUSY);
    chunk_store_supply_cancel(&first);
    chunk_rig_settle(rig);
    assert_int_equal(first_status, -1);
    assert_int_equal(second_status, -1);
    assert_non_null(chunk->home); /* the bytes were taken all the same */
    buf_close(&copy.frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_copy_that_is_not_the_chunk_is_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_copy_of_another_history_is_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_copy_of_what_is_here_again_is_taken_for_good, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_copy_has_to_wait_for_the_first,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
