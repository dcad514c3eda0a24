/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Exactly-once appends over connections that break and servers that refuse. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/client_rig.h"

#define METHOD "log.append"

static void the_first_append_opens_the_producer(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct outcome outcome;
    struct fake_request *request;

    rig_append(rig, "a", &outcome);
    assert_int_equal(ql_client_pending(rig->client), 1);
    rig_open_producer(rig, 0, 7);
    request = rig_expect(rig, 0, METHOD);
    rig_check_append(request, "a", 7, 1);
    rig_answer_append(server, request, 5);
    rig_finish(rig, &outcome);
    assert_int_equal(outcome.code, QL_OK);
    assert_int_equal(outcome.position, 5);
    assert_int_equal(outcome.producer, 7);
    assert_int_equal(outcome.sequence, 1);
    assert_int_equal(ql_client_pending(rig->client), 0);
}

static void appends_are_pipelined_in_the_order_of_the_calls(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcomes = rig->outcomes;
    size_t i;

    rig_append(rig, "a", &outcomes[0]);
    rig_append(rig, "b", &outcomes[1]);
    rig_append(rig, "c", &outcomes[2]);
    rig_open_producer(rig, 0, 7);
    rig_expect_count(rig, 0, METHOD, 3);
    for (i = 0; i < 3; i++) {
        const char *values[] = {"a", "b", "c"};
        struct fake_request *request = fake_find(&rig->servers[0], METHOD);

        rig_check_append(request, values[i], 7, i + 1);
        rig_answer_append(&rig->servers[0], request, i + 1);
    }
    rig_finish(rig, &outcomes[2]);
    assert_int_equal(outcomes[0].position, 1);
    assert_int_equal(outcomes[1].position, 2);
}

static void unanswered_appends_are_sent_again_with_their_numbers(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct outcome *outcomes = rig->outcomes;

    rig_append(rig, "a", &outcomes[0]);
    rig_append(rig, "b", &outcomes[1]);
    rig_append(rig, "c", &outcomes[2]);
    rig_open_producer(rig, 0, 7);
    rig_expect_count(rig, 0, METHOD, 3);
    rig_answer_append(server, fake_find(server, METHOD), 1);
    rig_finish(rig, &outcomes[0]);
    fake_drop(server);

    rig_expect_count(rig, 0, METHOD, 2);
    assert_int_equal(fake_count(server, "producer.open"), 0);
    rig_check_append(fake_find(server, METHOD), "b", 7, 2);
    rig_answer_append(server, fake_find(server, METHOD), 2);
    rig_check_append(fake_find(server, METHOD), "c", 7, 3);
    rig_answer_append(server, fake_find(server, METHOD), 3);
    rig_finish(rig, &outcomes[2]);
    assert_int_equal(outcomes[1].position, 2);
    assert_int_equal(outcomes[2].position, 3);
}

static void after_busy_everything_behind_it_is_sent_again_in_order(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct outcome *outcomes = rig->outcomes;

    rig_append(rig, "a", &outcomes[0]);
    rig_append(rig, "b", &outcomes[1]);
    rig_open_producer(rig, 0, 7);
    rig_expect_count(rig, 0, METHOD, 2);
    fake_refuse(server, fake_find(server, METHOD), QL_BUSY, 0, NULL);
    rig_pass(rig, 60);
    /* The second is still out, so the first must wait. */
    assert_int_equal(fake_count(server, METHOD), 1);
    fake_refuse(server, fake_find(server, METHOD), QL_OUT_OF_ORDER, 1, NULL);

    rig_expect_count(rig, 0, METHOD, 2);
    rig_check_append(fake_find(server, METHOD), "a", 7, 1);
    rig_answer_append(server, fake_find(server, METHOD), 1);
    rig_check_append(fake_find(server, METHOD), "b", 7, 2);
    rig_answer_append(server, fake_find(server, METHOD), 2);
    rig_finish(rig, &outcomes[1]);
    assert_int_equal(outcomes[0].code, QL_OK);
    assert_int_equal(outcomes[1].code, QL_OK);
}

static void a_refusal_of_the_machine_uses_up_the_number(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct outcome *outcomes = rig->outcomes;

    rig_append(rig, "a", &outcomes[0]);
    rig_open_producer(rig, 0, 7);
    fake_refuse(server, rig_expect(rig, 0, METHOD), QL_CONDITION_FAILED, 9,
                NULL);
    rig_finish(rig, &outcomes[0]);
    assert_int_equal(outcomes[0].code, QL_CONDITION_FAILED);
    assert_int_equal(outcomes[0].position, 9);
    assert_string_equal(outcomes[0].error.text, "because");
    assert_string_equal(outcomes[0].error.node, server->endpoint);
    rig_append(rig, "b", &outcomes[1]);
    rig_check_append(rig_expect(rig, 0, METHOD), "b", 7, 2);
}

/* The filler is an append that no tail can satisfy. */
static void a_refusal_of_the_service_is_followed_by_a_filler(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct outcome *outcomes = rig->outcomes;
    struct append_args args;

    rig_append(rig, "a", &outcomes[0]);
    rig_append(rig, "b", &outcomes[1]);
    rig_open_producer(rig, 0, 7);
    rig_expect_count(rig, 0, METHOD, 2);
    fake_refuse(server, fake_find(server, METHOD), QL_TOO_LARGE, 0, NULL);
    rig_finish(rig, &outcomes[0]);
    assert_int_equal(outcomes[0].code, QL_TOO_LARGE);
    assert_int_equal(ql_client_pending(rig->client), 1);
    fake_refuse(server, fake_find(server, METHOD), QL_OUT_OF_ORDER, 1, NULL);

    rig_expect_count(rig, 0, METHOD, 2);
    rig_check_append(fake_find(server, METHOD), "", 7, 1);
    assert_int_equal(
        append_args_decode(&args, fake_params(fake_find(server, METHOD)), NULL),
        0);
    assert_true(args.parts[0].expect_position == UINT64_MAX);
    append_args_close(&args);
    fake_refuse(server, fake_find(server, METHOD), QL_CONDITION_FAILED, 1,
                NULL);
    rig_check_append(fake_find(server, METHOD), "b", 7, 2);
    rig_answer_append(server, fake_find(server, METHOD), 1);
    rig_finish(rig, &outcomes[1]);
    assert_int_equal(outcomes[1].code, QL_OK);
    assert_int_equal(outcomes[1].position, 1);
}

static void an_append_never_sent_leaves_no_gap_when_it_times_out(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct ql_append_options options = QL_APPEND_OPTIONS_INIT;
    struct outcome *outcomes = rig->outcomes;
    struct fake_request *open;

    options.timeout_ms = 30;
    rig_append_with(rig, "a", &options, &outcomes[0]);
    rig_append(rig, "b", &outcomes[1]);
    open = rig_expect(rig, 0, "producer.open");
    rig_finish(rig, &outcomes[0]);
    assert_int_equal(outcomes[0].code, QL_TIMEOUT);
    assert_ptr_equal(open, fake_find(server, "producer.open"));
    rig_open_producer(rig, 0, 7);
    rig_check_append(rig_expect(rig, 0, METHOD), "b", 7, 1);
}

static void an_append_that_was_sent_goes_on_after_its_deadline(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct ql_append_options options = QL_APPEND_OPTIONS_INIT;
    struct outcome *outcomes = rig->outcomes;

    options.timeout_ms = 30;
    rig_append_with(rig, "a", &options, &outcomes[0]);
    rig_append(rig, "b", &outcomes[1]);
    rig_open_producer(rig, 0, 7);
    rig_expect_count(rig, 0, METHOD, 2);
    rig_finish(rig, &outcomes[0]);
    assert_int_equal(outcomes[0].code, QL_OUTCOME_UNKNOWN);
    assert_int_equal(outcomes[0].error.error_class, QL_CLASS_OUTCOME_UNKNOWN);
    assert_int_equal(outcomes[0].producer, 7);
    assert_int_equal(outcomes[0].sequence, 1);
    assert_int_equal(ql_client_pending(rig->client), 1);
    fake_drop(server);
    rig_expect_count(rig, 0, METHOD, 2);
    rig_check_append(fake_find(server, METHOD), "a", 7, 1);
    rig_answer_append(server, fake_find(server, METHOD), 1);
    rig_answer_append(server, fake_find(server, METHOD), 2);
    rig_finish(rig, &outcomes[1]);
    assert_int_equal(outcomes[1].code, QL_OK);
}

/* Refused each time, so nothing can have happened: no need for "unknown". */
static void refused_until_the_deadline_is_a_definite_answer(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct ql_append_options options = QL_APPEND_OPTIONS_INIT;
    struct outcome *outcomes = rig->outcomes;

    options.timeout_ms = 60;
    rig_append_with(rig, "a", &options, &outcomes[0]);
    rig_open_producer(rig, 0, 7);
    while (outcomes[0].calls == 0) {
        struct fake_request *request = fake_find(server, METHOD);

        if (request != NULL) {
            fake_refuse(server, request, QL_BUSY, 0, NULL);
        }
        rig_turn(rig);
    }
    if (outcomes[0].code == QL_OUTCOME_UNKNOWN) {
        return; /* the last copy was under way just then */
    }
    assert_int_equal(outcomes[0].code, QL_TIMEOUT);
    rig_append(rig, "b", &outcomes[1]);
    rig_expect_count(rig, 0, METHOD, 2);
    rig_check_append(fake_find(server, METHOD), "", 7, 1);
    fake_refuse(server, fake_find(server, METHOD), QL_NOT_FOUND, 0, NULL);
    rig_check_append(fake_find(server, METHOD), "b", 7, 2);
}

static void an_expired_producer_is_replaced_for_what_was_never_done(
    void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct outcome *outcomes = rig->outcomes;

    rig_append(rig, "a", &outcomes[0]);
    rig_append(rig, "b", &outcomes[1]);
    rig_open_producer(rig, 0, 7);
    rig_expect_count(rig, 0, METHOD, 2);
    fake_refuse(server, fake_find(server, METHOD), QL_PRODUCER_EXPIRED, 0,
                NULL);
    fake_refuse(server, fake_find(server, METHOD), QL_PRODUCER_EXPIRED, 0,
                NULL);
    rig_open_producer(rig, 0, 8);
    rig_expect_count(rig, 0, METHOD, 2);
    rig_check_append(fake_find(server, METHOD), "a", 8, 1);
    rig_answer_append(server, fake_find(server, METHOD), 1);
    rig_check_append(fake_find(server, METHOD), "b", 8, 2);
}

static void an_expired_producer_leaves_doubt_after_a_lost_connection(
    void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct outcome *outcomes = rig->outcomes;

    rig_append(rig, "a", &outcomes[0]);
    rig_open_producer(rig, 0, 7);
    rig_expect(rig, 0, METHOD);
    fake_drop(server);
    rig_append(rig, "b", &outcomes[1]);
    rig_expect_count(rig, 0, METHOD, 2);
    fake_refuse(server, fake_find(server, METHOD), QL_PRODUCER_EXPIRED, 0,
                NULL);
    fake_refuse(server, fake_find(server, METHOD), QL_PRODUCER_EXPIRED, 0,
                NULL);
    rig_finish(rig, &outcomes[0]);
    assert_int_equal(outcomes[0].code, QL_OUTCOME_UNKNOWN);
    rig_open_producer(rig, 0, 8);
    rig_check_append(rig_expect(rig, 0, METHOD), "b", 8, 1);
}

static void appends_before_a_restore_fail_and_later_ones_go_on(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct outcome *outcomes = rig->outcomes;

    rig_append(rig, "a", &outcomes[0]);
    rig_append(rig, "b", &outcomes[1]);
    rig_open_producer(rig, 0, 7);
    rig_expect_count(rig, 0, METHOD, 2);
    fake_refuse(server, fake_find(server, METHOD), QL_RESTORED, 0, NULL);
    fake_refuse(server, fake_find(server, METHOD), QL_RESTORED, 0, NULL);
    rig_finish(rig, &outcomes[1]);
    assert_int_equal(outcomes[0].code, QL_RESTORED);
    assert_int_equal(outcomes[1].code, QL_RESTORED);
    rig_append(rig, "c", &outcomes[2]);
    rig_open_producer(rig, 0, 8);
    rig_check_append(rig_expect(rig, 0, METHOD), "c", 8, 1);
}

static void a_restore_leaves_doubt_after_a_lost_connection(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct outcome *outcomes = rig->outcomes;

    rig_append(rig, "a", &outcomes[0]);
    rig_open_producer(rig, 0, 7);
    rig_expect(rig, 0, METHOD);
    fake_drop(server);
    fake_refuse(server, rig_expect(rig, 0, METHOD), QL_RESTORED, 0, NULL);
    rig_finish(rig, &outcomes[0]);
    assert_int_equal(outcomes[0].code, QL_OUTCOME_UNKNOWN);
}

static void another_cluster_gets_another_producer(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct outcome *outcomes = rig->outcomes;

    rig_append(rig, "a", &outcomes[0]);
    rig_open_producer(rig, 0, 7);
    rig_answer_append(server, rig_expect(rig, 0, METHOD), 1);
    rig_finish(rig, &outcomes[0]);
    fake_drop(server);
    server->cluster[0] = '9';
    rig_append(rig, "b", &outcomes[1]);
    rig_open_producer(rig, 0, 3);
    rig_check_append(rig_expect(rig, 0, METHOD), "b", 3, 1);
}

static void at_least_once_is_not_repeated_after_a_lost_connection(void **state)
{
    struct client_rig *rig = *state;
    struct ql_append_options options = QL_APPEND_OPTIONS_INIT;
    struct outcome outcome;

    options.at_least_once = true;
    rig_append_with(rig, "a", &options, &outcome);
    rig_check_append(rig_expect(rig, 0, METHOD), "a", 0, 0);
    fake_drop(&rig->servers[0]);
    rig_finish(rig, &outcome);
    assert_int_equal(outcome.code, QL_OUTCOME_UNKNOWN);
    assert_int_equal(outcome.producer, 0);
}

static void at_least_once_is_repeated_after_a_definite_refusal(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct ql_append_options options = QL_APPEND_OPTIONS_INIT;
    struct outcome outcome;

    options.at_least_once = true;
    rig_append_with(rig, "a", &options, &outcome);
    fake_refuse(server, rig_expect(rig, 0, METHOD), QL_BUSY, 0, NULL);
    fake_refuse(server, rig_expect(rig, 0, METHOD), QL_NO_LEADER, 0, NULL);
    rig_answer_append(server, rig_expect(rig, 0, METHOD), 4);
    rig_finish(rig, &outcome);
    assert_int_equal(outcome.code, QL_OK);
    assert_int_equal(outcome.position, 4);
}

static void an_append_without_a_number_travels_alone(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct ql_append_options options = QL_APPEND_OPTIONS_INIT;
    struct outcome *outcomes = rig->outcomes;

    options.at_least_once = true;
    rig_append_with(rig, "a", &options, &outcomes[0]);
    rig_append(rig, "b", &outcomes[1]);
    rig_check_append(rig_expect(rig, 0, METHOD), "a", 0, 0);
    rig_pass(rig, 30);
    assert_int_equal(fake_count(server, "producer.open"), 0);
    rig_answer_append(server, fake_find(server, METHOD), 1);
    rig_open_producer(rig, 0, 7);
    rig_answer_append(server, rig_expect(rig, 0, METHOD), 2);
    rig_finish(rig, &outcomes[1]);
}

/* Beyond it the machine would forget the result of the oldest. */
static void no_more_appends_are_out_than_the_machine_remembers(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct outcome *outcomes = rig->outcomes;
    size_t i;

    for (i = 0; i < PRODUCER_WINDOW + 1; i++) {
        rig_append(rig, "x", &outcomes[i]);
    }
    rig_open_producer(rig, 0, 7);
    rig_expect_count(rig, 0, METHOD, PRODUCER_WINDOW);
    rig_pass(rig, 30);
    assert_int_equal(fake_count(server, METHOD), PRODUCER_WINDOW);
    rig_answer_append(server, fake_find(server, METHOD), 1);
    rig_expect_count(rig, 0, METHOD, PRODUCER_WINDOW);
    for (i = 1; i < PRODUCER_WINDOW + 1; i++) {
        rig_check_append(fake_find(server, METHOD), "x", 7, i + 1);
        rig_answer_append(server, fake_find(server, METHOD), i + 1);
    }
    rig_finish(rig, &outcomes[PRODUCER_WINDOW]);
}

static void an_answer_without_a_place_leaves_the_outcome_open(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    const struct append_result result = {.count = 0, .time_ms = 1};
    struct buf encoded = BUF_INIT;

    assert_int_equal(append_result_encode(&result, &encoded), 0);
    rig_append(rig, "a", &rig->outcomes[0]);
    rig_append(rig, "b", &rig->outcomes[1]);
    rig_open_producer(rig, 0, 7);
    rig_expect_count(rig, 0, METHOD, 2);
    fake_answer(server, fake_find(server, METHOD),
                (struct bytes){encoded.data, encoded.len});
    rig_finish(rig, &rig->outcomes[0]);
    assert_int_equal(rig->outcomes[0].code, QL_OUTCOME_UNKNOWN);
    assert_int_equal(rig->outcomes[0].sequence, 1);
    rig_answer_append(server, fake_find(server, METHOD), 2);
    rig_finish(rig, &rig->outcomes[1]);
    assert_int_equal(rig->outcomes[1].code, QL_OK);
    buf_close(&encoded);
}

static void oversized_and_malformed_appends_are_refused_at_once(void **state)
{
    struct client_rig *rig = *state;
    const struct ql_entry large = {.value = "x",
                                   .value_len = ENTRY_VALUE_MAX + 1};
    const struct ql_entry small = {.value = "x", .value_len = 1};
    struct ql_append_part parts[2] = {
        {.log = "log", .entries = &large, .count = 1},
        {.log = "log", .entries = &small, .count = 1},
    };
    struct ql_error error;

    assert_int_equal(
        ql_append_async(rig->client, parts, 1, NULL, NULL, NULL, &error),
        QL_TOO_LARGE);
    parts[0].entries = &small;
    assert_int_equal(
        ql_append_async(rig->client, parts, 2, NULL, NULL, NULL, &error),
        QL_INVALID);
    assert_non_null(strstr(error.text, "stands twice"));
    parts[0].log = "a//b";
    assert_int_equal(
        ql_append_async(rig->client, parts, 1, NULL, NULL, NULL, &error),
        QL_INVALID);
    parts[0].log = "log";
    parts[0].count = 0;
    assert_int_equal(
        ql_append_async(rig->client, parts, 1, NULL, NULL, NULL, &error),
        QL_INVALID);
    assert_int_equal(
        ql_append_async(rig->client, parts, 0, NULL, NULL, NULL, &error),
        QL_INVALID);
    assert_int_equal(ql_client_pending(rig->client), 0);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_append_opens_the_producer),
        TEST(appends_are_pipelined_in_the_order_of_the_calls),
        TEST(unanswered_appends_are_sent_again_with_their_numbers),
        TEST(after_busy_everything_behind_it_is_sent_again_in_order),
        TEST(a_refusal_of_the_machine_uses_up_the_number),
        TEST(a_refusal_of_the_service_is_followed_by_a_filler),
        TEST(an_append_never_sent_leaves_no_gap_when_it_times_out),
        TEST(an_append_that_was_sent_goes_on_after_its_deadline),
        TEST(refused_until_the_deadline_is_a_definite_answer),
        TEST(an_expired_producer_is_replaced_for_what_was_never_done),
        TEST(an_expired_producer_leaves_doubt_after_a_lost_connection),
        TEST(appends_before_a_restore_fail_and_later_ones_go_on),
        TEST(a_restore_leaves_doubt_after_a_lost_connection),
        TEST(another_cluster_gets_another_producer),
        TEST(at_least_once_is_not_repeated_after_a_lost_connection),
        TEST(at_least_once_is_repeated_after_a_definite_refusal),
        TEST(an_append_without_a_number_travels_alone),
        TEST(no_more_appends_are_out_than_the_machine_remembers),
        TEST(an_answer_without_a_place_leaves_the_outcome_open),
        TEST(oversized_and_malformed_appends_are_refused_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
