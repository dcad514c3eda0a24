/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Calls that become commands of the raft log. */
#include "machine/must.h"
#include "service/envelope.h"
#include "service/service_parts.h"
#include "wire/args_append.h"
#include "wire/args_log.h"
#include "wire/pack.h"

static void call_on_submitted(struct node_submit *submit, int status,
                              const struct outcome *outcome);
static void outcome_encode(const struct outcome *outcome, struct buf *message);

int call_write(struct call *call, enum command_kind kind, struct bytes params,
               call_applied_fn on_applied, struct err *err)
{
    int rv;

    call->on_applied = on_applied;
    call->node.submit.data = call;
    rv = node_submit(call->service->node, &call->node.submit, kind, params,
                     call_on_submitted);
    return rv == 0 ? 0 : call_node_refusal(rv, err);
}

static void call_on_submitted(struct node_submit *submit, int status,
                              const struct outcome *outcome)
{
    struct call *call = submit->data;
    struct buf message = BUF_INIT;
    struct err err = {0};

    if (status != 0) {
        call_node_refusal(status, &err);
        call_fail(call, status, &err);
        return;
    }
    if (outcome->code != 0) {
        err_set(&err, outcome->code, "%s", machine_refusal_text(outcome));
        err.position = outcome->position;
        call_fail(call, outcome->code, &err);
        return;
    }
    if (call->on_applied != NULL) {
        call->on_applied(call, outcome);
    }
    envelope_open_result(&message, call->id);
    outcome_encode(outcome, &message);
    call_finish(call, &message);
}

static void outcome_encode(const struct outcome *outcome, struct buf *message)
{
    struct producer_args producer = {.producer = outcome->producer};

    if (outcome->kind == COMMAND_LOG_APPEND) {
        must_have_memory(append_result_encode(&outcome->append, message));
    } else if (outcome->kind == COMMAND_PRODUCER_OPEN) {
        must_have_memory(producer_args_encode(&producer, message));
    } else if (outcome->has_stat) {
        must_have_memory(log_stat_encode(&outcome->stat, message));
    } else {
        must_have_memory(pack_map(message, 0));
    }
}
