/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/request.h"

#include "client/client.h"

static void take_out(struct request *request);
static bool is_removal(enum method method);
static void send_again(struct request *request, uint32_t after_ms);
static void on_refusal(struct request *request,
                       const struct rpc_error *refusal);
static void finish_unknown(struct request *request, const char *why);
static void expire_list(struct ql_client *client, struct list *from,
                        struct list *due);

void request_init(struct request *request, struct ql_client *client,
                  enum method method, request_done_cb done)
{
    *request = (struct request){0};
    list_init(&request->link);
    request->client = client;
    request->method = method_row(method);
    request->done = done;
    request->deadline_ms = REQUEST_NO_DEADLINE;
    buf_init(&request->params);
}

int request_admit(struct request *request, struct ql_error *error)
{
    struct ql_client *client = request->client;
    size_t len = request->params.len;

    if (client->closing) {
        return error_set(error, QL_CANCELED, "the client is being closed");
    }
    if (client->calls >= client->calls_max) {
        return error_set(error, QL_BUSY,
                         "%zu calls are open already, the most there may be",
                         client->calls);
    }
    if (len > client->bytes_max || client->bytes > client->bytes_max - len) {
        return error_set(error, QL_BUSY,
                         "the open calls hold %llu bytes, and %llu is the most",
                         (unsigned long long)client->bytes,
                         (unsigned long long)client->bytes_max);
    }
    client->calls++;
    client->bytes += len;
    client->pending++;
    request->counted = true;
    request->counted_bytes = len;
    request->pending = true;
    return 0;
}

int request_start(struct request *request, uint32_t timeout_ms,
                  struct ql_error *error)
{
    struct ql_client *client = request->client;
    int rv = request_admit(request, error);

    if (rv != 0) {
        return rv;
    }
    request->deadline_ms = client_now(client) +
                           (timeout_ms == 0 ? client->timeout_ms : timeout_ms);
    if (request->deadline_ms < client->deadline_ms) {
        client->deadline_ms = request->deadline_ms;
    }
    list_push_back(&client->waiting, &request->link);
    client_wake(client);
    return 0;
}

void request_start_internal(struct request *request)
{
    list_push_back(&request->client->waiting, &request->link);
    client_wake(request->client);
}

void request_cancel(struct request *request)
{
    take_out(request);
    request_unpend(request);
    if (request->counted) {
        request->client->calls--;
        request->client->bytes -= request->counted_bytes;
        request->counted = false;
    }
}

void request_close(struct request *request)
{
    if (request->client == NULL) {
        return;
    }
    request_cancel(request);
    buf_close(&request->params);
}

void request_unpend(struct request *request)
{
    if (request->pending) {
        request->client->pending--;
        request->pending = false;
    }
}

void request_finish(struct request *request, const struct ql_error *error,
                    struct bytes result)
{
    const struct answer answer = {error, result};

    request_cancel(request);
    request->done(request, &answer);
}

void request_on_answer(struct request *request, const struct rpc_error *error,
                       struct bytes result)
{
    take_out(request);
    if (request->is_append) {
        append_queue_on_answer(request, error, result);
        return;
    }
    if (error != NULL) {
        on_refusal(request, error);
        return;
    }
    request_finish(request, NULL, result);
}

void request_on_lost(struct request *request, bool was_written)
{
    take_out(request);
    if (was_written) {
        request->uncertain = true;
    }
    if (request->is_append) {
        append_queue_on_lost(request);
        return;
    }
    if (request->send_once && request->uncertain) {
        finish_unknown(request, "the connection ended before the answer came");
        return;
    }
    list_push_back(&request->client->waiting, &request->link);
}

/* Which refusals are final, and which only mean: not here, or not now. */
static void on_refusal(struct request *request, const struct rpc_error *refusal)
{
    struct ql_client *client = request->client;
    struct ql_error error;

    switch (refusal->code) {
    case QL_NOT_LEADER:
    case QL_NO_LEADER:
    case QL_SHUTTING_DOWN:
        uplink_not_leader(client, refusal);
        /* The others wait for the uplink to find the leader. */
        request->attempts += request->any_node ? 1 : 0;
        send_again(request, 0);
        return;
    case QL_BUSY:
    case QL_TIMEOUT:
        /* What is sent once the server has tried as long as it does. */
        if (request->busy_ends ||
            (request->send_once && refusal->code == QL_TIMEOUT)) {
            break;
        }
        request->attempts++;
        send_again(request, refusal->retry_after_ms);
        return;
    case QL_OUTCOME_UNKNOWN:
        request->uncertain = true;
        if (request->send_once) {
            break;
        }
        request->attempts++;
        send_again(request, refusal->retry_after_ms);
        return;
    case QL_NOT_FOUND:
        /* Our own earlier attempt may have deleted it. */
        if (request->uncertain && is_removal(request->method->method)) {
            request_finish(request, NULL, (struct bytes){NULL, 0});
            return;
        }
        break;
    default:
        break;
    }
    error_from_server(&error, refusal, client->uplink.conn.peer);
    request_finish(request, &error, (struct bytes){NULL, 0});
}

static bool is_removal(enum method method)
{
    return method == METHOD_LOG_DELETE || method == METHOD_BACKUP_DELETE ||
           method == METHOD_RECOVERY_UNLOAD;
}

static void send_again(struct request *request, uint32_t after_ms)
{
    struct ql_client *client = request->client;
    uint64_t delay = after_ms;

    if (delay == 0 && request->attempts > 0) {
        delay = route_delay_ms(request->attempts, client_random(client));
    }
    request->not_before_ms = client->now_ms + delay;
    list_push_back(&client->waiting, &request->link);
}

int request_send_waiting(struct ql_client *client, struct err *err)
{
    struct list *link = client->waiting.next;

    while (link != &client->waiting && uplink_has_room(client)) {
        struct request *request = LIST_ITEM(link, struct request, link);
        int rv;

        link = link->next;
        if (!request->any_node && !client->uplink.is_leader) {
            continue;
        }
        if (request->not_before_ms > client->now_ms) {
            client_timer(client, request->not_before_ms);
            continue;
        }
        list_remove(&request->link);
        rv = uplink_send(client, request, err);
        if (rv != 0) {
            list_push_back(&client->waiting, &request->link);
            return rv;
        }
    }
    return 0;
}

bool request_wants_leader(const struct ql_client *client)
{
    const struct list *link;

    for (link = client->waiting.next; link != &client->waiting;
         link = link->next) {
        if (!LIST_ITEM(link, struct request, link)->any_node) {
            return true;
        }
    }
    return append_queue_wants_leader(&client->appends);
}

void request_expire_all(struct ql_client *client)
{
    struct list due;

    if (client->now_ms >= client->deadline_ms) {
        list_init(&due);
        client->deadline_ms = UINT64_MAX;
        expire_list(client, &client->in_flight, &due);
        expire_list(client, &client->waiting, &due);
        while (!list_empty(&due)) {
            struct request *request = LIST_ITEM(due.next, struct request, link);
            struct ql_error error;

            request_timeout_error(request, &error);
            request_finish(request, &error, (struct bytes){NULL, 0});
        }
        append_queue_expire(client);
    }
    client_timer(client, client->deadline_ms);
}

/* A connection that gave nothing for the whole life of a call is not worth
 * keeping, but that is for the silence rule of the uplink to say. */
static void expire_list(struct ql_client *client, struct list *from,
                        struct list *due)
{
    struct list *link = from->next;

    while (link != from) {
        struct request *request = LIST_ITEM(link, struct request, link);

        link = link->next;
        if (request->is_append) {
            continue;
        }
        if (request->deadline_ms <= client->now_ms) {
            list_remove(&request->link);
            list_push_back(due, &request->link);
        } else if (request->deadline_ms < client->deadline_ms) {
            client->deadline_ms = request->deadline_ms;
        }
    }
}

int request_timeout_error(const struct request *request,
                          struct ql_error *ret_error)
{
    const struct err *trouble = &request->client->trouble;
    bool maybe_done = request->uncertain || request->in_flight;

    if (maybe_done && (request->method->is_write || request->send_once)) {
        return error_set(ret_error, QL_OUTCOME_UNKNOWN,
                         "the deadline passed before the answer came%s%s",
                         trouble->code != 0 ? ": " : "",
                         trouble->code != 0 ? trouble->text : "");
    }
    if (trouble->code != 0 && !request->in_flight) {
        return error_set(ret_error, trouble->code, "%s", trouble->text);
    }
    return error_set(ret_error, QL_TIMEOUT,
                     "the deadline passed before an answer came");
}

void request_cancel_all(struct ql_client *client)
{
    struct list open;

    list_init(&open);
    list_move_all(&open, &client->in_flight);
    list_move_all(&open, &client->waiting);
    while (!list_empty(&open)) {
        struct request *request = LIST_ITEM(open.next, struct request, link);
        struct ql_error error;

        list_remove(&request->link);
        if (request->is_append) {
            continue; /* the append queue knows it, too */
        }
        if (request->method->is_write &&
            (request->uncertain || request->in_flight)) {
            error_set(&error, QL_OUTCOME_UNKNOWN,
                      "the client was closed before the answer came");
        } else {
            error_set(&error, QL_CANCELED, "the client was closed");
        }
        request_finish(request, &error, (struct bytes){NULL, 0});
    }
}

static void finish_unknown(struct request *request, const char *why)
{
    struct ql_error error;

    error_set(&error, QL_OUTCOME_UNKNOWN, "%s", why);
    request_finish(request, &error, (struct bytes){NULL, 0});
}

static void take_out(struct request *request)
{
    list_remove(&request->link);
    if (request->in_flight && request->send_once) {
        request->client->uplink.once_in_flight--;
    }
    request->in_flight = false;
}
