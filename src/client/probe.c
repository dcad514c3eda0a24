/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/probe.h"

#include <stdlib.h>

#include "client/client.h"

#define PROBE_ID 1u

static void step(struct probe *probe);
static int on_message(void *data, const uint8_t *bytes, size_t len,
                      struct err *err);
static int send_request(struct probe *probe, struct err *err);
static void finish(struct probe *probe, const struct ql_error *error,
                   struct bytes result);
static void fail(struct probe *probe, int code, const char *text);
static void probe_free(struct probe *probe);

int probe_start(struct ql_client *client, const struct address *address,
                struct request *request, struct ql_error *error)
{
    struct probe *probe = calloc(1, sizeof(*probe));

    if (probe == NULL) {
        return error_set(error, QL_NO_MEMORY, "out of memory");
    }
    probe->client = client;
    probe->address = *address;
    probe->request = request;
    conn_init(&probe->conn, client->epoll_fd, on_message, probe);
    list_push_back(&client->probes, &probe->link);
    client_wake(client);
    return 0;
}

bool probe_on_events(struct ql_client *client, uint64_t serial, uint32_t events)
{
    struct list *link;

    for (link = client->probes.next; link != &client->probes;
         link = link->next) {
        struct probe *probe = LIST_ITEM(link, struct probe, link);
        bool was_connected = probe->conn.connected;
        struct err err;
        int rv;

        if (probe->conn.serial != serial || probe->conn.fd < 0) {
            continue;
        }
        rv = conn_on_events(&probe->conn, events, client->now_ms, &err);
        if (rv == 0 && !was_connected && probe->conn.connected) {
            rv = send_request(probe, &err);
        }
        if (rv != 0) {
            fail(probe, rv == QL_PROTOCOL ? rv : QL_CONNECT, err.text);
        }
        return true;
    }
    return false;
}

void probe_step_all(struct ql_client *client)
{
    struct list *link = client->probes.next;

    while (link != &client->probes) {
        struct probe *probe = LIST_ITEM(link, struct probe, link);

        link = link->next;
        step(probe);
        if (probe->request == NULL) {
            probe_free(probe);
        }
    }
}

void probe_cancel_all(struct ql_client *client)
{
    while (!list_empty(&client->probes)) {
        struct probe *probe =
            LIST_ITEM(client->probes.next, struct probe, link);

        fail(probe, QL_CANCELED, "the client was closed");
        probe_free(probe);
    }
}

static void step(struct probe *probe)
{
    struct ql_client *client = probe->client;
    uint64_t until;
    struct err err;
    int rv;

    if (probe->request == NULL) {
        return;
    }
    if (probe->opened_ms == 0) {
        probe->opened_ms = client->now_ms;
        rv = conn_open(&probe->conn, &probe->address, client->next_serial++,
                       client->now_ms, &err);
        if (rv != 0) {
            fail(probe, QL_CONNECT, err.text);
            return;
        }
    }
    until = probe->request->deadline_ms;
    if (!probe->conn.connected &&
        probe->opened_ms + client->connect_timeout_ms < until) {
        until = probe->opened_ms + client->connect_timeout_ms;
    }
    if (client->now_ms < until) {
        client_timer(client, until);
    } else if (probe->conn.connected) {
        fail(probe, QL_TIMEOUT, "the deadline passed before an answer came");
    } else {
        fail(probe, QL_CONNECT, "the connection was not accepted in time");
    }
}

static int send_request(struct probe *probe, struct err *err)
{
    const struct request *request = probe->request;
    const struct bytes params = {request->params.data, request->params.len};

    if (rpc_encode_request(&probe->conn.out, PROBE_ID, request->method->name,
                           params) != 0) {
        return err_set(err, QL_NO_MEMORY, "out of memory for a request");
    }
    return conn_flush(&probe->conn, probe->client->now_ms, err);
}

static int on_message(void *data, const uint8_t *bytes, size_t len,
                      struct err *err)
{
    struct probe *probe = data;
    struct rpc_message message;
    struct rpc_error refusal;
    struct ql_error error;
    int rv = rpc_decode(&message, bytes, len, err);

    if (rv != 0) {
        return rv;
    }
    if (message.type != RPC_RESPONSE || message.id != PROBE_ID ||
        probe->request == NULL) {
        return 0;
    }
    if (message.error.len == 0) {
        finish(probe, NULL, message.result);
        return 0;
    }
    rv = rpc_error_decode(&refusal, message.error, err);
    if (rv != 0) {
        return rv;
    }
    error_from_server(&error, &refusal, probe->conn.peer);
    finish(probe, &error, (struct bytes){NULL, 0});
    return 0;
}

static void finish(struct probe *probe, const struct ql_error *error,
                   struct bytes result)
{
    struct request *request = probe->request;

    probe->request = NULL;
    request_finish(request, error, result);
}

static void fail(struct probe *probe, int code, const char *text)
{
    struct ql_error error;

    if (probe->request == NULL) {
        return;
    }
    conn_close(&probe->conn);
    error_set(&error, code, "%s: %s", probe->conn.peer, text);
    finish(probe, &error, (struct bytes){NULL, 0});
}

static void probe_free(struct probe *probe)
{
    list_remove(&probe->link);
    conn_close(&probe->conn);
    free(probe);
}
