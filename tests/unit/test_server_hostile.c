/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Clients that send or take too much, too little, or the wrong thing. */
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/server.h"
#include "support/cmocka.h"
#include "support/notation.h"
#include "support/served.h"
#include "util/limits.h"

static void calls_before_a_broken_message_are_still_answered(void **state)
{
    struct served *served = *state;
    struct peer_client *client = &served->client;

    served_make_log(served);
    fake_node_hold(served->rig.node, true);
    peer_client_request(client, 1, "log.trim",
                        "{'log': 'orders', 'before': 1}");
    peer_client_send(client, "\xc1", 1);
    loop_turns(&served->rig.loop, 5);
    fake_node_hold(served->rig.node, false);
    peer_client_result(client, 1);
    peer_client_expect_end(client);
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
    struct served *served = *state;
    struct peer_client other;
    size_t i;

    for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        peer_client_open_tcp(&other, &served->rig.loop,
                             server_port(served->server, 0));
        peer_client_send(&other, hostile[i], strlen(hostile[i]));
        peer_client_expect_end(&other);
        peer_client_close(&other);
    }
    served_call(&served->client, "server.ping", "{}");
}

static void oversized_request_is_answered_and_its_connection_ends(void **state)
{
    struct served *served = *state;
    /* A request with id 6 whose value claims 5 MiB. */
    const uint8_t head[] = {0x94, 0x00, 0x06, 0xa1, 'x', 0x91,
                            0xc6, 0x00, 0x50, 0x00, 0x00};

    peer_client_send(&served->client, head, sizeof(head));
    peer_client_error(&served->client, 6, QL_TOO_LARGE);
    peer_client_expect_end(&served->client);
    assert_true(server_buffered(served->server) < 64 * KIB);
}

static void largest_request_is_taken(void **state)
{
    struct served *served = *state;
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
    peer_client_send(&served->client, message.data, REQUEST_BYTES_MAX);
    peer_client_result(&served->client, 6);
    loop_turns(&served->rig.loop, 3);
    assert_int_equal(server_buffered(served->server), 0);
    buf_close(&message);
}

static void client_that_never_reads_costs_a_bounded_buffer(void **state)
{
    struct served *served = *state;
    struct peer_client *client = &served->client;
    struct peer_client other;
    struct buf request = BUF_INIT;
    uint64_t most = 0;
    size_t taken = 0;
    int i;

    served_make_log(served);
    served_fill_log(served, 20);
    notation_pack(&request, "[0, 1, 'log.read', [{'log': 'orders', "
                            "'from': 1, 'stale': true}]]");
    /* Writes until the server has stopped reading for good. */
    for (i = 0; i < 20000 && taken < 4000; i++) {
        if (send(client->fd, request.data, request.len, MSG_NOSIGNAL) > 0) {
            taken++;
        }
        loop_turns(&served->rig.loop, 1);
        if (server_buffered(served->server) > most) {
            most = server_buffered(served->server);
        }
    }
    assert_true(most > SESSION_OUTPUT_MAX / 2);
    assert_true(most <= SESSION_OUTPUT_MAX);
    /* Others do not suffer, and the client gets its answers in the end. */
    peer_client_open_tcp(&other, &served->rig.loop,
                         server_port(served->server, 0));
    served_call(&other, "server.ping", "{}");
    peer_client_close(&other);
    for (i = 0; i < 100; i++) {
        peer_client_result(client, 1);
    }
    buf_close(&request);
}

static void calls_above_the_limit_wait_in_the_socket(void **state)
{
    struct served *served = *state;
    struct peer_client *client = &served->client;
    uint32_t count = 3 * SESSION_CALLS_MAX;
    uint32_t i;

    served_make_log(served);
    fake_node_hold(served->rig.node, true);
    for (i = 0; i < count; i++) {
        peer_client_request(client, i, "log.trim",
                            "{'log': 'orders', 'before': 1}");
    }
    loop_turns(&served->rig.loop, 20);
    assert_int_equal(fake_node_submits(served->rig.node),
                     1 + SESSION_CALLS_MAX);
    fake_node_hold(served->rig.node, false);
    for (i = 0; i < count; i++) {
        peer_client_result(client, i);
    }
}

static void connections_above_the_limit_are_turned_away(void **state)
{
    struct served *served = *state;
    struct peer_client many[SERVED_CONNECTIONS_MAX];
    size_t i;

    served_call(&served->client, "server.ping", "{}");
    for (i = 0; i < SERVED_CONNECTIONS_MAX; i++) {
        peer_client_open_tcp(&many[i], &served->rig.loop,
                             server_port(served->server, 0));
        loop_turns(&served->rig.loop, 2);
    }
    assert_int_equal(server_sessions(served->server), SERVED_CONNECTIONS_MAX);
    peer_client_expect_end(&many[SERVED_CONNECTIONS_MAX - 1]);
    served_call(&many[SERVED_CONNECTIONS_MAX - 2], "server.ping", "{}");
    /* Idle ones cost no buffer. */
    assert_int_equal(server_buffered(served->server), 0);
    for (i = 0; i < SERVED_CONNECTIONS_MAX; i++) {
        peer_client_close(&many[i]);
    }
    while (server_sessions(served->server) > 1) {
        loop_turns(&served->rig.loop, 1);
    }
    served_call(&served->client, "server.ping", "{}");
}

static void without_descriptors_clients_are_turned_away(void **state)
{
    struct served *served = *state;
    struct peer_client late;
    struct rlimit limit;
    struct rlimit tight;
    int next;

    served_call(&served->client, "server.ping", "{}");
    /* The kernel has taken this one; the server has not. */
    peer_client_open_tcp(&late, &served->rig.loop,
                         server_port(served->server, 0));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    next = dup(late.fd);
    assert_true(next >= 0);
    close(next);
    tight = limit;
    tight.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    peer_client_expect_end(&late);
    served_call(&served->client, "server.ping", "{}");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    peer_client_close(&late);
    peer_client_open_tcp(&late, &served->rig.loop,
                         server_port(served->server, 0));
    served_call(&late, "server.ping", "{}");
    peer_client_close(&late);
}

static void limits_may_change_while_it_runs(void **state)
{
    struct served *served = *state;
    struct peer_client other;

    served_call(&served->client, "server.ping", "{}");
    server_set_limits(served->server, 1, 0);
    peer_client_open_tcp(&other, &served->rig.loop,
                         server_port(served->server, 0));
    peer_client_expect_end(&other);
    peer_client_close(&other);
    served_call(&served->client, "server.ping", "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, served_setup, served_teardown)
        TEST(calls_before_a_broken_message_are_still_answered),
        TEST(hostile_bytes_end_their_connection_only),
        TEST(oversized_request_is_answered_and_its_connection_ends),
        TEST(largest_request_is_taken),
        TEST(client_that_never_reads_costs_a_bounded_buffer),
        TEST(calls_above_the_limit_wait_in_the_socket),
        TEST(connections_above_the_limit_are_turned_away),
        TEST(without_descriptors_clients_are_turned_away),
        TEST(limits_may_change_while_it_runs),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
