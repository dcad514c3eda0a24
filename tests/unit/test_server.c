/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "server/server.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/cmocka.h"
#include "support/served.h"
#include "util/file.h"
#include "wire/args_read.h"

static void thousand_pipelined_requests_are_all_answered(void **state)
{
    struct served *served = *state;
    struct peer_client *client = &served->client;
    struct rpc_message message;
    bool seen[1000] = {false};
    uint32_t i;

    served_make_log(served);
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
    assert_int_equal(fake_node_submits(served->rig.node), 1001);
}

static void request_may_come_byte_by_byte(void **state)
{
    struct served *served = *state;
    const uint8_t ping[] = {0x94, 0x00, 0x07, 0xab, 's', 'e', 'r', 'v',
                            'e',  'r',  '.',  'p',  'i', 'n', 'g', 0x90};
    size_t i;

    for (i = 0; i < sizeof(ping); i++) {
        peer_client_send(&served->client, &ping[i], 1);
        loop_turns(&served->rig.loop, 2);
    }
    peer_client_result(&served->client, 7);
}

static void refused_request_leaves_the_connection_usable(void **state)
{
    struct served *served = *state;
    struct peer_client *client = &served->client;

    peer_client_request(client, 1, "no.such", "{}");
    peer_client_error(client, 1, QL_UNKNOWN_METHOD);
    peer_client_request(client, 2, "log.create", "{'log': ''}");
    peer_client_error(client, 2, QL_INVALID);
    peer_client_request(client, 3, "log.stat", "{'log': 'none'}");
    peer_client_error(client, 3, QL_NOT_FOUND);
    served_call(client, "server.ping", "{}");
}

static void follow_streams_a_backlog_and_then_what_comes(void **state)
{
    struct served *served = *state;
    struct peer_client *client = &served->client;
    struct follow_entries entries;
    struct rpc_message message;
    uint64_t next = 1;
    struct err err;

    served_make_log(served);
    served_fill_log(served, 60);
    peer_client_request(client, 1, "log.follow",
                        "{'log': 'orders', 'from': 1, 'credit': 16000000}");
    peer_client_result(client, 1);
    while (next < 62) {
        if (next == 61) {
            served_fill_log(served, 1);
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

static void client_that_ends_its_side_still_gets_its_answers(void **state)
{
    struct served *served = *state;
    struct peer_client *client = &served->client;

    served_make_log(served);
    fake_node_hold(served->rig.node, true);
    peer_client_request(client, 1, "log.stat", "{'log': 'orders'}");
    peer_client_end(client);
    loop_turns(&served->rig.loop, 5);
    fake_node_hold(served->rig.node, false);
    peer_client_result(client, 1);
    peer_client_expect_end(client);
}

static void client_that_vanishes_leaves_nothing_behind(void **state)
{
    struct served *served = *state;
    struct peer_client other;

    served_make_log(served);
    served_fill_log(served, 30);
    peer_client_open_tcp(&other, &served->rig.loop,
                         server_port(served->server, 0));
    served_call(&other, "writer.acquire", "{'log': 'orders', 'name': 'w'}");
    peer_client_request(&other, 1, "log.follow",
                        "{'log': 'orders', 'from': 1, 'credit': 16000000}");
    peer_client_request(&other, 2, "log.read", "{'log': 'orders', 'from': 1}");
    peer_client_result(&other, 1);
    peer_client_close(&other);
    while (server_sessions(served->server) > 1) {
        loop_turns(&served->rig.loop, 1);
    }
    served_call(&served->client, "writer.acquire",
                "{'log': 'orders', 'name': 'w'}");
    assert_int_equal(server_buffered(served->server), 0);
}

/* It waits for something to happen, although much has not been taken yet. */
static void loop_comes_to_rest(uv_loop_t *loop)
{
    unsigned turns = 0;

    do {
        assert_true(++turns < 100);
        (void)uv_run(loop, UV_RUN_NOWAIT);
    } while (uv_backend_timeout(loop) == 0);
}

#define ASKING 6u
#define READS 10u

static void many_large_answers_share_the_turns_of_the_loop(void **state)
{
    struct served *served = *state;
    struct peer_client clients[ASKING];
    uint64_t buffered = 0;
    unsigned turns = 0;
    uint32_t id;
    size_t i;

    served_make_log(served);
    served_fill_log(served, 20);
    served_call(&served->client, "server.ping", "{}");
    fake_node_hold(served->rig.node, true);
    for (i = 0; i < ASKING; i++) {
        peer_client_open_tcp(&clients[i], &served->rig.loop,
                             server_port(served->server, 0));
        for (id = 1; id <= READS; id++) {
            peer_client_request(&clients[i], id, "log.read",
                                "{'log': 'orders', 'from': 1}");
        }
    }
    loop_turns(&served->rig.loop, 5);
    fake_node_hold(served->rig.node, false);
    peer_client_request(&served->client, 1, "server.ping", "{}");
    /* Nobody takes them: each connection gets as much as there is room for. */
    while (buffered < ASKING * SESSION_OUTPUT_MAX / 4) {
        uint64_t before = buffered;

        (void)uv_run(&served->rig.loop, UV_RUN_NOWAIT);
        buffered = server_buffered(served->server);
        assert_true(buffered < before + SERVICE_TURN_BYTES + 4 * MIB);
        assert_true(++turns < 100);
        if (buffered < ASKING * SESSION_OUTPUT_MAX / 4) {
            assert_int_equal(uv_backend_timeout(&served->rig.loop), 0);
        }
    }
    loop_comes_to_rest(&served->rig.loop);
    assert_true(turns >= ASKING * SESSION_OUTPUT_MAX / 4 / (8 * MIB));
    peer_client_result(&served->client, 1);
    for (i = 0; i < ASKING; i++) {
        for (id = 1; id <= READS; id++) {
            peer_client_result(&clients[i], id);
        }
        peer_client_close(&clients[i]);
    }
}

/* Without a turn of the loop. */
static void send_at_once(const struct peer_client *client, const void *bytes,
                         size_t len)
{
    assert_int_equal(send(client->fd, bytes, len, 0), len);
}

#define CURIOUS 16u
#define QUESTIONS 3000u

static void small_answers_are_made_in_bounded_turns_as_well(void **state)
{
    static const uint8_t question[] = {0x94, 0x00, 0x07, 0xae, 's', 'e', 'r',
                                       'v',  'e',  'r',  '.',  'm', 'e', 't',
                                       'r',  'i',  'c',  's',  0x90};
    static uint8_t questions[QUESTIONS][sizeof(question)];
    struct served *served = *state;
    struct peer_client clients[CURIOUS];
    size_t i;

    for (i = 0; i < QUESTIONS; i++) {
        memcpy(questions[i], question, sizeof(question));
    }
    for (i = 0; i < CURIOUS; i++) {
        peer_client_open_unix(&clients[i], &served->rig.loop,
                              served->unix_path);
    }
    loop_turns(&served->rig.loop, 2);
    for (i = 0; i < CURIOUS; i++) {
        send_at_once(&clients[i], questions, sizeof(questions));
    }
    send_at_once(&served->client, question, sizeof(question));
    /* Nearly nothing of it fits into these sockets, and blocks are not all full. */
    (void)uv_run(&served->rig.loop, UV_RUN_NOWAIT);
    assert_in_range(server_buffered(served->server), SERVICE_TURN_BYTES,
                    SERVICE_TURN_BYTES_MAX * 3 / 2);
    /* For this one nothing was left in either of two turns. */
    peer_client_result(&served->client, 7);
    for (i = 0; i < CURIOUS; i++) {
        peer_client_close(&clients[i]);
    }
}

#define GREEDY 24u

/* Answers of @client that are there; it keeps none. */
static size_t take_all(const struct peer_client *client)
{
    static uint8_t bytes[256 * KIB];
    size_t taken = 0;
    ssize_t got;

    while ((got = recv(client->fd, bytes, sizeof(bytes), 0)) > 0) {
        taken += (size_t)got;
    }
    return taken;
}

static void who_got_nothing_in_a_turn_is_first_in_the_next(void **state)
{
    struct served *served = *state;
    struct peer_client clients[GREEDY];
    size_t taken[GREEDY] = {0};
    unsigned served_count = 0;
    unsigned turns = 0;
    size_t i;

    served_make_log(served);
    served_fill_log(served, 20);
    fake_node_hold(served->rig.node, true);
    for (i = 0; i < GREEDY; i++) {
        peer_client_open_tcp(&clients[i], &served->rig.loop,
                             server_port(served->server, 0));
        for (uint32_t id = 1; id <= READS; id++) {
            peer_client_request(&clients[i], id, "log.read",
                                "{'log': 'orders', 'from': 1}");
        }
    }
    loop_turns(&served->rig.loop, 5);
    fake_node_hold(served->rig.node, false);
    /* They take all at once, so the first could go on and on. */
    while (served_count < GREEDY) {
        assert_true(++turns <= GREEDY);
        (void)uv_run(&served->rig.loop, UV_RUN_NOWAIT);
        served_count = 0;
        for (i = 0; i < GREEDY; i++) {
            taken[i] += take_all(&clients[i]);
            served_count += taken[i] > 0;
        }
    }
    for (i = 0; i < GREEDY; i++) {
        peer_client_close(&clients[i]);
    }
}

static void unix_socket_is_private_and_for_operators(void **state)
{
    struct served *served = *state;
    struct peer_client operator;
    struct stat stat;

    assert_int_equal(lstat(served->unix_path, &stat), 0);
    assert_int_equal(stat.st_mode & 0777, 0600);
    peer_client_open_unix(&operator, & served->rig.loop, served->unix_path);
    served_call(&operator, "cluster.confirm_clock", "{}");
    peer_client_close(&operator);
}

static void start_expecting(struct served *served, const char *path,
                            bool with_tcp, int code)
{
    struct server_options options = served->options;
    struct server *server = NULL;
    struct address listen = served->listen;
    struct err err;

    listen.port = server_port(served->server, 0);
    options.listen = &listen;
    options.listen_count = with_tcp ? 1 : 0;
    options.unix_path = path;
    assert_int_equal(server_start(&server, &options, &err), code);
    loop_turns(&served->rig.loop, 2);
}

static void taken_addresses_are_refused(void **state)
{
    struct served *served = *state;
    char path[PATH_LEN_MAX + 16];
    struct err err;

    start_expecting(served, served->unix_path, false, QL_BUSY);
    start_expecting(served, NULL, true, QL_BUSY);
    snprintf(path, sizeof(path), "%s/file", served->dir->path);
    assert_int_equal(file_create(path, "x", 1, 0600, &err), 0);
    start_expecting(served, path, false, QL_EXISTS);
    memset(path, 'x', 200);
    path[200] = '\0';
    start_expecting(served, path, false, QL_INVALID);
    served_call(&served->client, "server.ping", "{}");
}

static void socket_of_a_dead_process_is_replaced(void **state)
{
    struct served *served = *state;
    struct server_options options = served->options;
    char path[PATH_LEN_MAX + 16];
    char stale[PATH_LEN_MAX + 16];
    struct server *second;
    struct err err;

    /* What a killed process leaves: its file, and nobody behind it. */
    snprintf(path, sizeof(path), "%s/first", served->dir->path);
    snprintf(stale, sizeof(stale), "%s/stale", served->dir->path);
    options.listen_count = 0;
    options.unix_path = path;
    assert_int_equal(server_start(&second, &options, &err), 0);
    assert_int_equal(link(path, stale), 0);
    served_stop(served, second);
    assert_int_equal(access(stale, F_OK), 0);
    options.unix_path = stale;
    assert_int_equal(server_start(&second, &options, &err), 0);
    served_stop(served, second);
}

static void drained_server_serves_its_sessions_and_takes_no_more(void **state)
{
    struct served *served = *state;
    struct peer_client *client = &served->client;

    served_make_log(served);
    fake_node_hold(served->rig.node, true);
    peer_client_request(client, 1, "log.stat", "{'log': 'orders'}");
    loop_turns(&served->rig.loop, 3);
    server_drain(served->server);
    loop_turns(&served->rig.loop, 3);
    assert_int_equal(access(served->unix_path, F_OK), -1);
    fake_node_hold(served->rig.node, false);
    peer_client_result(client, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, served_setup, served_teardown)
        TEST(thousand_pipelined_requests_are_all_answered),
        TEST(request_may_come_byte_by_byte),
        TEST(refused_request_leaves_the_connection_usable),
        TEST(follow_streams_a_backlog_and_then_what_comes),
        TEST(client_that_ends_its_side_still_gets_its_answers),
        TEST(client_that_vanishes_leaves_nothing_behind),
        TEST(many_large_answers_share_the_turns_of_the_loop),
        TEST(small_answers_are_made_in_bounded_turns_as_well),
        TEST(who_got_nothing_in_a_turn_is_first_in_the_next),
        TEST(unix_socket_is_private_and_for_operators),
        TEST(taken_addresses_are_refused),
        TEST(socket_of_a_dead_process_is_replaced),
        TEST(drained_server_serves_its_sessions_and_takes_no_more),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
