/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Backups: what there is of them, on this node and on others, and what is in one.
 * Taking one and deleting one are commands; the files follow on every node. */
#include <stdlib.h>
#include <string.h>

#include "backup/backup_store.h"
#include "machine/machine_parts.h"
#include "machine/must.h"
#include "service/backup_scratch.h"
#include "service/envelope.h"
#include "service/recovery_calls.h"
#include "service/service_parts.h"
#include "util/clock.h"
#include "util/mem.h"
#include "wire/args_backup.h"
#include "wire/args_settings.h"

#define ORPHAN_WORD "orphan" /* a file that the table does not know */

struct show_call {
    struct call *call;
    struct backup_scratch *scratch;
    struct backup_show_args args;
    uint8_t after[LOG_NAME_MAX];
};

struct verify_call {
    struct call *call;
    struct backup_verify verify;
    uint64_t since_ms;
};

static int list_answer(struct call *call, struct bytes params,
                       struct buf *message, struct err *err);
static void item_fill(const struct service *service,
                      const struct backup_info *info, struct backup_item *ret);
static void show_on_scratch(void *data, int status, const struct err *err);
static void show_stop(struct call *call);
static void verify_on_done(struct backup_verify *verify, int status);
static void verify_stop(struct call *call);
static int settings_answer(struct call *call, struct bytes params,
                           struct buf *message, struct err *err);
static int find(const struct service *service, const char *name,
                const struct backup_info **ret, struct err *err);
static struct bytes bytes_of(const char *text);

void service_backup_fill(const struct service *service, struct backup_row *row)
{
    static const uint8_t zeros[sizeof(row->cluster)];

    if (!row->foreign && memcmp(row->cluster, zeros, sizeof(zeros)) == 0) {
        identity_cluster_bytes(service->identity, row->cluster);
    }
}

int service_backup_create(struct call *call, struct bytes params,
                          struct err *err)
{
    struct backup_create_args args;
    int rv = backup_create_args_decode(&args, params, err);

    return rv == 0 ? call_write(call, COMMAND_BACKUP_CREATE, params, NULL, err)
                   : rv;
}

int service_backup_delete(struct call *call, struct bytes params,
                          struct err *err)
{
    struct backup_delete_args args;
    const struct backup_info *info = NULL;
    int rv = backup_delete_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    info = backup_store_find(node_backups(call->service->node), args.name);
    if (info != NULL && !info->in_table &&
        machine_find_backup(call->service->machine, bytes_of(args.name)) ==
            NULL) {
        return err_set(err, QL_NOT_FOUND,
                       "backup %s is not in the cluster's table: it is a file "
                       "on this node alone, %s.manifest in its backup "
                       "directory, and may be removed there",
                       args.name, args.name);
    }
    return call_write(call, COMMAND_BACKUP_DELETE, params, NULL, err);
}

/* ---- backup.list --------------------------------------------------------- */

int service_backup_list(struct call *call, struct bytes params, struct err *err)
{
    return call_read(call, params, true, list_answer, err);
}

static int list_answer(struct call *call, struct bytes params,
                       struct buf *message, struct err *err)
{
    const struct service *service = call->service;
    struct backup_store *store = node_backups(service->node);
    struct backup_list_result result = {.node = service->identity->node};
    const struct backup_info *infos;
    struct backup_store_status status;
    struct machine_settings settings;
    struct node_status node;
    size_t count;
    size_t i;

    (void)params;
    (void)err;
    node_status(service->node, &node);
    machine_settings(service->machine, &settings);
    backup_store_get_status(store, &status);
    result.leader = node.leader;
    result.directory = bytes_of(status.where);
    result.problem = bytes_of(status.problem);
    result.interval_ms = settings.backup_interval_ms;
    result.max_saved = settings.max_saved_backups;
    result.last_success_ms = status.last_success_ms;
    result.last_verified_ms = status.last_verified_ms;
    result.failures = status.failures;
    result.pool_bytes = status.pool_bytes;
    infos = backup_store_infos(store, &count);
    result.count = count < BACKUP_ITEMS_MAX ? count : BACKUP_ITEMS_MAX;
    result.items = mem_must_array(result.count + 1, sizeof(*result.items));
    for (i = 0; i < result.count; i++) {
        item_fill(service, &infos[i], &result.items[i]);
    }
    must_have_memory(backup_list_result_encode(&result, message));
    free(result.items);
    return 0;
}

static void item_fill(const struct service *service,
                      const struct backup_info *info, struct backup_item *ret)
{
    struct node_backup_holder holders[MEMBERS_MAX];
    size_t i;

    memset(ret, 0, sizeof(*ret));
    ret->row = info->row;
    service_backup_fill(service, &ret->row);
    ret->state =
        bytes_of(info->in_table ? backup_state_word(info->state) : ORPHAN_WORD);
    ret->new_bytes = info->new_bytes;
    ret->stored_bytes = info->stored_bytes;
    ret->verified_at_ms = info->verified_at_ms;
    ret->error = bytes_of(info->error);
    if (!info->in_table) {
        return;
    }
    ret->nodes_count =
        node_backup_holders(service->node, info->row.id, holders);
    for (i = 0; i < ret->nodes_count; i++) {
        ret->nodes[i].node = holders[i].node;
        ret->nodes[i].state = bytes_of(backup_state_word(holders[i].state));
        ret->nodes[i].verified_at_ms = holders[i].verified_at_ms;
        if (holders[i].node == service->identity->node &&
            holders[i].state == BACKUP_FETCHING) {
            ret->state = ret->nodes[i].state; /* the store does not know */
        }
    }
}

/* ---- backup.show --------------------------------------------------------- */

int service_backup_show(struct call *call, struct bytes params, struct err *err)
{
    struct backup_show_args args;
    const struct backup_info *info = NULL;
    struct show_call *show;
    int rv = backup_show_args_decode(&args, params, err);

    if (rv == 0) {
        rv = find(call->service, args.name, &info, err);
    }
    if (rv != 0) {
        return rv;
    }
    show = mem_must_zalloc(sizeof(*show));
    show->call = call;
    show->args = args;
    if (args.after.len > 0) {
        memcpy(show->after, args.after.data, args.after.len);
        show->args.after.data = show->after;
    }
    rv = recovery_call_begin(call, show, show_stop, err);
    if (rv != 0) {
        free(show);
        return rv;
    }
    return backup_scratch_open(&show->scratch, call->service, &info->row,
                               show_on_scratch, show, err);
}

static void show_on_scratch(void *data, int status, const struct err *err)
{
    struct show_call *show = data;
    struct call *call = show->call;
    const struct log_list_args args = {.after = show->args.after,
                                       .max = show->args.limit};
    struct backup_show_result result;
    const struct backup_info *info = NULL;
    struct log_list_result list = {0};
    struct buf message = BUF_INIT;
    struct err why = {0};

    if (status == 0) {
        status = find(call->service, show->args.name, &info, &why);
        err = &why;
    }
    if (status == 0) {
        status = machine_log_list(backup_scratch_machine(show->scratch), &args,
                                  &list);
    }
    if (status != 0) {
        call_fail(call, status, err);
        return;
    }
    item_fill(call->service, info, &result.backup);
    result.logs = list.stats;
    result.count = list.count;
    result.more = list.more;
    envelope_open_result(&message, call->id);
    must_have_memory(backup_show_result_encode(&result, &message));
    log_list_result_close(&list);
    call_finish(call, &message);
}

static void show_stop(struct call *call)
{
    struct show_call *show = call->work;

    backup_scratch_close(show->scratch);
    free(show);
    recovery_call_end(call);
}

/* ---- backup.verify ------------------------------------------------------- */

int service_backup_verify(struct call *call, struct bytes params,
                          struct err *err)
{
    struct backup_verify_args args;
    const struct backup_info *info = NULL;
    struct verify_call *verify;
    int rv = backup_verify_args_decode(&args, params, err);

    if (rv == 0) {
        rv = find(call->service, args.name, &info, err);
    }
    if (rv != 0) {
        return rv;
    }
    if (args.deep) {
        return service_backup_verify_deep(call, args.name, err);
    }
    verify = mem_must_zalloc(sizeof(*verify));
    verify->call = call;
    verify->verify.data = verify;
    verify->since_ms = clock_monotonic_ms();
    rv = backup_store_verify(node_backups(call->service->node), &verify->verify,
                             args.name, verify_on_done);
    if (rv != 0) {
        free(verify);
        return err_set(err, rv,
                       rv == QL_BUSY ? "too many backups are being verified "
                                       "already, or the directory has not "
                                       "been looked at yet"
                                     : "backup %s is not on this node",
                       args.name);
    }
    call->work = verify;
    call->stop = verify_stop;
    return 0;
}

static void verify_on_done(struct backup_verify *work, int status)
{
    struct verify_call *verify = work->data;
    struct call *call = verify->call;
    const struct backup_verify_result result = {.chunks = work->chunks,
                                                .bytes = work->bytes,
                                                .entries = work->entries,
                                                .ms = clock_monotonic_ms() -
                                                      verify->since_ms};
    struct buf message = BUF_INIT;
    struct err err = work->err;

    if (status != 0) {
        call_fail(call, status, &err);
        return;
    }
    envelope_open_result(&message, call->id);
    must_have_memory(backup_verify_result_encode(&result, &message));
    call_finish(call, &message);
}

static void verify_stop(struct call *call)
{
    struct verify_call *verify = call->work;

    backup_store_verify_cancel(&verify->verify);
    free(verify);
}

/* ---- cluster.settings ---------------------------------------------------- */

int service_cluster_settings(struct call *call, struct bytes params,
                             struct err *err)
{
    struct settings_args args;
    int rv = settings_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    if (!args.has_interval && args.max_saved_backups == 0) {
        return call_read(call, params, false, settings_answer, err);
    }
    return call_write(call, COMMAND_SETTINGS, params, NULL, err);
}

void service_settings_encode(const struct service *service, struct buf *message)
{
    struct machine_settings settings;
    struct settings_result result;

    machine_settings(service->machine, &settings);
    result.backup_interval_ms = settings.backup_interval_ms;
    result.max_saved_backups = settings.max_saved_backups;
    must_have_memory(settings_result_encode(&result, message));
}

static int settings_answer(struct call *call, struct bytes params,
                           struct buf *message, struct err *err)
{
    (void)params;
    (void)err;
    service_settings_encode(call->service, message);
    return 0;
}

/* ---- Helpers ------------------------------------------------------------- */

static int find(const struct service *service, const char *name,
                const struct backup_info **ret, struct err *err)
{
    const struct backup_info *info =
        backup_store_find(node_backups(service->node), name);

    if (info == NULL) {
        return err_set(err, QL_NOT_FOUND,
                       "there is no backup %s: backup list names those there "
                       "are",
                       name);
    }
    *ret = info;
    return 0;
}

static struct bytes bytes_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}
