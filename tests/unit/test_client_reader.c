/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Readers: pages, streams, and what happens to them when connections end. */
#include <stdlib.h>
#include <string.h>

#include "support/reader_script.h"

static void it_reads_to_the_tail_found_at_the_start(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 0, 0, false);

    reader_script_answer(rig, 3, 5, 6);
    reader_script_check(rig, 5);
    reader_script_answer(rig, 5, 6, 9);
    reader_script_entry(rig, reader, 3);
    reader_script_entry(rig, reader, 4);
    reader_script_entry(rig, reader, 5);
    reader_script_error(rig, reader, QL_NOT_FOUND, 0);
    reader_script_error(rig, reader, QL_NOT_FOUND, 0);
    ql_reader_free(reader);
}

static void an_empty_log_ends_at_once(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 0, 0, false);

    reader_script_answer(rig, 1, 1, 1);
    reader_script_error(rig, reader, QL_NOT_FOUND, 0);
    ql_reader_free(reader);
}

static void it_fetches_only_a_few_pages_ahead(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 1, 0, false);
    uint64_t position;

    for (position = 1; position <= CLIENT_PAGES_MAX; position++) {
        reader_script_answer(rig, position, position + 1, 100);
    }
    rig_pass(rig, 30);
    assert_int_equal(fake_count(&rig->servers[0], "log.read"), 0);
    reader_script_entry(rig, reader, 1);
    reader_script_check(rig, CLIENT_PAGES_MAX + 1);
    ql_reader_free(reader);
}

static void it_goes_on_after_a_lost_connection(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 1, 0, false);

    reader_script_answer(rig, 1, 3, 5);
    reader_script_check(rig, 3);
    fake_drop(&rig->servers[0]);
    reader_script_check(rig, 3);
    reader_script_answer(rig, 3, 5, 5);
    reader_script_entry(rig, reader, 1);
    reader_script_entry(rig, reader, 2);
    reader_script_entry(rig, reader, 3);
    reader_script_entry(rig, reader, 4);
    reader_script_error(rig, reader, QL_NOT_FOUND, 0);
    ql_reader_free(reader);
}

static void a_trimmed_position_is_told_and_passed_over(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 2, 0, false);

    fake_refuse(&rig->servers[0], rig_expect(rig, 0, "log.read"), QL_TRIMMED, 7,
                NULL);
    reader_script_error(rig, reader, QL_TRIMMED, 7);
    assert_int_equal(ql_reader_position(reader), 7);
    reader_script_check(rig, 7);
    reader_script_answer(rig, 7, 8, 8);
    reader_script_entry(rig, reader, 7);
    reader_script_error(rig, reader, QL_NOT_FOUND, 0);
    ql_reader_free(reader);
}

static void a_restored_log_is_told_and_read_on_where_it_is_the_same(
    void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 1, 0, true);
    struct fake_request *request;
    struct read_args args;

    reader_script_answer(rig, 1, 4, 9);
    reader_script_entry(rig, reader, 1);
    reader_script_entry(rig, reader, 2);
    request = rig_expect(rig, 0, "log.read");
    assert_int_equal(read_args_decode(&args, fake_params(request), NULL), 0);
    assert_int_equal(args.incarnation, 1);
    fake_refuse(&rig->servers[0], request, QL_RESTORED, 2, NULL);
    rig_pass(rig, 30);
    /* What it had fetched behind it is not given. */
    reader_script_error(rig, reader, QL_RESTORED, 2);
    request = rig_expect(rig, 0, "log.read");
    assert_int_equal(read_args_decode(&args, fake_params(request), NULL), 0);
    assert_int_equal(args.incarnation, 0);
    assert_int_equal(args.from, 2);
    reader_script_answer(rig, 2, 3, 3);
    reader_script_entry(rig, reader, 2);
    ql_reader_free(reader);
}

static void a_missing_log_ends_it(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 0, 0, true);

    fake_refuse(&rig->servers[0], rig_expect(rig, 0, "log.read"), QL_NOT_FOUND,
                0, NULL);
    reader_script_error(rig, reader, QL_NOT_FOUND, 0);
    ql_reader_free(reader);
}

static void positions_that_do_not_rise_end_it(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 5, 0, false);

    reader_script_answer(rig, 4, 6, 9);
    reader_script_error(rig, reader, QL_PROTOCOL, 0);
    ql_reader_free(reader);
}

struct drain {
    int calls;
    uint64_t last;
};

static void on_ready(void *data, struct ql_reader *reader)
{
    struct drain *drain = data;
    struct ql_entry entry;
    struct ql_error error;

    drain->calls++;
    /* Waiting is refused here, taking is not. */
    while (ql_reader_next(reader, 0, &entry, &error) == QL_OK) {
        drain->last = entry.position;
    }
    assert_int_equal(error.code, QL_TIMEOUT);
    assert_int_equal(ql_reader_next(reader, 5, &entry, &error), QL_INVALID);
}

static void the_ready_callback_runs_when_something_came(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 1, 0, true);
    struct drain drain = {0};

    ql_reader_on_ready(reader, on_ready, &drain);
    reader_script_answer(rig, 1, 3, 3);
    reader_script_follow(rig, 3, 11, 1);
    assert_int_equal(drain.last, 2);
    reader_script_send(rig, 11, 3, 5, 66);
    while (drain.last != 4) {
        rig_turn(rig);
    }
    rig_pass(rig, 30);
    assert_in_range(drain.calls, 2, 3);
    ql_reader_free(reader);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_reads_to_the_tail_found_at_the_start),
        TEST(an_empty_log_ends_at_once),
        TEST(it_fetches_only_a_few_pages_ahead),
        TEST(it_goes_on_after_a_lost_connection),
        TEST(a_trimmed_position_is_told_and_passed_over),
        TEST(a_restored_log_is_told_and_read_on_where_it_is_the_same),
        TEST(a_missing_log_ends_it),
        TEST(positions_that_do_not_rise_end_it),
        TEST(the_ready_callback_runs_when_something_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
