/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Readers that follow: their streams, and what comes of those that end. */
#include "support/reader_script.h"

static void a_stream_of_a_restored_log_goes_on_where_the_program_is(
    void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 1, 0, true);

    reader_script_answer(rig, 1, 1, 1);
    reader_script_follow(rig, 1, 11, 1);
    reader_script_send(rig, 11, 1, 5, 132);
    reader_script_entry(rig, reader, 1);
    reader_script_event(rig, 11, FOLLOW_RESTORED, 4);
    rig_pass(rig, 30);
    reader_script_error(rig, reader, QL_RESTORED, 2);
    reader_script_check(rig, 2);
    reader_script_answer(rig, 2, 4, 4);
    reader_script_entry(rig, reader, 2);
    reader_script_entry(rig, reader, 3);
    reader_script_follow(rig, 4, 12, 2);
    ql_reader_free(reader);
}

static void a_hole_in_a_stream_is_passed_over(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 1, 0, true);

    reader_script_answer(rig, 1, 1, 1);
    reader_script_follow(rig, 1, 11, 1);
    reader_script_send(rig, 11, 1, 2, 33);
    reader_script_event(rig, 11, FOLLOW_HOLE, 7);
    reader_script_send(rig, 11, 7, 8, 33);
    reader_script_entry(rig, reader, 1);
    reader_script_entry(rig, reader, 7);
    ql_reader_free(reader);
}

static void a_follower_catches_up_and_then_streams(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 1, 0, true);

    reader_script_answer(rig, 1, 3, 3);
    reader_script_follow(rig, 3, 11, 1);
    reader_script_entry(rig, reader, 1);
    reader_script_entry(rig, reader, 2);
    reader_script_send(rig, 11, 3, 5, 66);
    reader_script_entry(rig, reader, 3);
    reader_script_entry(rig, reader, 4);
    ql_reader_free(reader);
    rig_expect(rig, 0, "log.unfollow");
}

/* A quarter of it at once: that the others know of each entry that was consumed is
 * not worth a message. */
static void credit_is_given_back_when_entries_are_consumed(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 1, 0, true);
    struct ql_entry entry;
    struct credit_args args;

    reader_script_answer(rig, 1, 1, 1);
    reader_script_follow(rig, 1, 11, 1);
    reader_script_send(rig, 11, 1, 2, 33);
    reader_script_entry(rig, reader, 1);
    assert_int_equal(ql_reader_next(reader, 0, &entry, NULL), QL_TIMEOUT);
    rig_pass(rig, 30);
    assert_int_equal(fake_count(&rig->servers[0], "log.credit"), 0);

    reader_script_send(rig, 11, 2, 3, 400);
    reader_script_entry(rig, reader, 2);
    rig_pass(rig, 30);
    assert_int_equal(fake_count(&rig->servers[0], "log.credit"), 0);
    assert_int_equal(ql_reader_next(reader, 0, &entry, NULL), QL_TIMEOUT);
    assert_int_equal(
        credit_args_decode(&args, fake_params(rig_expect(rig, 0, "log.credit")),
                           NULL),
        0);
    assert_int_equal(args.follow, 11);
    assert_int_equal(args.bytes, 433);
    ql_reader_free(reader);
}

static void a_follower_catches_up_again_after_a_lost_connection(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 1, 0, true);

    reader_script_answer(rig, 1, 1, 1);
    reader_script_follow(rig, 1, 11, 1);
    reader_script_send(rig, 11, 1, 3, 66);
    reader_script_entry(rig, reader, 1);
    fake_drop(&rig->servers[0]);
    reader_script_check(rig, 3);
    reader_script_answer(rig, 3, 5, 5);
    reader_script_follow(rig, 5, 11, 1);
    reader_script_send(rig, 11, 5, 6, 33);
    reader_script_entry(rig, reader, 2);
    reader_script_entry(rig, reader, 3);
    reader_script_entry(rig, reader, 4);
    reader_script_entry(rig, reader, 5);
    ql_reader_free(reader);
}

static void events_of_a_stream_are_told_in_order(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 1, 0, true);

    reader_script_answer(rig, 1, 1, 1);
    reader_script_follow(rig, 1, 11, 1);
    reader_script_send(rig, 11, 1, 2, 33);
    reader_script_event(rig, 11, FOLLOW_TRIMMED, 5);
    reader_script_send(rig, 11, 5, 6, 33);
    reader_script_event(rig, 11, FOLLOW_DELETED, 0);
    reader_script_entry(rig, reader, 1);
    reader_script_error(rig, reader, QL_TRIMMED, 5);
    reader_script_entry(rig, reader, 5);
    reader_script_error(rig, reader, QL_NOT_FOUND, 0);
    ql_reader_free(reader);
}

static void trims_that_follow_each_other_are_told_as_one(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 1, 0, true);

    reader_script_answer(rig, 1, 1, 1);
    reader_script_follow(rig, 1, 11, 1);
    reader_script_event(rig, 11, FOLLOW_TRIMMED, 5);
    reader_script_event(rig, 11, FOLLOW_TRIMMED, 7);
    reader_script_event(rig, 11, FOLLOW_TRIMMED, 9);
    reader_script_send(rig, 11, 9, 10, 33);
    reader_script_error(rig, reader, QL_TRIMMED, 9);
    reader_script_entry(rig, reader, 9);
    ql_reader_free(reader);
}

static void a_change_of_leader_leads_to_the_new_one(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 1, 0, true);

    reader_script_answer(rig, 1, 1, 1);
    reader_script_follow(rig, 1, 11, 1);
    reader_script_event(rig, 11, FOLLOW_LEADER_CHANGED, 1);
    rig_expect_accepted(rig, 0, 2);
    reader_script_answer(rig, 1, 2, 2);
    reader_script_follow(rig, 2, 3, 1);
    reader_script_entry(rig, reader, 1);
    ql_reader_free(reader);
}

static void a_stream_that_ends_for_any_reason_is_read_on(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 1, 0, true);

    reader_script_answer(rig, 1, 1, 1);
    reader_script_follow(rig, 1, 11, 1);
    reader_script_event(rig, 11, FOLLOW_UNREADABLE, 1);
    reader_script_answer(rig, 1, 2, 2);
    reader_script_follow(rig, 2, 12, 1);
    reader_script_event(rig, 12, "OF_A_LATER_VERSION", 2);
    reader_script_answer(rig, 2, 3, 3);
    reader_script_entry(rig, reader, 1);
    reader_script_entry(rig, reader, 2);
    ql_reader_free(reader);
}

static void a_log_made_again_is_another_log(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 1, 0, true);

    reader_script_answer(rig, 1, 1, 1);
    reader_script_follow(rig, 1, 11, 1);
    fake_drop(&rig->servers[0]);
    reader_script_answer(rig, 1, 1, 1);
    reader_script_follow(rig, 1, 11, 2);
    reader_script_error(rig, reader, QL_NOT_FOUND, 0);
    ql_reader_free(reader);
}

static void an_unknown_stream_is_turned_off(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 1, 0, true);

    reader_script_answer(rig, 1, 1, 1);
    rig_expect(rig, 0, "log.follow");
    ql_reader_free(reader);
    reader_script_send(rig, 11, 1, 2, 33);
    rig_expect(rig, 0, "log.unfollow");
}

static void a_follower_stops_before_its_end(void **state)
{
    struct client_rig *rig = *state;
    struct ql_reader *reader = reader_script_open(rig, 1, 3, true);

    reader_script_answer(rig, 1, 2, 2);
    reader_script_follow(rig, 2, 11, 1);
    reader_script_send(rig, 11, 2, 6, 99);
    reader_script_entry(rig, reader, 1);
    reader_script_entry(rig, reader, 2);
    reader_script_error(rig, reader, QL_NOT_FOUND, 0);
    rig_expect(rig, 0, "log.unfollow");
    ql_reader_free(reader);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stream_of_a_restored_log_goes_on_where_the_program_is),
        TEST(a_hole_in_a_stream_is_passed_over),
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
