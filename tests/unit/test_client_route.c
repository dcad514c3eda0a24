/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How a client finds somebody who serves it, and what it says when nobody
 * does. */
#include "client/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/cluster.h"
#include "support/client_rig.h"
#include "util/clock.h"
#include "wire/args_cluster.h"

static void stat_log(struct client_rig *rig, struct outcome *outcome)
{
    assert_int_equal(ql_log_stat_async(rig->client, "log", QL_LINEARIZABLE,
                                       rig_on_log, outcome, NULL),
                     QL_OK);
}

static void with_timeout(struct client_rig *rig, const char *endpoints,
                         uint32_t timeout_ms)
{
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;

    options.endpoints = endpoints;
    options.timeout_ms = timeout_ms;
    options.connect_timeout_ms = 30;
    rig_use(rig, &options);
}

static void hello_of_a_follower_leads_to_the_leader(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;

    rig->servers[0].role = QL_ROLE_FOLLOWER;
    strcpy(rig->servers[0].leader, rig->servers[1].endpoint);
    stat_log(rig, outcome);
    rig_answer_stat(&rig->servers[1], rig_expect(rig, 1, "log.stat"), 4, 0);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->position, 4);
    assert_int_equal(rig->servers[0].accepted, 1);
    assert_int_equal(rig->servers[1].accepted, 1);
}

static void not_leader_leads_to_the_leader(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;

    stat_log(rig, outcome);
    fake_refuse(&rig->servers[0], rig_expect(rig, 0, "log.stat"), QL_NOT_LEADER,
                0, rig->servers[1].endpoint);
    rig_answer_stat(&rig->servers[1], rig_expect(rig, 1, "log.stat"), 4, 0);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->code, QL_OK);
}

static void appends_follow_the_leader_in_order(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcomes = rig->outcomes;

    rig_append(rig, "a", &outcomes[0]);
    rig_append(rig, "b", &outcomes[1]);
    rig_open_producer(rig, 0, 7);
    rig_expect_count(rig, 0, "log.append", 2);
    rig->servers[0].role = QL_ROLE_FOLLOWER;
    fake_refuse(&rig->servers[0], fake_find(&rig->servers[0], "log.append"),
                QL_NOT_LEADER, 0, rig->servers[1].endpoint);
    rig_expect_count(rig, 1, "log.append", 2);
    rig_check_append(fake_find(&rig->servers[1], "log.append"), "a", 7, 1);
    rig_answer_append(&rig->servers[1],
                      fake_find(&rig->servers[1], "log.append"), 1);
    rig_check_append(fake_find(&rig->servers[1], "log.append"), "b", 7, 2);
}

/* The second server is known by the hint only. When it goes away the endpoints
 * are asked again. */
static void a_leader_that_is_gone_is_forgotten(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcomes = rig->outcomes;

    rig->servers[0].role = QL_ROLE_FOLLOWER;
    strcpy(rig->servers[0].leader, rig->servers[1].endpoint);
    stat_log(rig, &outcomes[0]);
    rig_expect(rig, 1, "log.stat");
    fake_stop_listening(&rig->servers[1]);
    rig->servers[0].role = QL_ROLE_LEADER;
    rig_answer_stat(&rig->servers[0], rig_expect(rig, 0, "log.stat"), 4, 0);
    rig_finish(rig, &outcomes[0]);
    assert_int_equal(outcomes[0].code, QL_OK);
}

static void without_a_leader_it_asks_until_one_is_elected(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;

    rig->servers[0].role = QL_ROLE_CANDIDATE;
    stat_log(rig, outcome);
    rig_expect_accepted(rig, 0, 4);
    rig->servers[0].role = QL_ROLE_LEADER;
    rig_answer_stat(&rig->servers[0], rig_expect(rig, 0, "log.stat"), 4, 0);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->code, QL_OK);
}

static void without_a_leader_a_call_ends_with_no_leader(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;

    with_timeout(rig, NULL, 100);
    rig->servers[0].role = QL_ROLE_FOLLOWER;
    stat_log(rig, outcome);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->code, QL_NO_LEADER);
    assert_true(rig->servers[0].accepted < 20); /* it does not storm */
}

static void when_nobody_listens_a_call_ends_with_connect(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;

    with_timeout(rig, NULL, 60);
    fake_stop_listening(&rig->servers[0]);
    stat_log(rig, outcome);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->code, QL_CONNECT);
    assert_non_null(strstr(outcome->error.text, "refused"));
}

/* With a minority of the nodes left there is somebody, but no leader. */
static void one_node_that_answers_makes_it_no_leader(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;
    char endpoints[80];

    snprintf(endpoints, sizeof(endpoints), "%s,%s", rig->servers[0].endpoint,
             rig->servers[1].endpoint);
    with_timeout(rig, endpoints, 100);
    rig->servers[0].role = QL_ROLE_FOLLOWER;
    fake_stop_listening(&rig->servers[1]);
    stat_log(rig, outcome);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->code, QL_NO_LEADER);
}

static void an_endpoint_that_does_not_answer_is_passed_over(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;
    char endpoints[80];

    snprintf(endpoints, sizeof(endpoints), "%s,%s", rig->servers[0].endpoint,
             rig->servers[1].endpoint);
    with_timeout(rig, endpoints, 5000);
    rig->servers[0].mute = true;
    stat_log(rig, outcome);
    rig_answer_stat(&rig->servers[1], rig_expect(rig, 1, "log.stat"), 4, 0);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->code, QL_OK);
}

/* Turns until the call ends; each connection is answered with @bytes. */
static void answer_with(struct client_rig *rig, const char *bytes, size_t len)
{
    struct outcome *outcome = rig->outcomes;
    size_t answered = rig->servers[0].accepted;

    memset(outcome, 0, sizeof(*outcome));
    with_timeout(rig, NULL, 100);
    rig->servers[0].mute = true;
    stat_log(rig, outcome);
    while (outcome->calls == 0) {
        rig_turn(rig);
        if (rig->servers[0].accepted > answered) {
            answered = rig->servers[0].accepted;
            /* At its deadline the client may have closed it again. */
            if (rig->client->uplink.conn.fd >= 0) {
                fake_send(&rig->servers[0], bytes, len);
            }
        }
    }
    assert_int_equal(outcome->code, QL_PROTOCOL);
}

static void garbage_ends_with_protocol(void **state)
{
    answer_with(*state, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
}

/* Array 32 with four thousand million items, and a string of 4 GiB. */
static void a_huge_claim_is_refused_before_it_is_believed(void **state)
{
    answer_with(*state, "\xdd\xff\xff\xff\xff", 5);
    answer_with(*state, "\xdb\xff\xff\xff\xff", 5);
}

static void an_answer_to_no_call_is_refused(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcomes = rig->outcomes;

    stat_log(rig, &outcomes[0]);
    rig_answer_stat(&rig->servers[0], rig_expect(rig, 0, "log.stat"), 4, 0);
    rig_finish(rig, &outcomes[0]);
    fake_send(&rig->servers[0], "\x94\x01\x63\xc0\xc0", 5);
    while (rig->client->uplink.conn.fd >= 0) {
        rig_turn(rig);
    }
    stat_log(rig, &outcomes[1]);
    rig_expect_accepted(rig, 0, 2);
    rig_answer_stat(&rig->servers[0], rig_expect(rig, 0, "log.stat"), 4, 0);
    rig_finish(rig, &outcomes[1]);
    assert_int_equal(outcomes[1].code, QL_OK);
}

static void stale_reads_are_answered_by_a_follower(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;

    rig->servers[0].role = QL_ROLE_FOLLOWER;
    strcpy(rig->servers[0].leader, rig->servers[1].endpoint);
    assert_int_equal(ql_log_stat_async(rig->client, "log", QL_STALE, rig_on_log,
                                       outcome, NULL),
                     QL_OK);
    rig_answer_stat(&rig->servers[0], rig_expect(rig, 0, "log.stat"), 4, 0);
    rig_finish(rig, outcome);
    assert_int_equal(rig->servers[1].accepted, 0);
}

static void on_status(void *data, const struct ql_cluster_status *status,
                      const struct ql_error *error)
{
    struct outcome *outcome = data;

    outcome->calls++;
    if (error != NULL) {
        outcome->code = error->code;
        return;
    }
    outcome->position = status->node_id;
    assert_int_equal(status->member_count, 1);
    assert_string_equal(status->members[0].client_address, "c:1");
}

static void status_of_one_endpoint_comes_from_that_endpoint(void **state)
{
    static const uint8_t id[] = "11111111-2222-4333-8444-555555555555";
    struct client_rig *rig = *state;
    struct outcome *outcomes = rig->outcomes;
    struct buf encoded = BUF_INIT;
    const struct status_result status = {
        .cluster_id = {id, ID_TEXT_LEN},
        .version = {(const uint8_t *)"1", 1},
        .node_id = 3,
        .members_count = 1,
        .members = {{.id = 3,
                     .peer_address = {(const uint8_t *)"p:1", 3},
                     .client_address = {(const uint8_t *)"c:1", 3}}},
    };

    assert_int_equal(ql_cluster_status_async(rig->client,
                                             rig->servers[1].endpoint,
                                             on_status, &outcomes[0], NULL),
                     QL_OK);
    assert_int_equal(status_result_encode(&status, &encoded), 0);
    fake_answer(&rig->servers[1], rig_expect(rig, 1, "cluster.status"),
                (struct bytes){encoded.data, encoded.len});
    buf_close(&encoded);
    rig_finish(rig, &outcomes[0]);
    assert_int_equal(outcomes[0].code, QL_OK);
    assert_int_equal(outcomes[0].position, 3);
    assert_int_equal(rig->servers[0].accepted, 0);

    fake_stop_listening(&rig->servers[1]);
    assert_int_equal(ql_cluster_status_async(rig->client,
                                             rig->servers[1].endpoint,
                                             on_status, &outcomes[1], NULL),
                     QL_OK);
    rig_finish(rig, &outcomes[1]);
    assert_int_equal(outcomes[1].code, QL_CONNECT);
}

static void endpoint_lists_are_checked(void **state)
{
    static const char *const bad[] = {",", "a:1,,b:1", "a:99999", "[::1"};
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    struct ql_client *client = NULL;
    struct ql_error error;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        options.endpoints = bad[i];
        assert_int_equal(ql_client_new(&client, &options, &error), QL_INVALID);
        assert_int_equal(error.error_class, QL_CLASS_USAGE);
    }
    options.endpoints = "a,[::1]:7,unix:/x";
    assert_int_equal(ql_client_new(&client, &options, &error), QL_OK);
    assert_int_equal(client->route.count, 3);
    assert_int_equal(client->route.endpoints[0].port, 7420);
    assert_true(client->route.endpoints[2].is_unix);
    ql_client_free(client);
}

static void delays_grow_and_have_a_bound(void **state)
{
    struct route route;
    struct err err;
    uint64_t delay;
    int i;

    (void)state;
    assert_int_equal(route_init(&route, "a,b", &err), 0);
    for (i = 0; i < 2; i++) {
        route_failed(&route, 1000, 5);
        assert_int_equal(route.not_before_ms, 1000);
    }
    route_failed(&route, 1000, 5);
    assert_true(route.not_before_ms >= 1000 + CLIENT_RETRY_MIN_MS / 2);
    assert_true(route.not_before_ms <= 1000 + CLIENT_RETRY_MIN_MS);
    for (i = 0; i < 100; i++) {
        route_failed(&route, 1000, (uint64_t)i * 77777);
        delay = route.not_before_ms - 1000;
        assert_true(delay <= CLIENT_RETRY_MAX_MS);
    }
    assert_true(delay >= CLIENT_RETRY_MAX_MS / 2);
    route_good(&route);
    route_failed(&route, 1000, 5);
    assert_int_equal(route.not_before_ms, 1000);
    route_close(&route);
}

static void a_hint_is_used_once_and_only_for_the_network(void **state)
{
    struct route route;
    struct err err;

    (void)state;
    assert_int_equal(route_init(&route, "a", &err), 0);
    route_hint(&route, (struct bytes){(const uint8_t *)"b:9", 3});
    assert_string_equal(route_take(&route)->host, "b");
    assert_string_equal(route_take(&route)->host, "a");
    route_hint(&route, (struct bytes){(const uint8_t *)"unix:/etc/x", 11});
    assert_string_equal(route_take(&route)->host, "a");
    route_hint(&route, (struct bytes){(const uint8_t *)"b\0:9", 4});
    assert_string_equal(route_take(&route)->host, "a");
    route_close(&route);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)

static void on_done(void *data, const struct ql_error *error)
{
    struct outcome *outcome = data;

    outcome->calls++;
    outcome->code = error == NULL ? QL_OK : error->code;
}

/* Each attempt keeps the leader from taking anything. */
static void a_transfer_that_came_to_nothing_is_not_repeated(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;

    assert_int_equal(
        cluster_transfer_start(rig->client, 3, on_done, outcome, NULL), QL_OK);
    fake_refuse(&rig->servers[0], rig_expect(rig, 0, "cluster.transfer"),
                QL_TIMEOUT, 0, NULL);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->code, QL_TIMEOUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hello_of_a_follower_leads_to_the_leader),
        TEST(not_leader_leads_to_the_leader),
        TEST(appends_follow_the_leader_in_order),
        TEST(a_leader_that_is_gone_is_forgotten),
        TEST(without_a_leader_it_asks_until_one_is_elected),
        TEST(without_a_leader_a_call_ends_with_no_leader),
        TEST(when_nobody_listens_a_call_ends_with_connect),
        TEST(one_node_that_answers_makes_it_no_leader),
        TEST(an_endpoint_that_does_not_answer_is_passed_over),
        TEST(garbage_ends_with_protocol),
        TEST(a_huge_claim_is_refused_before_it_is_believed),
        TEST(an_answer_to_no_call_is_refused),
        TEST(stale_reads_are_answered_by_a_follower),
        TEST(status_of_one_endpoint_comes_from_that_endpoint),
        TEST(a_transfer_that_came_to_nothing_is_not_repeated),
        cmocka_unit_test(endpoint_lists_are_checked),
        cmocka_unit_test(delays_grow_and_have_a_bound),
        cmocka_unit_test(a_hint_is_used_once_and_only_for_the_network),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
