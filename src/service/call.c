/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/call.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/metrics.h"
#include "machine/must.h"
#include "service/envelope.h"
#include "service/service_parts.h"
#include "util/mem.h"
#include "wire/pack.h"
#include "wire/rpc.h"

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

static void call_send(struct call *call, struct buf *message);
static void error_fill(const struct service *service, struct rpc_error *error);

struct call *call_new(struct service *service, struct channel *channel,
                      uint32_t id, bool silent)
{
    struct call *call = mem_must_zalloc(sizeof(*call));

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

    if (call->stop != NULL) {
        call->stop(call);
    }
    list_remove(&call->link);
    list_remove(&call->ready);
    chunk_wait_stop(&call->wait);
    call->service->calls_count--;
    buf_close(&call->params);
    free(call);
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

void call_finish_empty(struct call *call)
{
    struct buf message = BUF_INIT;

    envelope_open_result(&message, call->id);
    must_have_memory(pack_map(&message, 0));
    call_finish(call, &message);
}

void call_fail(struct call *call, int code, const struct err *err)
{
    struct rpc_error error = {.code = code, .position = err->position};
    struct buf message = BUF_INIT;

    assert(code != 0);
    metrics_refused(node_metrics(call->service->node), code);
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

/* An orphan's answer is dropped, and so is a notification's. */
static void call_send(struct call *call, struct buf *message)
{
    if (call->channel == NULL || call->silent) {
        buf_close(message);
        return;
    }
    call->channel->ops->send(call->channel, message);
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
