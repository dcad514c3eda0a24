/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/uplink.h"

#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/reader.h"
#include "client/uplink_message.h"

/* The envelope around the parameters, with the longest method name. */
#define ENVELOPE_BYTES 64u

static void connect_somewhere(struct ql_client *client);
static int connect_once(struct ql_client *client, struct err *err);
static bool wants_connection(const struct ql_client *client);
static void check_silence(struct ql_client *client);
static void await_sign(struct ql_client *client);
static void leave_for_leader(struct ql_client *client);
static void lose(struct ql_client *client, int rv, const struct err *err);
static void drop(struct ql_client *client);
static void note_trouble(struct ql_client *client, int rv,
                         const struct err *err);
static bool no_leader_still_holds(const struct ql_client *client);
static void send_due(struct ql_client *client);

void uplink_init(struct ql_client *client)
{
    memset(&client->uplink, 0, sizeof(client->uplink));
    conn_init(&client->uplink.conn, client->epoll_fd, uplink_on_message,
              client);
}

void uplink_close(struct ql_client *client)
{
    conn_close(&client->uplink.conn);
    client->uplink.ready = false;
    client->uplink.is_leader = false;
}

void uplink_on_events(struct ql_client *client, uint32_t events)
{
    struct uplink *uplink = &client->uplink;
    bool was_connected = uplink->conn.connected;
    struct err err;
    int rv;

    rv = conn_on_events(&uplink->conn, events, client->now_ms, &err);
    if (rv == 0 && !was_connected && uplink->conn.connected) {
        rv = uplink_send_hello(client, &err);
    }
    if (rv != 0) {
        lose(client, rv, &err);
    }
}

void uplink_step(struct ql_client *client)
{
    struct uplink *uplink = &client->uplink;
    struct err err;

    if (uplink->conn.fd >= 0 && !uplink->ready) {
        uint64_t until = uplink->opened_ms + client->connect_timeout_ms;

        if (client->now_ms >= until) {
            err_set(&err, QL_CONNECT, "no answer within %u ms",
                    client->connect_timeout_ms);
            lose(client, QL_CONNECT, &err);
        } else {
            client_timer(client, until);
        }
    }
    if (uplink->ready) {
        check_silence(client);
    }
    if (uplink->ready && !uplink->is_leader && request_wants_leader(client)) {
        leave_for_leader(client);
    }
    if (uplink->conn.fd < 0) {
        connect_somewhere(client);
    }
    send_due(client);
    await_sign(client);
}

bool uplink_has_room(const struct ql_client *client)
{
    const struct uplink *uplink = &client->uplink;

    return uplink->ready && uplink->open_calls < uplink->calls_max &&
           conn_queued(&uplink->conn) < CLIENT_OUTPUT_BYTES;
}

bool uplink_takes(const struct ql_client *client, const struct request *request)
{
    return request->params.len + ENVELOPE_BYTES <=
           client->uplink.request_bytes_max;
}

int uplink_send(struct ql_client *client, struct request *request,
                struct err *err)
{
    struct uplink *uplink = &client->uplink;
    const struct bytes params = {request->params.data, request->params.len};
    uint64_t stream_at = conn_stream_end(&uplink->conn);
    uint32_t id = uplink_next_id(uplink);
    int rv = rpc_encode_request(&uplink->conn.out, id, request->method->name,
                                params);

    if (rv != 0) {
        return err_set(err, rv, "out of memory for a request");
    }
    if (uplink->open_calls == 0) {
        uplink->conn.progress_ms =
            client->now_ms; /* silence counts from here */
    }
    request->id = id;
    request->stream_at = stream_at;
    request->in_flight = true;
    uplink->once_in_flight += request->send_once ? 1 : 0;
    uplink->open_calls++;
    list_push_back(&client->in_flight, &request->link);
    return 0;
}

void uplink_notify(struct ql_client *client, const char *method,
                   struct bytes params)
{
    struct uplink *uplink = &client->uplink;

    if (uplink->ready) {
        /* Credit that is lost for want of memory only slows a stream down, and
         * the silence rule ends a stream that stands still for good. */
        (void)rpc_encode_notification(&uplink->conn.out, method, params);
        client_wake(client);
    }
}

void uplink_not_leader(struct ql_client *client,
                       const struct rpc_error *refusal)
{
    uplink_leader_changed(client, refusal->leader);
}

void uplink_leader_changed(struct ql_client *client, struct bytes leader)
{
    struct uplink *uplink = &client->uplink;
    const char *peer = uplink->conn.peer;

    uplink->is_leader = false;
    /* A node that sends us to itself knows no better than to try again. */
    if (strlen(peer) == leader.len &&
        memcmp(peer, leader.data, leader.len) == 0) {
        return;
    }
    route_hint(&client->route, leader);
}

/* ---- Connecting ---------------------------------------------------------- */

static bool wants_connection(const struct ql_client *client)
{
    return !list_empty(&client->waiting) ||
           append_queue_wants_leader(&client->appends);
}

/* Refusals that come at once are followed by the next endpoint at once, until
 * the route asks for a delay. */
static void connect_somewhere(struct ql_client *client)
{
    struct err err;
    int rv = QL_CONNECT;

    while (rv != 0 && wants_connection(client)) {
        if (client->route.not_before_ms > client->now_ms) {
            client_timer(client, client->route.not_before_ms);
            return;
        }
        rv = connect_once(client, &err);
        if (rv != 0) {
            lose(client, rv, &err);
        }
    }
}

static int connect_once(struct ql_client *client, struct err *err)
{
    struct uplink *uplink = &client->uplink;
    const struct address *address = route_take(&client->route);

    uplink->ready = false;
    uplink->is_leader = false;
    uplink->opened_ms = client->now_ms;
    uplink->open_calls = 0;
    uplink->next_id = 0;
    uplink->hello_id = 0;
    uplink->ping_id = 0;
    uplink->pinged_ms = 0;
    uplink->parting_ms = 0;
    client_timer(client, client->now_ms + client->connect_timeout_ms);
    return conn_open(&uplink->conn, address, client->next_serial++,
                     client->now_ms, err);
}

uint64_t uplink_asked_ms(const struct ql_client *client)
{
    const struct uplink *uplink = &client->uplink;

    if (uplink->conn.fd < 0) {
        return 0;
    }
    if (!uplink->ready) {
        return uplink->opened_ms + CLIENT_PING_MS;
    }
    return uplink->pinged_ms;
}

void uplink_move(struct ql_client *client, const struct address *leader)
{
    struct err err;

    err_set(&err, QL_DISCONNECTED, "it is silent, and another node leads");
    lose(client, QL_DISCONNECTED, &err);
    route_found(&client->route, leader);
}

/* A node that neither answers calls nor pings is as good as gone. While it may be
 * stopped, or cut off, the others are asked (scout.h); it is pinged early enough for
 * that when somebody waits for it. */
static void check_silence(struct ql_client *client)
{
    struct uplink *uplink = &client->uplink;
    uint64_t quiet_since = uplink->conn.progress_ms;
    uint64_t ping_ms =
        quiet_since +
        (uplink->open_calls > 0 ? CLIENT_PING_MS : CLIENT_SILENCE_MS);
    uint64_t end_ms = quiet_since + 2 * CLIENT_SILENCE_MS;
    struct err err;

    if (uplink->pinged_ms != 0 && quiet_since > uplink->pinged_ms) {
        uplink->pinged_ms = 0;
    }
    if (uplink->open_calls == 0 && !reader_any_streams(client)) {
        return;
    }
    if (uplink->pinged_ms == 0) {
        if (client->now_ms < ping_ms) {
            client_timer(client, ping_ms);
            return;
        }
        uplink->pinged_ms = client->now_ms;
        uplink_send_ping(client);
    }
    /* We may not have run ourselves. */
    if (end_ms < uplink->pinged_ms + CLIENT_SILENCE_MS) {
        end_ms = uplink->pinged_ms + CLIENT_SILENCE_MS;
    }
    if (client->now_ms < end_ms) {
        client_timer(client, end_ms);
        return;
    }
    err_set(&err, QL_DISCONNECTED, "nothing heard for %u ms",
            2 * CLIENT_SILENCE_MS);
    lose(client, QL_DISCONNECTED, &err);
}

/* Of what has just been sent nothing else may wake us. */
static void await_sign(struct ql_client *client)
{
    const struct uplink *uplink = &client->uplink;

    if (uplink->ready && uplink->open_calls > 0 && uplink->pinged_ms == 0) {
        client_timer(client, uplink->conn.progress_ms + CLIENT_PING_MS);
    }
}

/* Goes to the leader if the node named one, else to the next endpoint. What
 * must not be sent twice gets a while to be answered. */
static void leave_for_leader(struct ql_client *client)
{
    struct uplink *uplink = &client->uplink;
    struct err err;

    if (uplink->parting_ms == 0) {
        uplink->parting_ms = client->now_ms;
        route_failed(&client->route, client->now_ms, client_random(client));
        err_set(&err, QL_NO_LEADER, "%s does not lead%s", uplink->conn.peer,
                client->route.has_hint ? "" : " and knows no leader");
        note_trouble(client, QL_NO_LEADER, &err);
    }
    if (uplink->once_in_flight > 0 &&
        client->now_ms < uplink->parting_ms + CLIENT_PARTING_MS) {
        client_timer(client, uplink->parting_ms + CLIENT_PARTING_MS);
        return;
    }
    if (client->route.not_before_ms > client->now_ms) {
        client_timer(client, client->route.not_before_ms);
        return;
    }
    drop(client);
}

/* ---- Losing -------------------------------------------------------------- */

static void lose(struct ql_client *client, int rv, const struct err *err)
{
    bool idle = list_empty(&client->in_flight) && !wants_connection(client);

    drop(client);
    /* A server may close a connection that nobody uses. */
    if (!idle) {
        note_trouble(client, rv, err);
        route_failed(&client->route, client->now_ms, client_random(client));
    }
}

/* Closes the connection; everything in flight goes back in front of what waits,
 * in the order it was sent, or ends. */
static void drop(struct ql_client *client)
{
    struct uplink *uplink = &client->uplink;
    uint64_t written = uplink->conn.written;
    struct list lost;
    struct list rest;

    uplink_close(client);
    list_init(&lost);
    list_init(&rest);
    list_move_all(&lost, &client->in_flight);
    list_move_all(&rest, &client->waiting);
    while (!list_empty(&lost)) {
        struct request *request = LIST_ITEM(lost.next, struct request, link);

        request_on_lost(request, written > request->stream_at);
    }
    list_move_all(&client->waiting, &rest);
    reader_on_lost(client);
    client->dirty = true;
}

static void note_trouble(struct ql_client *client, int rv,
                         const struct err *err)
{
    if (rv != QL_NO_LEADER && no_leader_still_holds(client)) {
        return;
    }
    client->trouble = *err;
    client->trouble.code = rv;
    if (rv == QL_NO_LEADER) {
        client->no_leader_at = client->route.failures;
        return;
    }
    if (rv != QL_PROTOCOL && rv != QL_NO_MEMORY) {
        client->trouble.code = QL_CONNECT;
    }
    err_wrap(&client->trouble, "%s", client->uplink.conn.peer);
}

/* A node that answers but knows no leader says more about the cluster than those
 * that are gone: its word stands for a turn of all endpoints. */
static bool no_leader_still_holds(const struct ql_client *client)
{
    return client->trouble.code == QL_NO_LEADER &&
           client->route.failures - client->no_leader_at < client->route.count;
}

/* ---- Sending ------------------------------------------------------------- */

static void send_due(struct ql_client *client)
{
    struct uplink *uplink = &client->uplink;
    struct err err;
    int rv = 0;

    if (!uplink->conn.connected) {
        return;
    }
    if (uplink->ready) {
        rv = append_queue_send(client, &err);
    }
    if (rv == 0 && uplink->ready) {
        rv = request_send_waiting(client, &err);
    }
    if (rv == 0) {
        rv = conn_flush(&uplink->conn, client->now_ms, &err);
    }
    if (rv != 0) {
        lose(client, rv, &err);
    }
}
