/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/client_rig.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "wire/args_log.h"

#define PATIENCE_MS 10000u /* a test that waits longer has failed */
#define TURN_MS 10

int rig_setup(void **state)
{
    struct client_rig *rig = calloc(1, sizeof(*rig));
    size_t i;

    assert_non_null(rig);
    for (i = 0; i < RIG_SERVERS; i++) {
        fake_open(&rig->servers[i]);
    }
    rig_use(rig, NULL);
    *state = rig;
    return 0;
}

int rig_teardown(void **state)
{
    struct client_rig *rig = *state;
    size_t i;

    ql_client_free(rig->client);
    for (i = 0; i < RIG_SERVERS; i++) {
        fake_close(&rig->servers[i]);
    }
    free(rig);
    return 0;
}

void rig_use(struct client_rig *rig, const struct ql_client_options *options)
{
    struct ql_client_options own = QL_CLIENT_OPTIONS_INIT;
    struct ql_error error;

    if (options != NULL) {
        own = *options;
    }
    if (own.endpoints == NULL) {
        own.endpoints = rig->servers[0].endpoint;
    }
    ql_client_free(rig->client);
    rig->client = NULL;
    assert_int_equal(ql_client_new(&rig->client, &own, &error), QL_OK);
}

void rig_turn(struct client_rig *rig)
{
    struct pollfd fds[1 + RIG_SERVERS * (FAKE_CONNS + 1)];
    int timeout_ms = ql_client_timeout_ms(rig->client);
    size_t count = 1;
    size_t i;

    fds[0] = (struct pollfd){.fd = ql_client_fd(rig->client),
                             .events = (short)ql_client_events(rig->client)};
    for (i = 0; i < RIG_SERVERS; i++) {
        count += fake_watch(&rig->servers[i], &fds[count]);
    }
    if (timeout_ms < 0 || timeout_ms > TURN_MS) {
        timeout_ms = TURN_MS;
    }
    (void)poll(fds, count, timeout_ms);
    assert_int_equal(ql_client_process(rig->client), QL_OK);
    for (i = 0; i < RIG_SERVERS; i++) {
        fake_step(&rig->servers[i]);
    }
}

struct fake_request *rig_expect(struct client_rig *rig, size_t server,
                                const char *method)
{
    rig_expect_count(rig, server, method, 1);
    return fake_find(&rig->servers[server], method);
}

void rig_expect_count(struct client_rig *rig, size_t server, const char *method,
                      size_t count)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;

    while (fake_count(&rig->servers[server], method) < count) {
        if (clock_monotonic_ms() > until) {
            fail_msg("%zu of %zu %s arrived",
                     fake_count(&rig->servers[server], method), count, method);
        }
        rig_turn(rig);
    }
}

void rig_finish(struct client_rig *rig, const struct outcome *outcome)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;

    while (outcome->calls == 0) {
        assert_true(clock_monotonic_ms() <= until);
        rig_turn(rig);
    }
}

void rig_expect_accepted(struct client_rig *rig, size_t server, size_t count)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;

    while (rig->servers[server].accepted < count) {
        assert_true(clock_monotonic_ms() <= until);
        rig_turn(rig);
    }
}

void rig_pass(struct client_rig *rig, uint32_t ms)
{
    uint64_t until = clock_monotonic_ms() + ms;

    while (clock_monotonic_ms() < until) {
        rig_turn(rig);
    }
}

void rig_append(struct client_rig *rig, const char *value,
                struct outcome *outcome)
{
    rig_append_with(rig, value, NULL, outcome);
}

void rig_append_with(struct client_rig *rig, const char *value,
                     const struct ql_append_options *options,
                     struct outcome *outcome)
{
    const struct ql_entry entry = {.value = value, .value_len = strlen(value)};
    const struct ql_append_part part = {
        .log = "log", .entries = &entry, .count = 1};

    memset(outcome, 0, sizeof(*outcome));
    assert_int_equal(ql_append_async(rig->client, &part, 1, options,
                                     rig_on_append, outcome, NULL),
                     QL_OK);
}

void rig_on_append(void *data, const struct ql_append_result *result,
                   const struct ql_error *error)
{
    struct outcome *outcome = data;

    outcome->calls++;
    assert_int_equal(outcome->calls, 1);
    if (result != NULL) {
        outcome->producer = result->producer;
        outcome->sequence = result->sequence;
    }
    if (error != NULL) {
        outcome->error = *error;
        outcome->code = error->code;
        outcome->position = error->position;
        return;
    }
    assert_non_null(result);
    outcome->position = result->places[0].first;
}

void rig_on_log(void *data, const struct ql_log_stat *stat,
                const struct ql_error *error)
{
    struct outcome *outcome = data;

    outcome->calls++;
    assert_int_equal(outcome->calls, 1);
    if (error != NULL) {
        assert_null(stat);
        outcome->error = *error;
        outcome->code = error->code;
        outcome->position = error->position;
        return;
    }
    outcome->position = stat->tail;
}

void rig_open_producer(struct client_rig *rig, size_t server, uint64_t id)
{
    const struct producer_args args = {.producer = id};
    struct buf result = BUF_INIT;
    struct fake_request *request = rig_expect(rig, server, "producer.open");

    assert_int_equal(producer_args_encode(&args, &result), 0);
    fake_answer(&rig->servers[server], request,
                (struct bytes){result.data, result.len});
    buf_close(&result);
}

void rig_check_append(const struct fake_request *request, const char *value,
                      uint64_t producer, uint64_t sequence)
{
    struct append_args args;
    struct err err;

    assert_int_equal(append_args_decode(&args, fake_params(request), &err), 0);
    assert_int_equal(args.producer, producer);
    assert_int_equal(args.sequence, sequence);
    assert_int_equal(args.parts[0].entries[0].value.len, strlen(value));
    assert_memory_equal(args.parts[0].entries[0].value.data, value,
                        strlen(value));
    append_args_close(&args);
}

void rig_answer_append(struct fake_server *server, struct fake_request *request,
                       uint64_t first)
{
    struct append_result result = {.count = 1, .time_ms = 1};
    struct buf encoded = BUF_INIT;

    result.places[0].first = first;
    result.places[0].count = 1;
    assert_int_equal(append_result_encode(&result, &encoded), 0);
    fake_answer(server, request, (struct bytes){encoded.data, encoded.len});
    buf_close(&encoded);
}

void rig_answer_stat(struct fake_server *server, struct fake_request *request,
                     uint64_t tail, uint64_t epoch)
{
    const struct log_stat stat = {
        .name = {(const uint8_t *)"log", 3},
        .uid = 1,
        .incarnation = 1,
        .head = 1,
        .tail = tail,
        .writer_epoch = epoch,
    };
    struct buf encoded = BUF_INIT;

    assert_int_equal(log_stat_encode(&stat, &encoded), 0);
    fake_answer(server, request, (struct bytes){encoded.data, encoded.len});
    buf_close(&encoded);
}
