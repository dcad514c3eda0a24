/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/service.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine/spare.h"
#include "service/chunk_wait.h"
#include "service/envelope.h"
#include "service/follow.h"
#include "service/hold.h"
#include "service/service_parts.h"
#include "util/clock.h"
#include "util/mem.h"
#include "wire/method.h"
#include "wire/rpc.h"

typedef int (*method_fn)(struct call *call, struct bytes params,
                         struct err *err);

/* Every method of the table in wire/method.c stands here. */
static const method_fn method_fns[METHOD_COUNT] = {
    [METHOD_SERVER_HELLO] = service_hello,
    [METHOD_SERVER_PING] = service_ping,
    [METHOD_SERVER_METRICS] = service_server_metrics,
    [METHOD_LOG_CREATE] = service_log_create,
    [METHOD_LOG_CONFIGURE] = service_log_configure,
    [METHOD_LOG_DELETE] = service_log_delete,
    [METHOD_LOG_TRIM] = service_log_trim,
    [METHOD_LOG_LIST] = service_log_list,
    [METHOD_LOG_STAT] = service_log_stat,
    [METHOD_LOG_APPEND] = service_log_append,
    [METHOD_LOG_READ] = service_log_read,
    [METHOD_LOG_FOLLOW] = service_log_follow,
    [METHOD_LOG_CREDIT] = service_log_credit,
    [METHOD_LOG_UNFOLLOW] = service_log_unfollow,
    [METHOD_PRODUCER_OPEN] = service_producer_open,
    [METHOD_PRODUCER_CLOSE] = service_producer_close,
    [METHOD_APPEND_STATUS] = service_append_status,
    [METHOD_WRITER_ACQUIRE] = service_writer_acquire,
    [METHOD_WRITER_RELEASE] = service_writer_release,
    [METHOD_CLUSTER_STATUS] = service_cluster_status,
    [METHOD_CLUSTER_TRANSFER] = service_cluster_transfer,
    [METHOD_CLUSTER_CONFIRM_CLOCK] = service_cluster_confirm_clock,
    [METHOD_CLUSTER_FREEZE] = service_cluster_freeze,
    [METHOD_CLUSTER_THAW] = service_cluster_thaw,
    [METHOD_CLUSTER_SETTINGS] = service_cluster_settings,
    [METHOD_BACKUP_CREATE] = service_backup_create,
    [METHOD_BACKUP_LIST] = service_backup_list,
    [METHOD_BACKUP_SHOW] = service_backup_show,
    [METHOD_BACKUP_VERIFY] = service_backup_verify,
    [METHOD_BACKUP_DELETE] = service_backup_delete,
    [METHOD_BACKUP_EXPORT] = service_backup_export,
    [METHOD_BACKUP_IMPORT] = service_backup_import,
    [METHOD_RECOVERY_STAGE] = service_recovery_stage,
    [METHOD_RECOVERY_UNLOAD] = service_recovery_unload,
    [METHOD_RECOVERY_STATUS] = service_recovery_status,
    [METHOD_RECOVERY_PRINT] = service_recovery_print,
    [METHOD_RECOVERY_DIFF] = service_recovery_diff,
    [METHOD_RECOVERY_DELETE] = service_recovery_delete,
    [METHOD_RECOVERY_COMMIT] = service_recovery_commit,
    [METHOD_RECOVERY_UNDO] = service_recovery_undo,
};

static const struct service_loads store_loads = {
    .load = chunk_store_load,
    .load_end = chunk_store_load_end,
    .ahead = chunk_store_ahead,
    .used = chunk_store_used,
};

static int call_begin(struct call *call, const struct rpc_message *message,
                      struct err *err);
static int unknown_method(struct bytes name, struct err *err);
static void service_on_changed(void *data, uint64_t log_uid);
static void service_wake(struct service *service, struct watch *watch);

struct service *service_new(const struct service_options *options)
{
    struct service *service = mem_must_zalloc(sizeof(*service));

    service->options = *options;
    if (service->options.request_bytes_max == 0) {
        service->options.request_bytes_max = REQUEST_BYTES_MAX;
    }
    service->identity = options->identity;
    service->loads = options->loads != NULL ? options->loads : &store_loads;
    service->started_ms = clock_monotonic_ms();
    watches_init(&service->watches);
    list_init(&service->waits);
    list_init(&service->spare);
    return service;
}

void service_set_node(struct service *service, struct node *node)
{
    assert(service->node == NULL);
    service->node = node;
    service->machine = node_machine(node);
    service->chunks = node_chunks(node);
    machine_on_changed(service->machine, service_on_changed, service);
}

void service_free(struct service *service)
{
    if (service == NULL) {
        return;
    }
    assert(service->calls_count == 0);
    assert(list_empty(&service->waits));
    assert(service->recovery.job == NULL);
    watches_close(&service->watches);
    calls_drop_spare(service);
    buf_close(&service->message);
    spare_drop_all(); /* nobody reads any more */
    free(service);
}

void service_tick(struct service *service)
{
    service->ticks++;
    chunk_waits_tick(service);
    recovery_job_tick(service);
}

void service_begin_turn(struct service *service)
{
    service->turn_bytes = 0;
    service->has_turns = true;
}

bool service_may_send(const struct service *service)
{
    return !service->has_turns || service->turn_bytes < SERVICE_TURN_BYTES;
}

bool service_may_take(const struct service *service)
{
    return !service->has_turns || service->turn_bytes < SERVICE_TURN_BYTES_MAX;
}

void service_stop(struct service *service)
{
    recovery_job_on_leader_lost(service);
}

void service_on_state(struct service *service)
{
    if (service->node != NULL && !service_leads(service)) {
        follows_on_leader_lost(service);
        recovery_job_on_leader_lost(service);
    }
}

void service_on_applied(struct service *service)
{
    struct watch *watch;

    while ((watch = watches_next_dirty(&service->watches)) != NULL) {
        service_wake(service, watch);
    }
}

int service_handle(struct service *service, struct channel *channel,
                   const uint8_t *message, size_t len, struct err *err)
{
    struct rpc_message rpc;
    struct call *call;
    struct err why;
    int rv;

    rv = rpc_decode_scanned(&rpc, message, len, err);
    if (rv != 0 && rv != QL_INVALID) {
        return rv;
    }
    if (rpc.type == RPC_RESPONSE) {
        return err_set(err, QL_PROTOCOL, "a response to no request");
    }
    if (rv != 0 && rpc.type == RPC_NOTIFICATION) {
        return 0; /* nobody waits for an answer */
    }
    if (channel->calls_count >= SESSION_CALLS_MAX) {
        return err_set(err, QL_BUSY, "more than %u calls are open",
                       SESSION_CALLS_MAX);
    }
    call = call_new(service, channel, rpc.id, rpc.type == RPC_NOTIFICATION);
    if (rv != 0) {
        call_fail(call, rv, err);
        return 0;
    }
    err_init(&why);
    rv = call_begin(call, &rpc, &why);
    if (rv != 0) {
        call_fail(call, rv, &why);
    }
    return 0;
}

void service_refuse(struct service *service, struct channel *channel,
                    const uint8_t *message, size_t len, const struct err *err)
{
    uint32_t id;

    if (envelope_request_id(message, len, &id)) {
        call_fail(call_new(service, channel, id, false), err->code, err);
    }
}

bool service_leads(const struct service *service)
{
    struct node_status status;

    node_status(service->node, &status);
    return status.role == NODE_LEADER;
}

struct bytes service_leader_address(const struct service *service)
{
    struct node_status status;

    node_status(service->node, &status);
    if (status.leader == service->identity->node) {
        return (struct bytes){NULL, 0};
    }
    return service_member_address(service, status.leader);
}

struct bytes service_member_address(const struct service *service, uint64_t id)
{
    const struct member *member = identity_member(service->identity, id);

    if (member == NULL) {
        return (struct bytes){NULL, 0};
    }
    return (struct bytes){(const uint8_t *)member->client_address,
                          strlen(member->client_address)};
}

int service_find_log(const struct service *service, struct bytes log,
                     struct log_stat *ret, struct err *err)
{
    int rv = machine_log_stat(service->machine, log, ret);

    if (rv != 0) {
        return err_set(err, rv, "there is no log %.*s", (int)log.len,
                       (const char *)log.data);
    }
    return 0;
}

static int call_begin(struct call *call, const struct rpc_message *message,
                      struct err *err)
{
    const struct method_row *row =
        method_find((const char *)message->method.data, message->method.len);

    if (row == NULL) {
        return unknown_method(message->method, err);
    }
    if (row->operator_only && !call->channel->is_operator) {
        return err_set(err, QL_DENIED,
                       "%s is taken on the unix socket or from loopback only",
                       row->name);
    }
    assert(method_fns[row->method] != NULL);
    return method_fns[row->method](call, message->params, err);
}

/* The name came from outside: shown only as far as it is printable. */
static int unknown_method(struct bytes name, struct err *err)
{
    char text[METHOD_NAME_MAX];
    size_t len = 0;

    while (len < name.len && len < sizeof(text) - 1 && name.data[len] > ' ' &&
           name.data[len] < 0x7f) {
        text[len] = (char)name.data[len];
        len++;
    }
    text[len] = '\0';
    return err_set(err, QL_UNKNOWN_METHOD, "there is no method \"%s\"", text);
}

static void service_on_changed(void *data, uint64_t log_uid)
{
    struct service *service = data;

    watches_changed(&service->watches, log_uid);
}

/* A log is known by its name: what a recovery brings from another cluster may have
 * the number of one that was here. */
static void service_wake(struct service *service, struct watch *watch)
{
    struct bytes name = {(const uint8_t *)watch->name, watch->name_len};
    struct log_stat stat;

    if (watch_finds_log(watch, service->machine, &stat)) {
        holds_check(watch, stat.writer_epoch);
        follows_on_restored(service, watch, &stat);
        follows_wake(service, watch);
    } else {
        holds_check(watch, UINT64_MAX);
        if (machine_log_stat(service->machine, name, &stat) == 0) {
            follows_on_restored(service, watch, &stat);
        }
        follows_on_deleted(watch);
    }
    watch_drop_unused(&service->watches, watch);
}
