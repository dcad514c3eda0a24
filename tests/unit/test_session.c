/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What happens to connections as time passes; the time is the test's. */
#include "server/session.h"

#include <stdio.h>
#include <string.h>

#include "server/listener.h"
#include "support/cmocka.h"
#include "support/peer_client.h"
#include "support/rig.h"
#include "support/tmpdir.h"
#include "util/limits.h"
#include "wire/pack.h"

#define IDLE_MS 60000u

struct fixture {
    struct rig rig;
    struct tmpdir *dir;
    struct sessions sessions;
    struct listener listener;
    uv_prepare_t prepare;
    struct session *session; /* accepted last */
    struct peer_client client;
    uint64_t now_ms;
};

static void on_connection(struct listener *listener, int status)
{
    struct fixture *fixture = listener->data;

    assert_int_equal(status, 0);
    fixture->session =
        session_accept(&fixture->sessions, &listener->uv.stream, true);
}

static void on_prepare(uv_prepare_t *prepare)
{
    sessions_run_turns(prepare->data);
}

static void on_freed(void *data)
{
    struct fixture *fixture = data;

    fixture->session = NULL;
}

static int setup(void **state)
{
    static struct fixture fixture;
    char path[PATH_LEN_MAX];
    struct err err;
    void *dir;

    memset(&fixture, 0, sizeof(fixture));
    assert_int_equal(tmpdir_setup(&dir), 0);
    fixture.dir = dir;
    rig_open(&fixture.rig);
    sessions_init(&fixture.sessions);
    fixture.sessions.loop = &fixture.rig.loop;
    fixture.sessions.service = fixture.rig.service;
    fixture.sessions.request_bytes_max = REQUEST_BYTES_MAX;
    fixture.sessions.idle_ms = IDLE_MS;
    fixture.sessions.on_freed = on_freed;
    fixture.sessions.data = &fixture;
    snprintf(path, sizeof(path), "%s/socket", fixture.dir->path);
    fixture.listener.data = &fixture;
    assert_int_equal(listener_open_unix(&fixture.listener, &fixture.rig.loop,
                                        path, on_connection, &err),
                     0);
    uv_prepare_init(&fixture.rig.loop, &fixture.prepare);
    fixture.prepare.data = &fixture.sessions;
    uv_prepare_start(&fixture.prepare, on_prepare);
    peer_client_open_unix(&fixture.client, &fixture.rig.loop, path);
    while (fixture.session == NULL) {
        uv_run(&fixture.rig.loop, UV_RUN_ONCE);
    }
    fixture.now_ms = uv_now(&fixture.rig.loop);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *dir = fixture->dir;

    peer_client_close(&fixture->client);
    sessions_close_all(&fixture->sessions);
    uv_close(&fixture->listener.uv.handle, NULL);
    uv_close((uv_handle_t *)&fixture->prepare, NULL);
    rig_close(&fixture->rig);
    assert_int_equal(fixture->sessions.memory_count, 0);
    assert_int_equal(fixture->sessions.bytes, 0);
    sessions_close(&fixture->sessions);
    return tmpdir_teardown(&dir);
}

/* Looks at the session after this time; true when it is still open. */
static bool survives(struct fixture *fixture, uint64_t ms)
{
    fixture->now_ms += ms;
    session_tick(fixture->session, fixture->now_ms);
    return fixture->session->state != SESSION_CLOSED;
}

static void call(struct fixture *fixture, const char *method,
                 const char *params)
{
    peer_client_request(&fixture->client, 5, method, params);
    peer_client_result(&fixture->client, 5);
    fixture->now_ms = uv_now(&fixture->rig.loop);
}

static void client_that_never_sends_a_request_is_closed(void **state)
{
    struct fixture *fixture = *state;

    peer_client_send(&fixture->client, "\x94\x00", 2);
    loop_turns(&fixture->rig.loop, 3);
    assert_true(survives(fixture, CONNECTION_HELLO_MS - 1000));
    assert_false(survives(fixture, 1001));
    peer_client_expect_end(&fixture->client);
}

static void idle_connection_is_closed_after_its_time(void **state)
{
    struct fixture *fixture = *state;

    call(fixture, "server.ping", "{}");
    assert_true(survives(fixture, CONNECTION_HELLO_MS));
    assert_true(survives(fixture, IDLE_MS - CONNECTION_HELLO_MS - 1000));
    assert_false(survives(fixture, 2000));
}

static void connection_with_a_call_a_follow_or_a_hold_is_not_idle(void **state)
{
    struct fixture *fixture = *state;

    call(fixture, "log.create", "{'log': 'orders'}");
    fake_node_hold(fixture->rig.node, true);
    peer_client_request(&fixture->client, 1, "log.stat", "{'log': 'orders'}");
    loop_turns(&fixture->rig.loop, 3);
    assert_true(survives(fixture, 2 * IDLE_MS));
    fake_node_hold(fixture->rig.node, false);
    peer_client_result(&fixture->client, 1);

    call(fixture, "log.follow", "{'log': 'orders', 'from': 1, 'credit': 1}");
    assert_true(survives(fixture, 2 * IDLE_MS));
    call(fixture, "log.unfollow", "{'follow': 1}");
    call(fixture, "writer.acquire", "{'log': 'orders', 'name': 'w'}");
    assert_true(survives(fixture, 2 * IDLE_MS));
    call(fixture, "writer.release", "{'log': 'orders', 'epoch': 1}");
    assert_false(survives(fixture, 2 * IDLE_MS));
}

static void client_that_takes_no_answers_is_closed(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t value[4u * MIB];
    struct buf message = BUF_INIT;

    call(fixture, "server.ping", "{}");
    assert_int_equal(buf_add(&message, value, sizeof(value)), 0);
    fixture->session->channel.ops->send(&fixture->session->channel, &message);
    buf_close(&message);
    loop_turns(&fixture->rig.loop, 3);
    assert_true(survives(fixture, 0));
    assert_true(survives(fixture, SESSION_OUTPUT_STALL_MS - 1000));
    /* It takes a little: the time begins anew. */
    assert_true(recv(fixture->client.fd, value, sizeof(value), 0) > 0);
    loop_turns(&fixture->rig.loop, 3);
    assert_true(survives(fixture, 999));
    assert_true(survives(fixture, SESSION_OUTPUT_STALL_MS - 1));
    assert_false(survives(fixture, 1));
}

static void broken_connection_lingers_only_so_long(void **state)
{
    struct fixture *fixture = *state;

    peer_client_send(&fixture->client, "\xc1", 1);
    loop_turns(&fixture->rig.loop, 3);
    assert_int_equal(fixture->session->state, SESSION_ENDING);
    assert_true(survives(fixture, SESSION_LINGER_MS - 1000));
    assert_false(survives(fixture, 1001));
}

static void connection_that_holds_most_is_closed_when_all_hold_too_much(
    void **state)
{
    struct fixture *fixture = *state;

    call(fixture, "server.ping", "{}");
    loop_turns(&fixture->rig.loop, 3);
    assert_int_equal(fixture->sessions.bytes, 0);
    fixture->session->counted += SESSIONS_BYTES_MAX;
    fixture->sessions.bytes += SESSIONS_BYTES_MAX;
    loop_turns(&fixture->rig.loop, 1);
    assert_non_null(fixture->session);
    fixture->session->counted++;
    fixture->sessions.bytes++;
    loop_turns(&fixture->rig.loop, 1);
    assert_null(fixture->session);
    assert_int_equal(fixture->sessions.bytes, 0);
}

static void queue_above_its_maximum_closes_the_connection(void **state)
{
    struct fixture *fixture = *state;
    struct buf message = BUF_INIT;
    size_t i;

    call(fixture, "server.ping", "{}");
    for (i = 0; i < 5; i++) {
        assert_int_equal(buf_reserve(&message, 4u * MIB), 0);
        memset(message.data, 0, 4u * MIB);
        message.len = 4u * MIB;
        fixture->session->channel.ops->send(&fixture->session->channel,
                                            &message);
        assert_true(fixture->session->output.bytes <= SESSION_OUTPUT_MAX);
    }
    buf_close(&message);
    loop_turns(&fixture->rig.loop, 2);
    assert_null(fixture->session);
}

/* @count answers of a little over @len bytes are queued at once. */
static void queue_answers(struct fixture *fixture, uint32_t count, size_t len)
{
    static uint8_t bytes[10000];
    struct buf result = BUF_INIT;
    struct buf message = BUF_INIT;
    uint32_t id;

    assert_true(len <= sizeof(bytes));
    assert_int_equal(pack_map(&result, 1), 0);
    assert_int_equal(pack_field_bin(&result, "x", (struct bytes){bytes, len}),
                     0);
    for (id = 1; id <= count; id++) {
        assert_int_equal(
            rpc_encode_result(&message, id,
                              (struct bytes){result.data, result.len}),
            0);
        fixture->session->channel.ops->send(&fixture->session->channel,
                                            &message);
        assert_int_equal(message.len, 0);
    }
    buf_close(&message);
    buf_close(&result);
}

static void answers_that_the_socket_does_not_take_at_once_leave_in_order(
    void **state)
{
    struct fixture *fixture = *state;
    uint32_t id;

    call(fixture, "server.ping", "{}");
    /* Both those that are copied into blocks and those that are blocks. */
    queue_answers(fixture, 1500, 1000);
    sessions_run_turns(&fixture->sessions);
    assert_true(fixture->session->writing);
    assert_true(uv_stream_get_write_queue_size(&fixture->session->uv.stream) >
                0);
    queue_answers(fixture, 100, 10000);
    for (id = 1; id <= 1500; id++) {
        peer_client_result(&fixture->client, id);
    }
    for (id = 1; id <= 100; id++) {
        peer_client_result(&fixture->client, id);
    }
    loop_turns(&fixture->rig.loop, 3);
    assert_false(fixture->session->writing);
    assert_int_equal(fixture->session->output.bytes, 0);
    assert_int_equal(fixture->session->output.held, 0);
}

static void answer_that_the_socket_takes_leaves_without_a_callback(void **state)
{
    struct fixture *fixture = *state;

    call(fixture, "server.ping", "{}");
    queue_answers(fixture, 3, 100);
    sessions_run_turns(&fixture->sessions);
    assert_false(fixture->session->writing);
    assert_int_equal(fixture->session->output.bytes, 0);
    peer_client_result(&fixture->client, 1);
    peer_client_result(&fixture->client, 2);
    peer_client_result(&fixture->client, 3);
}

static void freed_blocks_are_kept_up_to_a_bound(void **state)
{
    struct fixture *fixture = *state;
    uint32_t id;

    call(fixture, "server.ping", "{}");
    queue_answers(fixture, 2000, 1000);
    assert_true(fixture->session->output.held > 2000u * 1000u);
    assert_int_equal(fixture->sessions.bytes, fixture->session->output.held);
    for (id = 1; id <= 2000; id++) {
        peer_client_result(&fixture->client, id);
    }
    loop_turns(&fixture->rig.loop, 3);
    assert_int_equal(fixture->sessions.outputs.count, OUTPUT_BLOCKS_SPARE);
    assert_int_equal(fixture->sessions.bytes, 0);
}

/* A long one among short ones, cut where it happens. */
static void requests_in_pieces_of_any_length_are_answered_in_order(void **state)
{
    static const uint8_t filling[90000];
    static const size_t lens[] = {1, 7, 1000, 40000, 65536, 70001};
    struct fixture *fixture = *state;
    struct buf stream = BUF_INIT;
    struct buf params = BUF_INIT;
    struct bytes ping = {NULL, 0};
    size_t i;
    size_t at;
    uint32_t id;

    assert_int_equal(pack_map(&params, 1), 0);
    assert_int_equal(
        pack_field_bin(&params, "x", (struct bytes){filling, sizeof(filling)}),
        0);
    for (id = 1; id <= 3000; id++) {
        struct bytes long_params = {params.data, params.len};

        assert_int_equal(rpc_encode_request(&stream, id, "server.ping",
                                            id == 1500 ? long_params : ping),
                         0);
    }
    for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        size_t len = i < 2 ? 2000 : stream.len; /* a turn for each is slow */

        for (at = 0; at < len; at += lens[i]) {
            size_t left = len - at;

            peer_client_send(&fixture->client, stream.data + at,
                             left < lens[i] ? left : lens[i]);
            uv_run(&fixture->rig.loop, UV_RUN_NOWAIT);
        }
        if (len < stream.len) {
            peer_client_send(&fixture->client, stream.data + len,
                             stream.len - len);
        }
        for (id = 1; id <= 3000; id++) {
            peer_client_result(&fixture->client, id);
        }
        loop_turns(&fixture->rig.loop, 2);
        assert_int_equal(fixture->sessions.bytes, 0);
    }
    buf_close(&params);
    buf_close(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(client_that_never_sends_a_request_is_closed),
        TEST(idle_connection_is_closed_after_its_time),
        TEST(connection_with_a_call_a_follow_or_a_hold_is_not_idle),
        TEST(client_that_takes_no_answers_is_closed),
        TEST(broken_connection_lingers_only_so_long),
        TEST(connection_that_holds_most_is_closed_when_all_hold_too_much),
        TEST(queue_above_its_maximum_closes_the_connection),
        TEST(answers_that_the_socket_does_not_take_at_once_leave_in_order),
        TEST(answer_that_the_socket_takes_leaves_without_a_callback),
        TEST(freed_blocks_are_kept_up_to_a_bound),
        TEST(requests_in_pieces_of_any_length_are_answered_in_order),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
