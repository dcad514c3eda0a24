/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/dice.h"
#include "support/driver.h"

/* So small that some chunks are sealed, and some of them merged. */
static const struct machine_limits limits = {256, 256};

/* A machine with some of everything: trimmed, held, retained and deleted logs,
 * producers with results of several kinds. */
static int setup(void **state)
{
    static struct driver driver;
    uint64_t id;

    driver_init_limited(&driver, &limits);
    driver_create_with(&driver, "zeta", (struct retention){5, 6, 7}, 42);
    driver_create(&driver, "alpha");
    driver_create(&driver, "gone");
    driver_create(&driver, "empty");
    driver_append_many(&driver, "alpha", 7, 10);
    driver_append(&driver, "zeta", "value");
    driver_append(&driver, "gone", "value");
    driver_delete(&driver, "gone");
    driver_trim(&driver, "alpha", 3);
    driver_acquire(&driver, "empty", "writer");
    id = driver_open_producer(&driver);
    driver_open_producer(&driver);
    for (uint64_t sequence = 1; sequence <= 5; sequence++) {
        driver_append_numbered(&driver, "alpha", id, sequence);
    }
    driver_append_numbered(&driver, "gone", id, 6);
    *state = &driver;
    return 0;
}

static int teardown(void **state)
{
    driver_close(*state);
    return 0;
}

static void a_restored_machine_is_the_same(void **state)
{
    struct driver *driver = *state;
    struct machine_counts before = driver_counts(driver);
    struct machine_counts after;
    uint8_t digests[2][16];

    machine_digest(driver->machine, digests[0]);
    driver_reborn(driver);
    machine_digest(driver->machine, digests[1]);
    assert_memory_equal(digests[0], digests[1], 16);
    after = driver_counts(driver);
    assert_int_equal(after.logs, before.logs);
    assert_int_equal(after.entries, before.entries);
    assert_int_equal(after.bytes, before.bytes);
    assert_int_equal(after.producers, before.producers);
    assert_int_equal(after.state_index, before.state_index);
    assert_int_equal(after.time_ms, before.time_ms);
    assert_int_equal(driver_stat(driver, "alpha").head, 3);
    assert_int_equal(driver_stat(driver, "alpha").entries, 10);
    assert_int_equal(driver_stat(driver, "empty").writer_name.len, 6);
}

static void an_image_of_a_restored_machine_has_the_same_bytes(void **state)
{
    struct driver *driver = *state;
    struct buf first = BUF_INIT;
    struct buf second = BUF_INIT;

    machine_image(driver->machine, &first);
    driver_reborn(driver);
    machine_image(driver->machine, &second);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.data, second.data, first.len);
    buf_close(&first);
    buf_close(&second);
}

static void an_empty_machine_has_an_image_too(void **state)
{
    struct driver driver;

    (void)state;
    driver_init(&driver);
    driver_reborn(&driver);
    assert_int_equal(driver_create(&driver, "first"), 0);
    assert_int_equal(driver.outcome.stat.uid, 1);
    driver_close(&driver);
}

static void a_view_keeps_the_moment_it_was_made(void **state)
{
    struct driver *driver = *state;
    struct view *view = machine_freeze(driver->machine);
    struct buf before = BUF_INIT;
    struct buf after = BUF_INIT;

    machine_image(driver->machine, &before);
    driver_append_many(driver, "alpha", 2000, 1000);
    driver_trim(driver, "alpha", 1500);
    driver_delete(driver, "zeta");
    view_image(view, &after);
    assert_int_equal(after.len, before.len);
    assert_memory_equal(after.data, before.data, after.len);
    view_free(view);
    buf_close(&before);
    buf_close(&after);
}

static void on_restored(void *data, uint64_t uid)
{
    assert_int_equal(uid, 0);
    (*(int *)data)++;
}

static void restoring_says_that_anything_may_have_changed(void **state)
{
    struct driver *driver = *state;
    struct buf image = BUF_INIT;
    int told = 0;

    machine_image(driver->machine, &image);
    machine_on_changed(driver->machine, on_restored, &told);
    assert_int_equal(
        machine_restore(driver->machine, image.data, image.len, NULL, NULL), 0);
    assert_int_equal(told, 1);
    assert_int_not_equal(
        machine_restore(driver->machine, image.data, image.len - 1, NULL, NULL),
        0);
    assert_int_equal(told, 1);
    buf_close(&image);
}

/* ---- Hostile images ---- */

/* Gives @image in memory that ends where it ends. A refusal must leave the
 * machine as it was; what is taken must be a sound state. */
static void offer(struct driver *driver, const uint8_t *image, size_t len)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    struct machine *machine = machine_new(&limits);
    uint8_t before[16];
    uint8_t after[16];
    struct err err;
    int rv;

    assert_non_null(copy);
    memcpy(copy, image, len);
    machine_digest(driver->machine, before);
    rv = machine_restore(driver->machine, copy, len, NULL, &err);
    machine_digest(driver->machine, after);
    if (rv == 0) {
        struct buf again = BUF_INIT;

        machine_image(driver->machine, &again);
        assert_int_equal(again.len, len);
        assert_memory_equal(again.data, copy, len);
        assert_int_equal(
            machine_restore(machine, again.data, again.len, NULL, &err), 0);
        buf_close(&again);
    } else {
        bool is_old = len >= 4 && memcmp(copy, "QLM1", 4) == 0;

        assert_int_equal(rv, is_old ? QL_INVALID : QL_CORRUPT);
        assert_memory_equal(before, after, 16);
    }
    machine_free(machine);
    free(copy);
}

static void every_truncated_image_is_refused(void **state)
{
    struct driver *driver = *state;
    struct buf image = BUF_INIT;
    struct err err;

    machine_image(driver->machine, &image);
    for (size_t len = 0; len < image.len; len++) {
        assert_int_equal(
            machine_restore(driver->machine, image.data, len, NULL, &err),
            QL_CORRUPT);
    }
    buf_close(&image);
}

static void an_image_of_another_version_says_what_to_do(void **state)
{
    struct driver *driver = *state;
    struct buf image = BUF_INIT;
    struct err err;

    machine_image(driver->machine, &image);
    memcpy(image.data, "QLM1", 4);
    assert_int_equal(
        machine_restore(driver->machine, image.data, image.len, NULL, &err),
        QL_INVALID);
    assert_non_null(strstr(err.text, "log read"));
    buf_close(&image);
}

static void an_image_with_more_behind_it_is_refused(void **state)
{
    struct driver *driver = *state;
    struct buf image = BUF_INIT;
    struct err err;

    machine_image(driver->machine, &image);
    assert_int_equal(buf_add(&image, "x", 1), 0);
    assert_int_equal(
        machine_restore(driver->machine, image.data, image.len, NULL, &err),
        QL_CORRUPT);
    put_u64(image.data + 24, get_u64(image.data + 24) + 1);
    assert_int_equal(
        machine_restore(driver->machine, image.data, image.len, NULL, &err),
        QL_CORRUPT);
    buf_close(&image);
}

#define LOG_AT 88u               /* the first log of an image */
#define DIGEST_AT (LOG_AT + 88u) /* its chain digest */
#define ROW_LEN 64u

/* The image of a machine with one log of @appends entries, each of them enough for
 * a chunk that merges no more, and then a small one. */
static void image_of_one_log(size_t appends, bool is_open, struct buf *ret)
{
    struct driver driver;

    driver_init_limited(&driver, &limits);
    driver_create(&driver, "one");
    for (size_t i = 0; i < appends; i++) {
        driver_append_many(&driver, "one", 1, 300);
    }
    if (is_open) {
        driver_append(&driver, "one", "small");
    }
    machine_image(driver.machine, ret);
    driver_close(&driver);
}

static void expect_refusal(struct driver *driver, struct buf *image,
                           const char *reason)
{
    struct err err;

    assert_int_equal(
        machine_restore(driver->machine, image->data, image->len, NULL, &err),
        QL_CORRUPT);
    assert_non_null(strstr(err.text, reason));
    buf_close(image);
}

static void open_entries_must_lead_to_the_chain_digest(void **state)
{
    struct buf image = BUF_INIT;

    image_of_one_log(1, true, &image);
    image.data[image.len - 1] ^= 1;
    expect_refusal(*state, &image, "an open chunk's chain");
}

static void the_last_chunk_must_end_with_the_chain_digest(void **state)
{
    struct buf image = BUF_INIT;

    image_of_one_log(2, false, &image);
    image.data[DIGEST_AT] ^= 1;
    expect_refusal(*state, &image, "a log's chain");
    image_of_one_log(0, false, &image);
    image.data[DIGEST_AT] ^= 1;
    expect_refusal(*state, &image, "a log's chain");
}

static void rows_of_chunks_must_be_in_order(void **state)
{
    struct buf image = BUF_INIT;
    uint8_t row[ROW_LEN];
    uint8_t *rows;

    image_of_one_log(3, true, &image);
    rows = image.data + get_u64(image.data + 8);
    memcpy(row, rows, ROW_LEN);
    memmove(rows, rows + ROW_LEN, ROW_LEN);
    memcpy(rows + ROW_LEN, row, ROW_LEN);
    expect_refusal(*state, &image, "out of order");
}

static void an_open_chunk_must_follow_the_sealed_ones(void **state)
{
    struct buf image = BUF_INIT;
    uint8_t *rows;

    image_of_one_log(1, true, &image);
    rows = image.data + get_u64(image.data + 8);
    put_u64(rows + 8, 2); /* the open one begins there, too */
    expect_refusal(*state, &image, "an open chunk is out of order");
}

static void huge_counts_are_refused_before_they_allocate(void **state)
{
    struct driver *driver = *state;
    struct buf image = BUF_INIT;

    machine_image(driver->machine, &image);
    for (size_t at = 0; at + 4 <= image.len; at++) {
        uint32_t old = get_u32(image.data + at);

        put_u32(image.data + at, 0xfffffff0);
        offer(driver, image.data, image.len);
        put_u32(image.data + at, 0x0000ffff);
        offer(driver, image.data, image.len);
        put_u32(image.data + at, old);
    }
    buf_close(&image);
}

/* Without a checksum around it, an image may be changed into another sound one;
 * it must never do harm. */
static void changed_images_do_no_harm(void **state)
{
    struct driver *driver = *state;
    struct dice dice = {77};
    struct buf image = BUF_INIT;
    struct buf changed = BUF_INIT;

    machine_image(driver->machine, &image);
    for (int i = 0; i < 20000; i++) {
        changed.len = 0;
        assert_int_equal(buf_add(&changed, image.data, image.len), 0);
        for (uint64_t j = 0; j <= dice_roll(&dice, 3); j++) {
            size_t at = (size_t)dice_roll(&dice, image.len);
            size_t from = (size_t)dice_roll(&dice, image.len);

            changed.data[at] = dice_one_in(&dice, 2)
                                   ? (uint8_t)dice_roll(&dice, 256)
                                   : image.data[from];
        }
        offer(driver, changed.data, changed.len);
    }
    buf_close(&changed);
    buf_close(&image);
}

/* ---- Going on ---- */

static void any_command(struct driver *driver, struct dice *dice)
{
    static const char *const names[] = {"alpha", "zeta", "empty", "new"};
    const char *name = names[dice_roll(dice, 4)];
    uint64_t number = 1 + dice_roll(dice, 9);

    driver->time_ms += dice_roll(dice, 1000);
    switch (dice_roll(dice, 9)) {
    case 0:
        driver_create_with(driver, name, (struct retention){0, 0, 5000}, 0);
        break;
    case 1:
        driver_delete(driver, name);
        break;
    case 2:
        driver_trim(driver, name, number);
        break;
    case 3:
        driver_acquire(driver, name, "another");
        break;
    case 4:
        driver_release(driver, name, number);
        break;
    case 5:
        driver_open_producer(driver);
        break;
    case 6:
        driver_append_numbered(driver, name, 10 + number, number);
        break;
    case 7:
        driver_tick(driver);
        break;
    default:
        driver_append_many(driver, name, number, 60000);
        break;
    }
}

static void a_restored_machine_goes_on_in_the_same_way(void **state)
{
    struct driver *driver = *state;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct driver other = {.machine = machine_new(&limits),
                               .index = driver->index,
                               .time_ms = driver->time_ms};
        struct dice ours = {seed};
        struct dice theirs = {seed};
        struct buf image = BUF_INIT;
        uint8_t digests[2][16];

        machine_image(driver->machine, &image);
        assert_int_equal(
            machine_restore(other.machine, image.data, image.len, NULL, NULL),
            0);
        for (int i = 0; i < 100; i++) {
            any_command(driver, &ours);
            any_command(&other, &theirs);
            assert_int_equal(driver->outcome.code, other.outcome.code);
            assert_int_equal(driver->outcome.position, other.outcome.position);
            assert_int_equal(driver->outcome.producer, other.outcome.producer);
            machine_digest(driver->machine, digests[0]);
            machine_digest(other.machine, digests[1]);
            assert_memory_equal(digests[0], digests[1], 16);
        }
        buf_close(&image);
        driver_close(&other);
    }
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_restored_machine_is_the_same),
        TEST(an_image_of_a_restored_machine_has_the_same_bytes),
        TEST(an_empty_machine_has_an_image_too),
        TEST(a_view_keeps_the_moment_it_was_made),
        TEST(restoring_says_that_anything_may_have_changed),
        TEST(every_truncated_image_is_refused),
        TEST(an_image_of_another_version_says_what_to_do),
        TEST(an_image_with_more_behind_it_is_refused),
        TEST(open_entries_must_lead_to_the_chain_digest),
        TEST(the_last_chunk_must_end_with_the_chain_digest),
        TEST(rows_of_chunks_must_be_in_order),
        TEST(an_open_chunk_must_follow_the_sealed_ones),
        TEST(huge_counts_are_refused_before_they_allocate),
        TEST(changed_images_do_no_harm),
        TEST(a_restored_machine_goes_on_in_the_same_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
