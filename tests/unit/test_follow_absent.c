/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* log.follow of entries whose bytes are not in memory. */
#include "service/follow.h"

#include "service/service_parts.h"
#include "support/cmocka.h"
#include "support/fake_chunks.h"
#include "support/recorder.h"
#include "support/wire_check.h"
#include "wire/args_read.h"
#include "wire/method.h"

/* "orders" has the chunks of positions 1 to 11 and 12 to 22, which are put away,
 * and an open one from 23 to 25. */
struct fixture {
    struct rig rig;
    struct recorder client;
    struct chunk_store *chunks;
};

static const char follow_all[] =
    "{'log': 'orders', 'from': 1, 'credit': 16000000}";

static int setup(void **state)
{
    static struct fixture fixture;

    rig_open(&fixture.rig);
    recorder_open(&fixture.client, &fixture.rig, false);
    fixture.chunks = node_chunks(fixture.rig.node);
    recorder_call(&fixture.client, "log.create", "{'log': 'orders'}");
    rig_fill_log(&fixture.rig, 2 * RIG_CHUNK_ENTRIES + 3);
    fake_chunks_put_away(fixture.chunks);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    recorder_close(&fixture->client);
    rig_close(&fixture->rig);
    return 0;
}

/* Takes notifications out until @next was sent; they begin at @first. */
static void expect_entries(struct fixture *fixture, uint64_t first,
                           uint64_t next)
{
    struct follow_entries entries;
    struct err err;

    while (first < next) {
        assert_int_equal(
            follow_entries_decode(
                &entries, recorder_notice(&fixture->client, NOTIFY_LOG_ENTRIES),
                &err),
            0);
        assert_int_equal(entries.entries[0].position, first);
        assert_int_equal(entries.next, first + entries.count);
        first = entries.next;
        follow_entries_free(&entries);
    }
    assert_int_equal(first, next);
    recorder_expect_nothing(&fixture->client);
}

static void expect_event(struct fixture *fixture, const char *name,
                         uint64_t position)
{
    struct follow_event event;
    struct err err;

    assert_int_equal(
        follow_event_decode(
            &event, recorder_notice(&fixture->client, NOTIFY_LOG_EVENT), &err),
        0);
    assert_bytes(event.event, name);
    assert_int_equal(event.position, position);
}

static void drain(struct fixture *fixture)
{
    channel_on_drain(fixture->rig.service, &fixture->client.channel);
}

static void follow_loads_one_chunk_after_the_other(void **state)
{
    struct fixture *fixture = *state;

    recorder_call(&fixture->client, "log.follow", follow_all);
    recorder_expect_nothing(&fixture->client);
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 1);
    assert_int_equal(fake_chunks_wanted(fixture->chunks, 0), 1);
    /* News, credit and drains change nothing while it waits. */
    rig_fill_log(&fixture->rig, 1);
    drain(fixture);
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 1);

    /* All of the chunk goes out, as it may be gone afterwards. */
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_entries(fixture, 1, 12);
    assert_int_equal(fake_chunks_held(fixture->chunks), 0);
    assert_int_equal(fake_chunks_ahead(fixture->chunks), 12);
    drain(fixture);
    assert_int_equal(fake_chunks_wanted(fixture->chunks, 0), 12);
    fake_chunks_finish(fixture->chunks, 0, 0);
    assert_int_equal(fake_chunks_held(fixture->chunks), 0);
    expect_entries(fixture, 12, 24);
    drain(fixture);
    expect_entries(fixture, 24, 26);
    drain(fixture);
    expect_entries(fixture, 26, 27);
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 0);
}

static void credit_bounds_what_is_sent_of_a_loaded_chunk(void **state)
{
    struct fixture *fixture = *state;

    recorder_call(&fixture->client, "log.follow",
                  "{'log': 'orders', 'from': 1, 'credit': 200000}");
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_entries(fixture, 1, 3);
    /* Without credit nothing is loaded. */
    rig_fill_log(&fixture->rig, 1);
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 0);
    recorder_notify(&fixture->client, "log.credit",
                    "{'follow': 1, 'bytes': 100000}");
    assert_int_equal(fake_chunks_wanted(fixture->chunks, 0), 1);
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_entries(fixture, 3, 4);
}

static void bytes_are_not_held_for_a_client_that_takes_nothing(void **state)
{
    struct fixture *fixture = *state;

    recorder_call(&fixture->client, "log.follow", follow_all);
    fixture->client.stuffed = FOLLOW_QUEUED_MAX;
    fake_chunks_finish(fixture->chunks, 0, 0);
    recorder_expect_nothing(&fixture->client);
    assert_int_equal(fake_chunks_held(fixture->chunks), 0);
    fixture->client.stuffed = 0;
    drain(fixture);
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_entries(fixture, 1, 12);
}

/* It would be loaded for ever while others use up what a turn may send. */
static void bytes_that_came_late_in_a_turn_are_sent_in_the_next(void **state)
{
    struct fixture *fixture = *state;
    struct service *service = fixture->rig.service;

    recorder_call(&fixture->client, "log.follow", follow_all);
    service_begin_turn(service);
    service->turn_bytes = SERVICE_TURN_BYTES;
    fake_chunks_finish(fixture->chunks, 0, 0);
    recorder_expect_nothing(&fixture->client);
    assert_int_equal(fixture->client.later, 1);
    /* Whatever is told meanwhile leaves it as it is. */
    rig_fill_log(&fixture->rig, 1);
    recorder_expect_nothing(&fixture->client);
    assert_int_equal(fake_chunks_held(fixture->chunks), 1);
    service_begin_turn(service);
    drain(fixture);
    expect_entries(fixture, 1, 12);
    assert_int_equal(fake_chunks_held(fixture->chunks), 0);
    drain(fixture);
    assert_int_equal(fake_chunks_wanted(fixture->chunks, 0), 12);
}

static void bytes_that_wait_for_a_turn_do_not_wait_for_a_client(void **state)
{
    struct fixture *fixture = *state;
    struct service *service = fixture->rig.service;

    recorder_call(&fixture->client, "log.follow", follow_all);
    service_begin_turn(service);
    service->turn_bytes = SERVICE_TURN_BYTES;
    fake_chunks_finish(fixture->chunks, 0, 0);
    assert_int_equal(fake_chunks_held(fixture->chunks), 1);
    fixture->client.stuffed = FOLLOW_QUEUED_MAX;
    drain(fixture);
    recorder_expect_nothing(&fixture->client);
    assert_int_equal(fake_chunks_held(fixture->chunks), 0);
    fixture->client.stuffed = 0;
    service_begin_turn(service);
    drain(fixture);
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_entries(fixture, 1, 12);
}

static void unfollow_while_it_loads_cancels(void **state)
{
    struct fixture *fixture = *state;

    recorder_call(&fixture->client, "log.follow", follow_all);
    recorder_call(&fixture->client, "log.unfollow", "{'follow': 1}");
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 0);
}

static void connection_that_goes_cancels_the_loads_of_its_follows(void **state)
{
    struct fixture *fixture = *state;
    unsigned i;

    for (i = 0; i < SESSION_LOADS_MAX + 2; i++) {
        recorder_call(&fixture->client, "log.follow", follow_all);
    }
    assert_int_equal(fake_chunks_waiting(fixture->chunks), SESSION_LOADS_MAX);
    recorder_close(&fixture->client);
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 0);
    recorder_open(&fixture->client, &fixture->rig, false);
}

static void follows_of_a_connection_load_in_turn(void **state)
{
    struct fixture *fixture = *state;
    unsigned i;

    for (i = 0; i < SESSION_LOADS_MAX + 1; i++) {
        recorder_call(&fixture->client, "log.follow", follow_all);
    }
    for (i = 0; i < SESSION_LOADS_MAX + 1; i++) {
        struct follow_entries entries;
        struct err err;

        fake_chunks_finish(fixture->chunks, 0, 0);
        assert_int_equal(
            follow_entries_decode(
                &entries, recorder_notice(&fixture->client, NOTIFY_LOG_ENTRIES),
                &err),
            0);
        assert_int_equal(entries.follow, i + 1);
        follow_entries_free(&entries);
        while (fixture->client.count > 0) {
            recorder_next(&fixture->client);
        }
    }
}

static void trim_under_a_load_is_reported_and_the_stream_goes_on(void **state)
{
    struct fixture *fixture = *state;

    recorder_call(&fixture->client, "log.follow", follow_all);
    rig_replicate(&fixture->rig, COMMAND_LOG_TRIM,
                  "{'log': 'orders', 'before': 24}");
    expect_event(fixture, FOLLOW_TRIMMED, 24);
    expect_entries(fixture, 24, 26);
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 0);
}

static void delete_under_a_load_ends_the_stream(void **state)
{
    struct fixture *fixture = *state;

    recorder_call(&fixture->client, "log.follow", follow_all);
    rig_replicate(&fixture->rig, COMMAND_LOG_DELETE, "{'log': 'orders'}");
    expect_event(fixture, FOLLOW_DELETED, 1);
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 0);
}

static void lost_leadership_under_a_load_ends_the_stream(void **state)
{
    struct fixture *fixture = *state;

    recorder_call(&fixture->client, "log.follow", follow_all);
    recorder_call(&fixture->client, "log.follow",
                  "{'log': 'orders', 'from': 12, 'credit': 16000000, "
                  "'stale': true}");
    fake_node_elect(fixture->rig.node, 2);
    expect_event(fixture, FOLLOW_LEADER_CHANGED, 1);
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 1);
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_entries(fixture, 12, 24);
}

static void state_that_was_replaced_under_a_load_is_read(void **state)
{
    struct fixture *fixture = *state;

    recorder_call(&fixture->client, "log.follow", follow_all);
    rig_restore(&fixture->rig);
    fake_chunks_finish(fixture->chunks, 0, 0);
    recorder_expect_nothing(&fixture->client);
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_entries(fixture, 1, 12);
}

static void stream_ends_where_entries_are_not_to_be_had(void **state)
{
    struct fixture *fixture = *state;
    unsigned i;

    recorder_call(&fixture->client, "log.follow", follow_all);
    fake_chunks_finish(fixture->chunks, 0, QL_NOT_FOUND);
    expect_event(fixture, FOLLOW_UNREADABLE, 1);
    assert_int_equal(fixture->client.channel.follows_count, 0);

    recorder_call(&fixture->client, "log.follow", follow_all);
    for (i = 0; i <= SERVICE_LOAD_MS / SERVER_TICK_MS; i++) {
        service_tick(fixture->rig.service);
    }
    expect_event(fixture, FOLLOW_UNREADABLE, 1);
    assert_int_equal(fixture->client.channel.follows_count, 0);
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(follow_loads_one_chunk_after_the_other),
        TEST(credit_bounds_what_is_sent_of_a_loaded_chunk),
        TEST(bytes_are_not_held_for_a_client_that_takes_nothing),
        TEST(bytes_that_came_late_in_a_turn_are_sent_in_the_next),
        TEST(bytes_that_wait_for_a_turn_do_not_wait_for_a_client),
        TEST(unfollow_while_it_loads_cancels),
        TEST(connection_that_goes_cancels_the_loads_of_its_follows),
        TEST(follows_of_a_connection_load_in_turn),
        TEST(trim_under_a_load_is_reported_and_the_stream_goes_on),
        TEST(delete_under_a_load_ends_the_stream),
        TEST(lost_leadership_under_a_load_ends_the_stream),
        TEST(state_that_was_replaced_under_a_load_is_read),
        TEST(stream_ends_where_entries_are_not_to_be_had),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
