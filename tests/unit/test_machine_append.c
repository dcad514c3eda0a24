/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <string.h>

#include "machine/digest.h"
#include "support/cmocka.h"
#include "support/driver.h"

static int setup(void **state)
{
    static struct driver driver;

    driver_init(&driver);
    assert_int_equal(driver_create(&driver, "a"), 0);
    assert_int_equal(driver_create(&driver, "b"), 0);
    *state = &driver;
    return 0;
}

static int teardown(void **state)
{
    driver_close(*state);
    return 0;
}

/* Counts the entries in from..to of log "a", which must be as appended. */
static uint64_t read_a(struct driver *driver, uint64_t from, uint64_t to,
                       uint64_t *ret_first)
{
    struct machine_reader reader;
    struct read_entry entry;
    uint64_t count = 0;

    assert_int_equal(
        machine_reader_open(&reader, driver->machine, 1, from, to, NULL), 0);
    while (machine_reader_next(&reader, &entry) == MACHINE_READ_ENTRY) {
        if (count == 0) {
            *ret_first = entry.position;
        }
        assert_int_equal(entry.position, *ret_first + count);
        count++;
    }
    return count;
}

static void entries_get_dense_positions_and_the_batch_time(void **state)
{
    struct driver *driver = *state;
    const struct append_result *append = &driver->outcome.append;
    struct log_stat stat;

    assert_int_equal(driver_append_many(driver, "a", 3, 5), 0);
    assert_int_equal(append->count, 1);
    assert_int_equal(append->places[0].first, 1);
    assert_int_equal(append->places[0].count, 3);
    assert_int_equal(append->time_ms, driver->time_ms);
    driver->time_ms += 10;
    assert_int_equal(driver_append(driver, "a", "four"), 0);
    assert_int_equal(append->places[0].first, 4);
    stat = driver_stat(driver, "a");
    assert_int_equal(stat.head, 1);
    assert_int_equal(stat.tail, 5);
    assert_int_equal(stat.entries, 4);
    assert_int_equal(stat.bytes, 19);
    assert_int_equal(stat.last_time_ms, driver->time_ms);
    assert_int_equal(driver_counts(driver).entries, 4);
    assert_int_equal(driver_counts(driver).bytes, 19);
}

static void time_never_falls(void **state)
{
    struct driver *driver = *state;

    driver_append(driver, "a", "x");
    driver->time_ms -= 500;
    driver_append(driver, "a", "y");
    assert_int_equal(driver->outcome.append.time_ms, driver->time_ms + 500);
}

static void several_logs_commit_whole_or_not_at_all(void **state)
{
    struct driver *driver = *state;
    struct append_entry entry = {text("key"), text("value")};
    struct append_part_args parts[] = {
        {text("a"), 0, 0, &entry, 1},
        {text("b"), 5, 0, &entry, 1},
    };
    struct append_args args = {.parts = parts, .parts_count = 2};

    assert_int_equal(driver_append_args(driver, &args), QL_CONDITION_FAILED);
    assert_int_equal(driver->outcome.position, 1);
    assert_int_equal(driver->outcome.log_uid, 2);
    assert_int_equal(driver_stat(driver, "a").tail, 1);
    parts[1].log = text("none");
    assert_int_equal(driver_append_args(driver, &args), QL_NOT_FOUND);
    assert_int_equal(driver_stat(driver, "a").tail, 1);
    assert_int_equal(driver_counts(driver).state_index, 2);
    parts[1].log = text("b");
    parts[1].expect_position = 1;
    assert_int_equal(driver_append_args(driver, &args), 0);
    assert_int_equal(driver->outcome.append.count, 2);
    assert_int_equal(driver_stat(driver, "a").tail, 2);
    assert_int_equal(driver_stat(driver, "b").tail, 2);
    assert_int_equal(driver_counts(driver).state_index, 3);
}

static void the_chain_digest_covers_everything_ever_appended(void **state)
{
    struct driver *driver = *state;
    struct read_entry first = {1, driver->time_ms, {NULL, 0}, text("x")};
    struct read_entry second = {2, driver->time_ms, {NULL, 0}, text("y")};
    uint8_t expected[16] = {0};

    driver_append(driver, "a", "x");
    driver_trim(driver, "a", 2);
    driver_append(driver, "a", "y");
    digest_add(expected, &first);
    digest_add(expected, &second);
    assert_memory_equal(driver_stat(driver, "a").digest, expected, 16);
}

static void trim_moves_the_head_exactly(void **state)
{
    struct driver *driver = *state;
    struct log_stat stat;
    uint64_t first = 0;

    driver_append_many(driver, "a", 10, 100);
    assert_int_equal(driver_trim(driver, "a", 4), 0);
    assert_int_equal(driver->outcome.stat.head, 4);
    assert_int_equal(driver_trim(driver, "a", 6), 0);
    stat = driver->outcome.stat;
    assert_int_equal(stat.head, 6);
    assert_int_equal(stat.entries, 5);
    assert_int_equal(stat.bytes, 1000); /* until the chunk goes */
    assert_int_equal(read_a(driver, 0, 0, &first), 5);
    assert_int_equal(first, 6);
    assert_int_equal(driver_counts(driver).entries, 5);
}

static void trim_knows_its_bounds(void **state)
{
    struct driver *driver = *state;

    driver_append_many(driver, "a", 10, 1);
    assert_int_equal(driver_trim(driver, "a", 12), QL_INVALID);
    assert_int_equal(driver->outcome.position, 11);
    assert_int_equal(driver_trim(driver, "a", 11), 0);
    assert_int_equal(driver->outcome.stat.entries, 0);
    assert_int_equal(driver->outcome.stat.bytes, 0);
    assert_int_equal(driver_trim(driver, "a", 3), 0);
    assert_int_equal(driver->outcome.stat.head, 11);
    assert_int_equal(driver_counts(driver).state_index, 4);
    assert_int_equal(driver_trim(driver, "none", 1), QL_NOT_FOUND);
    driver_append(driver, "a", "next");
    assert_int_equal(driver->outcome.append.places[0].first, 11);
}

static void a_range_is_read_across_chunks(void **state)
{
    struct driver *driver = *state;
    uint64_t first = 0;

    for (int i = 0; i < 30; i++) {
        driver_append_many(driver, "a", 100, 2000);
    }
    assert_int_equal(read_a(driver, 0, 0, &first), 3000);
    assert_int_equal(first, 1);
    for (uint64_t from = 1; from < 3000; from += 211) {
        assert_int_equal(read_a(driver, from, 0, &first), 3001 - from);
        assert_int_equal(first, from);
        assert_int_equal(read_a(driver, from, from + 1, &first), 1);
        assert_int_equal(first, from);
    }
    driver_trim(driver, "a", 1700);
    assert_int_equal(read_a(driver, 0, 9999, &first), 1301);
    assert_int_equal(first, 1700);
}

static void a_reader_says_where_it_stands(void **state)
{
    struct driver *driver = *state;
    struct machine_reader reader;
    struct read_entry entry;
    uint64_t head = 0;

    driver_append_many(driver, "a", 10, 1);
    driver_trim(driver, "a", 3);
    assert_int_equal(
        machine_reader_open(&reader, driver->machine, 1, 2, 0, &head),
        QL_TRIMMED);
    assert_int_equal(head, 3);
    assert_int_equal(
        machine_reader_open(&reader, driver->machine, 1, 0, 5, &head), 0);
    assert_int_equal(machine_reader_next(&reader, &entry), MACHINE_READ_ENTRY);
    assert_int_equal(reader.at, 4);
    assert_int_equal(machine_reader_next(&reader, &entry), MACHINE_READ_ENTRY);
    assert_int_equal(machine_reader_next(&reader, &entry), MACHINE_READ_END);
    assert_int_equal(reader.at, 5);
    assert_int_equal(
        machine_reader_open(&reader, driver->machine, 1, 50, 0, &head), 0);
    assert_int_equal(machine_reader_next(&reader, &entry), MACHINE_READ_END);
    assert_int_equal(reader.at, 50);
    assert_int_equal(
        machine_reader_open(&reader, driver->machine, 9, 0, 0, &head),
        QL_NOT_FOUND);
}

static void keys_and_the_largest_entry_are_kept(void **state)
{
    struct driver *driver = *state;
    static uint8_t value[ENTRY_VALUE_MAX];
    static uint8_t key[ENTRY_KEY_MAX];
    struct append_entry entries[] = {
        {{key, sizeof(key)}, {value, sizeof(value)}},
        {{key, 0}, {value, 0}},
    };
    struct append_part_args part = {text("a"), 0, 0, entries, 2};
    struct append_args args = {.parts = &part, .parts_count = 1};
    struct machine_reader reader;
    struct read_entry entry;

    memset(value, 7, sizeof(value));
    memset(key, 8, sizeof(key));
    assert_int_equal(driver_append_args(driver, &args), 0);
    machine_reader_open(&reader, driver->machine, 1, 0, 0, NULL);
    assert_int_equal(machine_reader_next(&reader, &entry), MACHINE_READ_ENTRY);
    assert_int_equal(entry.value.len, sizeof(value));
    assert_memory_equal(entry.value.data, value, sizeof(value));
    assert_memory_equal(entry.key.data, key, sizeof(key));
    assert_int_equal(machine_reader_next(&reader, &entry), MACHINE_READ_ENTRY);
    assert_non_null(entry.key.data);
    assert_int_equal(entry.key.len, 0);
    assert_int_equal(entry.value.len, 0);
    assert_int_equal(machine_reader_next(&reader, &entry), MACHINE_READ_END);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entries_get_dense_positions_and_the_batch_time),
        TEST(time_never_falls),
        TEST(several_logs_commit_whole_or_not_at_all),
        TEST(the_chain_digest_covers_everything_ever_appended),
        TEST(trim_moves_the_head_exactly),
        TEST(trim_knows_its_bounds),
        TEST(a_range_is_read_across_chunks),
        TEST(a_reader_says_where_it_stands),
        TEST(keys_and_the_largest_entry_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
