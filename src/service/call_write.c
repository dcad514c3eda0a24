/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Calls that become commands of the raft log. */
#include "consensus/stages.h"
#include "machine/must.h"
#include "service/envelope.h"
#include "service/message.h"
#include "service/service_parts.h"
#include "wire/args_append.h"
#include "wire/args_backup.h"
#include "wire/args_log.h"
#include "wire/args_recovery.h"
#include "wire/pack.h"

static void call_on_submitted(struct node_submit *submit, int status,
                              const struct outcome *outcome);
static void count_append(struct call *call, const struct outcome *outcome);
static int submit_refusal(const struct call *call, int status, struct err *err);
static void outcome_encode(const struct service *service,
                           const struct outcome *outcome, struct buf *message);
static void backup_encode(const struct service *service,
                          const struct backup_row *row, struct buf *message);

int call_write(struct call *call, enum command_kind kind, struct bytes params,
               call_applied_fn on_applied, struct err *err)
{
    int rv;

    call->kind = kind;
    call->on_applied = on_applied;
    call->node.submit.data = call;
    call->node.submit.read_ns =
        kind == COMMAND_LOG_APPEND ? call->channel->read_ns : 0;
    rv = node_submit(call->service->node, &call->node.submit, kind, params,
                     call_on_submitted);
    return rv == 0 ? 0 : call_node_refusal(rv, err);
}

static void call_on_submitted(struct node_submit *submit, int status,
                              const struct outcome *outcome)
{
    struct call *call = submit->data;
    struct buf message;
    struct err err;

    err_init(&err);
    if (status != 0) {
        submit_refusal(call, status, &err);
        call_fail(call, status, &err);
        return;
    }
    if (outcome->code != 0) {
        err_set(&err, outcome->code, "%s", machine_refusal_text(outcome));
        err.position = outcome->position;
        call_fail(call, outcome->code, &err);
        return;
    }
    if (outcome->kind == COMMAND_LOG_APPEND) {
        count_append(call, outcome);
    }
    if (call->on_applied != NULL) {
        call->on_applied(call, outcome);
    }
    message_open(call->service, &message);
    envelope_open_result(&message, call->id);
    outcome_encode(call->service, outcome, &message);
    call_finish(call, &message);
}

static void count_append(struct call *call, const struct outcome *outcome)
{
    const struct append_result *append = &outcome->append;
    struct metrics *metrics = node_metrics(call->service->node);
    uint64_t entries = 0;

    for (size_t i = 0; i < append->count; i++) {
        entries += append->places[i].count;
    }
    metrics_add(metrics, COUNTER_APPENDS, 1);
    metrics_add(metrics, COUNTER_APPEND_ENTRIES, entries);
    metrics_add(metrics, COUNTER_APPEND_BYTES, call->node.submit.len);
    if (call->node.submit.sample != NULL && call->channel != NULL) {
        stage_take(call->node.submit.sample, &call->channel->samples);
    }
}

static int submit_refusal(const struct call *call, int status, struct err *err)
{
    if (status == QL_OUTCOME_UNKNOWN &&
        (call->kind == COMMAND_RECOVERY_COMMIT ||
         call->kind == COMMAND_RECOVERY_UNDO)) {
        return err_set(err, status,
                       "leadership was lost meanwhile: recovery status says "
                       "whether this operation was the last one; if not, it "
                       "may be repeated with the same operation id");
    }
    return call_node_refusal(status, err);
}

static void outcome_encode(const struct service *service,
                           const struct outcome *outcome, struct buf *message)
{
    struct producer_args producer = {.producer = outcome->producer,
                                     .window = outcome->window};

    switch (outcome->kind) {
    case COMMAND_LOG_APPEND:
        must_have_memory(append_result_encode(&outcome->append, message));
        break;
    case COMMAND_PRODUCER_OPEN:
        must_have_memory(producer_args_encode(&producer, message));
        break;
    case COMMAND_BACKUP_CREATE:
        backup_encode(service, outcome->backup, message);
        break;
    case COMMAND_RECOVERY_COMMIT:
    case COMMAND_RECOVERY_UNDO:
        must_have_memory(
            recovery_last_encode(&outcome->recovery.last, message));
        break;
    case COMMAND_SETTINGS:
        service_settings_encode(service, message);
        break;
    default:
        must_have_memory(outcome->has_stat
                             ? log_stat_encode(&outcome->stat, message)
                             : pack_map(message, 0));
    }
}

static void backup_encode(const struct service *service,
                          const struct backup_row *row, struct buf *message)
{
    struct backup_row told = *row;

    service_backup_fill(service, &told);
    must_have_memory(backup_create_result_encode(&told, message));
}
