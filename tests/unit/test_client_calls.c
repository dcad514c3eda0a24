/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Limits of a client, calls whose fate is uncertain, callbacks, writers. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "support/client_rig.h"
#include "wire/args_log.h"
#include "wire/args_writer.h"

static void too_many_calls_are_refused_with_busy(void **state)
{
    struct client_rig *rig = *state;
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    struct ql_error error;
    int i;

    options.calls_max = 2;
    rig_use(rig, &options);
    for (i = 0; i < 2; i++) {
        assert_int_equal(ql_log_stat_async(rig->client, "log", QL_LINEARIZABLE,
                                           NULL, NULL, &error),
                         QL_OK);
    }
    assert_int_equal(ql_log_stat_async(rig->client, "log", QL_LINEARIZABLE,
                                       NULL, NULL, &error),
                     QL_BUSY);
    assert_int_equal(error.error_class, QL_CLASS_RETRY);
    assert_int_equal(ql_client_pending(rig->client), 2);
}

static void too_many_bytes_are_refused_with_busy(void **state)
{
    struct client_rig *rig = *state;
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    static char value[1000];
    const struct ql_entry entry = {.value = value, .value_len = 1000};
    const struct ql_append_part part = {
        .log = "log", .entries = &entry, .count = 1};
    struct ql_error error;

    options.bytes_max = 2500;
    rig_use(rig, &options);
    assert_int_equal(
        ql_append_async(rig->client, &part, 1, NULL, NULL, NULL, &error),
        QL_OK);
    assert_int_equal(
        ql_append_async(rig->client, &part, 1, NULL, NULL, NULL, &error),
        QL_OK);
    assert_int_equal(
        ql_append_async(rig->client, &part, 1, NULL, NULL, NULL, &error),
        QL_BUSY);
    rig_open_producer(rig, 0, 7);
    rig_answer_append(&rig->servers[0], rig_expect(rig, 0, "log.append"), 1);
    while (ql_client_pending(rig->client) == 2) {
        rig_turn(rig);
    }
    assert_int_equal(
        ql_append_async(rig->client, &part, 1, NULL, NULL, NULL, &error),
        QL_OK);
}

static void a_deleted_log_not_found_after_doubt_is_deleted(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcomes = rig->outcomes;

    assert_int_equal(
        ql_log_delete_async(rig->client, "log", rig_on_log, &outcomes[0], NULL),
        QL_OK);
    rig_expect(rig, 0, "log.delete");
    fake_drop(&rig->servers[0]);
    fake_refuse(&rig->servers[0], rig_expect(rig, 0, "log.delete"),
                QL_NOT_FOUND, 0, NULL);
    rig_finish(rig, &outcomes[0]);
    assert_int_equal(outcomes[0].code, QL_OK);

    assert_int_equal(
        ql_log_delete_async(rig->client, "log", rig_on_log, &outcomes[1], NULL),
        QL_OK);
    fake_refuse(&rig->servers[0], rig_expect(rig, 0, "log.delete"),
                QL_NOT_FOUND, 0, NULL);
    rig_finish(rig, &outcomes[1]);
    assert_int_equal(outcomes[1].code, QL_NOT_FOUND);
}

static uint64_t token_of(const struct fake_request *request)
{
    struct log_config_args args;

    assert_int_equal(log_config_args_decode(&args, fake_params(request), NULL),
                     0);
    return args.token;
}

static void a_create_is_repeated_with_its_token(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;
    uint64_t token;

    assert_int_equal(ql_log_create_async(rig->client, "log", NULL, rig_on_log,
                                         outcome, NULL),
                     QL_OK);
    token = token_of(rig_expect(rig, 0, "log.create"));
    assert_int_not_equal(token, 0);
    fake_drop(&rig->servers[0]);
    assert_true(token_of(rig_expect(rig, 0, "log.create")) == token);
    rig_answer_stat(&rig->servers[0], fake_find(&rig->servers[0], "log.create"),
                    1, 0);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->code, QL_OK);
}

static void a_write_without_an_answer_has_an_unknown_outcome(void **state)
{
    struct client_rig *rig = *state;
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    struct outcome *outcomes = rig->outcomes;

    options.timeout_ms = 50;
    rig_use(rig, &options);
    assert_int_equal(ql_log_trim_async(rig->client, "log", 5, rig_on_log,
                                       &outcomes[0], NULL),
                     QL_OK);
    assert_int_equal(ql_log_stat_async(rig->client, "log", QL_LINEARIZABLE,
                                       rig_on_log, &outcomes[1], NULL),
                     QL_OK);
    rig_finish(rig, &outcomes[0]);
    rig_finish(rig, &outcomes[1]);
    assert_int_equal(outcomes[0].code, QL_OUTCOME_UNKNOWN);
    assert_int_equal(outcomes[1].code, QL_TIMEOUT);
}

static void a_freed_client_says_what_it_knows(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcomes = rig->outcomes;

    rig_append(rig, "a", &outcomes[0]);
    rig_open_producer(rig, 0, 7);
    rig_expect(rig, 0, "log.append");
    assert_int_equal(ql_log_stat_async(rig->client, "log", QL_LINEARIZABLE,
                                       rig_on_log, &outcomes[1], NULL),
                     QL_OK);
    rig_append(rig, "b", &outcomes[2]);
    ql_client_free(rig->client);
    rig->client = NULL;
    assert_int_equal(outcomes[0].code, QL_OUTCOME_UNKNOWN);
    assert_int_equal(outcomes[0].sequence, 1);
    assert_int_equal(outcomes[1].code, QL_CANCELED);
    assert_int_equal(outcomes[2].code, QL_CANCELED);
}

static void an_idle_client_closes_its_producer(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];

    rig_append(rig, "a", &rig->outcomes[0]);
    rig_open_producer(rig, 0, 7);
    rig_answer_append(server, rig_expect(rig, 0, "log.append"), 1);
    rig_finish(rig, &rig->outcomes[0]);
    ql_client_free(rig->client);
    rig->client = NULL;
    while (fake_count(server, "producer.close") == 0) {
        fake_step(server);
    }
}

struct nested {
    struct client_rig *rig;
    int blocking_rv;
};

static void on_outer(void *data, const struct ql_log_stat *stat,
                     const struct ql_error *error)
{
    struct nested *nested = data;

    (void)stat;
    assert_null(error);
    nested->blocking_rv =
        ql_log_stat(nested->rig->client, "log", QL_LINEARIZABLE, NULL, NULL);
    assert_int_equal(ql_client_process(nested->rig->client), QL_INVALID);
    rig_append(nested->rig, "a", &nested->rig->outcomes[0]);
}

static void a_callback_may_start_calls_but_not_wait(void **state)
{
    struct client_rig *rig = *state;
    struct nested nested = {.rig = rig};

    assert_int_equal(ql_log_stat_async(rig->client, "log", QL_LINEARIZABLE,
                                       on_outer, &nested, NULL),
                     QL_OK);
    rig_answer_stat(&rig->servers[0], rig_expect(rig, 0, "log.stat"), 1, 0);
    rig_open_producer(rig, 0, 7);
    rig_answer_append(&rig->servers[0], rig_expect(rig, 0, "log.append"), 1);
    rig_finish(rig, &rig->outcomes[0]);
    assert_int_equal(nested.blocking_rv, QL_INVALID);
}

/* A program that makes the same append again whenever it fails. */
struct stubborn {
    struct client_rig *rig;
    unsigned failures;
    size_t len; /* of the value */
};

static void append_stubbornly(struct stubborn *stubborn);

static void on_stubborn(void *data, const struct ql_append_result *result,
                        const struct ql_error *error)
{
    struct stubborn *stubborn = data;

    (void)result;
    assert_non_null(error);
    stubborn->failures++;
    if (stubborn->failures < 100) {
        append_stubbornly(stubborn);
    }
}

static void append_stubbornly(struct stubborn *stubborn)
{
    static const uint8_t value[5000];
    struct ql_entry entry = {.value = value, .value_len = stubborn->len};
    struct ql_append_part part = {.log = "log", .entries = &entry, .count = 1};

    assert_int_equal(ql_append_async(stubborn->rig->client, &part, 1, NULL,
                                     on_stubborn, stubborn, NULL),
                     QL_OK);
}

static void what_a_callback_starts_is_not_part_of_the_same_turn(void **state)
{
    struct client_rig *rig = *state;
    struct fake_server *server = &rig->servers[0];
    struct stubborn stubborn = {.rig = rig, .len = 1};

    append_stubbornly(&stubborn);
    append_stubbornly(&stubborn);
    fake_refuse(server, rig_expect(rig, 0, "producer.open"), QL_FROZEN, 0,
                NULL);
    rig_expect(rig, 0, "producer.open");
    assert_int_equal(stubborn.failures, 2);

    /* Nor when the client refuses it itself. */
    rig->client->uplink.request_bytes_max = 1000;
    stubborn.len = 5000;
    fake_refuse(server, fake_find(server, "producer.open"), QL_FROZEN, 0, NULL);
    while (stubborn.failures == 2) {
        rig_turn(rig);
    }
    assert_int_equal(stubborn.failures, 6);
    stubborn.failures = 100;
    ql_client_free(rig->client);
    rig->client = NULL;
}

static void options_of_other_versions_are_taken_by_their_size(void **state)
{
    struct {
        struct ql_client_options known;
        uint64_t unknown[4];
    } later = {.known = QL_CLIENT_OPTIONS_INIT, .unknown = {1, 2, 3, 4}};
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    struct ql_client *client = NULL;
    struct ql_error error;

    (void)state;
    later.known.size = sizeof(later);
    assert_int_equal(ql_client_new(&client, &later.known, &error), QL_OK);
    ql_client_free(client);
    options.calls_max = 77;
    options.size = offsetof(struct ql_client_options, calls_max);
    assert_int_equal(ql_client_new(&client, &options, &error), QL_OK);
    assert_int_equal(client->calls_max, CLIENT_CALLS_MAX);
    ql_client_free(client);
    options.size = 0;
    assert_int_equal(ql_client_new(&client, &options, &error), QL_INVALID);
}

/* ---- Blocking calls: the server gets a thread of its own ----------------- */

struct background {
    struct fake_server *server;
    pthread_t thread;
    atomic_bool stop;
    uint64_t epoch; /* given out next */
};

static void *serve(void *data)
{
    struct background *background = data;
    struct fake_server *server = background->server;

    while (!background->stop) {
        struct pollfd fds[FAKE_CONNS + 1];
        struct fake_request *request;

        (void)poll(fds, fake_watch(server, fds), 5);
        fake_step(server);
        request = fake_find(server, "writer.acquire");
        if (request != NULL) {
            rig_answer_stat(server, request, 6, background->epoch);
            background->epoch++;
        }
        request = fake_find(server, "log.stat");
        if (request != NULL) {
            rig_answer_stat(server, request, 6, 0);
        }
    }
    return NULL;
}

static void background_start(struct background *background,
                             struct fake_server *server)
{
    memset(background, 0, sizeof(*background));
    background->server = server;
    background->epoch = 3;
    assert_int_equal(
        pthread_create(&background->thread, NULL, serve, background), 0);
}

static void background_stop(struct background *background)
{
    background->stop = true;
    assert_int_equal(pthread_join(background->thread, NULL), 0);
}

static struct ql_writer *acquire(struct client_rig *rig)
{
    struct background background;
    struct ql_writer *writer = NULL;
    struct ql_error error;

    background_start(&background, &rig->servers[0]);
    assert_int_equal(
        ql_writer_acquire(&writer, rig->client, "log", "me", &error), QL_OK);
    background_stop(&background);
    return writer;
}

static void a_blocking_call_drives_the_client_itself(void **state)
{
    struct client_rig *rig = *state;
    struct background background;
    struct ql_log_stat stat;
    struct ql_error error;

    background_start(&background, &rig->servers[0]);
    assert_int_equal(
        ql_log_stat(rig->client, "log", QL_LINEARIZABLE, &stat, &error), QL_OK);
    background_stop(&background);
    assert_int_equal(stat.tail, 6);
    assert_string_equal(stat.name, "log");
}

static void a_blocking_call_ends_at_its_deadline(void **state)
{
    struct client_rig *rig = *state;
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    struct ql_error error;

    options.timeout_ms = 30;
    options.connect_timeout_ms = 10;
    rig_use(rig, &options);
    assert_int_equal(
        ql_log_stat(rig->client, "log", QL_LINEARIZABLE, NULL, &error),
        QL_CONNECT);
    assert_int_equal(ql_client_pending(rig->client), 0);
}

struct fence {
    int calls;
    uint64_t newer;
};

static void on_fenced(void *data, struct ql_writer *writer, uint64_t newer)
{
    struct fence *fence = data;

    (void)writer;
    fence->calls++;
    fence->newer = newer;
}

static void the_servers_notice_fences_a_writer(void **state)
{
    struct client_rig *rig = *state;
    const struct writer_fenced notice = {
        .log = {(const uint8_t *)"log", 3}, .epoch = 3, .newer = 4};
    struct ql_entry entry = {.value = "x", .value_len = 1};
    struct ql_writer *writer = acquire(rig);
    struct buf encoded = BUF_INIT;
    struct fence fence = {0};
    struct ql_error error;

    assert_int_equal(ql_writer_epoch(writer), 3);
    assert_int_equal(ql_writer_tail(writer), 6);
    ql_writer_on_fenced(writer, on_fenced, &fence);
    assert_int_equal(writer_fenced_encode(&notice, &encoded), 0);
    fake_notify(&rig->servers[0], "writer.fenced",
                (struct bytes){encoded.data, encoded.len});
    buf_close(&encoded);
    while (fence.calls == 0) {
        rig_turn(rig);
    }
    assert_int_equal(fence.newer, 4);
    assert_true(ql_writer_fenced(writer));
    assert_int_equal(
        ql_writer_append_async(writer, &entry, 1, NULL, NULL, NULL, &error),
        QL_FENCED);
    assert_int_equal(error.position, 4);
    ql_writer_free(writer);
}

static void a_refused_append_fences_a_writer(void **state)
{
    struct client_rig *rig = *state;
    struct ql_entry entry = {.value = "x", .value_len = 1};
    struct ql_writer *writer = acquire(rig);
    struct fence fence = {0};
    struct append_args args;

    ql_writer_on_fenced(writer, on_fenced, &fence);
    assert_int_equal(ql_writer_append_async(writer, &entry, 1, NULL,
                                            rig_on_append, &rig->outcomes[0],
                                            NULL),
                     QL_OK);
    rig_open_producer(rig, 0, 7);
    assert_int_equal(
        append_args_decode(&args, fake_params(rig_expect(rig, 0, "log.append")),
                           NULL),
        0);
    assert_int_equal(args.parts[0].epoch, 3);
    append_args_close(&args);
    fake_refuse(&rig->servers[0], fake_find(&rig->servers[0], "log.append"),
                QL_FENCED, 9, NULL);
    while (fence.calls == 0) {
        rig_turn(rig);
    }
    assert_int_equal(rig->outcomes[0].code, QL_FENCED);
    assert_int_equal(fence.newer, 9);
    ql_writer_free(writer);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(too_many_calls_are_refused_with_busy),
        TEST(too_many_bytes_are_refused_with_busy),
        TEST(a_deleted_log_not_found_after_doubt_is_deleted),
        TEST(a_create_is_repeated_with_its_token),
        TEST(a_write_without_an_answer_has_an_unknown_outcome),
        TEST(a_freed_client_says_what_it_knows),
        TEST(an_idle_client_closes_its_producer),
        TEST(a_callback_may_start_calls_but_not_wait),
        cmocka_unit_test(options_of_other_versions_are_taken_by_their_size),
        TEST(what_a_callback_starts_is_not_part_of_the_same_turn),
        TEST(a_blocking_call_drives_the_client_itself),
        TEST(a_blocking_call_ends_at_its_deadline),
        TEST(the_servers_notice_fences_a_writer),
        TEST(a_refused_append_fences_a_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
