/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/call.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/metrics.h"
#include "machine/must.h"
#include "service/envelope.h"
#include "service/message.h"
#include "service/service_parts.h"
#include "util/mem.h"
#include "wire/pack.h"
#include "wire/rpc.h"

/* An instrumented build is to see the use of a call that has ended. */
#ifdef __SANITIZE_ADDRESS__
#define SPARE_MAX 0u
#else
#define SPARE_MAX SERVICE_CALLS_SPARE
#endif

struct refusal_row {
    int code;
    const char *text;
};

static const struct refusal_row refusal_rows[] = {
    {QL_NOT_LEADER, "another node leads"},
    {QL_NO_LEADER, "no leader is ready at present"},
    {QL_BUSY, "too much is waiting already"},
    {QL_SHUTTING_DOWN, "this node is shutting down"},
    {QL_OUTCOME_UNKNOWN,
     "leadership was lost meanwhile: the write may or may not happen"},
};

static struct call *call_take(struct service *service);
static void call_give(struct service *service, struct call *call);
static void call_send(struct call *call, struct buf *message);
static void error_fill(const struct service *service, struct rpc_error *error);

struct call *call_new(struct service *service, struct channel *channel,
                      uint32_t id, bool silent)
{
    struct call *call = call_take(service);

    call->service = service;
    call->channel = channel;
    call->id = id;
    call->silent = silent;
    list_init(&call->ready);
    chunk_wait_init(&call->wait);
    list_push_back(&channel->calls, &call->link);
    channel->calls_count++;
    service->calls_count++;
    return call;
}

void call_free(struct call *call)
{
    struct channel *channel = call->channel;
    struct service *service = call->service;

    if (call->stop != NULL) {
        call->stop(call);
    }
    list_remove(&call->link);
    list_remove(&call->ready);
    chunk_wait_stop(&call->wait);
    service->calls_count--;
    call_give(service, call);
    if (channel != NULL) {
        channel->calls_count--;
        channel->ops->calls_changed(channel);
    }
}

void call_finish(struct call *call, struct buf *message)
{
    call_send(call, message);
    call_free(call);
}

void calls_drop_spare(struct service *service)
{
    while (!list_empty(&service->spare)) {
        struct call *call = LIST_ITEM(service->spare.next, struct call, ready);

        list_remove(&call->ready);
        buf_close(&call->params);
        free(call);
    }
    service->spare_count = 0;
}

void call_finish_empty(struct call *call)
{
    struct buf message;

    message_open(call->service, &message);
    envelope_open_result(&message, call->id);
    must_have_memory(pack_map(&message, 0));
    call_finish(call, &message);
}

void call_fail(struct call *call, int code, const struct err *err)
{
    struct rpc_error error = {.code = code, .position = err->position};
    struct buf message;

    assert(code != 0);
    metrics_refused(node_metrics(call->service->node), code);
    message_open(call->service, &message);
    error.message.data = (const uint8_t *)err->text;
    error.message.len = strlen(err->text);
    error_fill(call->service, &error);
    must_have_memory(rpc_encode_error(&message, call->id, &error));
    call_finish(call, &message);
}

int call_node_refusal(int code, struct err *err)
{
    size_t i;

    for (i = 0; i < sizeof(refusal_rows) / sizeof(refusal_rows[0]); i++) {
        if (refusal_rows[i].code == code) {
            return err_set(err, code, "%s", refusal_rows[i].text);
        }
    }
    return err_set(err, code, "the node refused");
}

/* Zeroed, but for the memory of its params. */
static struct call *call_take(struct service *service)
{
    struct buf params;
    struct call *call;

    if (list_empty(&service->spare)) {
        return mem_must_zalloc(sizeof(*call));
    }
    call = LIST_ITEM(service->spare.prev, struct call, ready);
    list_remove(&call->ready);
    service->spare_count--;
    params = call->params;
    memset(call, 0, sizeof(*call));
    call->params = params;
    return call;
}

static void call_give(struct service *service, struct call *call)
{
    if (call->params.room > CALL_PARAMS_SPARE) {
        buf_close(&call->params);
    }
    if (service->spare_count + 1 > SPARE_MAX) {
        buf_close(&call->params);
        free(call);
        return;
    }
    call->params.len = 0;
    list_push_back(&service->spare, &call->ready);
    service->spare_count++;
}

/* An orphan's answer is dropped, and so is a notification's; but it took as long to
 * make. */
static void call_send(struct call *call, struct buf *message)
{
    if (call->channel == NULL || call->silent) {
        call->service->turn_bytes += message->len;
        message_close(call->service, message);
        return;
    }
    message_send(call->service, call->channel, message);
}

/* A client that is told NOT_LEADER asks the node named there. Without a name all
 * it can do is wait, and that is what NO_LEADER says. */
static void error_fill(const struct service *service, struct rpc_error *error)
{
    if (error->code == QL_NOT_LEADER) {
        error->leader = service_leader_address(service);
        if (error->leader.len == 0) {
            static const char text[] = "no leader is known at present";

            error->code = QL_NO_LEADER;
            error->message =
                (struct bytes){(const uint8_t *)text, sizeof(text) - 1};
        }
    }
    if (error->code == QL_NO_LEADER || error->code == QL_SHUTTING_DOWN) {
        error->retry_after_ms = RETRY_NO_LEADER_MS;
    } else if (error->code == QL_BUSY) {
        error->retry_after_ms = RETRY_BUSY_MS;
    } else if (error->code == QL_NO_SPACE) {
        error->retry_after_ms = RETRY_NO_SPACE_MS;
    }
}
