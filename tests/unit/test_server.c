/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "server/server.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/cmocka.h"
#include "support/notation.h"
#include "support/peer_client.h"
#include "support/rig.h"
#include "support/tmpdir.h"
#include "util/file.h"
#include "util/limits.h"
#include "wire/args_read.h"
#include "wire/method.h"

#define CONNECTIONS 40u

struct fixture {
    struct rig rig;
    struct tmpdir *dir;
    char unix_path[PATH_LEN_MAX];
    struct server_options options;
    struct address listen;
    struct server *server;
    struct peer_client client;
};

static void on_stopped(void *data)
{
    struct fixture *fixture = data;

    server_free(fixture->server);
    fixture->server = NULL;
}

static int setup(void **state)
{
    static struct fixture fixture;
    void *dir;
    struct err err;

    memset(&fixture, 0, sizeof(fixture));
    assert_int_equal(tmpdir_setup(&dir), 0);
    fixture.dir = dir;
    rig_open(&fixture.rig);
    snprintf(fixture.unix_path, sizeof(fixture.unix_path), "%s/socket",
             fixture.dir->path);
    strcpy(fixture.listen.host, "127.0.0.1");
    fixture.options.loop = &fixture.rig.loop;
    fixture.options.service = fixture.rig.service;
    fixture.options.listen = &fixture.listen;
    fixture.options.listen_count = 1;
    fixture.options.unix_path = fixture.unix_path;
    fixture.options.connections_max = CONNECTIONS;
    assert_int_equal(server_start(&fixture.server, &fixture.options, &err), 0);
    peer_client_open_tcp(&fixture.client, &fixture.rig.loop,
                         server_port(fixture.server, 0));
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *dir = fixture->dir;

    server_drain(fixture->server);
    server_stop(fixture->server, on_stopped, fixture);
    while (fixture->server != NULL) {
        uv_run(&fixture->rig.loop, UV_RUN_ONCE);
    }
    peer_client_close(&fixture->client);
    rig_close(&fixture->rig);
    assert_int_equal(access(fixture->unix_path, F_OK), -1);
    return tmpdir_teardown(&dir);
}

static void call(struct peer_client *client, const char *method,
                 const char *params)
{
    peer_client_request(client, 5, method, params);
    peer_client_result(client, 5);
}

static void make_log(struct fixture *fixture)
{
    call(&fixture->client, "log.create", "{'log': 'orders'}");
}

/* Appends entries of 100,000 bytes. */
static void fill_log(struct fixture *fixture, int count)
{
    static char params[100200];
    int len = snprintf(params, sizeof(params),
                       "{'appends': [{'log': 'orders', 'entries': [b'");

    memset(params + len, 'x', 100000);
    strcpy(params + len + 100000, "']}]}");
    while (count-- > 0) {
        assert_int_equal(
            rig_replicate(&fixture->rig, COMMAND_LOG_APPEND, params), 0);
    }
}

static void thousand_pipelined_requests_are_all_answered(void **state)
{
    struct fixture *fixture = *state;
    struct peer_client *client = &fixture->client;
    struct rpc_message message;
    bool seen[1000] = {false};
    uint32_t i;

    make_log(fixture);
    for (i = 0; i < 1000; i++) {
        peer_client_request(client, i, "log.append",
                            "{'appends': [{'log': 'orders', "
                            "'entries': [b'entry']}]}");
    }
    for (i = 0; i < 1000; i++) {
        message = peer_client_next(client);
        assert_int_equal(message.error.len, 0);
        assert_true(message.id < 1000);
        assert_false(seen[message.id]);
        seen[message.id] = true;
    }
    assert_int_equal(fake_node_submits(fixture->rig.node), 1001);
}

static void request_may_come_byte_by_byte(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t ping[] = {0x94, 0x00, 0x07, 0xab, 's', 'e', 'r', 'v',
                            'e',  'r',  '.',  'p',  'i', 'n', 'g', 0x90};
    size_t i;

    for (i = 0; i < sizeof(ping); i++) {
        peer_client_send(&fixture->client, &ping[i], 1);
        loop_turns(&fixture->rig.loop, 2);
    }
    peer_client_result(&fixture->client, 7);
}

static void calls_before_a_broken_message_are_still_answered(void **state)
{
    struct fixture *fixture = *state;
    struct peer_client *client = &fixture->client;

    make_log(fixture);
    fake_node_hold(fixture->rig.node, true);
    peer_client_request(client, 1, "log.trim",
                        "{'log': 'orders', 'before': 1}");
    peer_client_send(client, "\xc1", 1);
    loop_turns(&fixture->rig.loop, 5);
    fake_node_hold(fixture->rig.node, false);
    peer_client_result(client, 1);
    peer_client_expect_end(client);
}

static void refused_request_leaves_the_connection_usable(void **state)
{
    struct fixture *fixture = *state;
    struct peer_client *client = &fixture->client;

    peer_client_request(client, 1, "no.such", "{}");
    peer_client_error(client, 1, QL_UNKNOWN_METHOD);
    peer_client_request(client, 2, "log.create", "{'log': ''}");
    peer_client_error(client, 2, QL_INVALID);
    peer_client_request(client, 3, "log.stat", "{'log': 'none'}");
    peer_client_error(client, 3, QL_NOT_FOUND);
    call(client, "server.ping", "{}");
}

static void hostile_bytes_end_their_connection_only(void **state)
{
    static const char *const hostile[] = {
        "GET / HTTP/1.1\r\n\r\n",
        "\xc1",
        "\xdd\xff\xff\xff\xff",
        "\xdf\xff\xff\xff\xff",
        "\xc6\xff\xff\xff\xff",
        "\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91",
        "\xc0\xc0\xc0",
        "\x94\x01\x01\xc0\x80",
        "\x93\x05\x01\x02",
    };
    struct fixture *fixture = *state;
    struct peer_client other;
    size_t i;

    for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        peer_client_open_tcp(&other, &fixture->rig.loop,
                             server_port(fixture->server, 0));
        peer_client_send(&other, hostile[i], strlen(hostile[i]));
        peer_client_expect_end(&other);
        peer_client_close(&other);
    }
    call(&fixture->client, "server.ping", "{}");
}

static void oversized_request_is_answered_and_its_connection_ends(void **state)
{
    struct fixture *fixture = *state;
    /* A request with id 6 whose value claims 5 MiB. */
    const uint8_t head[] = {0x94, 0x00, 0x06, 0xa1, 'x', 0x91,
                            0xc6, 0x00, 0x50, 0x00, 0x00};

    peer_client_send(&fixture->client, head, sizeof(head));
    peer_client_error(&fixture->client, 6, QL_TOO_LARGE);
    peer_client_expect_end(&fixture->client);
    assert_true(server_buffered(fixture->server) < 64 * KIB);
}

static void largest_request_is_taken(void **state)
{
    struct fixture *fixture = *state;
    struct buf message = BUF_INIT;
    const uint8_t head[] = {0x94, 0x00, 0x06, 0xab, 's', 'e', 'r', 'v',
                            'e',  'r',  '.',  'p',  'i', 'n', 'g', 0x91,
                            0x81, 0xa1, 'x',  0xc6, 0,   0,   0,   0};
    size_t value = REQUEST_BYTES_MAX - sizeof(head);

    buf_reserve(&message, REQUEST_BYTES_MAX);
    memset(message.data, 'x', REQUEST_BYTES_MAX);
    memcpy(message.data, head, sizeof(head));
    message.data[sizeof(head) - 4] = (uint8_t)(value >> 24);
    message.data[sizeof(head) - 3] = (uint8_t)(value >> 16);
    message.data[sizeof(head) - 2] = (uint8_t)(value >> 8);
    message.data[sizeof(head) - 1] = (uint8_t)value;
    peer_client_send(&fixture->client, message.data, REQUEST_BYTES_MAX);
    peer_client_result(&fixture->client, 6);
    loop_turns(&fixture->rig.loop, 3);
    assert_int_equal(server_buffered(fixture->server), 0);
    buf_close(&message);
}

static void client_that_never_reads_costs_a_bounded_buffer(void **state)
{
    struct fixture *fixture = *state;
    struct peer_client *client = &fixture->client;
    struct peer_client other;
    struct buf request = BUF_INIT;
    uint64_t most = 0;
    size_t taken = 0;
    int i;

    make_log(fixture);
    fill_log(fixture, 20);
    notation_pack(&request, "[0, 1, 'log.read', [{'log': 'orders', "
                            "'from': 1, 'stale': true}]]");
    /* Writes until the server has stopped reading for good. */
    for (i = 0; i < 20000 && taken < 4000; i++) {
        if (send(client->fd, request.data, request.len, MSG_NOSIGNAL) > 0) {
            taken++;
        }
        loop_turns(&fixture->rig.loop, 1);
        if (server_buffered(fixture->server) > most) {
            most = server_buffered(fixture->server);
        }
    }
    assert_true(most > SESSION_OUTPUT_MAX / 2);
    assert_true(most <= SESSION_OUTPUT_MAX);
    /* Others do not suffer, and the client gets its answers in the end. */
    peer_client_open_tcp(&other, &fixture->rig.loop,
                         server_port(fixture->server, 0));
    call(&other, "server.ping", "{}");
    peer_client_close(&other);
    for (i = 0; i < 100; i++) {
        peer_client_result(client, 1);
    }
    buf_close(&request);
}

static void calls_above_the_limit_wait_in_the_socket(void **state)
{
    struct fixture *fixture = *state;
    struct peer_client *client = &fixture->client;
    uint32_t count = 3 * SESSION_CALLS_MAX;
    uint32_t i;

    make_log(fixture);
    fake_node_hold(fixture->rig.node, true);
    for (i = 0; i < count; i++) {
        peer_client_request(client, i, "log.trim",
                            "{'log': 'orders', 'before': 1}");
    }
    loop_turns(&fixture->rig.loop, 20);
    assert_int_equal(fake_node_submits(fixture->rig.node),
                     1 + SESSION_CALLS_MAX);
    fake_node_hold(fixture->rig.node, false);
    for (i = 0; i < count; i++) {
        peer_client_result(client, i);
    }
}

static void follow_streams_a_backlog_and_then_what_comes(void **state)
{
    struct fixture *fixture = *state;
    struct peer_client *client = &fixture->client;
    struct follow_entries entries;
    struct rpc_message message;
    uint64_t next = 1;
    struct err err;

    make_log(fixture);
    fill_log(fixture, 60);
    peer_client_request(client, 1, "log.follow",
                        "{'log': 'orders', 'from': 1, 'credit': 16000000}");
    peer_client_result(client, 1);
    while (next < 62) {
        if (next == 61) {
            fill_log(fixture, 1);
        }
        message = peer_client_next(client);
        assert_int_equal(message.type, RPC_NOTIFICATION);
        assert_int_equal(follow_entries_decode(&entries, message.params, &err),
                         0);
        assert_int_equal(entries.entries[0].position, next);
        assert_true(entries.count <= 2);
        next = entries.next;
        follow_entries_free(&entries);
    }
}

static void connections_above_the_limit_are_turned_away(void **state)
{
    struct fixture *fixture = *state;
    struct peer_client many[CONNECTIONS];
    size_t i;

    call(&fixture->client, "server.ping", "{}");
    for (i = 0; i < CONNECTIONS; i++) {
        peer_client_open_tcp(&many[i], &fixture->rig.loop,
                             server_port(fixture->server, 0));
        loop_turns(&fixture->rig.loop, 2);
    }
    assert_int_equal(server_sessions(fixture->server), CONNECTIONS);
    peer_client_expect_end(&many[CONNECTIONS - 1]);
    call(&many[CONNECTIONS - 2], "server.ping", "{}");
    /* Idle ones cost no buffer. */
    assert_int_equal(server_buffered(fixture->server), 0);
    for (i = 0; i < CONNECTIONS; i++) {
        peer_client_close(&many[i]);
    }
    while (server_sessions(fixture->server) > 1) {
        loop_turns(&fixture->rig.loop, 1);
    }
    call(&fixture->client, "server.ping", "{}");
}

static void without_descriptors_clients_are_turned_away(void **state)
{
    struct fixture *fixture = *state;
    struct peer_client late;
    struct rlimit limit;
    struct rlimit tight;
    int next;

    call(&fixture->client, "server.ping", "{}");
    /* The kernel has taken this one; the server has not. */
    peer_client_open_tcp(&late, &fixture->rig.loop,
                         server_port(fixture->server, 0));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    next = dup(late.fd);
    assert_true(next >= 0);
    close(next);
    tight = limit;
    tight.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    peer_client_expect_end(&late);
    call(&fixture->client, "server.ping", "{}");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    peer_client_close(&late);
    peer_client_open_tcp(&late, &fixture->rig.loop,
                         server_port(fixture->server, 0));
    call(&late, "server.ping", "{}");
    peer_client_close(&late);
}

static void client_that_ends_its_side_still_gets_its_answers(void **state)
{
    struct fixture *fixture = *state;
    struct peer_client *client = &fixture->client;

    make_log(fixture);
    fake_node_hold(fixture->rig.node, true);
    peer_client_request(client, 1, "log.stat", "{'log': 'orders'}");
    peer_client_end(client);
    loop_turns(&fixture->rig.loop, 5);
    fake_node_hold(fixture->rig.node, false);
    peer_client_result(client, 1);
    peer_client_expect_end(client);
}

static void client_that_vanishes_leaves_nothing_behind(void **state)
{
    struct fixture *fixture = *state;
    struct peer_client other;

    make_log(fixture);
    fill_log(fixture, 30);
    peer_client_open_tcp(&other, &fixture->rig.loop,
                         server_port(fixture->server, 0));
    call(&other, "writer.acquire", "{'log': 'orders', 'name': 'w'}");
    peer_client_request(&other, 1, "log.follow",
                        "{'log': 'orders', 'from': 1, 'credit': 16000000}");
    peer_client_request(&other, 2, "log.read", "{'log': 'orders', 'from': 1}");
    peer_client_result(&other, 1);
    peer_client_close(&other);
    while (server_sessions(fixture->server) > 1) {
        loop_turns(&fixture->rig.loop, 1);
    }
    call(&fixture->client, "writer.acquire", "{'log': 'orders', 'name': 'w'}");
    assert_int_equal(server_buffered(fixture->server), 0);
}

static void unix_socket_is_private_and_for_operators(void **state)
{
    struct fixture *fixture = *state;
    struct peer_client operator;
    struct stat stat;

    assert_int_equal(lstat(fixture->unix_path, &stat), 0);
    assert_int_equal(stat.st_mode & 0777, 0600);
    peer_client_open_unix(&operator, & fixture->rig.loop, fixture->unix_path);
    call(&operator, "cluster.confirm_clock", "{}");
    peer_client_close(&operator);
}

static void start_expecting(struct fixture *fixture, const char *path,
                            bool with_tcp, int code)
{
    struct server_options options = fixture->options;
    struct server *server = NULL;
    struct address listen = fixture->listen;
    struct err err;

    listen.port = server_port(fixture->server, 0);
    options.listen = &listen;
    options.listen_count = with_tcp ? 1 : 0;
    options.unix_path = path;
    assert_int_equal(server_start(&server, &options, &err), code);
    loop_turns(&fixture->rig.loop, 2);
}

static void limits_may_change_while_it_runs(void **state)
{
    struct fixture *fixture = *state;
    struct peer_client other;

    call(&fixture->client, "server.ping", "{}");
    server_set_limits(fixture->server, 1, 0);
    peer_client_open_tcp(&other, &fixture->rig.loop,
                         server_port(fixture->server, 0));
    peer_client_expect_end(&other);
    peer_client_close(&other);
    call(&fixture->client, "server.ping", "{}");
}

static void taken_addresses_are_refused(void **state)
{
    struct fixture *fixture = *state;
    char path[PATH_LEN_MAX + 16];
    struct err err;

    start_expecting(fixture, fixture->unix_path, false, QL_BUSY);
    start_expecting(fixture, NULL, true, QL_BUSY);
    snprintf(path, sizeof(path), "%s/file", fixture->dir->path);
    assert_int_equal(file_create(path, "x", 1, 0600, &err), 0);
    start_expecting(fixture, path, false, QL_EXISTS);
    memset(path, 'x', 200);
    path[200] = '\0';
    start_expecting(fixture, path, false, QL_INVALID);
    call(&fixture->client, "server.ping", "{}");
}

static void socket_of_a_dead_process_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct server_options options = fixture->options;
    char path[PATH_LEN_MAX + 16];
    char stale[PATH_LEN_MAX + 16];
    struct fixture second = {0};
    struct err err;

    /* What a killed process leaves: its file, and nobody behind it. */
    snprintf(path, sizeof(path), "%s/first", fixture->dir->path);
    snprintf(stale, sizeof(stale), "%s/stale", fixture->dir->path);
    options.listen_count = 0;
    options.unix_path = path;
    assert_int_equal(server_start(&second.server, &options, &err), 0);
    assert_int_equal(link(path, stale), 0);
    server_stop(second.server, on_stopped, &second);
    while (second.server != NULL) {
        loop_turns(&fixture->rig.loop, 1);
    }
    assert_int_equal(access(stale, F_OK), 0);
    options.unix_path = stale;
    assert_int_equal(server_start(&second.server, &options, &err), 0);
    server_stop(second.server, on_stopped, &second);
    while (second.server != NULL) {
        loop_turns(&fixture->rig.loop, 1);
    }
}

static void drained_server_serves_its_sessions_and_takes_no_more(void **state)
{
    struct fixture *fixture = *state;
    struct peer_client *client = &fixture->client;

    make_log(fixture);
    fake_node_hold(fixture->rig.node, true);
    peer_client_request(client, 1, "log.stat", "{'log': 'orders'}");
    loop_turns(&fixture->rig.loop, 3);
    server_drain(fixture->server);
    loop_turns(&fixture->rig.loop, 3);
    assert_int_equal(access(fixture->unix_path, F_OK), -1);
    fake_node_hold(fixture->rig.node, false);
    peer_client_result(client, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(thousand_pipelined_requests_are_all_answered),
        TEST(request_may_come_byte_by_byte),
        TEST(calls_before_a_broken_message_are_still_answered),
        TEST(refused_request_leaves_the_connection_usable),
        TEST(hostile_bytes_end_their_connection_only),
        TEST(oversized_request_is_answered_and_its_connection_ends),
        TEST(largest_request_is_taken),
        TEST(client_that_never_reads_costs_a_bounded_buffer),
        TEST(calls_above_the_limit_wait_in_the_socket),
        TEST(follow_streams_a_backlog_and_then_what_comes),
        TEST(connections_above_the_limit_are_turned_away),
        TEST(without_descriptors_clients_are_turned_away),
        TEST(client_that_ends_its_side_still_gets_its_answers),
        TEST(client_that_vanishes_leaves_nothing_behind),
        TEST(unix_socket_is_private_and_for_operators),
        TEST(limits_may_change_while_it_runs),
        TEST(taken_addresses_are_refused),
        TEST(socket_of_a_dead_process_is_replaced),
        TEST(drained_server_serves_its_sessions_and_takes_no_more),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
