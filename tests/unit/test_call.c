/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/call.h"

#include "service/service_parts.h"
#include "support/cmocka.h"
#include "support/recorder.h"
#include "util/limits.h"

struct fixture {
    struct rig rig;
    struct recorder client;
};

static int setup(void **state)
{
    static struct fixture fixture;

    rig_open(&fixture.rig);
    recorder_open(&fixture.client, &fixture.rig, false);
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

static void make_log(struct fixture *fixture)
{
    recorder_call(&fixture->client, "log.create", "{'log': 'orders'}");
    recorder_call(&fixture->client, "log.append",
                  "{'appends': [{'log': 'orders', 'entries': [b'a', b'b']}]}");
}

static void ended_calls_are_kept_up_to_a_bound_and_used_again(void **state)
{
    struct fixture *fixture = *state;
    const struct service *service = fixture->rig.service;
    struct recorder clients[2];
    uint32_t id;
    size_t i;

    make_log(fixture);
    fake_node_hold(fixture->rig.node, true);
    for (i = 0; i < 2; i++) {
        recorder_open(&clients[i], &fixture->rig, false);
        for (id = 1; id <= SESSION_CALLS_MAX; id++) {
            assert_int_equal(recorder_send(&clients[i], id, "log.read",
                                           "{'log': 'orders', 'from': 2}"),
                             0);
        }
    }
    fake_node_hold(fixture->rig.node, false);
    rig_settle(&fixture->rig);
    for (i = 0; i < 2; i++) {
        for (id = 1; id <= SESSION_CALLS_MAX; id++) {
            recorder_result(&clients[i], id);
        }
        recorder_close(&clients[i]);
    }
    assert_int_equal(service->calls_count, 0);
    assert_true(service->spare_count <= SERVICE_CALLS_SPARE);
    /* Nothing of what it was is left in one that is used again. */
    recorder_refused(&fixture->client, QL_INVALID, "log.read", "{'from': 2}");
    recorder_refused(&fixture->client, QL_NOT_FOUND, "log.stat",
                     "{'log': 'other'}");
    recorder_call(&fixture->client, "log.append",
                  "{'appends': [{'log': 'orders', 'entries': [b'd']}]}");
    assert_true(service->spare_count <= SERVICE_CALLS_SPARE);
}

static void answers_of_one_turn_are_bounded_and_keep_their_order(void **state)
{
    struct fixture *fixture = *state;
    struct rig *rig = &fixture->rig;
    struct recorder clients[2];
    size_t sent = 0;
    size_t turns = 0;
    uint32_t id;
    size_t i;

    make_log(fixture);
    rig_fill_log(rig, 20);
    fake_node_hold(rig->node, true);
    for (i = 0; i < 2; i++) {
        recorder_open(&clients[i], rig, false);
        for (id = 1; id <= 7; id++) {
            assert_int_equal(recorder_send(&clients[i], id, "log.read",
                                           "{'log': 'orders', 'from': 1}"),
                             0);
        }
    }
    service_begin_turn(rig->service);
    fake_node_hold(rig->node, false);
    rig_settle(rig);
    while (clients[0].count + clients[1].count < 14) {
        size_t now = clients[0].bytes + clients[1].bytes;

        assert_true(clients[0].later + clients[1].later > 0);
        assert_true(now > sent);
        assert_true(now - sent < SERVICE_TURN_BYTES + 2 * READ_BYTES_DEFAULT);
        sent = now;
        turns++;
        service_begin_turn(rig->service);
        clients[0].later = 0;
        clients[1].later = 0;
        for (i = 0; service_may_send(rig->service) && i < 20; i++) {
            channel_on_drain(rig->service, &clients[i % 2].channel);
        }
    }
    assert_true(turns >= 2);
    for (i = 0; i < 2; i++) {
        for (id = 1; id <= 7; id++) {
            recorder_result(&clients[i], id);
        }
        recorder_close(&clients[i]);
    }
}

static void what_nobody_is_answered_takes_its_time_as_well(void **state)
{
    struct fixture *fixture = *state;
    struct rig *rig = &fixture->rig;
    struct recorder client;
    size_t i;

    make_log(fixture);
    rig_fill_log(rig, 20);
    recorder_open(&client, rig, false);
    service_begin_turn(rig->service);
    for (i = 0; i < 20; i++) {
        recorder_notify(&client, "log.read", "{'log': 'orders', 'from': 1}");
    }
    rig_settle(rig);
    assert_false(service_may_send(rig->service));
    assert_true(client.later > 0);
    assert_true(client.channel.calls_count > 10);
    recorder_close(&client);
}

static size_t bytes_of(const struct recorder *clients, size_t count)
{
    size_t bytes = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        bytes += clients[i].bytes;
    }
    return bytes;
}

static void follows_share_what_a_turn_may_send(void **state)
{
    struct fixture *fixture = *state;
    struct rig *rig = &fixture->rig;
    struct recorder clients[8];
    size_t turns = 0;
    size_t i;

    make_log(fixture);
    for (i = 0; i < 8; i++) {
        recorder_open(&clients[i], rig, false);
        recorder_call(&clients[i], "log.follow",
                      "{'log': 'orders', 'from': 3, 'credit': 16777216}");
    }
    service_begin_turn(rig->service);
    rig_fill_log(rig, 20);
    rig_settle(rig);
    assert_true(bytes_of(clients, 8) >= SERVICE_TURN_BYTES);
    assert_true(bytes_of(clients, 8) < SERVICE_TURN_BYTES + FOLLOW_EVENT_BYTES);
    while (turns < 20 && bytes_of(clients, 8) < 8 * FOLLOW_QUEUED_MAX) {
        service_begin_turn(rig->service);
        for (i = 0; i < 8; i++) {
            channel_on_drain(rig->service, &clients[i].channel);
        }
        turns++;
    }
    assert_true(turns < 20);
    for (i = 0; i < 8; i++) {
        assert_true(clients[i].bytes >= FOLLOW_QUEUED_MAX);
        recorder_close(&clients[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(ended_calls_are_kept_up_to_a_bound_and_used_again),
        TEST(answers_of_one_turn_are_bounded_and_keep_their_order),
        TEST(what_nobody_is_answered_takes_its_time_as_well),
        TEST(follows_share_what_a_turn_may_send),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
