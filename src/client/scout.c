/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/scout.h"

#include <string.h>

#include "client/client.h"
#include "client/uplink_message.h"
#include "wire/args_cluster.h"

#define HELLO_ID 1u

static bool is_due(struct ql_client *client);
static void ask_next(struct ql_client *client);
static bool next_address(struct ql_client *client, struct address *ret);
static void give_up(struct ql_client *client);
static int send_hello(struct ql_client *client, struct err *err);
static int on_message(void *data, const uint8_t *bytes, size_t len,
                      struct err *err);
static void take_hello(struct ql_client *client,
                       const struct hello_result *hello);

void scout_init(struct ql_client *client)
{
    struct scout *scout = &client->scout;

    memset(scout, 0, sizeof(*scout));
    conn_init(&scout->conn, client->epoll_fd, on_message, client);
}

void scout_close(struct ql_client *client)
{
    struct scout *scout = &client->scout;

    conn_close(&scout->conn);
    scout->leads = false;
    scout->has_told = false;
    scout->asked = 0;
    scout->not_before_ms = 0;
}

bool scout_on_events(struct ql_client *client, uint64_t serial, uint32_t events)
{
    struct scout *scout = &client->scout;
    bool was_connected = scout->conn.connected;
    struct err err;
    int rv;

    if (scout->conn.fd < 0 || scout->conn.serial != serial) {
        return false;
    }
    rv = conn_on_events(&scout->conn, events, client->now_ms, &err);
    if (rv == 0 && !was_connected && scout->conn.connected) {
        rv = send_hello(client, &err);
    }
    if (rv != 0 || scout->done) {
        give_up(client);
    }
    return true;
}

void scout_step(struct ql_client *client)
{
    struct scout *scout = &client->scout;
    uint64_t until = scout->opened_ms + CLIENT_SCOUT_WAIT_MS;

    if (!is_due(client)) {
        scout_close(client);
        return;
    }
    if (scout->leads) {
        scout_close(client);
        uplink_move(client, &scout->at);
        return;
    }
    if (scout->conn.fd >= 0 && client->now_ms >= until) {
        give_up(client);
    }
    if (scout->conn.fd >= 0) {
        client_timer(client, until);
    } else if (client->now_ms < scout->not_before_ms) {
        client_timer(client, scout->not_before_ms);
    } else {
        ask_next(client);
    }
}

static bool is_due(struct ql_client *client)
{
    uint64_t asked_ms = uplink_asked_ms(client);
    uint64_t at = asked_ms + CLIENT_SCOUT_MS;

    if (asked_ms == 0) {
        return false;
    }
    if (client->now_ms < at) {
        client_timer(client, at);
        return false;
    }
    return true;
}

static void ask_next(struct ql_client *client)
{
    struct scout *scout = &client->scout;
    struct err err;

    if (!next_address(client, &scout->at)) {
        return;
    }
    scout->done = false;
    scout->leads = false;
    scout->opened_ms = client->now_ms;
    client_timer(client, client->now_ms + CLIENT_SCOUT_WAIT_MS);
    if (conn_open(&scout->conn, &scout->at, client->next_serial++,
                  client->now_ms, &err) != 0) {
        give_up(client);
        client_timer(client, scout->not_before_ms);
    }
}

/* Whoever was named to us, or the next endpoint that is not the silent one. */
static bool next_address(struct ql_client *client, struct address *ret)
{
    struct scout *scout = &client->scout;
    const struct route *route = &client->route;

    if (scout->has_told) {
        scout->has_told = false;
        *ret = scout->told;
        return true;
    }
    for (size_t i = 0; i < route->count; i++) {
        char text[ADDRESS_MAX];

        scout->next = (scout->next + 1) % route->count;
        address_format(&route->endpoints[scout->next], text);
        if (strcmp(text, client->uplink.conn.peer) != 0) {
            *ret = route->endpoints[scout->next];
            return true;
        }
    }
    return false;
}

/* Of this one; the next is asked a little later, or at once if it was named. */
static void give_up(struct ql_client *client)
{
    struct scout *scout = &client->scout;
    uint32_t turn = 1 + scout->asked / (2 * (uint32_t)client->route.count);

    conn_close(&scout->conn);
    scout->asked++;
    scout->not_before_ms = client->now_ms;
    if (!scout->has_told) {
        scout->not_before_ms += route_delay_ms(turn, client_random(client));
    }
}

static int send_hello(struct ql_client *client, struct err *err)
{
    struct conn *conn = &client->scout.conn;

    if (uplink_encode_hello(client, HELLO_ID, &conn->out) != 0) {
        return err_set(err, QL_NO_MEMORY, "out of memory for a request");
    }
    return conn_flush(conn, client->now_ms, err);
}

static int on_message(void *data, const uint8_t *bytes, size_t len,
                      struct err *err)
{
    struct ql_client *client = data;
    struct hello_result hello = {0};
    struct rpc_message message;
    int rv = rpc_decode_scanned(&message, bytes, len, err);

    if (rv != 0 || message.type != RPC_RESPONSE || message.id != HELLO_ID) {
        return rv;
    }
    client->scout.done = true;
    if (message.error.len == 0) {
        rv = hello_result_decode(&hello, message.result, err);
        if (rv == 0) {
            take_hello(client, &hello);
        }
    }
    return rv;
}

static void take_hello(struct ql_client *client,
                       const struct hello_result *hello)
{
    struct scout *scout = &client->scout;
    const char *silent = client->uplink.conn.peer;

    scout->leads = hello->role == QL_ROLE_LEADER;
    scout->has_told = !scout->leads &&
                      (strlen(silent) != hello->leader_address.len ||
                       memcmp(silent, hello->leader_address.data,
                              hello->leader_address.len) != 0) &&
                      route_parse_leader(hello->leader_address, &scout->told);
}
