/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* log.read of entries whose bytes are not in memory. */
#include "service/chunk_wait.h"

#include <stdio.h>

#include "service/service_parts.h"
#include "support/cmocka.h"
#include "support/fake_chunks.h"
#include "support/recorder.h"
#include "wire/args_read.h"

#define READS (SESSION_LOADS_MAX + 2)

/* "orders" has the chunks of positions 1 to 11 and 12 to 22, which are put away,
 * and an open one from 23 to 25. */
struct fixture {
    struct rig rig;
    struct recorder client;
    struct recorder other;
    struct chunk_store *chunks;
};

static int setup(void **state)
{
    static struct fixture fixture;

    rig_open(&fixture.rig);
    recorder_open(&fixture.client, &fixture.rig, false);
    recorder_open(&fixture.other, &fixture.rig, false);
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
    recorder_close(&fixture->other);
    rig_close(&fixture->rig);
    return 0;
}

static void send_read(struct fixture *fixture, struct recorder *client,
                      uint32_t id, const char *params)
{
    assert_int_equal(recorder_send(client, id, "log.read", params), 0);
    rig_settle(&fixture->rig);
}

static void expect_read(struct recorder *client, uint32_t id, uint64_t first,
                        uint64_t next)
{
    struct read_result read;
    struct err err;

    assert_int_equal(
        read_result_decode(&read, recorder_result(client, id), &err), 0);
    assert_int_equal(read.count, next - first);
    assert_int_equal(read.entries[0].position, first);
    assert_int_equal(read.entries[0].value.len, RIG_ENTRY_BYTES);
    assert_int_equal(read.next, next);
    read_result_free(&read);
}

static void tick(struct fixture *fixture, unsigned count)
{
    while (count-- > 0) {
        service_tick(fixture->rig.service);
    }
}

static void read_waits_until_its_first_entry_is_loaded(void **state)
{
    struct fixture *fixture = *state;

    send_read(fixture, &fixture->client, 1, "{'log': 'orders', 'from': 1}");
    recorder_expect_nothing(&fixture->client);
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 1);
    assert_int_equal(fake_chunks_wanted(fixture->chunks, 0), 1);
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_read(&fixture->client, 1, 1, 11);
    assert_int_equal(fake_chunks_held(fixture->chunks), 0);
    assert_int_equal(fixture->client.channel.calls_count, 0);
}

static void bytes_are_held_for_time_but_not_for_a_client(void **state)
{
    struct fixture *fixture = *state;
    struct service *service = fixture->rig.service;
    struct recorder *client = &fixture->client;

    send_read(fixture, client, 1, "{'log': 'orders', 'from': 1}");
    service_begin_turn(service);
    service->turn_bytes = SERVICE_TURN_BYTES;
    fake_chunks_finish(fixture->chunks, 0, 0);
    recorder_expect_nothing(client);
    assert_int_equal(client->later, 1);
    assert_int_equal(fake_chunks_held(fixture->chunks), 1);
    /* It comes too late in the next turn as well. */
    channel_on_drain(service, &client->channel);
    assert_int_equal(client->later, 2);
    assert_int_equal(fake_chunks_held(fixture->chunks), 1);
    /* Now it has time, but its client takes nothing. */
    service_begin_turn(service);
    client->stuffed = SESSION_OUTPUT_MAX / 2;
    channel_on_drain(service, &client->channel);
    recorder_expect_nothing(client);
    assert_int_equal(client->later, 2);
    assert_int_equal(fake_chunks_held(fixture->chunks), 0);
    client->stuffed = 0;
    channel_on_drain(service, &client->channel);
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_read(client, 1, 1, 11);
    assert_int_equal(fake_chunks_held(fixture->chunks), 0);
}

static void what_is_read_from_memory_counts_as_used(void **state)
{
    struct fixture *fixture = *state;

    fake_chunks_bring(fixture->chunks, 1);
    send_read(fixture, &fixture->client, 1,
              "{'log': 'orders', 'from': 3, 'entries_max': 2}");
    expect_read(&fixture->client, 1, 3, 5);
    assert_int_equal(fake_chunks_used(fixture->chunks), 1);
}

static void read_answers_what_is_there_and_what_follows_is_loaded(void **state)
{
    struct fixture *fixture = *state;

    send_read(fixture, &fixture->client, 1, "{'log': 'orders', 'from': 10}");
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_read(&fixture->client, 1, 10, 12);
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 0);
    assert_int_equal(fake_chunks_ahead(fixture->chunks), 12);
    /* The rest is in memory: nothing is worth loading. */
    assert_int_equal(fake_chunks_ahead(fixture->chunks), 0);
    send_read(fixture, &fixture->client, 2, "{'log': 'orders', 'from': 23}");
    expect_read(&fixture->client, 2, 23, 26);
    assert_int_equal(fake_chunks_ahead(fixture->chunks), 0);
    /* With one more on disk both that follow are. */
    rig_fill_log(&fixture->rig, RIG_CHUNK_ENTRIES);
    fake_chunks_put_away(fixture->chunks);
    send_read(fixture, &fixture->client, 3, "{'log': 'orders', 'from': 10}");
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_read(&fixture->client, 3, 10, 12);
    assert_int_equal(fake_chunks_ahead(fixture->chunks), 23);
    assert_int_equal(fake_chunks_ahead(fixture->chunks), 12);
}

static void read_of_one_entry_loads_its_chunk_only(void **state)
{
    struct fixture *fixture = *state;

    send_read(fixture, &fixture->client, 1,
              "{'log': 'orders', 'from': 3, 'entries_max': 1}");
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_read(&fixture->client, 1, 3, 4);
    assert_int_equal(fake_chunks_ahead(fixture->chunks), 0);
    /* One that takes more is likely to come again. */
    send_read(fixture, &fixture->client, 2,
              "{'log': 'orders', 'from': 3, 'entries_max': 3}");
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_read(&fixture->client, 2, 3, 6);
    assert_int_equal(fake_chunks_ahead(fixture->chunks), 12);
}

static void reads_are_answered_in_the_order_of_their_loads(void **state)
{
    struct fixture *fixture = *state;

    send_read(fixture, &fixture->client, 1, "{'log': 'orders', 'from': 5}");
    send_read(fixture, &fixture->client, 2, "{'log': 'orders', 'from': 15}");
    /* One that needs no load overtakes both. */
    send_read(fixture, &fixture->client, 3, "{'log': 'orders', 'from': 24}");
    expect_read(&fixture->client, 3, 24, 26);
    fake_chunks_finish(fixture->chunks, 1, 0);
    expect_read(&fixture->client, 2, 15, 25);
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_read(&fixture->client, 1, 5, 12);
}

static void read_of_a_connection_that_goes_is_forgotten(void **state)
{
    struct fixture *fixture = *state;
    char params[64];
    unsigned i;

    for (i = 0; i < READS; i++) {
        snprintf(params, sizeof(params), "{'log': 'orders', 'from': %u}",
                 i + 1);
        send_read(fixture, &fixture->other, i, params);
    }
    recorder_close(&fixture->other);
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 0);
    recorder_open(&fixture->other, &fixture->rig, false);
}

static void trim_while_a_read_waits_is_reported(void **state)
{
    struct fixture *fixture = *state;

    send_read(fixture, &fixture->client, 1, "{'log': 'orders', 'from': 1}");
    rig_replicate(&fixture->rig, COMMAND_LOG_TRIM,
                  "{'log': 'orders', 'before': 15}");
    fake_chunks_finish(fixture->chunks, 0, 0);
    assert_int_equal(recorder_error(&fixture->client, 1, QL_TRIMMED).position,
                     15);
    assert_int_equal(fake_chunks_held(fixture->chunks), 0);
}

static void log_that_is_deleted_while_a_read_waits_is_not_found(void **state)
{
    struct fixture *fixture = *state;

    send_read(fixture, &fixture->client, 1, "{'log': 'orders', 'from': 1}");
    rig_replicate(&fixture->rig, COMMAND_LOG_DELETE, "{'log': 'orders'}");
    /* What became of the load does not matter any more. */
    fake_chunks_finish(fixture->chunks, 0, QL_NOT_FOUND);
    recorder_error(&fixture->client, 1, QL_NOT_FOUND);
}

static void state_that_was_replaced_while_a_read_waits_is_read(void **state)
{
    struct fixture *fixture = *state;

    send_read(fixture, &fixture->client, 1, "{'log': 'orders', 'from': 1}");
    rig_restore(&fixture->rig);
    fake_chunks_finish(fixture->chunks, 0, 0);
    recorder_expect_nothing(&fixture->client);
    assert_int_equal(fake_chunks_wanted(fixture->chunks, 0), 1);
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_read(&fixture->client, 1, 1, 11);
}

static void node_that_leads_no_more_answers_a_read_that_was_good(void **state)
{
    struct fixture *fixture = *state;

    send_read(fixture, &fixture->client, 1, "{'log': 'orders', 'from': 1}");
    fake_node_elect(fixture->rig.node, 2);
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_read(&fixture->client, 1, 1, 11);
}

static void entries_that_do_not_come_in_time_are_asked_for_later(void **state)
{
    struct fixture *fixture = *state;

    send_read(fixture, &fixture->client, 1, "{'log': 'orders', 'from': 1}");
    tick(fixture, 1);
    send_read(fixture, &fixture->client, 2, "{'log': 'orders', 'from': 1}");
    tick(fixture, SERVICE_LOAD_MS / SERVER_TICK_MS - 1);
    recorder_expect_nothing(&fixture->client);
    tick(fixture, 1);
    assert_int_not_equal(
        recorder_error(&fixture->client, 1, QL_BUSY).retry_after_ms, 0);
    recorder_expect_nothing(&fixture->client);
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 1);
    tick(fixture, 1);
    recorder_error(&fixture->client, 2, QL_BUSY);
    assert_int_equal(fake_chunks_waiting(fixture->chunks), 0);
}

static void entries_that_nobody_has_are_said_to_be_lost(void **state)
{
    struct fixture *fixture = *state;

    send_read(fixture, &fixture->client, 1, "{'log': 'orders', 'from': 1}");
    fake_chunks_finish(fixture->chunks, 0, QL_NOT_FOUND);
    recorder_error(&fixture->client, 1, QL_CORRUPT);
    /* The next read asks again. */
    send_read(fixture, &fixture->client, 2, "{'log': 'orders', 'from': 1}");
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_read(&fixture->client, 2, 1, 11);
}

static void connection_with_many_reads_leaves_loads_to_others(void **state)
{
    struct fixture *fixture = *state;
    char params[64];
    uint32_t i;

    for (i = 0; i < READS; i++) {
        snprintf(params, sizeof(params), "{'log': 'orders', 'from': %u}",
                 i + 1);
        send_read(fixture, &fixture->client, i, params);
    }
    assert_int_equal(fake_chunks_waiting(fixture->chunks), SESSION_LOADS_MAX);
    send_read(fixture, &fixture->other, 99, "{'log': 'orders', 'from': 12}");
    assert_int_equal(fake_chunks_waiting(fixture->chunks),
                     SESSION_LOADS_MAX + 1);
    for (i = 0; i < READS; i++) {
        assert_int_equal(fake_chunks_wanted(fixture->chunks, 0), 1);
        fake_chunks_finish(fixture->chunks, 0, 0);
        recorder_result(&fixture->client, i);
        if (i == SESSION_LOADS_MAX - 1) {
            fake_chunks_finish(fixture->chunks, 0, 0);
            expect_read(&fixture->other, 99, 12, 22);
        }
    }
}

static void bytes_are_not_held_for_a_client_that_takes_nothing(void **state)
{
    struct fixture *fixture = *state;

    send_read(fixture, &fixture->client, 1, "{'log': 'orders', 'from': 1}");
    fixture->client.stuffed = SESSION_OUTPUT_MAX / 2;
    fake_chunks_finish(fixture->chunks, 0, 0);
    recorder_expect_nothing(&fixture->client);
    assert_int_equal(fake_chunks_held(fixture->chunks), 0);
    fixture->client.stuffed = 0;
    channel_on_drain(fixture->rig.service, &fixture->client.channel);
    recorder_expect_nothing(&fixture->client);
    fake_chunks_finish(fixture->chunks, 0, 0);
    expect_read(&fixture->client, 1, 1, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(read_waits_until_its_first_entry_is_loaded),
        TEST(bytes_are_held_for_time_but_not_for_a_client),
        TEST(what_is_read_from_memory_counts_as_used),
        TEST(read_answers_what_is_there_and_what_follows_is_loaded),
        TEST(read_of_one_entry_loads_its_chunk_only),
        TEST(reads_are_answered_in_the_order_of_their_loads),
        TEST(read_of_a_connection_that_goes_is_forgotten),
        TEST(trim_while_a_read_waits_is_reported),
        TEST(log_that_is_deleted_while_a_read_waits_is_not_found),
        TEST(state_that_was_replaced_while_a_read_waits_is_read),
        TEST(node_that_leads_no_more_answers_a_read_that_was_good),
        TEST(entries_that_do_not_come_in_time_are_asked_for_later),
        TEST(entries_that_nobody_has_are_said_to_be_lost),
        TEST(connection_with_many_reads_leaves_loads_to_others),
        TEST(bytes_are_not_held_for_a_client_that_takes_nothing),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
