/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A staged state is edited: a draft that begins as it. */
#include <string.h>

#include "support/cmocka.h"
#include "support/edited.h"
#include "support/saved_rig.h"

/* Begins an edit of what is staged. */
static int edit(struct driver *driver)
{
    struct machine_part_info info;

    assert_true(machine_part_info(driver->machine, MACHINE_STAGED, &info));
    return driver_begin(driver, "before", info.id, info.revision);
}

static void an_edit_begins_as_what_is_staged(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct machine_part_info staged;
    uint8_t digest[16];

    machine_digest(driver->machine, digest);
    rig_expect_refused(driver, digest, driver_begin(driver, "before", 9, 1),
                       QL_NOT_FOUND);
    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_true(machine_part_info(driver->machine, MACHINE_STAGED, &staged));
    machine_digest(driver->machine, digest);
    rig_expect_refused(driver, digest,
                       driver_begin(driver, "before", staged.id, 2),
                       QL_CONDITION_FAILED);
    rig_expect_refused(driver, digest,
                       driver_begin(driver, "before", staged.id + 1, 1),
                       QL_CONDITION_FAILED);
    assert_int_equal(edit(driver), 0);
    assert_int_equal(edited_draft(driver).edit_of, staged.id);
    assert_int_equal(edited_draft(driver).logs, 3);
    assert_memory_equal(edited_draft(driver).digest, staged.digest, 16);
    assert_int_equal(edited_draft(driver).from_index, staged.from_index);
}

static void an_edit_keeps_first_chunks_and_replaces_the_rest(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log row = rig_log_row(fixture, 1);
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
    assert_int_equal(edited_log(driver, &row), 0);
    assert_int_equal(edited_draft(driver).entries,
                     RIG_CHUNK_ENTRIES + RIG_CHUNK_ENTRIES + 1);
    /* Position 6, the second of the second chunk, goes. */
    saved_bytes(rig_chunk_at(fixture, 1, 1), &bytes);
    memmove(bytes.data + bytes.len / 4, bytes.data + bytes.len / 2,
            bytes.len / 2);
    assert_int_equal(
        load_bytes_encode((struct bytes){bytes.data, bytes.len / 4 * 3},
                          &record),
        0);
    buf_close(&bytes);
    assert_int_equal(edited_load(driver, &record), 0);
    /* The last one has another chain before it now. */
    assert_int_equal(edited_ref(driver, rig_chunk_at(fixture, 1, 2)),
                     QL_NOT_FOUND);
    assert_int_equal(edited_bytes(driver, rig_chunk_at(fixture, 1, 2), 0, 0),
                     0);
    chunks = machine_part_chunks(driver->machine, MACHINE_DRAFT, 1, &count);
    assert_int_equal(count, 3);
    assert_int_equal(edited_done(driver, chunks[2]->name.chain), 0);
    assert_int_equal(edited_drop(driver, 2), 0);
    assert_int_equal(edited_drop(driver, 2), QL_NOT_FOUND);
    driver_reborn(driver);
    assert_int_equal(edited_end(driver, 5), 0);
    assert_int_equal(driver->outcome.recovery.stage, staged.id);
    assert_int_equal(driver->outcome.recovery.revision, 2);
    assert_true(machine_part_info(driver->machine, MACHINE_STAGED, &staged));
    assert_int_equal(staged.deleted, 5);
    assert_int_equal(staged.logs, 2);
    assert_int_equal(
        machine_part_stat(driver->machine, MACHINE_STAGED, text("a"), &stat),
        0);
    assert_int_equal(stat.entries, 3 * RIG_CHUNK_ENTRIES - 1);
    assert_int_equal(driver_commit(driver, 77), 0);
    assert_int_equal(
        machine_reader_open(&reader, driver->machine, 1, 6, 0, NULL), 0);
    assert_int_equal(machine_reader_next(&reader, &entry), MACHINE_READ_ENTRY);
    assert_int_equal(entry.position, 7);
    /* The hole counts as an entry before the head, but never the last one. */
    assert_int_equal(driver_trim(driver, "a", 8), 0);
    assert_int_equal(driver_stat(driver, "a").entries, RIG_CHUNK_ENTRIES + 1);
    driver_reborn(driver);
    assert_int_equal(driver_stat(driver, "a").entries, RIG_CHUNK_ENTRIES + 1);
    assert_int_equal(driver_undo(driver, 78), 0);
    assert_int_equal(driver_stat(driver, "b").entries, RIG_CHUNK_ENTRIES);
}

static void an_edit_names_a_log_as_it_is(void **state)
{
    struct saved_rig *fixture = *state;
    struct driver *driver = &fixture->driver;
    struct load_log row = rig_log_row(fixture, 1);
    struct load_log other;
    uint8_t digest[16];

    assert_int_equal(saved_stage(&fixture->saved, driver, SAVED_REFS), 0);
    assert_int_equal(edit(driver), 0);
    machine_digest(driver->machine, digest);
    other = row;
    other.name = text("b");
    rig_expect_refused(driver, digest, edited_log(driver, &other), QL_INVALID);
    other = row;
    other.uid = 9;
    rig_expect_refused(driver, digest, edited_log(driver, &other),
                       QL_NOT_FOUND);
    other = row;
    other.keep = 4;
    rig_expect_refused(driver, digest, edited_log(driver, &other), QL_INVALID);
    other.keep = 3;
    other.base[0] ^= 1;
    rig_expect_refused(driver, digest, edited_log(driver, &other), QL_INVALID);
    other = row;
    other.keep = 3;
    other.tail = 2 * RIG_CHUNK_ENTRIES;
    rig_expect_refused(driver, digest, edited_log(driver, &other), QL_INVALID);
    /* To its very chunks, twice. */
    for (int i = 0; i < 2; i++) {
        other = row;
        other.keep = 3;
        assert_int_equal(edited_log(driver, &other), 0);
        assert_int_equal(
            edited_done(driver, rig_chunk_at(fixture, 1, 2)->name.chain), 0);
    }
    assert_int_equal(edited_end(driver, 0), 0);
}

static void an_edit_goes_with_what_it_is_of(void **state)
{
    struct saved_rig *fixture = *state;
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

/* Behind a hole in the first chunk the count is a guess by that chunk, which grows
 * with merges: it has to be the same guess on a server that was restored. */
static void entries_behind_a_hole_are_counted_as_in_an_image(void **state)
{
    static const struct machine_limits small = {4 * 1024, 300};
    struct driver driver;
    struct saved saved;
    struct saved_rig fixture;
    struct log_stat draft;
    struct chunk *chunk;
    struct load_log row;
    size_t len;

    (void)state;
    driver_init_limited(&driver, &small);
    driver_create(&driver, "a");
    driver_append_many(&driver, "a", 12, 100);
    saved_take(&saved, &driver, "before");
    fixture.saved = saved;
    row = rig_log_row(&fixture, 1);
    chunk = rig_chunk_at(&fixture, 1, 0);
    assert_int_equal(chunk->entries, 6);
    len = chunk->len / 6;
    assert_int_equal(saved_stage(&saved, &driver, SAVED_REFS), 0);
    assert_int_equal(edit(&driver), 0);
    assert_int_equal(edited_log(&driver, &row), 0);
    assert_int_equal(edited_bytes(&driver, chunk, 0, 5 * len), 0);
    assert_int_equal(
        edited_bytes(&driver, rig_chunk_at(&fixture, 1, 1), 3 * len, 0), 0);
    assert_int_equal(
        machine_part_stat_uid(driver.machine, MACHINE_DRAFT, 1, &draft), 0);
    assert_int_equal(edited_done(&driver, draft.digest), 0);
    assert_int_equal(edited_end(&driver, 8), 0);
    assert_int_equal(driver_commit(&driver, 1), 0);
    for (unsigned i = 0; i < 60; i++) {
        struct log_stat before;

        if (i == 4) {
            assert_int_equal(driver_trim(&driver, "a", 11), 0);
        }
        driver_append_many(&driver, "a", 1, 100);
        before = driver_stat(&driver, "a");
        driver_reborn(&driver);
        assert_int_equal(driver_stat(&driver, "a").entries, before.entries);
    }
    saved_close(&saved);
    driver_close(&driver);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, saved_rig_setup_same,            \
                                    saved_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_edit_begins_as_what_is_staged),
        TEST(an_edit_keeps_first_chunks_and_replaces_the_rest),
        TEST(an_edit_names_a_log_as_it_is),
        TEST(an_edit_goes_with_what_it_is_of),
        TEST(entries_behind_a_hole_are_counted_as_in_an_image),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
