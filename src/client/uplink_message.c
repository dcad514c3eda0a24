/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/uplink_message.h"

#include <string.h>

#include "client/client.h"
#include "client/reader.h"
#include "client/writer.h"
#include "wire/args_cluster.h"

static int on_response(struct ql_client *client,
                       const struct rpc_message *message, struct err *err);
static int on_hello(struct ql_client *client, const struct rpc_message *message,
                    struct err *err);
static void take_hello(struct ql_client *client,
                       const struct hello_result *hello);
static int on_notification(struct ql_client *client,
                           const struct rpc_message *message, struct err *err);
static struct request *find_in_flight(struct ql_client *client, uint32_t id);
static bool is_progress(const struct ql_client *client,
                        const struct rpc_error *refusal);
static bool method_is(struct bytes method, const char *name);

uint32_t uplink_next_id(struct uplink *uplink)
{
    uplink->next_id++;
    if (uplink->next_id == 0) {
        uplink->next_id = 1; /* 0 says: none */
    }
    return uplink->next_id;
}

int uplink_on_message(void *data, const uint8_t *bytes, size_t len,
                      struct err *err)
{
    struct ql_client *client = data;
    struct rpc_message message;
    int rv = rpc_decode_scanned(&message, bytes, len, err);

    if (rv != 0) {
        return rv;
    }
    switch (message.type) {
    case RPC_RESPONSE:
        return on_response(client, &message, err);
    case RPC_NOTIFICATION:
        return on_notification(client, &message, err);
    case RPC_REQUEST:
    default:
        return err_set(err, QL_PROTOCOL, "a server must not send requests");
    }
}

int uplink_encode_hello(struct ql_client *client, uint32_t id, struct buf *buf)
{
    const struct hello_args args = {
        .name = {(const uint8_t *)client->name, strlen(client->name)},
        .protocol = PROTOCOL_VERSION,
    };
    struct buf params = BUF_INIT;
    int rv = hello_args_encode(&args, &params);

    if (rv == 0) {
        rv = rpc_encode_request(buf, id, method_row(METHOD_SERVER_HELLO)->name,
                                (struct bytes){params.data, params.len});
    }
    buf_close(&params);
    return rv;
}

int uplink_send_hello(struct ql_client *client, struct err *err)
{
    struct uplink *uplink = &client->uplink;
    int rv;

    uplink->hello_id = uplink_next_id(uplink);
    rv = uplink_encode_hello(client, uplink->hello_id, &uplink->conn.out);
    if (rv != 0) {
        return err_set(err, rv, "out of memory for a request");
    }
    uplink->open_calls++;
    return 0;
}

void uplink_send_ping(struct ql_client *client)
{
    struct uplink *uplink = &client->uplink;

    uplink->ping_id = uplink_next_id(uplink);
    if (rpc_encode_request(&uplink->conn.out, uplink->ping_id,
                           method_row(METHOD_SERVER_PING)->name,
                           (struct bytes){NULL, 0}) == 0) {
        uplink->open_calls++;
    }
}

static int on_response(struct ql_client *client,
                       const struct rpc_message *message, struct err *err)
{
    struct uplink *uplink = &client->uplink;
    struct rpc_error refusal;
    struct request *request;
    int rv;

    /* (When the ids have wrapped this costs a connection, once in 2^32.) */
    if (uplink->open_calls == 0 || message->id > uplink->next_id) {
        return err_set(err, QL_PROTOCOL, "an answer to no call");
    }
    uplink->open_calls--;
    if (message->id == uplink->hello_id && !uplink->ready) {
        return on_hello(client, message, err);
    }
    if (message->id == uplink->ping_id) {
        uplink->pinged_ms = 0;
    }
    request = find_in_flight(client, message->id);
    if (request == NULL) {
        return 0; /* a ping, or a call that was given up */
    }
    if (message->error.len == 0) {
        if (is_progress(client, NULL)) {
            route_good(&client->route);
            client->trouble.code = 0;
        }
        request_on_answer(request, NULL, message->result);
        return 0;
    }
    rv = rpc_error_decode(&refusal, message->error, err);
    if (rv != 0) {
        return rv;
    }
    if (is_progress(client, &refusal)) {
        route_good(&client->route);
        client->trouble.code = 0;
    }
    request_on_answer(request, &refusal, (struct bytes){NULL, 0});
    return 0;
}

/* Did somebody who is able to serve us answer? A node that refuses everything
 * must not reset the back-off. */
static bool is_progress(const struct ql_client *client,
                        const struct rpc_error *refusal)
{
    if (refusal != NULL) {
        enum ql_class class = ql_code_class(refusal->code);

        if (class == QL_CLASS_RETRY || class == QL_CLASS_REDIRECT ||
            class == QL_CLASS_OUTCOME_UNKNOWN) {
            return false;
        }
    }
    return client->uplink.is_leader || !request_wants_leader(client);
}

static struct request *find_in_flight(struct ql_client *client, uint32_t id)
{
    struct list *link;

    for (link = client->in_flight.next; link != &client->in_flight;
         link = link->next) {
        struct request *request = LIST_ITEM(link, struct request, link);

        if (request->id == id) {
            return request;
        }
    }
    return NULL;
}

static int on_hello(struct ql_client *client, const struct rpc_message *message,
                    struct err *err)
{
    struct hello_result hello = {0};
    struct rpc_error refusal;
    int rv;

    if (message->error.len > 0) {
        rv = rpc_error_decode(&refusal, message->error, err);
        if (rv != 0) {
            return rv;
        }
        return err_set(err, QL_PROTOCOL, "refused our hello with %s",
                       ql_code_name(refusal.code));
    }
    rv = hello_result_decode(&hello, message->result, err);
    if (rv != 0) {
        err_wrap(err, "hello");
        return rv;
    }
    take_hello(client, &hello);
    return 0;
}

static void take_hello(struct ql_client *client,
                       const struct hello_result *hello)
{
    struct uplink *uplink = &client->uplink;

    uplink->ready = true;
    uplink->is_leader = hello->role == QL_ROLE_LEADER;
    uplink->calls_max = SESSION_CALLS_MAX;
    if (hello->calls_max > 0 && hello->calls_max < SESSION_CALLS_MAX) {
        uplink->calls_max = (size_t)hello->calls_max;
    }
    uplink->request_bytes_max = REQUEST_BYTES_MAX;
    if (hello->request_bytes_max > 0 &&
        hello->request_bytes_max < REQUEST_BYTES_MAX) {
        uplink->request_bytes_max = (size_t)hello->request_bytes_max;
    }
    if (!uplink->is_leader) {
        uplink_leader_changed(client, hello->leader_address);
    } else {
        route_forget_hint(&client->route);
    }
    if (hello->cluster.len != ID_TEXT_LEN) {
        return;
    }
    if (uplink->cluster[0] != '\0' &&
        memcmp(uplink->cluster, hello->cluster.data, ID_TEXT_LEN) != 0) {
        append_queue_on_new_cluster(client);
    }
    memcpy(uplink->cluster, hello->cluster.data, ID_TEXT_LEN);
    uplink->cluster[ID_TEXT_LEN] = '\0';
}

static int on_notification(struct ql_client *client,
                           const struct rpc_message *message, struct err *err)
{
    if (method_is(message->method, NOTIFY_LOG_ENTRIES)) {
        return reader_on_entries(client, message->params, err);
    }
    if (method_is(message->method, NOTIFY_LOG_EVENT)) {
        return reader_on_event(client, message->params, err);
    }
    if (method_is(message->method, NOTIFY_WRITER_FENCED)) {
        return writer_on_notice(client, message->params, err);
    }
    return 0; /* of a later version */
}

static bool method_is(struct bytes method, const char *name)
{
    return method.len == strlen(name) &&
           memcmp(method.data, name, method.len) == 0;
}
