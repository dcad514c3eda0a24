/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Calls that read the machine: when the leader is confirmed, or at once when
 * stale; and only when the connection has room for the answer, so that a client
 * that sends many reads and takes no answers costs a bounded buffer. */
#include "machine/must.h"
#include "service/envelope.h"
#include "service/follow.h"
#include "service/service_parts.h"

static void call_on_readable(struct node_read *read, int status);
static void call_ready(struct call *call);

int call_read(struct call *call, struct bytes params, bool stale,
              call_answer_fn answer, struct err *err)
{
    int rv;

    if (params.len > CALL_PARAMS_MAX) {
        return err_set(err, QL_TOO_LARGE,
                       "the params of a read must be at most %u bytes",
                       CALL_PARAMS_MAX);
    }
    call->answer = answer;
    if (!stale) {
        call->node.read.data = call;
        rv = node_read(call->service->node, &call->node.read, call_on_readable);
        if (rv != 0) {
            return call_node_refusal(rv, err);
        }
    }
    must_have_memory(buf_add(&call->params, params.data, params.len));
    if (stale) {
        call_ready(call);
    }
    return 0;
}

void call_answer(struct call *call)
{
    struct service *service = call->service;
    struct bytes params = {call->params.data, call->params.len};
    struct follow *follow;
    struct buf message = BUF_INIT;
    struct err err = {0};
    int rv;

    envelope_open_result(&message, call->id);
    rv = call->answer(call, params, &message, &err);
    if (rv != 0) {
        buf_close(&message);
        call_fail(call, rv, &err);
        return;
    }
    follow = call->follow;
    call_finish(call, &message);
    if (follow != NULL) {
        follow_pump(service, follow);
    }
}

static void call_on_readable(struct node_read *read, int status)
{
    struct call *call = read->data;
    struct err err = {0};

    if (status != 0) {
        call_node_refusal(status, &err);
        call_fail(call, status, &err);
        return;
    }
    call_ready(call);
}

/* In the order in which they became ready, so that none overtakes for ever. */
static void call_ready(struct call *call)
{
    struct channel *channel = call->channel;

    if (channel == NULL) {
        call_free(call);
    } else if (list_empty(&channel->ready) && channel_has_room(channel)) {
        call_answer(call);
    } else {
        list_push_back(&channel->ready, &call->ready);
    }
}
