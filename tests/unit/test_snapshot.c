/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <lz4frame.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "store/snapshot.h"
#include "support/cmocka.h"
#include "support/driver.h"
#include "util/crc32c.h"

struct fixture {
    struct driver driver;
    struct buf snapshot; /* of the driver's machine, at raft index 77 */
};

static void encode(struct fixture *fixture)
{
    struct view *view = machine_freeze(fixture->driver.machine);
    struct err err;

    fixture->snapshot.len = 0;
    assert_int_equal(snapshot_encode(view, 77, &fixture->snapshot, &err), 0);
    view_free(view);
}

static int setup(void **state)
{
    static struct fixture fixture;

    driver_init(&fixture.driver);
    driver_create(&fixture.driver, "a");
    driver_append(&fixture.driver, "a", "first");
    driver_append_many(&fixture.driver, "a", 10, 20);
    buf_init(&fixture.snapshot);
    encode(&fixture);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    buf_close(&fixture->snapshot);
    driver_close(&fixture->driver);
    return 0;
}

/* Restores a machine that has something else in it. QL_CORRUPT must leave that
 * alone; otherwise both machines must be the same. */
static int restore(struct fixture *fixture, const uint8_t *bytes, size_t len)
{
    struct driver other;
    uint8_t before[16];
    uint8_t expected[16];
    uint8_t after[16];
    uint64_t index = 1;
    struct err err;
    int rv;

    driver_init(&other);
    driver_create(&other, "other");
    machine_digest(other.machine, before);
    machine_digest(fixture->driver.machine, expected);
    rv = snapshot_restore(other.machine, bytes, len, NULL, &index, &err);
    machine_digest(other.machine, after);
    assert_int_equal(index, rv == 0 ? 77 : 1);
    assert_memory_equal(after, rv == 0 ? expected : before, 16);
    driver_close(&other);
    return rv;
}

static void a_snapshot_restores_the_machine_and_its_index(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(
        restore(fixture, fixture->snapshot.data, fixture->snapshot.len), 0);
}

static void a_large_machine_goes_through_too(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < 5; i++) {
        driver_append_many(&fixture->driver, "a", 2000, 1000);
    }
    encode(fixture);
    assert_true(fixture->snapshot.len < 64 * KIB); /* the rest is in chunks */
    assert_int_equal(
        restore(fixture, fixture->snapshot.data, fixture->snapshot.len), 0);
}

struct encoder {
    const struct view *view;
    struct buf *ret;
    int rv;
};

static void *encode_on_a_thread(void *data)
{
    struct encoder *encoder = data;

    encoder->rv = snapshot_encode(encoder->view, 77, encoder->ret, NULL);
    return NULL;
}

/* The machine goes on meanwhile: it fills, seals, drops and deletes what the
 * view shares with it. */
static void a_snapshot_is_made_beside_a_machine_at_work(void **state)
{
    struct fixture *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct driver frozen = {.machine = machine_new(NULL)};
    struct encoder encoder = {NULL, &fixture->snapshot, -1};
    struct buf image = BUF_INIT;
    struct view *view;
    pthread_t thread;

    driver_create(driver, "b");
    for (int i = 0; i < 5; i++) {
        driver_append_many(driver, "a", 500, 1000);
        driver_append_many(driver, "b", 50, 1000);
    }
    machine_image(driver->machine, &image);
    assert_int_equal(
        machine_restore(frozen.machine, image.data, image.len, NULL, NULL), 0);
    view = machine_freeze(driver->machine);
    encoder.view = view;
    fixture->snapshot.len = 0;
    assert_int_equal(
        pthread_create(&thread, NULL, encode_on_a_thread, &encoder), 0);
    for (int i = 0; i < 100; i++) {
        driver_append_many(driver, "a", 20, 1000);
        driver_append_many(driver, "b", 1, 10);
    }
    driver_trim(driver, "a", 3000);
    driver_delete(driver, "b");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(encoder.rv, 0);
    view_free(view);
    machine_free(driver->machine);
    driver->machine = frozen.machine;
    assert_int_equal(
        restore(fixture, fixture->snapshot.data, fixture->snapshot.len), 0);
    buf_close(&image);
}

static void the_halves_give_the_same(void **state)
{
    struct fixture *fixture = *state;
    struct buf expected = BUF_INIT;
    struct buf image = BUF_INIT;
    uint64_t index = 0;
    struct err err;

    machine_image(fixture->driver.machine, &expected);
    assert_int_equal(snapshot_unpack(fixture->snapshot.data,
                                     fixture->snapshot.len, &image, &index,
                                     &err),
                     0);
    assert_int_equal(index, 77);
    assert_int_equal(image.len, expected.len);
    assert_memory_equal(image.data, expected.data, image.len);
    index = 0;
    assert_int_equal(snapshot_index(fixture->snapshot.data,
                                    fixture->snapshot.len, &index, &err),
                     0);
    assert_int_equal(index, 77);
    assert_int_equal(snapshot_index(fixture->snapshot.data, 35, &index, &err),
                     QL_CORRUPT);
    buf_close(&expected);
    buf_close(&image);
}

static void every_changed_bit_is_found(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *bytes = fixture->snapshot.data;

    for (size_t i = 0; i < fixture->snapshot.len * 8; i++) {
        uint8_t bit = (uint8_t)(1u << (i % 8));

        bytes[i / 8] ^= bit;
        assert_int_equal(restore(fixture, bytes, fixture->snapshot.len),
                         QL_CORRUPT);
        bytes[i / 8] ^= bit;
    }
}

static void every_changed_byte_is_found(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *bytes = fixture->snapshot.data;

    for (size_t i = 0; i < fixture->snapshot.len; i++) {
        uint8_t old = bytes[i];

        for (unsigned change = 1; change < 256; change += 6) {
            bytes[i] = (uint8_t)(old ^ change);
            assert_int_equal(restore(fixture, bytes, fixture->snapshot.len),
                             QL_CORRUPT);
        }
        bytes[i] = old;
    }
}

static void every_truncation_is_found(void **state)
{
    struct fixture *fixture = *state;

    for (size_t len = 0; len < fixture->snapshot.len; len++) {
        uint8_t *cut = malloc(len == 0 ? 1 : len);

        assert_non_null(cut);
        memcpy(cut, fixture->snapshot.data, len);
        assert_int_equal(restore(fixture, cut, len), QL_CORRUPT);
        free(cut);
    }
}

static void bytes_behind_the_end_are_found(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(buf_add(&fixture->snapshot, "\0", 1), 0);
    assert_int_equal(
        restore(fixture, fixture->snapshot.data, fixture->snapshot.len),
        QL_CORRUPT);
}

/* Lengths beyond what the bytes could hold must not even be allocated. */
static void a_header_cannot_claim_much(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *bytes = fixture->snapshot.data;
    const uint64_t claims[] = {UINT64_MAX, 1ull << 40, 0, 256 * 1000};

    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        put_u64(bytes + 16, claims[i]);
        put_u32(bytes + 12, crc32c(0, bytes + 16, 20));
        assert_int_equal(restore(fixture, bytes, fixture->snapshot.len),
                         QL_CORRUPT);
    }
}

/* What plain `lz4 -dc` does: frame by frame, and skippable ones are skipped. */
static void plain_lz4_finds_the_image(void **state)
{
    struct fixture *fixture = *state;
    struct buf image = BUF_INIT;
    size_t room;
    uint8_t *found;
    LZ4F_dctx *lz4;
    size_t at = 0;
    size_t len = 0;

    machine_image(fixture->driver.machine, &image);
    room = image.len + 100;
    found = malloc(room);
    assert_non_null(found);
    assert_false(
        LZ4F_isError(LZ4F_createDecompressionContext(&lz4, LZ4F_VERSION)));
    while (at < fixture->snapshot.len) {
        size_t taken = fixture->snapshot.len - at;
        size_t given = room - len;

        assert_false(LZ4F_isError(LZ4F_decompress(lz4, found + len, &given,
                                                  fixture->snapshot.data + at,
                                                  &taken, NULL)));
        assert_true(taken > 0);
        at += taken;
        len += given;
    }
    assert_int_equal(len, image.len);
    assert_memory_equal(found, image.data, len);
    LZ4F_freeDecompressionContext(lz4);
    free(found);
    buf_close(&image);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_snapshot_restores_the_machine_and_its_index),
        TEST(a_large_machine_goes_through_too),
        TEST(a_snapshot_is_made_beside_a_machine_at_work),
        TEST(the_halves_give_the_same),
        TEST(every_changed_bit_is_found),
        TEST(every_changed_byte_is_found),
        TEST(every_truncation_is_found),
        TEST(bytes_behind_the_end_are_found),
        TEST(a_header_cannot_claim_much),
        TEST(plain_lz4_finds_the_image),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
