/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "machine/state.h"
#include "support/cmocka.h"
#include "support/driver.h"

static const struct retention keep_all = {0, 0, 0};

static int setup(void **state)
{
    static struct driver driver;

    driver_init(&driver);
    *state = &driver;
    return 0;
}

static int teardown(void **state)
{
    driver_close(*state);
    return 0;
}

static void a_new_log_is_empty_and_starts_at_1(void **state)
{
    struct driver *driver = *state;
    const struct log_stat *stat = &driver->outcome.stat;
    const uint8_t zeros[16] = {0};

    assert_int_equal(driver_create(driver, "a/b"), 0);
    assert_true(driver->outcome.has_stat);
    assert_int_equal(stat->name.len, 3);
    assert_memory_equal(stat->name.data, "a/b", 3);
    assert_int_equal(stat->uid, 1);
    assert_int_equal(driver->outcome.log_uid, 1);
    assert_int_equal(stat->incarnation, 1);
    assert_int_equal(stat->head, 1);
    assert_int_equal(stat->tail, 1);
    assert_int_equal(stat->entries, 0);
    assert_int_equal(stat->last_time_ms, 0);
    assert_int_equal(stat->writer_epoch, 0);
    assert_memory_equal(stat->digest, zeros, 16);
    assert_int_equal(driver_counts(driver).logs, 1);
    assert_int_equal(driver_counts(driver).state_index, 1);
}

static void a_taken_name_is_refused(void **state)
{
    struct driver *driver = *state;

    driver_create(driver, "a");
    assert_int_equal(driver_create(driver, "a"), QL_EXISTS);
    assert_false(driver->outcome.has_stat);
    assert_int_equal(driver_counts(driver).state_index, 1);
}

static void a_repeated_create_finds_its_own_log(void **state)
{
    struct driver *driver = *state;

    assert_int_equal(driver_create_with(driver, "a", keep_all, 7), 0);
    driver_append(driver, "a", "x");
    assert_int_equal(driver_create_with(driver, "a", keep_all, 7), 0);
    assert_int_equal(driver->outcome.stat.tail, 2);
    assert_int_equal(driver_counts(driver).state_index, 2);
    assert_int_equal(driver_create_with(driver, "a", keep_all, 8), QL_EXISTS);
    assert_int_equal(driver_create_with(driver, "a", keep_all, 0), QL_EXISTS);
}

static void a_uid_is_never_given_twice(void **state)
{
    struct driver *driver = *state;

    driver_create(driver, "a");
    assert_int_equal(driver_delete(driver, "a"), 0);
    assert_int_equal(driver_create(driver, "a"), 0);
    assert_int_equal(driver->outcome.stat.uid, 2);
    assert_int_equal(driver->outcome.stat.tail, 1);
}

static void a_deleted_log_shows_what_it_was(void **state)
{
    struct driver *driver = *state;
    struct log_stat stat;

    driver_create(driver, "gone");
    driver_append(driver, "gone", "value");
    assert_int_equal(driver_delete(driver, "gone"), 0);
    assert_memory_equal(driver->outcome.stat.name.data, "gone", 4);
    assert_int_equal(driver->outcome.stat.entries, 1);
    assert_int_equal(machine_log_stat(driver->machine, text("gone"), &stat),
                     QL_NOT_FOUND);
    assert_int_equal(machine_log_stat_uid(driver->machine, 1, &stat),
                     QL_NOT_FOUND);
    assert_int_equal(driver_delete(driver, "gone"), QL_NOT_FOUND);
    assert_int_equal(driver_counts(driver).logs, 0);
    assert_int_equal(driver_counts(driver).entries, 0);
    assert_int_equal(driver_counts(driver).bytes, 0);
}

static void configure_counts_only_when_it_changes_something(void **state)
{
    struct driver *driver = *state;
    struct retention keep = {10, 20, 30};

    assert_int_equal(driver_configure(driver, "a", keep), QL_NOT_FOUND);
    driver_create(driver, "a");
    assert_int_equal(driver_configure(driver, "a", keep), 0);
    assert_int_equal(driver->outcome.stat.retention.bytes, 20);
    assert_int_equal(driver_counts(driver).state_index, 2);
    assert_int_equal(driver_configure(driver, "a", keep), 0);
    assert_int_equal(driver_counts(driver).state_index, 2);
}

static void malformed_params_are_a_refusal_and_change_nothing(void **state)
{
    struct driver *driver = *state;
    const uint8_t junk[] = {0x81, 0xa3, 'l', 'o', 'g', 0xc1};
    struct bytes params = {junk, sizeof(junk)};
    struct bytes nothing = {NULL, 0};
    uint8_t before[16];
    uint8_t after[16];

    driver_create(driver, "a");
    machine_digest(driver->machine, before);
    for (int kind = 0; kind < 30; kind++) {
        if (kind == COMMAND_PRODUCER_OPEN || kind == COMMAND_TICK) {
            continue;
        }
        if (kind == COMMAND_CONFIRM_CLOCK || kind == COMMAND_THAW ||
            kind == COMMAND_DIGEST) {
            continue;
        }
        assert_int_not_equal(
            driver_apply(driver, (enum command_kind)kind, params), 0);
        assert_int_not_equal(
            driver_apply(driver, (enum command_kind)kind, nothing), 0);
        assert_int_not_equal(machine_refusal_text(&driver->outcome)[0], '\0');
    }
    assert_int_equal(driver->outcome.code, QL_UNKNOWN_METHOD);
    machine_digest(driver->machine, after);
    assert_memory_equal(before, after, 16);
}

/* ---- Listing ---- */

static size_t list(struct driver *driver, const char *prefix, const char *after,
                   uint32_t max, char *ret_names, bool *ret_more)
{
    struct log_list_args args = {text(prefix), text(after), max, false};
    struct log_list_result page;
    size_t count;

    assert_int_equal(machine_log_list(driver->machine, &args, &page), 0);
    ret_names[0] = '\0';
    for (size_t i = 0; i < page.count; i++) {
        strncat(ret_names, (const char *)page.stats[i].name.data,
                page.stats[i].name.len);
        strcat(ret_names, " ");
    }
    count = page.count;
    *ret_more = page.more;
    log_list_result_close(&page);
    return count;
}

static void logs_are_listed_by_name_in_pages(void **state)
{
    struct driver *driver = *state;
    const char *names[] = {"b", "a", "b/2", "c", "b/10", "B", "b-"};
    char found[100];
    bool more;

    assert_int_equal(list(driver, "", "", 10, found, &more), 0);
    assert_false(more);
    for (size_t i = 0; i < 7; i++) {
        driver_create(driver, names[i]);
    }
    assert_int_equal(list(driver, "", "", 10, found, &more), 7);
    assert_string_equal(found, "B a b b- b/10 b/2 c ");
    assert_false(more);
    assert_int_equal(list(driver, "b", "", 2, found, &more), 2);
    assert_string_equal(found, "b b- ");
    assert_true(more);
    assert_int_equal(list(driver, "b", "b-", 2, found, &more), 2);
    assert_string_equal(found, "b/10 b/2 ");
    assert_false(more);
    assert_int_equal(list(driver, "b/", "b/11", 0, found, &more), 1);
    assert_string_equal(found, "b/2 ");
    assert_int_equal(list(driver, "b", "c", 0, found, &more), 0);
    assert_int_equal(list(driver, "b/", "a", 0, found, &more), 2);
}

static void many_logs_come_and_go(void **state)
{
    struct driver *driver = *state;
    struct log_list_args all = {{NULL, 0}, {NULL, 0}, 0, false};
    struct log_list_result page;
    char name[16];

    for (int i = 0; i < 1500; i++) {
        snprintf(name, sizeof(name), "log-%d", i * 7919 % 1500);
        assert_int_equal(driver_create(driver, name), 0);
    }
    assert_int_equal(machine_log_list(driver->machine, &all, &page), 0);
    assert_int_equal(page.count, LIST_PAGE_MAX);
    assert_true(page.more);
    log_list_result_close(&page);
    for (int i = 0; i < 1500; i += 2) {
        snprintf(name, sizeof(name), "log-%d", i);
        assert_int_equal(driver_delete(driver, name), 0);
    }
    assert_int_equal(machine_log_list(driver->machine, &all, &page), 0);
    assert_int_equal(page.count, 750);
    assert_false(page.more);
    log_list_result_close(&page);
    assert_int_equal(driver_stat(driver, "log-1499").head, 1);
}

static void there_is_a_limit_to_logs(void **state)
{
    struct driver *driver = *state;
    char name[16];

    for (unsigned i = 0; i < LOGS_MAX; i++) {
        snprintf(name, sizeof(name), "log-%06u", i ^ 1);
        assert_int_equal(driver_create(driver, name), 0);
    }
    assert_int_equal(driver_create(driver, "more"), QL_LIMIT);
    assert_int_equal(driver_create(driver, "log-000007"), QL_EXISTS);
    driver_reborn(driver);
    assert_int_equal(driver_create(driver, "more"), QL_LIMIT);
    assert_int_equal(driver_delete(driver, "log-000007"), 0);
    assert_int_equal(driver_create(driver, "more"), 0);
    assert_int_equal(driver->outcome.stat.uid, LOGS_MAX + 1);
}

/* ---- How much they hold ---- */

static void count_chunk(void *data, struct chunk *chunk,
                        const uint8_t from[HASH128_LEN])
{
    (void)chunk;
    (void)from;
    (*(uint64_t *)data)++;
}

static void check_chunks(const struct driver *driver)
{
    uint64_t count = 0;

    machine_each_chunk(driver->machine, count_chunk, &count);
    assert_int_equal(driver->machine->state->logs.chunks, count);
}

static void what_the_logs_hold_is_counted(void **state)
{
    struct driver *driver = *state;

    driver_create_with(driver, "a", (struct retention){10, 0, 0}, 0);
    driver_create(driver, "b");
    driver_append_many(driver, "a", 40, CHUNK_BYTES / 16);
    driver_append_many(driver, "b", 40, CHUNK_BYTES / 16);
    check_chunks(driver);
    driver_trim(driver, "b", 21);
    check_chunks(driver);
    driver_tick(driver);
    check_chunks(driver);
    driver_reborn(driver);
    check_chunks(driver);
    driver_trim(driver, "b", 41);
    check_chunks(driver);
    driver_delete(driver, "a");
    assert_int_equal(driver->machine->state->logs.chunks, 0);
}

static void too_many_chunks_refuse_appends_and_nothing_else(void **state)
{
    struct driver *driver = *state;
    uint64_t *chunks = &driver->machine->state->logs.chunks;
    uint64_t producer = driver_open_producer(driver);

    driver_create(driver, "a");
    driver_append(driver, "a", "x");
    *chunks += CHUNKS_MAX;
    assert_int_equal(driver_append(driver, "a", "y"), QL_LIMIT);
    assert_int_equal(driver_append_numbered(driver, "a", producer, 1),
                     QL_LIMIT);
    assert_int_equal(driver_append(driver, "b", "y"), QL_NOT_FOUND);
    assert_int_equal(driver_stat(driver, "a").tail, 2);
    assert_int_equal(driver_create(driver, "b"), 0);
    assert_int_equal(driver_trim(driver, "a", 2), 0);
    *chunks -= CHUNKS_MAX;
    assert_int_equal(driver_append_numbered(driver, "a", producer, 1),
                     QL_LIMIT);
    assert_int_equal(driver_append_numbered(driver, "a", producer, 2), 0);
    assert_int_equal(driver_stat(driver, "a").tail, 3);
}

/* ---- Being told ---- */

struct told {
    uint64_t uid;
    int count;
};

static void on_changed(void *data, uint64_t log_uid)
{
    struct told *told = data;

    told->uid = log_uid;
    told->count++;
}

static void changes_are_told_refusals_are_not(void **state)
{
    struct driver *driver = *state;
    struct told told = {99, 0};

    machine_on_changed(driver->machine, on_changed, &told);
    driver_create(driver, "a");
    assert_int_equal(told.uid, 1);
    driver_append(driver, "a", "x");
    assert_int_equal(told.count, 2);
    driver_trim(driver, "a", 2);
    assert_int_equal(told.count, 3);
    driver_trim(driver, "a", 2);
    driver_trim(driver, "a", 9);
    driver_append(driver, "b", "x");
    driver_configure(driver, "a", keep_all);
    assert_int_equal(told.count, 3);
    driver_acquire(driver, "a", "me");
    assert_int_equal(told.count, 4);
    driver_release(driver, "a", 1);
    assert_int_equal(told.count, 5);
    driver_release(driver, "a", 1);
    assert_int_equal(told.count, 5);
    driver_delete(driver, "a");
    assert_int_equal(told.count, 6);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_log_is_empty_and_starts_at_1),
        TEST(a_taken_name_is_refused),
        TEST(a_repeated_create_finds_its_own_log),
        TEST(a_uid_is_never_given_twice),
        TEST(a_deleted_log_shows_what_it_was),
        TEST(configure_counts_only_when_it_changes_something),
        TEST(malformed_params_are_a_refusal_and_change_nothing),
        TEST(logs_are_listed_by_name_in_pages),
        TEST(many_logs_come_and_go),
        TEST(there_is_a_limit_to_logs),
        TEST(what_the_logs_hold_is_counted),
        TEST(too_many_chunks_refuse_appends_and_nothing_else),
        TEST(changes_are_told_refusals_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
