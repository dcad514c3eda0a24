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
    loop_turns(&fixture->rig.loop, 2);
    assert_null(fixture->session);
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
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
