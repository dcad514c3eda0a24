/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/fake_server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/cmocka.h"
#include "wire/args_cluster.h"
#include "wire/rpc.h"

#define MESSAGE_BYTES_MAX (REQUEST_BYTES_MAX + 128u)

static void accept_all(struct fake_server *server);
static void read_conn(struct fake_server *server, size_t index);
static void take_message(struct fake_server *server, size_t index,
                         const uint8_t *bytes, size_t len);
static bool answer_itself(struct fake_server *server, size_t index,
                          const struct rpc_message *message);
static void send_all(int fd, const void *bytes, size_t len);
static void close_conn(struct fake_conn *conn);
static void forget_conn(struct fake_server *server, size_t index);
static void remove_at(struct fake_server *server, size_t index);

void fake_open(struct fake_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    size_t i;

    memset(server, 0, sizeof(*server));
    for (i = 0; i < FAKE_CONNS; i++) {
        server->conns[i].fd = -1;
    }
    server->role = QL_ROLE_LEADER;
    strcpy(server->cluster, "11111111-2222-4333-8444-555555555555");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listen_fd =
        socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(server->listen_fd >= 0);
    assert_int_equal(bind(server->listen_fd, (const struct sockaddr *)&address,
                          sizeof(address)),
                     0);
    assert_int_equal(listen(server->listen_fd, 16), 0);
    assert_int_equal(
        getsockname(server->listen_fd, (struct sockaddr *)&address, &len), 0);
    snprintf(server->endpoint, sizeof(server->endpoint), "127.0.0.1:%u",
             (unsigned)ntohs(address.sin_port));
}

void fake_close(struct fake_server *server)
{
    fake_stop_listening(server);
}

void fake_step(struct fake_server *server)
{
    size_t i;

    if (server->listen_fd < 0) {
        return;
    }
    accept_all(server);
    for (i = 0; i < FAKE_CONNS; i++) {
        if (server->conns[i].fd >= 0) {
            read_conn(server, i);
        }
    }
}

size_t fake_watch(const struct fake_server *server, struct pollfd *fds)
{
    size_t count = 0;
    size_t i;

    if (server->listen_fd < 0) {
        return 0;
    }
    fds[count++] = (struct pollfd){.fd = server->listen_fd, .events = POLLIN};
    for (i = 0; i < FAKE_CONNS; i++) {
        if (server->conns[i].fd >= 0) {
            fds[count++] =
                (struct pollfd){.fd = server->conns[i].fd, .events = POLLIN};
        }
    }
    return count;
}

struct fake_request *fake_find(struct fake_server *server, const char *method)
{
    size_t i;

    for (i = 0; i < server->count; i++) {
        if (strcmp(server->requests[i].method, method) == 0) {
            return &server->requests[i];
        }
    }
    return NULL;
}

size_t fake_count(const struct fake_server *server, const char *method)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < server->count; i++) {
        count += strcmp(server->requests[i].method, method) == 0 ? 1 : 0;
    }
    return count;
}

struct bytes fake_params(const struct fake_request *request)
{
    return (struct bytes){request->params.data, request->params.len};
}

void fake_answer(struct fake_server *server, struct fake_request *request,
                 struct bytes result)
{
    struct buf out = BUF_INIT;

    assert_int_equal(rpc_encode_result(&out, request->id, result), 0);
    send_all(server->conns[request->conn].fd, out.data, out.len);
    buf_close(&out);
    fake_forget(server, request);
}

void fake_refuse(struct fake_server *server, struct fake_request *request,
                 int code, uint64_t position, const char *leader)
{
    const struct rpc_error error = {
        .code = code,
        .message = {(const uint8_t *)"because", 7},
        .leader = {(const uint8_t *)leader,
                   leader != NULL ? strlen(leader) : 0},
        .position = position,
    };
    struct buf out = BUF_INIT;

    assert_int_equal(rpc_encode_error(&out, request->id, &error), 0);
    send_all(server->conns[request->conn].fd, out.data, out.len);
    buf_close(&out);
    fake_forget(server, request);
}

void fake_forget(struct fake_server *server, struct fake_request *request)
{
    remove_at(server, (size_t)(request - server->requests));
}

void fake_notify(struct fake_server *server, const char *method,
                 struct bytes params)
{
    struct buf out = BUF_INIT;

    assert_int_equal(rpc_encode_notification(&out, method, params), 0);
    fake_send(server, out.data, out.len);
    buf_close(&out);
}

void fake_send(struct fake_server *server, const void *bytes, size_t len)
{
    size_t i;

    for (i = 0; i < FAKE_CONNS; i++) {
        if (server->conns[i].fd >= 0) {
            send_all(server->conns[i].fd, bytes, len);
        }
    }
}

void fake_drop(struct fake_server *server)
{
    size_t i;

    for (i = 0; i < FAKE_CONNS; i++) {
        close_conn(&server->conns[i]);
    }
    while (server->count > 0) {
        remove_at(server, 0);
    }
}

void fake_stop_listening(struct fake_server *server)
{
    fake_drop(server);
    if (server->listen_fd >= 0) {
        close(server->listen_fd);
    }
    server->listen_fd = -1;
}

static void accept_all(struct fake_server *server)
{
    size_t i;
    int fd =
        accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    while (fd >= 0) {
        for (i = 0; i < FAKE_CONNS && server->conns[i].fd >= 0; i++) {
        }
        assert_true(i < FAKE_CONNS);
        server->conns[i].fd = fd;
        scan_init(&server->conns[i].scan, MESSAGE_BYTES_MAX);
        server->accepted++;
        fd = accept4(server->listen_fd, NULL, NULL,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
}

static void read_conn(struct fake_server *server, size_t index)
{
    struct fake_conn *conn = &server->conns[index];
    size_t at = 0;
    ssize_t got;

    assert_int_equal(buf_reserve(&conn->in, 65536), 0);
    got = recv(conn->fd, conn->in.data + conn->in.len,
               conn->in.room - conn->in.len, 0);
    if (got < 0) {
        return;
    }
    if (got == 0) {
        close_conn(conn);
        forget_conn(server, index);
        return;
    }
    conn->in.len += (size_t)got;
    for (;;) {
        assert_int_equal(
            scan_feed(&conn->scan, conn->in.data + at, conn->in.len - at, NULL),
            0);
        if (!conn->scan.done) {
            break;
        }
        take_message(server, index, conn->in.data + at, conn->scan.at);
        at += conn->scan.at;
        scan_init(&conn->scan, MESSAGE_BYTES_MAX);
    }
    buf_consume(&conn->in, at);
}

static void take_message(struct fake_server *server, size_t index,
                         const uint8_t *bytes, size_t len)
{
    struct fake_request *request;
    struct rpc_message message;

    assert_int_equal(rpc_decode(&message, bytes, len, NULL), 0);
    assert_int_not_equal(message.type, RPC_RESPONSE);
    if (message.type == RPC_REQUEST && answer_itself(server, index, &message)) {
        return;
    }
    assert_true(server->count < FAKE_REQUESTS);
    request = &server->requests[server->count++];
    memset(request, 0, sizeof(*request));
    request->is_notification = message.type == RPC_NOTIFICATION;
    request->conn = index;
    request->id = message.id;
    memcpy(request->method, message.method.data, message.method.len);
    assert_int_equal(
        buf_add(&request->params, message.params.data, message.params.len), 0);
}

static bool answer_itself(struct fake_server *server, size_t index,
                          const struct rpc_message *message)
{
    struct hello_result hello = {
        .cluster = {(const uint8_t *)server->cluster, ID_TEXT_LEN},
        .version = {(const uint8_t *)"0", 1},
        .protocol = PROTOCOL_VERSION,
        .node = 1,
        .role = server->role,
        .leader = 1,
        .leader_address = {(const uint8_t *)server->leader,
                           strlen(server->leader)},
        .request_bytes_max = REQUEST_BYTES_MAX,
        .calls_max = SESSION_CALLS_MAX,
    };
    struct buf result = BUF_INIT;
    struct buf out = BUF_INIT;
    bool is_hello = message->method.len == 12 &&
                    memcmp(message->method.data, "server.hello", 12) == 0;
    bool is_ping = message->method.len == 11 &&
                   memcmp(message->method.data, "server.ping", 11) == 0;

    if (!is_hello && !is_ping) {
        return false;
    }
    if (server->mute) {
        return true;
    }
    if (is_hello) {
        assert_int_equal(hello_result_encode(&hello, &result), 0);
    }
    assert_int_equal(rpc_encode_result(&out, message->id,
                                       (struct bytes){result.data, result.len}),
                     0);
    send_all(server->conns[index].fd, out.data, out.len);
    buf_close(&result);
    buf_close(&out);
    return true;
}

/* What a test sends fits into the socket's buffer. */
static void send_all(int fd, const void *bytes, size_t len)
{
    if (fd >= 0) {
        assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
    }
}

static void close_conn(struct fake_conn *conn)
{
    if (conn->fd >= 0) {
        close(conn->fd);
    }
    conn->fd = -1;
    buf_close(&conn->in);
}

/* What came over it cannot be answered any more. */
static void forget_conn(struct fake_server *server, size_t index)
{
    size_t i = 0;

    while (i < server->count) {
        if (server->requests[i].conn == index) {
            remove_at(server, i);
        } else {
            i++;
        }
    }
}

static void remove_at(struct fake_server *server, size_t index)
{
    buf_close(&server->requests[index].params);
    memmove(&server->requests[index], &server->requests[index + 1],
            (server->count - index - 1) * sizeof(server->requests[0]));
    server->count--;
}
