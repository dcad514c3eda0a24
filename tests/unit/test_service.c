/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/service.h"

#include <string.h>

#include "support/cmocka.h"
#include "support/recorder.h"
#include "support/wire_check.h"
#include "util/limits.h"
#include "wire/args_append.h"
#include "wire/args_cluster.h"
#include "wire/args_log.h"
#include "wire/args_read.h"

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
                  "{'appends': [{'log': 'orders', "
                  "'entries': [b'a', [b'k', b'b'], b'c']}]}");
}

static void append_is_read_listed_stated_and_trimmed(void **state)
{
    struct fixture *fixture = *state;
    struct recorder *client = &fixture->client;
    struct log_list_result list;
    struct read_result read;
    struct log_stat stat;
    struct err err;

    make_log(fixture);
    assert_int_equal(
        read_result_decode(
            &read,
            recorder_call(client, "log.read", "{'log': 'orders', 'from': 2}"),
            &err),
        0);
    assert_int_equal(read.count, 2);
    assert_int_equal(read.entries[0].position, 2);
    assert_bytes(read.entries[0].key, "k");
    assert_bytes(read.entries[1].value, "c");
    assert_int_equal(read.next, 4);
    assert_int_equal(read.head, 1);
    assert_int_equal(read.tail, 4);
    read_result_free(&read);

    assert_int_equal(
        log_stat_decode(
            &stat,
            recorder_call(client, "log.trim", "{'log': 'orders', 'before': 3}"),
            &err),
        0);
    assert_int_equal(stat.head, 3);
    assert_int_equal(
        log_stat_decode(&stat,
                        recorder_call(client, "log.stat", "{'log': 'orders'}"),
                        &err),
        0);
    assert_int_equal(stat.entries, 1);
    assert_int_equal(log_list_result_decode(
                         &list, recorder_call(client, "log.list", "{}"), &err),
                     0);
    assert_int_equal(list.count, 1);
    assert_bytes(list.stats[0].name, "orders");
    log_list_result_close(&list);
    recorder_call(client, "log.delete", "{'log': 'orders'}");
    recorder_refused(client, QL_NOT_FOUND, "log.stat", "{'log': 'orders'}");
}

static void read_stops_at_its_bounds_and_says_where_to_go_on(void **state)
{
    struct fixture *fixture = *state;
    struct recorder *client = &fixture->client;
    struct read_result read;
    struct err err;

    make_log(fixture);
    assert_int_equal(
        read_result_decode(
            &read,
            recorder_call(client, "log.read",
                          "{'log': 'orders', 'from': 0, 'entries_max': 2}"),
            &err),
        0);
    assert_int_equal(read.count, 2);
    assert_int_equal(read.next, 3);
    read_result_free(&read);
    /* The first entry goes out whatever its size. */
    assert_int_equal(
        read_result_decode(
            &read,
            recorder_call(client, "log.read",
                          "{'log': 'orders', 'from': 2, 'bytes_max': 1}"),
            &err),
        0);
    assert_int_equal(read.count, 1);
    assert_int_equal(read.next, 3);
    read_result_free(&read);
    assert_int_equal(
        read_result_decode(
            &read,
            recorder_call(client, "log.read", "{'log': 'orders', 'from': 99}"),
            &err),
        0);
    assert_int_equal(read.count, 0);
    assert_int_equal(read.next, 99);
    read_result_free(&read);
}

static void read_of_trimmed_position_names_the_head(void **state)
{
    struct fixture *fixture = *state;
    struct recorder *client = &fixture->client;

    make_log(fixture);
    recorder_call(client, "log.trim", "{'log': 'orders', 'before': 3}");
    assert_int_equal(recorder_refused(client, QL_TRIMMED, "log.read",
                                      "{'log': 'orders', 'from': 1}")
                         .position,
                     3);
}

static void malformed_request_never_enters_the_raft_log(void **state)
{
    struct fixture *fixture = *state;
    struct recorder *client = &fixture->client;

    recorder_refused(client, QL_INVALID, "log.create", "{}");
    recorder_refused(client, QL_INVALID, "log.create", "{'log': 'a//b'}");
    recorder_refused(client, QL_INVALID, "log.create", "{'log': 7}");
    recorder_refused(client, QL_INVALID, "log.configure", "{}");
    recorder_refused(client, QL_INVALID, "log.delete", "{'log': ''}");
    recorder_refused(client, QL_INVALID, "log.trim", "{'log': 'a'}");
    recorder_refused(client, QL_INVALID, "log.append", "{'appends': []}");
    recorder_refused(client, QL_INVALID, "producer.close", "{}");
    recorder_refused(client, QL_INVALID, "writer.acquire", "{'log': 'a'}");
    recorder_refused(client, QL_INVALID, "writer.release", "{'log': 'a'}");
    recorder_refused(client, QL_INVALID, "log.read", "{'log': 'a'}");
    recorder_refused(client, QL_UNKNOWN_METHOD, "log.rename", "{}");
    assert_int_equal(fake_node_submits(fixture->rig.node), 0);
    recorder_call(client, "server.ping", "{}");
}

static void broken_envelope_is_answered_or_ends_the_connection(void **state)
{
    struct fixture *fixture = *state;
    struct recorder *client = &fixture->client;

    assert_int_equal(recorder_send_raw(client, "[0, 9, 'server.ping', 7]"), 0);
    recorder_error(client, 9, QL_INVALID);
    assert_int_equal(recorder_send_raw(client, "[0, 8, 7, []]"), 0);
    recorder_error(client, 8, QL_INVALID);
    assert_int_equal(recorder_send_raw(client, "[2, 7, []]"), 0);
    assert_int_equal(recorder_send_raw(client, "7"), QL_PROTOCOL);
    assert_int_equal(recorder_send_raw(client, "[1, 3, nil, {}]"), QL_PROTOCOL);
    recorder_expect_nothing(client);
}

static void oversized_request_is_answered_when_its_id_is_known(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t head[] = {0x94, 0x00, 0xcd, 0x01, 0x02, 0xaa};
    struct err err;

    err_set(&err, QL_TOO_LARGE, "too large");
    service_refuse(fixture->rig.service, &fixture->client.channel, head,
                   sizeof(head), &err);
    recorder_error(&fixture->client, 0x102, QL_TOO_LARGE);
    service_refuse(fixture->rig.service, &fixture->client.channel, head, 4,
                   &err);
    recorder_expect_nothing(&fixture->client);
}

static void refusal_of_the_machine_carries_its_position(void **state)
{
    struct fixture *fixture = *state;

    make_log(fixture);
    assert_int_equal(recorder_refused(&fixture->client, QL_CONDITION_FAILED,
                                      "log.append",
                                      "{'appends': [{'log': 'orders', "
                                      "'entries': [b'x'], "
                                      "'expect_position': 2}]}")
                         .position,
                     4);
}

static void append_status_tells_what_became_of_an_append(void **state)
{
    struct fixture *fixture = *state;
    struct recorder *client = &fixture->client;
    struct producer_args producer;
    struct append_result result;
    struct err err;
    char params[160];

    make_log(fixture);
    assert_int_equal(
        producer_args_decode(
            &producer, recorder_call(client, "producer.open", "{}"), &err),
        0);
    snprintf(params, sizeof(params),
             "{'producer': %llu, 'sequence': 1, 'appends': "
             "[{'log': 'orders', 'entries': [b'once']}]}",
             (unsigned long long)producer.producer);
    recorder_call(client, "log.append", params);
    recorder_call(client, "log.append", params);
    snprintf(params, sizeof(params), "{'producer': %llu, 'sequence': 1}",
             (unsigned long long)producer.producer);
    assert_int_equal(
        append_result_decode(
            &result, recorder_call(client, "append.status", params), &err),
        0);
    assert_int_equal(result.count, 1);
    assert_int_equal(result.places[0].first, 4);
    snprintf(params, sizeof(params), "{'producer': %llu, 'sequence': 2}",
             (unsigned long long)producer.producer);
    recorder_refused(client, QL_NOT_FOUND, "append.status", params);
    snprintf(params, sizeof(params), "{'producer': %llu}",
             (unsigned long long)producer.producer);
    recorder_call(client, "producer.close", params);
}

static void follower_names_the_leader(void **state)
{
    struct fixture *fixture = *state;
    struct recorder *client = &fixture->client;
    struct rpc_error error;

    make_log(fixture);
    fake_node_elect(fixture->rig.node, 3);
    error =
        recorder_refused(client, QL_NOT_LEADER, "log.create", "{'log': 'x'}");
    assert_bytes(error.leader, "10.0.0.3:7420");
    error = recorder_refused(client, QL_NOT_LEADER, "log.read",
                             "{'log': 'orders', 'from': 1}");
    assert_bytes(error.leader, "10.0.0.3:7420");
    recorder_call(client, "log.read",
                  "{'log': 'orders', 'from': 1, 'stale': true}");
    recorder_call(client, "log.stat", "{'log': 'orders', 'stale': true}");
    recorder_call(client, "log.list", "{'stale': true}");
}

static void without_a_leader_the_client_is_told_to_wait(void **state)
{
    struct fixture *fixture = *state;
    struct rpc_error error;

    fake_node_elect(fixture->rig.node, 0);
    error = recorder_refused(&fixture->client, QL_NO_LEADER, "log.create",
                             "{'log': 'x'}");
    assert_int_equal(error.leader.len, 0);
    assert_int_not_equal(error.retry_after_ms, 0);
}

static void full_node_says_when_to_retry(void **state)
{
    struct fixture *fixture = *state;

    fake_node_fill(fixture->rig.node, true);
    assert_int_not_equal(recorder_refused(&fixture->client, QL_BUSY,
                                          "log.create", "{'log': 'x'}")
                             .retry_after_ms,
                         0);
}

static void write_under_way_when_leadership_is_lost_is_unknown(void **state)
{
    struct fixture *fixture = *state;
    struct recorder *client = &fixture->client;

    fake_node_hold(fixture->rig.node, true);
    recorder_send(client, 1, "log.create", "{'log': 'x'}");
    recorder_send(client, 2, "log.list", "{}");
    recorder_expect_nothing(client);
    fake_node_elect(fixture->rig.node, 2);
    recorder_error(client, 1, QL_OUTCOME_UNKNOWN);
    recorder_error(client, 2, QL_NOT_LEADER);
}

static void answers_for_a_closed_connection_are_dropped(void **state)
{
    struct fixture *fixture = *state;
    struct recorder other;

    make_log(fixture);
    recorder_open(&other, &fixture->rig, false);
    fake_node_hold(fixture->rig.node, true);
    recorder_send(&other, 1, "writer.acquire",
                  "{'log': 'orders', 'name': 'w'}");
    recorder_send(&other, 2, "log.read", "{'log': 'orders', 'from': 1}");
    other.stuffed = SESSION_OUTPUT_MAX;
    recorder_send(&other, 3, "log.list", "{'stale': true}");
    recorder_expect_nothing(&other);
    recorder_close(&other);
    fake_node_hold(fixture->rig.node, false);
    rig_settle(&fixture->rig);
}

static void reads_wait_until_the_connection_has_room(void **state)
{
    struct fixture *fixture = *state;
    struct recorder *client = &fixture->client;

    make_log(fixture);
    client->stuffed = SESSION_OUTPUT_MAX / 2;
    recorder_send(client, 1, "log.read", "{'log': 'orders', 'from': 1}");
    recorder_send(client, 2, "log.read",
                  "{'log': 'orders', 'from': 1, 'stale': true}");
    rig_settle(&fixture->rig);
    recorder_expect_nothing(client);
    client->stuffed = 0;
    channel_on_drain(fixture->rig.service, &client->channel);
    recorder_result(client, 2);
    recorder_result(client, 1);
    recorder_expect_nothing(client);
}

static void params_of_a_waiting_read_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    char params[CALL_PARAMS_MAX + 128];
    int len = snprintf(params, sizeof(params), "{'log': 'a', 'junk': '");

    memset(params + len, 'x', CALL_PARAMS_MAX);
    strcpy(params + len + CALL_PARAMS_MAX, "'}");
    recorder_refused(&fixture->client, QL_TOO_LARGE, "log.stat", params);
}

static void more_calls_than_allowed_end_the_connection(void **state)
{
    struct fixture *fixture = *state;
    struct recorder *client = &fixture->client;
    uint32_t i;

    fake_node_hold(fixture->rig.node, true);
    for (i = 0; i < SESSION_CALLS_MAX; i++) {
        assert_int_equal(recorder_send(client, i, "log.list", "{}"), 0);
    }
    assert_int_equal(recorder_send(client, i, "log.list", "{}"), QL_BUSY);
    fake_node_hold(fixture->rig.node, false);
    rig_settle(&fixture->rig);
    for (i = 0; i < SESSION_CALLS_MAX; i++) {
        recorder_result(client, i);
    }
    assert_int_equal(client->channel.calls_count, 0);
}

static void notification_is_done_and_not_answered(void **state)
{
    struct fixture *fixture = *state;
    struct recorder *client = &fixture->client;

    recorder_notify(client, "log.create", "{'log': 'quiet'}");
    recorder_notify(client, "no.such", "{}");
    rig_settle(&fixture->rig);
    recorder_expect_nothing(client);
    recorder_call(client, "log.stat", "{'log': 'quiet'}");
}

static void operator_methods_are_denied_to_others(void **state)
{
    struct fixture *fixture = *state;
    struct recorder *client = &fixture->client;
    struct recorder root;

    recorder_refused(client, QL_DENIED, "cluster.transfer", "{}");
    recorder_refused(client, QL_DENIED, "cluster.confirm_clock", "{}");
    recorder_open(&root, &fixture->rig, true);
    recorder_call(&root, "cluster.transfer", "{'to': 2}");
    recorder_call(&root, "cluster.confirm_clock", "{}");
    recorder_refused(client, QL_DENIED, "cluster.freeze", "{'reason': 'r'}");
    recorder_refused(client, QL_DENIED, "cluster.thaw", "{}");
    recorder_refused(&root, QL_INVALID, "cluster.transfer", "{'to': 9}");
    fake_node_transfer_status(fixture->rig.node, QL_TIMEOUT);
    recorder_refused(&root, QL_TIMEOUT, "cluster.transfer", "{}");
    recorder_close(&root);
}

static void frozen_logs_take_no_changes_and_status_says_why(void **state)
{
    struct fixture *fixture = *state;
    struct recorder *client = &fixture->client;
    struct status_result status;
    struct recorder root;
    struct err err;

    recorder_call(client, "log.create", "{'log': 'a'}");
    recorder_open(&root, &fixture->rig, true);
    recorder_refused(&root, QL_INVALID, "cluster.freeze", "{}");
    recorder_call(&root, "cluster.freeze",
                  "{'reason': 'moving house', 'by': 'me'}");
    recorder_refused(client, QL_FROZEN, "log.append",
                     "{'appends': [{'log': 'a', 'entries': [b'v']}]}");
    recorder_refused(client, QL_FROZEN, "log.delete", "{'log': 'a'}");
    assert_int_equal(
        status_result_decode(
            &status, recorder_call(client, "cluster.status", "{}"), &err),
        0);
    assert_true(status.frozen);
    assert_bytes(status.frozen_reason, "moving house");
    assert_bytes(status.frozen_by, "me");
    recorder_call(&root, "cluster.thaw", "{}");
    recorder_call(client, "log.append",
                  "{'appends': [{'log': 'a', 'entries': [b'v']}]}");
    recorder_close(&root);
}

static void hello_and_status_say_who_answers(void **state)
{
    struct fixture *fixture = *state;
    struct recorder *client = &fixture->client;
    struct hello_result hello;
    struct status_result status;
    struct err err;

    make_log(fixture);
    assert_int_equal(
        hello_result_decode(&hello,
                            recorder_call(client, "server.hello",
                                          "{'name': 'test', 'protocol': 1}"),
                            &err),
        0);
    assert_string_equal(client->channel.name, "test");
    assert_int_equal(hello.node, 1);
    assert_int_equal(hello.role, NODE_LEADER);
    assert_bytes(hello.leader_address, "10.0.0.1:7420");
    assert_int_equal(hello.request_bytes_max, REQUEST_BYTES_MAX);
    recorder_refused(client, QL_INVALID, "server.hello", "{'protocol': 99}");

    assert_int_equal(
        status_result_decode(
            &status, recorder_call(client, "cluster.status", "{}"), &err),
        0);
    assert_int_equal(status.logs, 1);
    assert_int_equal(status.entries, 3);
    assert_int_equal(status.quorum_size, 2);
    assert_true(status.quorum_size_ok);
    assert_int_equal(status.members_count, 3);
    assert_bytes(status.members[2].client_address, "10.0.0.3:7420");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(append_is_read_listed_stated_and_trimmed),
        TEST(read_stops_at_its_bounds_and_says_where_to_go_on),
        TEST(read_of_trimmed_position_names_the_head),
        TEST(malformed_request_never_enters_the_raft_log),
        TEST(broken_envelope_is_answered_or_ends_the_connection),
        TEST(oversized_request_is_answered_when_its_id_is_known),
        TEST(refusal_of_the_machine_carries_its_position),
        TEST(append_status_tells_what_became_of_an_append),
        TEST(follower_names_the_leader),
        TEST(without_a_leader_the_client_is_told_to_wait),
        TEST(full_node_says_when_to_retry),
        TEST(write_under_way_when_leadership_is_lost_is_unknown),
        TEST(answers_for_a_closed_connection_are_dropped),
        TEST(reads_wait_until_the_connection_has_room),
        TEST(params_of_a_waiting_read_are_bounded),
        TEST(more_calls_than_allowed_end_the_connection),
        TEST(notification_is_done_and_not_answered),
        TEST(operator_methods_are_denied_to_others),
        TEST(frozen_logs_take_no_changes_and_status_says_why),
        TEST(hello_and_status_say_who_answers),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
