/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/append_queue.h"

#include <stdlib.h>

#include "client/append_call.h"
#include "client/client.h"
#include "wire/append_number.h"
#include "wire/args_append.h"

static struct list *first_unsent(struct append_queue *queue);
static struct append_call *call_at(struct list *link);
static int send_call(struct ql_client *client, struct append_call *call,
                     struct err *err);
static bool may_send(struct ql_client *client);
static bool take_number(struct ql_client *client, struct append_call *call);
static uint64_t lowest_sequence(const struct append_queue *queue);
static void open_producer(struct ql_client *client);
static void on_open(struct request *request, const struct answer *answer);
static void fail_unnumbered(struct ql_client *client,
                            const struct ql_error *error);
static void replace_producer(struct ql_client *client);
static struct append_call *next_due(struct ql_client *client);
static void expire_call(struct ql_client *client, struct append_call *call);
static void forget_needless_open(struct append_queue *queue);

void append_queue_init(struct ql_client *client)
{
    struct append_queue *queue = &client->appends;

    *queue = (struct append_queue){0};
    list_init(&queue->calls);
    queue->next_sequence = 1;
    request_init(&queue->open, client, METHOD_PRODUCER_OPEN, on_open);
}

void append_queue_cancel_all(struct ql_client *client)
{
    struct append_queue *queue = &client->appends;

    while (!list_empty(&queue->calls)) {
        struct append_call *call = call_at(queue->calls.next);
        struct ql_error error;

        if (call->request.in_flight || call->request.uncertain) {
            error_set(&error, QL_OUTCOME_UNKNOWN,
                      "the client was closed before the answer came");
        } else {
            error_set(&error, QL_CANCELED, "the client was closed");
        }
        append_call_fail(call, &error);
    }
    request_close(&queue->open);
}

void append_queue_add(struct ql_client *client, struct append_call *call)
{
    list_push_back(&client->appends.calls, &call->order);
    client->appends.count++;
    if (call->request.deadline_ms < client->deadline_ms) {
        client->deadline_ms = call->request.deadline_ms;
    }
    client_wake(client);
}

void append_queue_remove(struct append_call *call)
{
    if (!list_empty(&call->order)) {
        list_remove(&call->order);
        call->request.client->appends.count--;
    }
}

bool append_queue_wants_leader(const struct append_queue *queue)
{
    return !list_empty(&queue->calls);
}

int append_queue_send(struct ql_client *client, struct err *err)
{
    struct append_queue *queue = &client->appends;
    size_t looks = queue->count; /* what callbacks add has its own turn */
    struct list *link;

    if (!may_send(client)) {
        return 0;
    }
    link = first_unsent(queue);
    while (link != &queue->calls && looks > 0 && uplink_has_room(client)) {
        struct append_call *call = call_at(link);
        int rv;

        link = link->next;
        looks--;
        if (call->request.in_flight && call->numbered) {
            continue;
        }
        /* One without a number travels alone: nothing else keeps its place. */
        if (!call->numbered && queue->in_flight > 0) {
            break;
        }
        if (call->sequence == 0 && !uplink_takes(client, &call->request)) {
            append_call_refuse_size(call);
            continue;
        }
        if (call->numbered && call->sequence == 0 &&
            !take_number(client, call)) {
            break;
        }
        rv = send_call(client, call, err);
        if (rv != 0) {
            return rv;
        }
        if (!call->numbered) {
            break;
        }
    }
    return 0;
}

void append_queue_expire(struct ql_client *client)
{
    struct append_queue *queue = &client->appends;
    struct append_call *call = next_due(client);
    struct list *link;

    while (call != NULL) {
        expire_call(client, call);
        call = next_due(client);
    }
    forget_needless_open(queue);
    for (link = queue->calls.next; link != &queue->calls; link = link->next) {
        uint64_t deadline_ms = call_at(link)->request.deadline_ms;

        if (deadline_ms < client->deadline_ms) {
            client->deadline_ms = deadline_ms;
        }
    }
}

void append_queue_on_lost(struct request *request)
{
    struct append_call *call = append_call_of(request);
    struct ql_error error;

    request->client->appends.in_flight--;
    if (!call->numbered && request->uncertain) {
        error_set(&error, QL_OUTCOME_UNKNOWN,
                  "the connection ended before the answer came");
        append_call_fail(call, &error);
    }
}

void append_queue_on_new_cluster(struct ql_client *client)
{
    if (client->appends.producer != 0) {
        client->appends.lost = true;
    }
}

void append_queue_say_goodbye(struct ql_client *client)
{
    struct append_queue *queue = &client->appends;
    struct producer_args args = {.producer = queue->producer};

    if (queue->producer == 0 || queue->opening || !list_empty(&queue->calls) ||
        !client->uplink.is_leader || !uplink_has_room(client)) {
        return;
    }
    request_init(&queue->open, client, METHOD_PRODUCER_CLOSE, on_open);
    if (producer_args_encode(&args, &queue->open.params) == 0 &&
        uplink_send(client, &queue->open, NULL) == 0) {
        (void)conn_flush(&client->uplink.conn, client->now_ms, NULL);
    }
}

/* While answers come what has not been sent stands behind all that has: then the
 * many that have need not be looked at. Otherwise the first of all. */
static struct list *first_unsent(struct append_queue *queue)
{
    size_t unsent = queue->count - queue->in_flight;
    struct list *link = &queue->calls;

    if (!list_empty(&queue->calls) && !call_at(queue->calls.next)->numbered) {
        return queue->calls.next;
    }
    while (unsent > 0 && link->prev != &queue->calls &&
           !call_at(link->prev)->request.in_flight) {
        link = link->prev;
        unsent--;
    }
    return unsent == 0 ? link : queue->calls.next;
}

static struct append_call *call_at(struct list *link)
{
    return LIST_ITEM(link, struct append_call, order);
}

/* Everything that was refused or lost is sent again from the first on, once
 * nothing is in flight any more. */
static bool may_send(struct ql_client *client)
{
    struct append_queue *queue = &client->appends;

    if (!client->uplink.is_leader) {
        return false;
    }
    if (queue->in_flight == 0) {
        queue->held = false;
        if (queue->lost) {
            replace_producer(client);
        }
    }
    if (queue->held || list_empty(&queue->calls)) {
        return false;
    }
    if (queue->not_before_ms > client->now_ms) {
        client_timer(client, queue->not_before_ms);
        return false;
    }
    return true;
}

static int send_call(struct ql_client *client, struct append_call *call,
                     struct err *err)
{
    int rv = uplink_send(client, &call->request, err);

    if (rv == 0) {
        client->appends.in_flight++;
    }
    return rv;
}

/* False: not yet, because there is no producer, or because the results of the
 * oldest unanswered append would leave the machine's window. */
static bool take_number(struct ql_client *client, struct append_call *call)
{
    struct append_queue *queue = &client->appends;

    if (queue->producer == 0) {
        open_producer(client);
        return false;
    }
    if (queue->next_sequence - lowest_sequence(queue) >= queue->window) {
        return false;
    }
    call->producer = queue->producer;
    call->sequence = queue->next_sequence++;
    append_number_set(call->request.params.data, call->request.params.len,
                      call->producer, call->sequence);
    return true;
}

static uint64_t lowest_sequence(const struct append_queue *queue)
{
    struct list *link;

    for (link = queue->calls.next; link != &queue->calls; link = link->next) {
        if (call_at(link)->sequence != 0) {
            return call_at(link)->sequence;
        }
    }
    return queue->next_sequence;
}

/* ---- The producer -------------------------------------------------------- */

static void open_producer(struct ql_client *client)
{
    struct append_queue *queue = &client->appends;

    if (queue->opening) {
        return;
    }
    queue->opening = true;
    request_start_internal(&queue->open);
}

static void on_open(struct request *request, const struct answer *answer)
{
    struct ql_client *client = request->client;
    struct append_queue *queue = &client->appends;
    struct producer_args args;
    struct ql_error error;
    struct err err;

    queue->opening = false;
    if (answer->error != NULL) {
        fail_unnumbered(client, answer->error);
        return;
    }
    if (producer_args_decode(&args, answer->result, &err) != 0) {
        error_set(&error, QL_PROTOCOL, "producer.open: %s", err.text);
        fail_unnumbered(client, &error);
        return;
    }
    queue->producer = args.producer;
    queue->window = args.window != 0 ? args.window : PRODUCER_WINDOW;
    queue->next_sequence = 1;
}

/* Without a producer none of them can be sent. */
static void fail_unnumbered(struct ql_client *client,
                            const struct ql_error *error)
{
    struct append_queue *queue = &client->appends;
    size_t looks = queue->count; /* not those that callbacks add */
    struct list *link = queue->calls.next;

    for (; looks > 0; looks--) {
        struct append_call *call = call_at(link);

        link = link->next;
        if (call->numbered && call->sequence == 0) {
            append_call_fail(call, error);
        }
    }
}

/* What certainly was not applied gets new numbers from a new producer. Of the
 * rest nobody can know: the old producer's results are gone. */
static void replace_producer(struct ql_client *client)
{
    struct append_queue *queue = &client->appends;
    struct list *link = queue->calls.next;
    struct ql_error error;

    queue->lost = false;
    queue->producer = 0;
    queue->next_sequence = 1;
    error_set(&error, QL_OUTCOME_UNKNOWN,
              "the cluster has forgotten this client's producer");
    while (link != &queue->calls) {
        struct append_call *call = call_at(link);

        link = link->next;
        if (call->sequence == 0) {
            continue;
        }
        if (call->request.uncertain || !call->request.pending) {
            append_call_fail(call, &error);
        } else {
            call->producer = 0;
            call->sequence = 0;
        }
    }
}

/* ---- Deadlines ----------------------------------------------------------- */

static struct append_call *next_due(struct ql_client *client)
{
    struct append_queue *queue = &client->appends;
    struct list *link;

    for (link = queue->calls.next; link != &queue->calls; link = link->next) {
        struct append_call *call = call_at(link);

        if (call->request.pending &&
            call->request.deadline_ms <= client->now_ms) {
            return call;
        }
    }
    return NULL;
}

static void expire_call(struct ql_client *client, struct append_call *call)
{
    struct request *request = &call->request;
    struct append_queue *queue = &client->appends;
    struct ql_error error;

    request_timeout_error(request, &error);
    if (call->sequence == 0) {
        queue->in_flight -= request->in_flight ? 1 : 0;
        append_call_fail(call, &error);
        return;
    }
    request->deadline_ms = REQUEST_NO_DEADLINE;
    if (request->in_flight || request->uncertain) {
        append_call_abandon(call, &error);
        return;
    }
    /* Every copy was refused: the number is all that is left of it. */
    append_call_settle(call, &error);
}

/* A producer that nobody waits for is no reason to go on connecting. */
static void forget_needless_open(struct append_queue *queue)
{
    struct list *link;

    if (!queue->opening) {
        return;
    }
    for (link = queue->calls.next; link != &queue->calls; link = link->next) {
        if (call_at(link)->numbered && call_at(link)->sequence == 0) {
            return;
        }
    }
    request_cancel(&queue->open);
    queue->opening = false;
}
