/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/follow.h"

#include <stdio.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/recorder.h"
#include "support/wire_check.h"
#include "wire/args_read.h"
#include "wire/method.h"

struct fixture {
    struct rig rig;
    struct recorder client;
    struct follow_entries entries; /* of expect_entries() */
};

static int setup(void **state)
{
    static struct fixture fixture;

    memset(&fixture.entries, 0, sizeof(fixture.entries));
    rig_open(&fixture.rig);
    recorder_open(&fixture.client, &fixture.rig, false);
    recorder_call(&fixture.client, "log.create", "{'log': 'orders'}");
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    follow_entries_free(&fixture->entries);
    recorder_close(&fixture->client);
    rig_close(&fixture->rig);
    return 0;
}

/* An entry of 1,000 bytes reaches the node. */
static void append(struct fixture *fixture, char filling)
{
    char value[1001];
    char params[1100];

    memset(value, filling, 1000);
    value[1000] = '\0';
    snprintf(params, sizeof(params),
             "{'appends': [{'log': 'orders', 'entries': [b'%s']}]}", value);
    assert_int_equal(rig_replicate(&fixture->rig, COMMAND_LOG_APPEND, params),
                     0);
}

static uint64_t follow(struct fixture *fixture, const char *params)
{
    struct follow_result result;
    struct err err;

    assert_int_equal(follow_result_decode(
                         &result,
                         recorder_call(&fixture->client, "log.follow", params),
                         &err),
                     0);
    return result.follow;
}

static void expect_entries(struct fixture *fixture, uint64_t id, uint64_t first,
                           size_t count)
{
    struct follow_entries *entries = &fixture->entries;
    struct err err;

    follow_entries_free(entries);
    assert_int_equal(follow_entries_decode(
                         entries,
                         recorder_notice(&fixture->client, NOTIFY_LOG_ENTRIES),
                         &err),
                     0);
    assert_int_equal(entries->follow, id);
    assert_int_equal(entries->count, count);
    assert_int_equal(entries->entries[0].position, first);
    assert_int_equal(entries->next, first + count);
    assert_int_equal(entries->cost, count * (1000 + FOLLOW_ENTRY_COST));
}

static void expect_event(struct fixture *fixture, uint64_t id, const char *name,
                         uint64_t position)
{
    struct follow_event event;
    struct err err;

    assert_int_equal(
        follow_event_decode(
            &event, recorder_notice(&fixture->client, NOTIFY_LOG_EVENT), &err),
        0);
    assert_int_equal(event.follow, id);
    assert_bytes(event.event, name);
    assert_int_equal(event.position, position);
}

static void follow_sends_what_is_there_and_wakes_on_append(void **state)
{
    struct fixture *fixture = *state;
    uint64_t id;

    append(fixture, 'a');
    append(fixture, 'b');
    id = follow(fixture, "{'log': 'orders', 'from': 0, 'credit': 100000}");
    expect_entries(fixture, id, 1, 2);
    recorder_expect_nothing(&fixture->client);
    append(fixture, 'c');
    expect_entries(fixture, id, 3, 1);
    recorder_expect_nothing(&fixture->client);
}

static void credit_bounds_what_is_sent(void **state)
{
    struct fixture *fixture = *state;
    uint64_t id;
    int i;

    for (i = 0; i < 5; i++) {
        append(fixture, 'x');
    }
    id = follow(fixture, "{'log': 'orders', 'from': 1, 'credit': 2100}");
    expect_entries(fixture, id, 1, 2);
    recorder_expect_nothing(&fixture->client);
    /* What is left of the credit is enough for one more, whatever its size. */
    append(fixture, 'y');
    expect_entries(fixture, id, 3, 1);
    append(fixture, 'z');
    recorder_expect_nothing(&fixture->client);
    /* Only what goes beyond the debt counts. */
    recorder_notify(&fixture->client, "log.credit",
                    "{'follow': 1, 'bytes': 996}");
    recorder_expect_nothing(&fixture->client);
    recorder_notify(&fixture->client, "log.credit",
                    "{'follow': 1, 'bytes': 2064}");
    expect_entries(fixture, id, 4, 2);
    recorder_expect_nothing(&fixture->client);
}

static void large_backlog_is_sent_one_bounded_event_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    size_t each = FOLLOW_EVENT_BYTES / (1000 + FOLLOW_ENTRY_COST);
    uint64_t id;
    size_t i;

    for (i = 0; i < 2 * each + 1; i++) {
        append(fixture, 'x');
    }
    id = follow(fixture, "{'log': 'orders', 'from': 1, 'credit': 16000000}");
    expect_entries(fixture, id, 1, each);
    recorder_expect_nothing(&fixture->client);
    fixture->client.stuffed = SESSION_OUTPUT_MAX / 2;
    channel_on_drain(fixture->rig.service, &fixture->client.channel);
    recorder_expect_nothing(&fixture->client);
    fixture->client.stuffed = 0;
    channel_on_drain(fixture->rig.service, &fixture->client.channel);
    expect_entries(fixture, id, 1 + each, each);
    recorder_expect_nothing(&fixture->client);
    channel_on_drain(fixture->rig.service, &fixture->client.channel);
    expect_entries(fixture, id, 1 + 2 * each, 1);
}

static void follows_of_a_connection_take_turns(void **state)
{
    struct fixture *fixture = *state;
    size_t each = FOLLOW_EVENT_BYTES / (1000 + FOLLOW_ENTRY_COST);
    uint64_t first;
    uint64_t second;
    size_t i;

    for (i = 0; i < 3 * each; i++) {
        append(fixture, 'x');
    }
    first = follow(fixture, "{'log': 'orders', 'from': 1, 'credit': 9000000}");
    expect_entries(fixture, first, 1, each);
    second = follow(fixture, "{'log': 'orders', 'from': 1, 'credit': 9000000}");
    expect_entries(fixture, second, 1, each);
    channel_on_drain(fixture->rig.service, &fixture->client.channel);
    expect_entries(fixture, first, 1 + each, each);
    recorder_expect_nothing(&fixture->client);
    channel_on_drain(fixture->rig.service, &fixture->client.channel);
    expect_entries(fixture, second, 1 + each, each);
    recorder_expect_nothing(&fixture->client);
}

static void trim_under_a_follow_is_reported_and_it_goes_on(void **state)
{
    struct fixture *fixture = *state;
    uint64_t id;
    int i;

    for (i = 0; i < 4; i++) {
        append(fixture, 'x');
    }
    id = follow(fixture, "{'log': 'orders', 'from': 1, 'credit': 1}");
    expect_entries(fixture, id, 1, 1);
    assert_int_equal(rig_replicate(&fixture->rig, COMMAND_LOG_TRIM,
                                   "{'log': 'orders', 'before': 4}"),
                     0);
    expect_event(fixture, id, FOLLOW_TRIMMED, 4);
    recorder_expect_nothing(&fixture->client);
    recorder_notify(&fixture->client, "log.credit",
                    "{'follow': 1, 'bytes': 100000}");
    expect_entries(fixture, id, 4, 1);
}

static void follow_of_a_trimmed_position_is_refused(void **state)
{
    struct fixture *fixture = *state;

    append(fixture, 'x');
    append(fixture, 'x');
    rig_replicate(&fixture->rig, COMMAND_LOG_TRIM,
                  "{'log': 'orders', 'before': 2}");
    assert_int_equal(
        recorder_refused(&fixture->client, QL_TRIMMED, "log.follow",
                         "{'log': 'orders', 'from': 1, 'credit': 1}")
            .position,
        2);
    assert_int_equal(fixture->client.channel.follows_count, 0);
}

static void deleted_log_ends_its_follows(void **state)
{
    struct fixture *fixture = *state;
    uint64_t id =
        follow(fixture, "{'log': 'orders', 'from': 1, 'credit': 1000}");

    rig_replicate(&fixture->rig, COMMAND_LOG_DELETE, "{'log': 'orders'}");
    expect_event(fixture, id, FOLLOW_DELETED, 1);
    assert_int_equal(fixture->client.channel.follows_count, 0);
    /* A new log of the same name is another log. */
    rig_replicate(&fixture->rig, COMMAND_LOG_CREATE, "{'log': 'orders'}");
    append(fixture, 'x');
    recorder_expect_nothing(&fixture->client);
}

static void lost_leadership_ends_follows_that_need_the_leader(void **state)
{
    struct fixture *fixture = *state;
    uint64_t id =
        follow(fixture, "{'log': 'orders', 'from': 1, 'credit': 99999}");
    uint64_t stale = follow(fixture, "{'log': 'orders', 'from': 1, "
                                     "'credit': 99999, 'stale': true}");
    struct follow_event event;
    struct err err;

    fake_node_elect(fixture->rig.node, 2);
    assert_int_equal(
        follow_event_decode(
            &event, recorder_notice(&fixture->client, NOTIFY_LOG_EVENT), &err),
        0);
    assert_int_equal(event.follow, id);
    assert_bytes(event.event, FOLLOW_LEADER_CHANGED);
    assert_bytes(event.leader, "10.0.0.2:7420");
    recorder_expect_nothing(&fixture->client);
    append(fixture, 'x');
    expect_entries(fixture, stale, 1, 1);
    recorder_refused(&fixture->client, QL_NOT_LEADER, "log.follow",
                     "{'log': 'orders', 'from': 1, 'credit': 1}");
}

static void unfollow_ends_the_stream(void **state)
{
    struct fixture *fixture = *state;

    follow(fixture, "{'log': 'orders', 'from': 1, 'credit': 99999}");
    recorder_call(&fixture->client, "log.unfollow", "{'follow': 1}");
    append(fixture, 'x');
    recorder_expect_nothing(&fixture->client);
    recorder_refused(&fixture->client, QL_NOT_FOUND, "log.unfollow",
                     "{'follow': 1}");
    recorder_refused(&fixture->client, QL_NOT_FOUND, "log.credit",
                     "{'follow': 1, 'bytes': 5}");
}

static void follows_of_a_connection_are_limited(void **state)
{
    struct fixture *fixture = *state;
    unsigned i;

    for (i = 0; i < SESSION_FOLLOWS_MAX; i++) {
        follow(fixture, "{'log': 'orders', 'from': 1, 'credit': 1}");
    }
    recorder_refused(&fixture->client, QL_TOO_LARGE, "log.follow",
                     "{'log': 'orders', 'from': 1, 'credit': 1}");
}

#define FOLLOWERS 100

/* Also when their connections say in between that they have taken something. */
static void hundred_followers_get_each_entry_once(void **state)
{
    struct fixture *fixture = *state;
    static struct recorder followers[FOLLOWERS];
    size_t i;
    int turn;

    for (i = 0; i < FOLLOWERS; i++) {
        recorder_open(&followers[i], &fixture->rig, false);
        recorder_call(&followers[i], "log.follow",
                      "{'log': 'orders', 'from': 1, 'credit': 100000}");
    }
    for (turn = 1; turn <= 3; turn++) {
        append(fixture, 'x');
        for (i = 0; i < FOLLOWERS; i++) {
            struct follow_entries entries;
            struct err err;

            channel_on_drain(fixture->rig.service, &followers[i].channel);
            assert_int_equal(
                follow_entries_decode(
                    &entries,
                    recorder_notice(&followers[i], NOTIFY_LOG_ENTRIES), &err),
                0);
            assert_int_equal(entries.count, 1);
            assert_int_equal(entries.entries[0].position, turn);
            follow_entries_free(&entries);
            recorder_expect_nothing(&followers[i]);
        }
    }
    for (i = 0; i < FOLLOWERS; i++) {
        recorder_close(&followers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(follow_sends_what_is_there_and_wakes_on_append),
        TEST(hundred_followers_get_each_entry_once),
        TEST(credit_bounds_what_is_sent),
        TEST(large_backlog_is_sent_one_bounded_event_at_a_time),
        TEST(follows_of_a_connection_take_turns),
        TEST(trim_under_a_follow_is_reported_and_it_goes_on),
        TEST(follow_of_a_trimmed_position_is_refused),
        TEST(deleted_log_ends_its_follows),
        TEST(lost_leadership_ends_follows_that_need_the_leader),
        TEST(unfollow_ends_the_stream),
        TEST(follows_of_a_connection_are_limited),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
