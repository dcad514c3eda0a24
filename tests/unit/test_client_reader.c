/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Readers: pages, streams, and what happens to them when connections end. */
#include <stdlib.h>
#include <string.h>

#include "client/reader.h"
#include "support/client_rig.h"

/* The value of each entry is its position in one byte. */
static struct read_entry entry_at(uint64_t position, const uint8_t *byte)
{
    return (struct read_entry){
        .position = position, .time_ms = 1, .value = {byte, 1}};
}

static void answer_read(struct client_rig *rig, uint64_t from, uint64_t next,
                        uint64_t tail)
{
    struct fake_request *request = rig_expect(rig, 0, "log.read");
    struct entries_writer writer;
    const struct read_result result = {
        .next = next, .head = 1, .tail = tail, .incarnation = 1};
    struct buf encoded = BUF_INIT;
    uint64_t position;

    assert_int_equal(read_result_open(&writer, &encoded), 0);
    for (position = from; position < next; position++) {
        const uint8_t byte = (uint8_t)position;
        const struct read_entry entry = entry_at(position, &byte);

        assert_int_equal(entries_writer_add(&writer, &entry), 0);
    }
    assert_int_equal(read_result_close(&writer, &result), 0);
    fake_answer(&rig->servers[0], request,
                (struct bytes){encoded.data, encoded.len});
    buf_close(&encoded);
}

static void check_read(struct client_rig *rig, uint64_t from)
{
    struct fake_request *request = rig_expect(rig, 0, "log.read");
    struct read_args args;

    assert_int_equal(read_args_decode(&args, fake_params(request), NULL), 0);
    assert_int_equal(args.from, from);
}

static void answer_follow(struct client_rig *rig, uint64_t from,
                          uint64_t stream, uint64_t uid)
{
    struct fake_request *request = rig_expect(rig, 0, "log.follow");
    const struct follow_result result = {
        .follow = stream, .head = 1, .tail = from, .uid = uid};
    struct follow_args args;
    struct buf encoded = BUF_INIT;

    assert_int_equal(follow_args_decode(&args, fake_params(request), NULL), 0);
    assert_int_equal(args.from, from);
    assert_int_equal(follow_result_encode(&result, &encoded), 0);
    fake_answer(&rig->servers[0], request,
                (struct bytes){encoded.data, encoded.len});
    buf_close(&encoded);
}

static void send_entries(struct client_rig *rig, uint64_t stream, uint64_t from,
                         uint64_t next, uint32_t cost)
{
    struct entries_writer writer;
    struct buf encoded = BUF_INIT;
    uint64_t position;

    assert_int_equal(follow_entries_open(&writer, &encoded, stream), 0);
    for (position = from; position < next; position++) {
        const uint8_t byte = (uint8_t)position;
        const struct read_entry entry = entry_at(position, &byte);

        assert_int_equal(entries_writer_add(&writer, &entry), 0);
    }
    assert_int_equal(follow_entries_close(&writer, next, cost), 0);
    fake_notify(&rig->servers[0], "log.entries",
                (struct bytes){encoded.data, encoded.len});
    buf_close(&encoded);
}

static void send_event(struct client_rig *rig, uint64_t stream,
                       const char *name, uint64_t position)
{
    const struct follow_event event = {
        .follow = stream,
        .event = {(const uint8_t *)name, strlen(name)},
        .position = position,
    };
    struct buf encoded = BUF_INIT;

    assert_int_equal(follow_event_encode(&event, &encoded), 0);
    fake_notify(&rig->servers[0], "log.event",
                (struct bytes){encoded.data, encoded.len});
    buf_close(&encoded);
}

static struct ql_reader *reader_of(struct client_rig *rig, uint64_t from,
                                   uint64_t to, bool follow)
{
    struct ql_reader_options options = QL_READER_OPTIONS_INIT;
    struct ql_reader *reader = NULL;
    struct ql_error error;

    options.from = from;
    options.to = to;
    options.follow = follow;
    options.credit_bytes = 1000;
    assert_int_equal(
        ql_reader_new(&reader, rig->client, "log", &options, &error), QL_OK);
    return reader;
}

/* What the reader says once it has something to say. */
static int next_of(struct client_rig *rig, struct ql_reader *reader,
                   struct ql_entry *ret_entry, struct ql_error *error)
{
    int rv = ql_reader_next(reader, 0, ret_entry, error);
    int turns;

    for (turns = 0; rv == QL_TIMEOUT && turns < 1000; turns++) {
        rig_turn(rig);
        rv = ql_reader_next(reader, 0, ret_entry, error);
    }
    return rv;
}

static void expect_entry(struct client_rig *rig, struct ql_reader *reader,
                         uint64_t position)
{
    struct ql_entry entry;
    struct ql_error error;

    assert_int_equal(next_of(rig, reader, &entry, &error), QL_OK);
    assert_int_equal(entry.position, position);
    assert_int_equal(entry.value_len, 1);
    assert_int_equal(*(const uint8_t *)entry.value, (uint8_t)position);
    assert_int_equal(ql_reader_position(reader), position + 1);
}

static void expect_error(struct client_rig *rig, struct ql_reader *reader,
                         int code, uint64_t position)
{
    struct ql_entry entry;
    struct ql_error error;

    assert_int_equal(next_of(rig, reader, &entry, &error), code);
    assert_int_equal(error.position, position);
}

static void it_reads_to_the_tail_found_at_the_start(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 0, 0, false);

    answer_read(rig, 3, 5, 6);
    check_read(rig, 5);
    answer_read(rig, 5, 6, 9);
    expect_entry(rig, reader, 3);
    expect_entry(rig, reader, 4);
    expect_entry(rig, reader, 5);
    expect_error(rig, reader, QL_NOT_FOUND, 0);
    expect_error(rig, reader, QL_NOT_FOUND, 0);
    ql_reader_free(reader);
}

static void an_empty_log_ends_at_once(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 0, 0, false);

    answer_read(rig, 1, 1, 1);
    expect_error(rig, reader, QL_NOT_FOUND, 0);
    ql_reader_free(reader);
}

static void it_fetches_only_a_few_pages_ahead(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 1, 0, false);
    uint64_t position;

    for (position = 1; position <= CLIENT_PAGES_MAX; position++) {
        answer_read(rig, position, position + 1, 100);
    }
    rig_pass(rig, 30);
    assert_int_equal(fake_count(&rig->servers[0], "log.read"), 0);
    expect_entry(rig, reader, 1);
    check_read(rig, CLIENT_PAGES_MAX + 1);
    ql_reader_free(reader);
}

static void it_goes_on_after_a_lost_connection(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 1, 0, false);

    answer_read(rig, 1, 3, 5);
    check_read(rig, 3);
    fake_drop(&rig->servers[0]);
    check_read(rig, 3);
    answer_read(rig, 3, 5, 5);
    expect_entry(rig, reader, 1);
    expect_entry(rig, reader, 2);
    expect_entry(rig, reader, 3);
    expect_entry(rig, reader, 4);
    expect_error(rig, reader, QL_NOT_FOUND, 0);
    ql_reader_free(reader);
}

static void a_trimmed_position_is_told_and_passed_over(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 2, 0, false);

    fake_refuse(&rig->servers[0], rig_expect(rig, 0, "log.read"), QL_TRIMMED, 7,
                NULL);
    expect_error(rig, reader, QL_TRIMMED, 7);
    assert_int_equal(ql_reader_position(reader), 7);
    check_read(rig, 7);
    answer_read(rig, 7, 8, 8);
    expect_entry(rig, reader, 7);
    expect_error(rig, reader, QL_NOT_FOUND, 0);
    ql_reader_free(reader);
}

static void a_restored_log_is_told_and_read_on_where_it_is_the_same(
    void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 1, 0, true);
    struct fake_request *request;
    struct read_args args;

    answer_read(rig, 1, 4, 9);
    expect_entry(rig, reader, 1);
    expect_entry(rig, reader, 2);
    request = rig_expect(rig, 0, "log.read");
    assert_int_equal(read_args_decode(&args, fake_params(request), NULL), 0);
    assert_int_equal(args.incarnation, 1);
    fake_refuse(&rig->servers[0], request, QL_RESTORED, 2, NULL);
    rig_pass(rig, 30);
    /* What it had fetched behind it is not given. */
    expect_error(rig, reader, QL_RESTORED, 2);
    request = rig_expect(rig, 0, "log.read");
    assert_int_equal(read_args_decode(&args, fake_params(request), NULL), 0);
    assert_int_equal(args.incarnation, 0);
    assert_int_equal(args.from, 2);
    answer_read(rig, 2, 3, 3);
    expect_entry(rig, reader, 2);
    ql_reader_free(reader);
}

static void a_stream_of_a_restored_log_goes_on_where_the_program_is(
    void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 1, 0, true);

    answer_read(rig, 1, 1, 1);
    answer_follow(rig, 1, 11, 1);
    send_entries(rig, 11, 1, 5, 132);
    expect_entry(rig, reader, 1);
    send_event(rig, 11, FOLLOW_RESTORED, 4);
    rig_pass(rig, 30);
    expect_error(rig, reader, QL_RESTORED, 2);
    check_read(rig, 2);
    answer_read(rig, 2, 4, 4);
    expect_entry(rig, reader, 2);
    expect_entry(rig, reader, 3);
    answer_follow(rig, 4, 12, 2);
    ql_reader_free(reader);
}

static void a_hole_in_a_stream_is_passed_over(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 1, 0, true);

    answer_read(rig, 1, 1, 1);
    answer_follow(rig, 1, 11, 1);
    send_entries(rig, 11, 1, 2, 33);
    send_event(rig, 11, FOLLOW_HOLE, 7);
    send_entries(rig, 11, 7, 8, 33);
    expect_entry(rig, reader, 1);
    expect_entry(rig, reader, 7);
    ql_reader_free(reader);
}

static void a_missing_log_ends_it(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 0, 0, true);

    fake_refuse(&rig->servers[0], rig_expect(rig, 0, "log.read"), QL_NOT_FOUND,
                0, NULL);
    expect_error(rig, reader, QL_NOT_FOUND, 0);
    ql_reader_free(reader);
}

static void positions_that_do_not_rise_end_it(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 5, 0, false);

    answer_read(rig, 4, 6, 9);
    expect_error(rig, reader, QL_PROTOCOL, 0);
    ql_reader_free(reader);
}

static void a_follower_catches_up_and_then_streams(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 1, 0, true);

    answer_read(rig, 1, 3, 3);
    answer_follow(rig, 3, 11, 1);
    expect_entry(rig, reader, 1);
    expect_entry(rig, reader, 2);
    send_entries(rig, 11, 3, 5, 66);
    expect_entry(rig, reader, 3);
    expect_entry(rig, reader, 4);
    ql_reader_free(reader);
    rig_expect(rig, 0, "log.unfollow");
}

static void credit_is_given_back_when_entries_are_consumed(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 1, 0, true);
    struct ql_entry entry;
    struct credit_args args;

    answer_read(rig, 1, 1, 1);
    answer_follow(rig, 1, 11, 1);
    send_entries(rig, 11, 1, 2, 400);
    expect_entry(rig, reader, 1);
    rig_pass(rig, 30);
    assert_int_equal(fake_count(&rig->servers[0], "log.credit"), 0);
    assert_int_equal(ql_reader_next(reader, 0, &entry, NULL), QL_TIMEOUT);
    assert_int_equal(
        credit_args_decode(&args, fake_params(rig_expect(rig, 0, "log.credit")),
                           NULL),
        0);
    assert_int_equal(args.follow, 11);
    assert_int_equal(args.bytes, 400);
    ql_reader_free(reader);
}

static void a_follower_catches_up_again_after_a_lost_connection(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 1, 0, true);

    answer_read(rig, 1, 1, 1);
    answer_follow(rig, 1, 11, 1);
    send_entries(rig, 11, 1, 3, 66);
    expect_entry(rig, reader, 1);
    fake_drop(&rig->servers[0]);
    check_read(rig, 3);
    answer_read(rig, 3, 5, 5);
    answer_follow(rig, 5, 11, 1);
    send_entries(rig, 11, 5, 6, 33);
    expect_entry(rig, reader, 2);
    expect_entry(rig, reader, 3);
    expect_entry(rig, reader, 4);
    expect_entry(rig, reader, 5);
    ql_reader_free(reader);
}

static void events_of_a_stream_are_told_in_order(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 1, 0, true);

    answer_read(rig, 1, 1, 1);
    answer_follow(rig, 1, 11, 1);
    send_entries(rig, 11, 1, 2, 33);
    send_event(rig, 11, FOLLOW_TRIMMED, 5);
    send_entries(rig, 11, 5, 6, 33);
    send_event(rig, 11, FOLLOW_DELETED, 0);
    expect_entry(rig, reader, 1);
    expect_error(rig, reader, QL_TRIMMED, 5);
    expect_entry(rig, reader, 5);
    expect_error(rig, reader, QL_NOT_FOUND, 0);
    ql_reader_free(reader);
}

static void trims_that_follow_each_other_are_told_as_one(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 1, 0, true);

    answer_read(rig, 1, 1, 1);
    answer_follow(rig, 1, 11, 1);
    send_event(rig, 11, FOLLOW_TRIMMED, 5);
    send_event(rig, 11, FOLLOW_TRIMMED, 7);
    send_event(rig, 11, FOLLOW_TRIMMED, 9);
    send_entries(rig, 11, 9, 10, 33);
    expect_error(rig, reader, QL_TRIMMED, 9);
    expect_entry(rig, reader, 9);
    ql_reader_free(reader);
}

static void a_change_of_leader_leads_to_the_new_one(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 1, 0, true);

    answer_read(rig, 1, 1, 1);
    answer_follow(rig, 1, 11, 1);
    send_event(rig, 11, FOLLOW_LEADER_CHANGED, 1);
    rig_expect_accepted(rig, 0, 2);
    answer_read(rig, 1, 2, 2);
    answer_follow(rig, 2, 3, 1);
    expect_entry(rig, reader, 1);
    ql_reader_free(reader);
}

static void a_stream_that_ends_for_any_reason_is_read_on(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 1, 0, true);

    answer_read(rig, 1, 1, 1);
    answer_follow(rig, 1, 11, 1);
    send_event(rig, 11, FOLLOW_UNREADABLE, 1);
    answer_read(rig, 1, 2, 2);
    answer_follow(rig, 2, 12, 1);
    send_event(rig, 12, "OF_A_LATER_VERSION", 2);
    answer_read(rig, 2, 3, 3);
    expect_entry(rig, reader, 1);
    expect_entry(rig, reader, 2);
    ql_reader_free(reader);
}

static void a_log_made_again_is_another_log(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 1, 0, true);

    answer_read(rig, 1, 1, 1);
    answer_follow(rig, 1, 11, 1);
    fake_drop(&rig->servers[0]);
    answer_read(rig, 1, 1, 1);
    answer_follow(rig, 1, 11, 2);
    expect_error(rig, reader, QL_NOT_FOUND, 0);
    ql_reader_free(reader);
}

static void an_unknown_stream_is_turned_off(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 1, 0, true);

    answer_read(rig, 1, 1, 1);
    rig_expect(rig, 0, "log.follow");
    ql_reader_free(reader);
    send_entries(rig, 11, 1, 2, 33);
    rig_expect(rig, 0, "log.unfollow");
}

static void a_follower_stops_before_its_end(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_of(rig, 1, 3, true);

    answer_read(rig, 1, 2, 2);
    answer_follow(rig, 2, 11, 1);
    send_entries(rig, 11, 2, 6, 99);
    expect_entry(rig, reader, 1);
    expect_entry(rig, reader, 2);
    expect_error(rig, reader, QL_NOT_FOUND, 0);
    rig_expect(rig, 0, "log.unfollow");
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
    struct ql_reader *reader = reader_of(rig, 1, 0, true);
    struct drain drain = {0};

    ql_reader_on_ready(reader, on_ready, &drain);
    answer_read(rig, 1, 3, 3);
    answer_follow(rig, 3, 11, 1);
    assert_int_equal(drain.last, 2);
    send_entries(rig, 11, 3, 5, 66);
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
        TEST(a_stream_of_a_restored_log_goes_on_where_the_program_is),
        TEST(a_hole_in_a_stream_is_passed_over),
        TEST(a_missing_log_ends_it),
        TEST(positions_that_do_not_rise_end_it),
        TEST(a_follower_catches_up_and_then_streams),
        TEST(credit_is_given_back_when_entries_are_consumed),
        TEST(a_follower_catches_up_again_after_a_lost_connection),
        TEST(events_of_a_stream_are_told_in_order),
        TEST(trims_that_follow_each_other_are_told_as_one),
        TEST(a_change_of_leader_leads_to_the_new_one),
        TEST(a_stream_that_ends_for_any_reason_is_read_on),
        TEST(a_log_made_again_is_another_log),
        TEST(an_unknown_stream_is_turned_off),
        TEST(a_follower_stops_before_its_end),
        TEST(the_ready_callback_runs_when_something_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
