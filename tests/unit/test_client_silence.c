/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a client does about a node that says nothing. */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "support/client_rig.h"
#include "util/limits.h"

static void stat_log(struct client_rig *rig, struct outcome *outcome)
{
    assert_int_equal(ql_log_stat_async(rig->client, "log", QL_LINEARIZABLE,
                                       rig_on_log, outcome, NULL),
                     QL_OK);
}

static void know_both(struct client_rig *rig)
{
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    char endpoints[80];

    snprintf(endpoints, sizeof(endpoints), "%s,%s", rig->servers[0].endpoint,
             rig->servers[1].endpoint);
    options.endpoints = endpoints;
    options.timeout_ms = 60000;
    rig_use(rig, &options);
}

/* Time is not waited for but set back: the connection then looks as if nothing
 * had been heard for long. */
static void a_silent_server_is_pinged_and_then_left(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;
    struct uplink *uplink = &rig->client->uplink;

    stat_log(rig, outcome);
    rig_expect(rig, 0, "log.stat");
    rig_turn(rig);
    assert_int_equal(uplink->pinged_ms, 0);
    rig->servers[0].mute = true;
    uplink->conn.progress_ms -= CLIENT_SILENCE_MS;
    rig_turn(rig);
    assert_true(uplink->pinged_ms != 0);
    assert_int_equal(rig->servers[0].accepted, 1);
    uplink->pinged_ms -= CLIENT_SILENCE_MS;
    uplink->conn.progress_ms -= CLIENT_SILENCE_MS;
    rig->servers[0].mute = false;
    rig_expect_accepted(rig, 0, 2);
    rig_expect_count(rig, 0, "log.stat", 1);
}

/* The only call of a client in which nothing else happens. */
static void a_call_is_followed_by_a_ping_in_time(void **state)
{
    struct client_rig *rig = *state;

    stat_log(rig, &rig->outcomes[0]);
    rig_answer_stat(&rig->servers[0], rig_expect(rig, 0, "log.stat"), 4, 0);
    rig_finish(rig, &rig->outcomes[0]);
    while (ql_client_timeout_ms(rig->client) == 0) {
        rig_turn(rig);
    }
    stat_log(rig, &rig->outcomes[1]);
    rig_expect(rig, 0, "log.stat");
    assert_in_range(ql_client_timeout_ms(rig->client), 0, CLIENT_PING_MS);
}

static void a_ping_that_is_answered_keeps_the_connection(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;
    struct uplink *uplink = &rig->client->uplink;
    uint64_t before_ms;

    stat_log(rig, outcome);
    rig_expect(rig, 0, "log.stat");
    uplink->conn.progress_ms -= CLIENT_SILENCE_MS;
    before_ms = uplink->conn.progress_ms;
    while (uplink->conn.progress_ms == before_ms) {
        rig_turn(rig);
    }
    assert_int_equal(rig->servers[0].accepted, 1);
    assert_int_equal(fake_count(&rig->servers[0], "log.stat"), 1);
}

/* A call waits at server 0, which is silent for so long that the other one is
 * asked. */
static void fall_silent(struct client_rig *rig, struct outcome *outcome)
{
    struct uplink *uplink;

    know_both(rig);
    uplink = &rig->client->uplink;
    stat_log(rig, outcome);
    rig_expect(rig, 0, "log.stat");
    rig->servers[0].mute = true;
    uplink->conn.progress_ms -= CLIENT_PING_MS;
    rig_turn(rig);
    assert_true(uplink->pinged_ms != 0);
    assert_int_equal(rig->servers[1].accepted, 0);
    /* By itself, and not because something else happens. */
    assert_in_range(ql_client_timeout_ms(rig->client), 0, CLIENT_SCOUT_MS);
    uplink->conn.progress_ms -= CLIENT_SCOUT_MS;
    uplink->pinged_ms -= CLIENT_SCOUT_MS;
}

static void a_silent_leader_is_left_for_one_that_leads(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;

    fall_silent(rig, outcome);
    rig_answer_stat(&rig->servers[1], rig_expect(rig, 1, "log.stat"), 4, 0);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->code, QL_OK);
}

static void a_silent_leader_is_kept_while_nobody_else_leads(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;

    rig->servers[1].role = QL_ROLE_FOLLOWER;
    strcpy(rig->servers[1].leader, rig->servers[0].endpoint);
    fall_silent(rig, outcome);
    rig_expect_accepted(rig, 1, 3);
    assert_int_equal(rig->servers[0].accepted, 1);
    assert_int_equal(fake_count(&rig->servers[1], "log.stat"), 0);
    rig_answer_stat(&rig->servers[0], fake_find(&rig->servers[0], "log.stat"),
                    4, 0);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->code, QL_OK);
}

static void who_answers_is_asked_no_longer(void **state)
{
    struct client_rig *rig = *state;
    const struct scout *scout;

    rig->servers[1].role = QL_ROLE_FOLLOWER;
    fall_silent(rig, rig->outcomes);
    scout = &rig->client->scout;
    while (!scout->done) {
        rig_turn(rig);
    }
    assert_int_equal(scout->conn.fd, -1);
}

static void who_is_silent_too_is_asked_for_a_while_only(void **state)
{
    struct client_rig *rig = *state;
    struct scout *scout;

    rig->servers[1].mute = true;
    fall_silent(rig, rig->outcomes);
    rig_expect_accepted(rig, 1, 1);
    scout = &rig->client->scout;
    assert_true(scout->conn.fd >= 0);
    scout->opened_ms -= CLIENT_SCOUT_WAIT_MS;
    rig_turn(rig);
    assert_int_equal(scout->conn.fd, -1);
    rig_expect_accepted(rig, 1, 2);
}

static void a_call_that_takes_long_asks_nobody_else(void **state)
{
    struct client_rig *rig = *state;
    struct uplink *uplink;

    rig->servers[1].role = QL_ROLE_FOLLOWER;
    fall_silent(rig, rig->outcomes);
    uplink = &rig->client->uplink;
    rig->servers[0].mute = false;
    uplink->pinged_ms = 0; /* another ping, which is answered */
    while (uplink->pinged_ms == 0) {
        rig_turn(rig);
    }
    while (uplink->pinged_ms != 0) {
        rig_turn(rig);
    }
    rig_turn(rig);
    assert_int_equal(rig->client->scout.conn.fd, -1);
    assert_int_equal(rig->servers[0].accepted, 1);
}

/* The client itself did not run, or has only streams, which wait longer for a
 * ping: the silence is old, but nobody has been asked to break it yet. */
static void a_ping_gets_its_time_however_old_the_silence_is(void **state)
{
    struct client_rig *rig = *state;
    struct uplink *uplink;

    know_both(rig);
    uplink = &rig->client->uplink;
    stat_log(rig, rig->outcomes);
    rig_expect(rig, 0, "log.stat");
    rig->servers[0].mute = true;
    uplink->conn.progress_ms -= CLIENT_SILENCE_MS;
    while (uplink->pinged_ms == 0) {
        rig_turn(rig);
    }
    rig_turn(rig);
    while (rig->client->now_ms < uplink->pinged_ms + CLIENT_SCOUT_MS) {
        assert_int_equal(rig->client->scout.conn.fd, -1);
        rig_turn(rig);
    }
    rig_expect_accepted(rig, 1, 1);
}

/* Who has not even said hello has as long for it as for a ping. */
static void a_node_that_says_no_hello_has_its_time_for_it(void **state)
{
    struct client_rig *rig = *state;
    struct uplink *uplink;

    know_both(rig);
    uplink = &rig->client->uplink;
    rig->servers[0].mute = true;
    stat_log(rig, rig->outcomes);
    rig_expect_accepted(rig, 0, 1);
    rig_turn(rig);
    assert_false(uplink->ready);
    uplink->opened_ms -= CLIENT_SCOUT_MS;
    rig_turn(rig);
    while (rig->client->now_ms <
           uplink->opened_ms + CLIENT_PING_MS + CLIENT_SCOUT_MS) {
        assert_int_equal(rig->client->scout.conn.fd, -1);
        rig_turn(rig);
    }
    rig_answer_stat(&rig->servers[1], rig_expect(rig, 1, "log.stat"), 4, 0);
    rig_finish(rig, rig->outcomes);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_silent_server_is_pinged_and_then_left),
        TEST(a_call_is_followed_by_a_ping_in_time),
        TEST(a_ping_that_is_answered_keeps_the_connection),
        TEST(a_silent_leader_is_left_for_one_that_leads),
        TEST(a_silent_leader_is_kept_while_nobody_else_leads),
        TEST(who_answers_is_asked_no_longer),
        TEST(who_is_silent_too_is_asked_for_a_while_only),
        TEST(a_call_that_takes_long_asks_nobody_else),
        TEST(a_ping_gets_its_time_however_old_the_silence_is),
        TEST(a_node_that_says_no_hello_has_its_time_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
