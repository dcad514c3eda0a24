/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/peer_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/cmocka.h"
#include "support/notation.h"
#include "util/clock.h"
#include "util/limits.h"
#include "wire/scan.h"

#define WAIT_MS_MAX 20000u
#define RECEIVE_BYTES (64u * KIB)

static void client_open(struct peer_client *client, uv_loop_t *loop,
                        const struct sockaddr *address, socklen_t len);
static void client_receive(struct peer_client *client);

void peer_client_open_tcp(struct peer_client *client, uv_loop_t *loop,
                          uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client_open(client, loop, (const struct sockaddr *)&address,
                sizeof(address));
}

void peer_client_open_unix(struct peer_client *client, uv_loop_t *loop,
                           const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    client_open(client, loop, (const struct sockaddr *)&address,
                sizeof(address));
}

void peer_client_close(struct peer_client *client)
{
    close(client->fd);
    buf_close(&client->in);
}

void peer_client_send(struct peer_client *client, const void *bytes, size_t len)
{
    uint64_t deadline = clock_monotonic_ms() + WAIT_MS_MAX;
    const uint8_t *at = bytes;

    while (len > 0) {
        ssize_t sent = send(client->fd, at, len, MSG_NOSIGNAL);

        if (sent > 0) {
            at += sent;
            len -= (size_t)sent;
        } else if (errno == EAGAIN) {
            client_receive(client);
        } else {
            return;
        }
        uv_run(client->loop, UV_RUN_NOWAIT);
        assert_true(clock_monotonic_ms() < deadline);
    }
}

void peer_client_request(struct peer_client *client, uint32_t id,
                         const char *method, const char *params)
{
    struct buf encoded = BUF_INIT;
    struct buf message = BUF_INIT;

    notation_pack(&encoded, params);
    rpc_encode_request(&message, id, method,
                       (struct bytes){encoded.data, encoded.len});
    peer_client_send(client, message.data, message.len);
    buf_close(&encoded);
    buf_close(&message);
}

struct rpc_message peer_client_next(struct peer_client *client)
{
    uint64_t deadline = clock_monotonic_ms() + WAIT_MS_MAX;
    struct rpc_message message;
    struct scan scan;
    struct err err;

    buf_consume(&client->in, client->taken);
    client->taken = 0;
    scan_init(&scan, RESPONSE_BYTES_MAX);
    for (;;) {
        if (client->in.len > 0) {
            assert_int_equal(
                scan_feed(&scan, client->in.data, client->in.len, &err), 0);
        }
        if (scan.done) {
            break;
        }
        assert_false(client->ended);
        assert_true(clock_monotonic_ms() < deadline);
        uv_run(client->loop, UV_RUN_NOWAIT);
        client_receive(client);
    }
    client->taken = scan.at;
    assert_int_equal(rpc_decode(&message, client->in.data, scan.at, &err), 0);
    return message;
}

struct bytes peer_client_result(struct peer_client *client, uint32_t id)
{
    struct rpc_message message = peer_client_next(client);

    assert_int_equal(message.type, RPC_RESPONSE);
    assert_int_equal(message.id, id);
    assert_int_equal(message.error.len, 0);
    return message.result;
}

struct rpc_error peer_client_error(struct peer_client *client, uint32_t id,
                                   int code)
{
    struct rpc_message message = peer_client_next(client);
    struct rpc_error error;
    struct err err;

    assert_int_equal(message.type, RPC_RESPONSE);
    assert_int_equal(message.id, id);
    assert_int_equal(rpc_error_decode(&error, message.error, &err), 0);
    assert_int_equal(error.code, code);
    return error;
}

void peer_client_expect_end(struct peer_client *client)
{
    uint64_t deadline = clock_monotonic_ms() + WAIT_MS_MAX;

    while (!client->ended) {
        assert_true(clock_monotonic_ms() < deadline);
        uv_run(client->loop, UV_RUN_NOWAIT);
        client_receive(client);
        client->in.len = 0;
        client->taken = 0;
    }
}

void peer_client_end(struct peer_client *client)
{
    shutdown(client->fd, SHUT_WR);
}

void loop_turns(uv_loop_t *loop, int count)
{
    while (count-- > 0) {
        uv_run(loop, UV_RUN_NOWAIT);
    }
}

static void client_open(struct peer_client *client, uv_loop_t *loop,
                        const struct sockaddr *address, socklen_t len)
{
    memset(client, 0, sizeof(*client));
    client->loop = loop;
    client->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client->fd >= 0);
    /* The backlog completes it without the server's help. */
    assert_int_equal(connect(client->fd, address, len), 0);
    assert_int_equal(fcntl(client->fd, F_SETFL, O_NONBLOCK), 0);
}

/* What is here, at most one buffer of it. */
static void client_receive(struct peer_client *client)
{
    ssize_t got;

    assert_int_equal(buf_reserve(&client->in, RECEIVE_BYTES), 0);
    got = recv(client->fd, client->in.data + client->in.len, RECEIVE_BYTES, 0);
    if (got > 0) {
        client->in.len += (size_t)got;
    } else if (got == 0 || errno != EAGAIN) {
        client->ended = true;
    }
}
