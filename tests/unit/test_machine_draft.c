/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Filling a draft record by record, edits, and what is refused. */
#include <string.h>

#include "machine/state.h"
#include "support/cmocka.h"
#include "support/dice.h"
#include "support/driver.h"
#include "support/saved.h"

static const struct machine_limits limits = {4 * 1024, 64 * 1024};
#define ENTRY_BYTES 1000u
#define CHUNK_ENTRIES 4u

struct fixture {
    struct driver driver;
    struct saved saved;
};

/* Logs a, b and c of uids 1 to 3: three, one and no sealed chunks, and c has an
 * open one. */
static int setup(void **state)
{
    static struct fixture fixture;
    struct driver *driver = &fixture.driver;

    driver_init_limited(driver, &limits);
    driver_create(driver, "a");
    driver_create(driver, "b");
    driver_create(driver, "c");
    driver_append_many(driver, "a", 3 * CHUNK_ENTRIES, ENTRY_BYTES);
    driver_append_many(driver, "b", CHUNK_ENTRIES, ENTRY_BYTES + 1);
    driver_append(driver, "c", "open");
    saved_take(&fixture.saved, driver, "before");
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    saved_close(&fixture->saved);
    driver_close(&fixture->driver);
    return 0;
}

static struct load_log log_row(const struct fixture *fixture, uint64_t uid)
{
    struct load_log row;

    assert_int_equal(
        machine_part_log(fixture->saved.machine, MACHINE_LIVE, uid, &row), 0);
    return row;
}

static struct chunk *chunk_at(const struct fixture *fixture, uint64_t uid,
                              size_t index)
{
    size_t count;
    struct chunk *const *chunks =
        machine_part_chunks(fixture->saved.machine, MACHINE_LIVE, uid, &count);

    assert_true(index < count);
    return chunks[index];
}

static struct machine_part_info draft(const struct driver *driver)
{
    struct machine_part_info info;

    assert_true(machine_part_info(driver->machine, MACHINE_DRAFT, &info));
    return info;
}

/* One record with the next number to the draft that is there. */
static int load(struct driver *driver, struct buf *record)
{
    struct machine_part_info info = draft(driver);

    return driver_load(driver, info.id, info.next_seq, record);
}

static int load_log(struct driver *driver, const struct load_log *row)
{
    struct buf record = BUF_INIT;

    assert_int_equal(load_log_encode(row, &record), 0);
    return load(driver, &record);
}

static int load_ref(struct driver *driver, const struct chunk *chunk)
{
    struct buf record = BUF_INIT;
    uint8_t row[CHUNK_ROW_LEN];

    chunk_row_encode(chunk, row);
    assert_int_equal(load_refs_encode(row, 1, &record), 0);
    return load(driver, &record);
}

/* The bytes of @chunk from @from on, without the last @less ones. */
static int load_bytes(struct driver *driver, const struct chunk *chunk,
                      size_t from, size_t less)
{
    struct buf record = BUF_INIT;
    struct buf bytes = BUF_INIT;

    saved_bytes(chunk, &bytes);
    assert_int_equal(load_bytes_encode((struct bytes){bytes.data + from,
                                                      bytes.len - from - less},
                                       &record),
                     0);
    buf_close(&bytes);
    return load(driver, &record);
}

static int load_done(struct driver *driver, const uint8_t *digest)
{
    struct buf record = BUF_INIT;

    assert_int_equal(load_done_encode(digest, &record), 0);
    return load(driver, &record);
}

static int load_drop(struct driver *driver, uint64_t uid)
{
    struct buf record = BUF_INIT;

    assert_int_equal(load_drop_encode(uid, &record), 0);
    return load(driver, &record);
}

static int end(struct driver *driver, uint64_t deleted)
{
    struct machine_part_info info = draft(driver);

    return driver_end(driver, info.id, info.next_seq, deleted);
}

/* @rv is a refusal, and the state, with @before its digest, did not change. */
static void expect_refused(struct driver *driver, const uint8_t before[16],
                           int rv, int code)
{
    uint8_t after[16];

    assert_int_equal(rv, code);
    machine_digest(driver->machine, after);
    assert_memory_equal(before, after, 16);
    assert_int_not_equal(machine_refusal_text(&driver->outcome)[0], '\0');
}

/* ---- Refusals ---- */

static void records_out_of_order_change_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log row = log_row(fixture, 1);
    struct buf record = BUF_INIT;
    uint8_t digest[16];
    uint64_t id;

    driver_begin(driver, "before", 0, 0);
    id = driver->outcome.position;
    assert_int_equal(load_log(driver, &row), 0);
    machine_digest(driver->machine, digest);
    for (uint64_t seq = 0; seq < 4; seq++) {
        if (seq == 1) {
            continue;
        }
        assert_int_equal(load_done_encode(row.base, &record), 0);
        expect_refused(driver, digest, driver_load(driver, id, seq, &record),
                       QL_OUT_OF_ORDER);
        assert_int_equal(driver->outcome.position, 1);
        expect_refused(driver, digest, driver_end(driver, id, seq, 0),
                       QL_OUT_OF_ORDER);
    }
    assert_int_equal(load_done_encode(row.base, &record), 0);
    expect_refused(driver, digest, driver_load(driver, id + 1, 1, &record),
                   QL_NOT_FOUND);
    expect_refused(driver, digest, end(driver, 0), QL_INVALID);
}

static void a_log_has_to_be_begun_and_ended(void **state)
{
    struct fixture *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log first = log_row(fixture, 1);
    struct load_log second = log_row(fixture, 2);
    uint8_t digest[16];

    driver_begin(driver, "before", 0, 0);
    machine_digest(driver->machine, digest);
    expect_refused(driver, digest, load_ref(driver, chunk_at(fixture, 1, 0)),
                   QL_INVALID);
    expect_refused(driver, digest,
                   load_bytes(driver, chunk_at(fixture, 1, 0), 0, 0),
                   QL_INVALID);
    expect_refused(driver, digest, load_done(driver, first.base), QL_INVALID);
    expect_refused(driver, digest, load_drop(driver, 1), QL_INVALID);
    second.keep = 1;
    expect_refused(driver, digest, load_log(driver, &second), QL_INVALID);
    second.keep = 0;
    assert_int_equal(load_log(driver, &second), 0);
    machine_digest(driver->machine, digest);
    expect_refused(driver, digest, load_log(driver, &first), QL_INVALID);
    expect_refused(driver, digest, load_drop(driver, 2), QL_INVALID);
    assert_int_equal(load_ref(driver, chunk_at(fixture, 2, 0)), 0);
    assert_int_equal(load_done(driver, chunk_at(fixture, 2, 0)->name.chain), 0);
    machine_digest(driver->machine, digest);
    /* Uids rise, and names are different. */
    expect_refused(driver, digest, load_log(driver, &first), QL_INVALID);
    second.uid = 3;
    expect_refused(driver, digest, load_log(driver, &second), QL_EXISTS);
}

static void chunks_follow_each_other(void **state)
{
    struct fixture *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log row = log_row(fixture, 1);
    struct chunk *first = chunk_at(fixture, 1, 0);
    struct chunk *second = chunk_at(fixture, 1, 1);
    uint8_t digest[16];

    driver_begin(driver, "before", 0, 0);
    assert_int_equal(load_log(driver, &row), 0);
    machine_digest(driver->machine, digest);
    /* Its chain does not begin here. */
    expect_refused(driver, digest, load_ref(driver, second), QL_NOT_FOUND);
    expect_refused(driver, digest, load_bytes(driver, first, 1, 0), QL_CORRUPT);
    expect_refused(driver, digest, load_bytes(driver, first, 0, 1), QL_CORRUPT);
    expect_refused(driver, digest, load_ref(driver, chunk_at(fixture, 2, 0)),
                   QL_NOT_FOUND);
    assert_int_equal(load_ref(driver, first), 0);
    machine_digest(driver->machine, digest);
    expect_refused(driver, digest, load_ref(driver, first), QL_INVALID);
    expect_refused(driver, digest, load_bytes(driver, first, 0, 0), QL_CORRUPT);
    assert_int_equal(load_bytes(driver, second, 0, 0), 0);
    machine_digest(driver->machine, digest);
    expect_refused(driver, digest, load_done(driver, first->name.chain),
                   QL_CORRUPT);
    assert_int_equal(load_done(driver, second->name.chain), 0);
    assert_int_equal(draft(driver).log_uid, 0);
}

static void chunks_lie_within_the_numbers_of_their_log(void **state)
{
    struct fixture *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct chunk *first = chunk_at(fixture, 1, 0);
    struct load_log row = log_row(fixture, 1);
    uint8_t digest[16];

    for (int i = 0; i < 3; i++) {
        struct load_log other = row;

        other.tail = i == 0 ? CHUNK_ENTRIES : row.tail;
        other.head = i == 1 ? CHUNK_ENTRIES + 1 : row.head;
        other.last_time_ms = i == 2 ? 1 : row.last_time_ms;
        driver_begin(driver, "before", 0, 0);
        assert_int_equal(load_log(driver, &other), 0);
        machine_digest(driver->machine, digest);
        expect_refused(driver, digest, load_ref(driver, first), QL_INVALID);
        expect_refused(driver, digest, load_bytes(driver, first, 0, 0),
                       QL_CORRUPT);
    }
}

static void the_digest_tells_what_a_draft_holds(void **state)
{
    struct fixture *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log row = log_row(fixture, 2);
    uint8_t digests[3][16];

    for (size_t i = 0; i < 3; i++) {
        struct buf image = BUF_INIT;
        struct driver other = {.machine = machine_new(&limits),
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
        assert_int_equal(load_log(&other, &row), 0);
        saved_bytes(chunk_at(fixture, 2, 0), &bytes);
        bytes.data[bytes.len - 1] ^= i == 1;
        assert_int_equal(
            load_bytes_encode((struct bytes){bytes.data, bytes.len}, &record),
            0);
        assert_int_equal(load(&other, &record), 0);
        buf_close(&bytes);
        machine_digest(other.machine, digests[i]);
        driver_close(&other);
    }
    assert_memory_equal(digests[0], digests[2], 16);
    assert_memory_not_equal(digests[0], digests[1], 16);
}

static void refs_are_taken_all_or_none(void **state)
{
    struct fixture *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log row = log_row(fixture, 1);
    uint8_t rows[3 * CHUNK_ROW_LEN];
    struct buf record = BUF_INIT;
    uint8_t digest[16];

    for (size_t i = 0; i < 3; i++) {
        chunk_row_encode(chunk_at(fixture, 1, i), rows + i * CHUNK_ROW_LEN);
    }
    driver_begin(driver, "before", 0, 0);
    assert_int_equal(load_log(driver, &row), 0);
    machine_digest(driver->machine, digest);
    rows[2 * CHUNK_ROW_LEN + 40] ^= 1; /* in its chain */
    assert_int_equal(load_refs_encode(rows, 3, &record), 0);
    expect_refused(driver, digest, load(driver, &record), QL_NOT_FOUND);
    rows[2 * CHUNK_ROW_LEN + 40] ^= 1;
    rows[CHUNK_ROW_LEN + 63] = 1; /* a zero */
    assert_int_equal(load_refs_encode(rows, 3, &record), 0);
    expect_refused(driver, digest, load(driver, &record), QL_INVALID);
    rows[CHUNK_ROW_LEN + 63] = 0;
    assert_int_equal(load_refs_encode(rows, 3, &record), 0);
    assert_int_equal(load(driver, &record), 0);
    assert_int_equal(draft(driver).chunks, 3);
    assert_int_equal(draft(driver).entries, 3 * CHUNK_ENTRIES);
}

static void there_is_a_limit_to_chunks(void **state)
{
    struct fixture *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log row = log_row(fixture, 1);
    struct chunk *first = chunk_at(fixture, 1, 0);
    struct kept *kept;

    driver_begin(driver, "before", 0, 0);
    assert_int_equal(load_log(driver, &row), 0);
    kept = driver->machine->state->kept[MACHINE_DRAFT];
    kept->logs.chunks += CHUNKS_KEPT_MAX;
    assert_int_equal(load_ref(driver, first), QL_LIMIT);
    assert_int_equal(load_bytes(driver, first, 0, 0), QL_LIMIT);
    assert_non_null(strstr(machine_refusal_text(&driver->outcome), "chunks"));
    kept->logs.chunks -= 1;
    assert_int_equal(load_bytes(driver, first, 0, 0), 0);
    kept->logs.chunks -= CHUNKS_KEPT_MAX - 1;
}

static void changed_records_do_no_harm(void **state)
{
    struct fixture *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log row = log_row(fixture, 1);
    struct dice dice = {3};

    driver_begin(driver, "before", 0, 0);
    for (int i = 0; i < 4000; i++) {
        uint8_t chunk_row[CHUNK_ROW_LEN];
        struct buf record = BUF_INIT;
        uint64_t kind = dice_roll(&dice, 5);
        uint8_t before[16];
        int rv;

        chunk_row_encode(chunk_at(fixture, 1, 0), chunk_row);
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

            saved_bytes(chunk_at(fixture, 1, 0), &bytes);
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
        rv = load(driver, &record);
        if (rv != 0) {
            expect_refused(driver, before, rv, rv);
        }
        if (dice_one_in(&dice, 10)) {
            driver_reborn(driver);
        }
    }
}

/* ---- Edits ---- */

/* Begins an edit of what is staged. */
static int edit(struct driver *driver)
{
    struct machine_part_info info;

    assert_true(machine_part_info(driver->machine, MACHINE_STAGED, &info));
    return driver_begin(driver, "before", info.id, info.revision);
}

static void an_edit_begins_as_what_is_staged(void **state)
{
    struct fixture *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct machine_part_info staged;
    uint8_t digest[16];

    machine_digest(driver->machine, digest);
    expect_refused(driver, digest, driver_begin(driver, "before", 9, 1),
                   QL_NOT_FOUND);
    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_true(machine_part_info(driver->machine, MACHINE_STAGED, &staged));
    machine_digest(driver->machine, digest);
    expect_refused(driver, digest, driver_begin(driver, "before", staged.id, 2),
                   QL_CONDITION_FAILED);
    expect_refused(driver, digest,
                   driver_begin(driver, "before", staged.id + 1, 1),
                   QL_CONDITION_FAILED);
    assert_int_equal(edit(driver), 0);
    assert_int_equal(draft(driver).edit_of, staged.id);
    assert_int_equal(draft(driver).logs, 3);
    assert_memory_equal(draft(driver).digest, staged.digest, 16);
    assert_int_equal(draft(driver).from_index, staged.from_index);
}

static void an_edit_keeps_first_chunks_and_replaces_the_rest(void **state)
{
    struct fixture *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log row = log_row(fixture, 1);
    struct machine_part_info staged;
    struct log_stat stat;
    struct buf bytes = BUF_INIT;
    struct buf record = BUF_INIT;
    struct chunk *const *chunks;
    struct machine_reader reader;
    struct read_entry entry;
    size_t count;

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_true(machine_part_info(driver->machine, MACHINE_STAGED, &staged));
    assert_int_equal(edit(driver), 0);
    row.keep = 1;
    assert_int_equal(load_log(driver, &row), 0);
    assert_int_equal(draft(driver).entries, CHUNK_ENTRIES + CHUNK_ENTRIES + 1);
    /* Position 6, the second of the second chunk, goes. */
    saved_bytes(chunk_at(fixture, 1, 1), &bytes);
    memmove(bytes.data + bytes.len / 4, bytes.data + bytes.len / 2,
            bytes.len / 2);
    assert_int_equal(
        load_bytes_encode((struct bytes){bytes.data, bytes.len / 4 * 3},
                          &record),
        0);
    buf_close(&bytes);
    assert_int_equal(load(driver, &record), 0);
    /* The last one has another chain before it now. */
    assert_int_equal(load_ref(driver, chunk_at(fixture, 1, 2)), QL_NOT_FOUND);
    assert_int_equal(load_bytes(driver, chunk_at(fixture, 1, 2), 0, 0), 0);
    chunks = machine_part_chunks(driver->machine, MACHINE_DRAFT, 1, &count);
    assert_int_equal(count, 3);
    assert_int_equal(load_done(driver, chunks[2]->name.chain), 0);
    assert_int_equal(load_drop(driver, 2), 0);
    assert_int_equal(load_drop(driver, 2), QL_NOT_FOUND);
    driver_reborn(driver);
    assert_int_equal(end(driver, 5), 0);
    assert_int_equal(driver->outcome.recovery.stage, staged.id);
    assert_int_equal(driver->outcome.recovery.revision, 2);
    assert_true(machine_part_info(driver->machine, MACHINE_STAGED, &staged));
    assert_int_equal(staged.deleted, 5);
    assert_int_equal(staged.logs, 2);
    assert_int_equal(
        machine_part_stat(driver->machine, MACHINE_STAGED, text("a"), &stat),
        0);
    assert_int_equal(stat.entries, 3 * CHUNK_ENTRIES - 1);
    assert_int_equal(driver_commit(driver, 77), 0);
    assert_int_equal(
        machine_reader_open(&reader, driver->machine, 1, 6, 0, NULL), 0);
    assert_int_equal(machine_reader_next(&reader, &entry), MACHINE_READ_ENTRY);
    assert_int_equal(entry.position, 7);
    /* The hole counts as an entry before the head, but never the last one. */
    assert_int_equal(driver_trim(driver, "a", 8), 0);
    assert_int_equal(driver_stat(driver, "a").entries, CHUNK_ENTRIES + 1);
    driver_reborn(driver);
    assert_int_equal(driver_stat(driver, "a").entries, CHUNK_ENTRIES + 1);
    assert_int_equal(driver_undo(driver, 78), 0);
    assert_int_equal(driver_stat(driver, "b").entries, CHUNK_ENTRIES);
}

static void an_edit_names_a_log_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log row = log_row(fixture, 1);
    struct load_log other;
    uint8_t digest[16];

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(edit(driver), 0);
    machine_digest(driver->machine, digest);
    other = row;
    other.name = text("b");
    expect_refused(driver, digest, load_log(driver, &other), QL_INVALID);
    other = row;
    other.uid = 9;
    expect_refused(driver, digest, load_log(driver, &other), QL_NOT_FOUND);
    other = row;
    other.keep = 4;
    expect_refused(driver, digest, load_log(driver, &other), QL_INVALID);
    other.keep = 3;
    other.base[0] ^= 1;
    expect_refused(driver, digest, load_log(driver, &other), QL_INVALID);
    other = row;
    other.keep = 3;
    other.tail = 2 * CHUNK_ENTRIES;
    expect_refused(driver, digest, load_log(driver, &other), QL_INVALID);
    /* To its very chunks, twice. */
    for (int i = 0; i < 2; i++) {
        other = row;
        other.keep = 3;
        assert_int_equal(load_log(driver, &other), 0);
        assert_int_equal(load_done(driver, chunk_at(fixture, 1, 2)->name.chain),
                         0);
    }
    assert_int_equal(end(driver, 0), 0);
}

static void an_edit_goes_with_what_it_is_of(void **state)
{
    struct fixture *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct machine_part_info info;

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_BYTES), 0);
    assert_int_equal(edit(driver), 0);
    assert_int_equal(edit(driver), 0);
    assert_int_equal(driver_commit(driver, 77), 0);
    assert_false(machine_part_info(driver->machine, MACHINE_DRAFT, &info));
    assert_false(machine_part_info(driver->machine, MACHINE_STAGED, &info));
    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_BYTES), 0);
    assert_int_equal(edit(driver), 0);
    assert_int_equal(driver_unload(driver, false), 0);
    assert_false(machine_part_info(driver->machine, MACHINE_DRAFT, &info));
    assert_false(machine_part_info(driver->machine, MACHINE_STAGED, &info));
    assert_true(machine_part_info(driver->machine, MACHINE_UNDO, &info));
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

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
        TEST(an_edit_begins_as_what_is_staged),
        TEST(an_edit_keeps_first_chunks_and_replaces_the_rest),
        TEST(an_edit_names_a_log_as_it_is),
        TEST(an_edit_goes_with_what_it_is_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
