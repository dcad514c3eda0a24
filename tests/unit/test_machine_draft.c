/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Filling a draft record by record, and what is refused. */
#include <string.h>

#include "machine/state.h"
#include "support/cmocka.h"
#include "support/dice.h"
#include "support/edited.h"
#include "support/saved_rig.h"

static void records_out_of_order_change_nothing(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log row = rig_log_row(fixture, 1);
    struct buf record = BUF_INIT;
    uint8_t digest[16];
    uint64_t id;

    driver_begin(driver, "before", 0, 0);
    id = driver->outcome.position;
    assert_int_equal(edited_log(driver, &row), 0);
    machine_digest(driver->machine, digest);
    for (uint64_t seq = 0; seq < 4; seq++) {
        if (seq == 1) {
            continue;
        }
        assert_int_equal(load_done_encode(row.base, &record), 0);
        rig_expect_refused(driver, digest,
                           driver_load(driver, id, seq, &record),
                           QL_OUT_OF_ORDER);
        assert_int_equal(driver->outcome.position, 1);
        rig_expect_refused(driver, digest, driver_end(driver, id, seq, 0),
                           QL_OUT_OF_ORDER);
    }
    assert_int_equal(load_done_encode(row.base, &record), 0);
    rig_expect_refused(driver, digest, driver_load(driver, id + 1, 1, &record),
                       QL_NOT_FOUND);
    rig_expect_refused(driver, digest, edited_end(driver, 0), QL_INVALID);
}

static void a_log_has_to_be_begun_and_ended(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log first = rig_log_row(fixture, 1);
    struct load_log second = rig_log_row(fixture, 2);
    uint8_t digest[16];

    driver_begin(driver, "before", 0, 0);
    machine_digest(driver->machine, digest);
    rig_expect_refused(driver, digest,
                       edited_ref(driver, rig_chunk_at(fixture, 1, 0)),
                       QL_INVALID);
    rig_expect_refused(driver, digest,
                       edited_bytes(driver, rig_chunk_at(fixture, 1, 0), 0, 0),
                       QL_INVALID);
    rig_expect_refused(driver, digest, edited_done(driver, first.base),
                       QL_INVALID);
    rig_expect_refused(driver, digest, edited_drop(driver, 1), QL_INVALID);
    second.keep = 1;
    rig_expect_refused(driver, digest, edited_log(driver, &second), QL_INVALID);
    second.keep = 0;
    assert_int_equal(edited_log(driver, &second), 0);
    machine_digest(driver->machine, digest);
    rig_expect_refused(driver, digest, edited_log(driver, &first), QL_INVALID);
    rig_expect_refused(driver, digest, edited_drop(driver, 2), QL_INVALID);
    assert_int_equal(edited_ref(driver, rig_chunk_at(fixture, 2, 0)), 0);
    assert_int_equal(
        edited_done(driver, rig_chunk_at(fixture, 2, 0)->name.chain), 0);
    machine_digest(driver->machine, digest);
    /* Uids rise, and names are different. */
    rig_expect_refused(driver, digest, edited_log(driver, &first), QL_INVALID);
    second.uid = 3;
    rig_expect_refused(driver, digest, edited_log(driver, &second), QL_EXISTS);
}

static void chunks_follow_each_other(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log row = rig_log_row(fixture, 1);
    struct chunk *first = rig_chunk_at(fixture, 1, 0);
    struct chunk *second = rig_chunk_at(fixture, 1, 1);
    uint8_t digest[16];

    driver_begin(driver, "before", 0, 0);
    assert_int_equal(edited_log(driver, &row), 0);
    machine_digest(driver->machine, digest);
    /* Its chain does not begin here. */
    rig_expect_refused(driver, digest, edited_ref(driver, second),
                       QL_NOT_FOUND);
    rig_expect_refused(driver, digest, edited_bytes(driver, first, 1, 0),
                       QL_CORRUPT);
    rig_expect_refused(driver, digest, edited_bytes(driver, first, 0, 1),
                       QL_CORRUPT);
    rig_expect_refused(driver, digest,
                       edited_ref(driver, rig_chunk_at(fixture, 2, 0)),
                       QL_NOT_FOUND);
    assert_int_equal(edited_ref(driver, first), 0);
    machine_digest(driver->machine, digest);
    rig_expect_refused(driver, digest, edited_ref(driver, first), QL_INVALID);
    rig_expect_refused(driver, digest, edited_bytes(driver, first, 0, 0),
                       QL_CORRUPT);
    assert_int_equal(edited_bytes(driver, second, 0, 0), 0);
    machine_digest(driver->machine, digest);
    rig_expect_refused(driver, digest, edited_done(driver, first->name.chain),
                       QL_CORRUPT);
    assert_int_equal(edited_done(driver, second->name.chain), 0);
    assert_int_equal(edited_draft(driver).log_uid, 0);
}

static void chunks_lie_within_the_numbers_of_their_log(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct chunk *first = rig_chunk_at(fixture, 1, 0);
    struct load_log row = rig_log_row(fixture, 1);
    uint8_t digest[16];

    for (int i = 0; i < 3; i++) {
        struct load_log other = row;

        other.tail = i == 0 ? RIG_CHUNK_ENTRIES : row.tail;
        other.head = i == 1 ? RIG_CHUNK_ENTRIES + 1 : row.head;
        other.last_time_ms = i == 2 ? 1 : row.last_time_ms;
        driver_begin(driver, "before", 0, 0);
        assert_int_equal(edited_log(driver, &other), 0);
        machine_digest(driver->machine, digest);
        rig_expect_refused(driver, digest, edited_ref(driver, first),
                           QL_INVALID);
        rig_expect_refused(driver, digest, edited_bytes(driver, first, 0, 0),
                           QL_CORRUPT);
    }
}

static void the_digest_tells_what_a_draft_holds(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log row = rig_log_row(fixture, 2);
    uint8_t digests[3][16];

    for (size_t i = 0; i < 3; i++) {
        struct buf image = BUF_INIT;
        struct driver other = {.machine = machine_new(&saved_rig_limits),
                               .index = driver->index,
                               .time_ms = driver->time_ms};
        struct buf record = BUF_INIT;
        struct buf bytes = BUF_INIT;

        machine_image(driver->machine, &image);
        assert_int_equal(
            machine_restore(other.machine, image.data, image.len, NULL, NULL),
            0);
        buf_close(&image);
        driver_begin(&other, "before", 0, 0);
        assert_int_equal(edited_log(&other, &row), 0);
        saved_bytes(rig_chunk_at(fixture, 2, 0), &bytes);
        bytes.data[bytes.len - 1] ^= i == 1;
        assert_int_equal(
            load_bytes_encode((struct bytes){bytes.data, bytes.len}, &record),
            0);
        assert_int_equal(edited_load(&other, &record), 0);
        buf_close(&bytes);
        machine_digest(other.machine, digests[i]);
        driver_close(&other);
    }
    assert_memory_equal(digests[0], digests[2], 16);
    assert_memory_not_equal(digests[0], digests[1], 16);
}

static void refs_are_taken_all_or_none(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log row = rig_log_row(fixture, 1);
    uint8_t rows[3 * CHUNK_ROW_LEN];
    struct buf record = BUF_INIT;
    uint8_t digest[16];

    for (size_t i = 0; i < 3; i++) {
        chunk_row_encode(rig_chunk_at(fixture, 1, i), rows + i * CHUNK_ROW_LEN);
    }
    driver_begin(driver, "before", 0, 0);
    assert_int_equal(edited_log(driver, &row), 0);
    machine_digest(driver->machine, digest);
    rows[2 * CHUNK_ROW_LEN + 40] ^= 1; /* in its chain */
    assert_int_equal(load_refs_encode(rows, 3, &record), 0);
    rig_expect_refused(driver, digest, edited_load(driver, &record),
                       QL_NOT_FOUND);
    rows[2 * CHUNK_ROW_LEN + 40] ^= 1;
    rows[CHUNK_ROW_LEN + 63] = 1; /* a zero */
    assert_int_equal(load_refs_encode(rows, 3, &record), 0);
    rig_expect_refused(driver, digest, edited_load(driver, &record),
                       QL_INVALID);
    rows[CHUNK_ROW_LEN + 63] = 0;
    assert_int_equal(load_refs_encode(rows, 3, &record), 0);
    assert_int_equal(edited_load(driver, &record), 0);
    assert_int_equal(edited_draft(driver).chunks, 3);
    assert_int_equal(edited_draft(driver).entries, 3 * RIG_CHUNK_ENTRIES);
}

static void there_is_a_limit_to_chunks(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log row = rig_log_row(fixture, 1);
    struct chunk *first = rig_chunk_at(fixture, 1, 0);
    struct kept *kept;

    driver_begin(driver, "before", 0, 0);
    assert_int_equal(edited_log(driver, &row), 0);
    kept = driver->machine->state->kept[MACHINE_DRAFT];
    kept->logs.chunks += CHUNKS_KEPT_MAX;
    assert_int_equal(edited_ref(driver, first), QL_LIMIT);
    assert_int_equal(edited_bytes(driver, first, 0, 0), QL_LIMIT);
    assert_non_null(strstr(machine_refusal_text(&driver->outcome), "chunks"));
    kept->logs.chunks -= 1;
    assert_int_equal(edited_bytes(driver, first, 0, 0), 0);
    kept->logs.chunks -= CHUNKS_KEPT_MAX - 1;
}

static void changed_records_do_no_harm(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log row = rig_log_row(fixture, 1);
    struct dice dice = {3};

    driver_begin(driver, "before", 0, 0);
    for (int i = 0; i < 4000; i++) {
        uint8_t chunk_row[CHUNK_ROW_LEN];
        struct buf record = BUF_INIT;
        uint64_t kind = dice_roll(&dice, 5);
        uint8_t before[16];
        int rv;

        chunk_row_encode(rig_chunk_at(fixture, 1, 0), chunk_row);
        if (kind == 0) {
            (void)load_log_encode(&row, &record);
        } else if (kind == 1) {
            (void)load_refs_encode(chunk_row, 1, &record);
        } else if (kind == 2) {
            (void)load_done_encode(row.base, &record);
        } else if (kind == 3) {
            (void)load_drop_encode(row.uid, &record);
        } else {
            struct buf bytes = BUF_INIT;

            saved_bytes(rig_chunk_at(fixture, 1, 0), &bytes);
            (void)load_bytes_encode((struct bytes){bytes.data, bytes.len},
                                    &record);
            buf_close(&bytes);
        }
        for (uint64_t j = dice_roll(&dice, 3); j > 0; j--) {
            record.data[dice_roll(&dice, record.len)] =
                (uint8_t)dice_roll(&dice, 256);
        }
        record.len -= dice_one_in(&dice, 8) ? dice_roll(&dice, record.len) : 0;
        if (dice_one_in(&dice, 50)) {
            driver_reborn(driver);
            driver_begin(driver, "before", 0, 0);
        }
        machine_digest(driver->machine, before);
        rv = edited_load(driver, &record);
        if (rv != 0) {
            rig_expect_refused(driver, before, rv, rv);
        }
        if (dice_one_in(&dice, 10)) {
            driver_reborn(driver);
        }
    }
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, saved_rig_setup_same,            \
                                    saved_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(records_out_of_order_change_nothing),
        TEST(a_log_has_to_be_begun_and_ended),
        TEST(chunks_follow_each_other),
        TEST(chunks_lie_within_the_numbers_of_their_log),
        TEST(the_digest_tells_what_a_draft_holds),
        TEST(refs_are_taken_all_or_none),
        TEST(there_is_a_limit_to_chunks),
        TEST(changed_records_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
