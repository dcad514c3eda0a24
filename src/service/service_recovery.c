/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Going back to a backup while the cluster runs. All of it on the leader; what is
 * decided is decided in the machine. */
#include <string.h>

#include "machine/machine_parts.h"
#include "machine/must.h"
#include "service/recovery_diff.h"
#include "service/recovery_edit.h"
#include "service/recovery_plan.h"
#include "service/recovery_scan.h"
#include "service/recovery_stage.h"
#include "service/service_parts.h"
#include "wire/args_recovery.h"
#include "wire/args_scan.h"

static int check_leads(const struct call *call, struct err *err);
static bool end_job(struct service *service);
static int status_answer(struct call *call, struct bytes params,
                         struct buf *message, struct err *err);
static void status_fill_draft(const struct service *service,
                              struct recovery_status_result *ret);
static void status_fill_staged(const struct service *service,
                               struct recovery_status_result *ret);
static void status_fill_part(const struct machine_part_info *info,
                             struct recovery_status_result *ret);
static void status_fill_undo(const struct service *service,
                             struct recovery_status_result *ret);
static void copy_source(char ret[BACKUP_NAME_MAX + 1], struct bytes source);

int service_recovery_stage(struct call *call, struct bytes params,
                           struct err *err)
{
    const struct machine *machine = call->service->machine;
    struct recovery_stage_args args;
    struct machine_part_info info;
    const struct backup_row *row;
    struct bytes name;
    int rv = recovery_stage_args_decode(&args, params, err);

    if (rv == 0) {
        rv = check_leads(call, err);
    }
    if (rv == 0) {
        rv = recovery_job_may_begin(call->service, err);
    }
    if (rv != 0) {
        return rv;
    }
    if (machine_part_info(machine, MACHINE_STAGED, &info)) {
        return err_set(err, QL_EXISTS,
                       "backup %.*s is staged already: commit it, or unload it "
                       "first",
                       (int)info.source.len, (const char *)info.source.data);
    }
    name = (struct bytes){(const uint8_t *)args.name, strlen(args.name)};
    row = machine_find_backup(machine, name);
    if (row == NULL) {
        return err_set(err, QL_NOT_FOUND,
                       "there is no backup %s: backup list names those there "
                       "are",
                       args.name);
    }
    return recovery_stage_start(call, row, err);
}

/* What is under way here ends first, so that it proposes nothing more. */
int service_recovery_unload(struct call *call, struct bytes params,
                            struct err *err)
{
    struct recovery_unload_args args;
    int rv = recovery_unload_args_decode(&args, params, err);

    if (rv == 0) {
        rv = check_leads(call, err);
    }
    if (rv != 0) {
        return rv;
    }
    if (!args.undo && !end_job(call->service)) {
        call_finish_empty(call);
        return 0;
    }
    return call_write(call, COMMAND_RECOVERY_UNLOAD, params, NULL, err);
}

int service_recovery_status(struct call *call, struct bytes params,
                            struct err *err)
{
    return call_read(call, params, false, status_answer, err);
}

int service_recovery_print(struct call *call, struct bytes params,
                           struct err *err)
{
    struct recovery_print_args args;
    int rv = recovery_print_args_decode(&args, params, err);

    return rv == 0 ? call_read(call, params, false, recovery_scan_answer, err)
                   : rv;
}

int service_recovery_diff(struct call *call, struct bytes params,
                          struct err *err)
{
    struct recovery_diff_args args;
    int rv = recovery_diff_args_decode(&args, params, err);

    return rv == 0 ? call_read(call, params, false, recovery_diff_answer, err)
                   : rv;
}

int service_recovery_delete(struct call *call, struct bytes params,
                            struct err *err)
{
    struct recovery_delete_args args;
    int rv = recovery_delete_args_decode(&args, params, err);

    if (rv == 0) {
        rv = check_leads(call, err);
    }
    if (rv == 0) {
        rv = recovery_job_may_begin(call->service, err);
    }
    return rv == 0 ? recovery_edit_start(call, &args, err) : rv;
}

/* The answer says what was replaced; then the node hands leadership over. */
int service_recovery_commit(struct call *call, struct bytes params,
                            struct err *err)
{
    struct recovery_commit_args args;
    int rv = recovery_commit_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    if (args.dry_run) {
        return call_read(call, params, false, recovery_plan_answer, err);
    }
    return call_write(call, COMMAND_RECOVERY_COMMIT, params, NULL, err);
}

int service_recovery_undo(struct call *call, struct bytes params,
                          struct err *err)
{
    struct recovery_undo_args args;
    int rv = recovery_undo_args_decode(&args, params, err);

    return rv == 0 ? call_write(call, COMMAND_RECOVERY_UNDO, params, NULL, err)
                   : rv;
}

/* Before anything is begun that the node would refuse in the end. */
static int check_leads(const struct call *call, struct err *err)
{
    return service_leads(call->service) ? 0
                                        : call_node_refusal(QL_NOT_LEADER, err);
}

/* False: that was all, as it had not got to a draft, and nothing else is there. */
static bool end_job(struct service *service)
{
    const struct recovery_job *job = service->recovery.job;
    struct machine_part_info info;
    bool was_early = job != NULL && !job->has_draft && job->proposal == NULL;

    recovery_job_cancel(service);
    return !was_early ||
           machine_part_info(service->machine, MACHINE_DRAFT, &info) ||
           machine_part_info(service->machine, MACHINE_STAGED, &info);
}

/* ---- recovery.status ----------------------------------------------------- */

static int status_answer(struct call *call, struct bytes params,
                         struct buf *message, struct err *err)
{
    const struct service *service = call->service;
    const struct err *last = &service->recovery.last;
    struct recovery_status_result result = {0};
    struct machine_counts counts;

    (void)params;
    (void)err;
    machine_counts(service->machine, &counts);
    result.state_index = counts.state_index;
    result.frozen = counts.frozen;
    status_fill_draft(service, &result);
    status_fill_staged(service, &result);
    status_fill_undo(service, &result);
    machine_last_recovery(service->machine, &result.last);
    result.job_code = (uint32_t)last->code;
    result.job_error =
        (struct bytes){(const uint8_t *)last->text, strlen(last->text)};
    must_have_memory(recovery_status_result_encode(&result, message));
    return 0;
}

/* A draft that nobody fills here is one that was interrupted; of an edit the staged
 * state is as good as before, and that is what is told. */
static void status_fill_draft(const struct service *service,
                              struct recovery_status_result *ret)
{
    const struct recovery_job *job = service->recovery.job;
    struct machine_part_info info;

    if (machine_part_info(service->machine, MACHINE_DRAFT, &info) &&
        info.edit_of == 0) {
        status_fill_part(&info, ret);
        ret->phase = job != NULL && job->has_draft && job->feed.draft == info.id
                         ? RECOVERY_PHASE_STAGING
                         : RECOVERY_PHASE_INTERRUPTED;
        ret->done_bytes = info.bytes;
        ret->total_bytes = info.total_bytes;
    }
    if (job != NULL && !job->is_edit && ret->phase != RECOVERY_PHASE_STAGING) {
        memset(ret->source, 0, sizeof(ret->source));
        copy_source(ret->source, (struct bytes){(const uint8_t *)job->source,
                                                strlen(job->source)});
        ret->phase = RECOVERY_PHASE_STAGING;
        ret->stage = 0;
    }
}

static void status_fill_staged(const struct service *service,
                               struct recovery_status_result *ret)
{
    const struct recovery_job *job = service->recovery.job;
    struct machine_part_info info;

    if (!machine_part_info(service->machine, MACHINE_STAGED, &info)) {
        return;
    }
    status_fill_part(&info, ret);
    ret->phase = RECOVERY_PHASE_STAGED;
    ret->done_bytes = 0;
    ret->total_bytes = 0;
    if (job != NULL && job->is_edit) {
        ret->phase = RECOVERY_PHASE_EDITING;
        ret->done_bytes = job->done_bytes < job->total_bytes ? job->done_bytes
                                                             : job->total_bytes;
        ret->total_bytes = job->total_bytes;
    }
}

static void status_fill_part(const struct machine_part_info *info,
                             struct recovery_status_result *ret)
{
    ret->stage = info->id;
    ret->revision = info->revision;
    copy_source(ret->source, info->source);
    ret->from_index = info->from_index;
    ret->from_time_ms = info->from_time_ms;
    ret->from_state_index = info->from_state_index;
    ret->logs = info->logs;
    ret->entries = info->entries;
    ret->bytes = info->bytes;
    ret->deleted = info->deleted;
}

static void status_fill_undo(const struct service *service,
                             struct recovery_status_result *ret)
{
    struct machine_part_info info;

    if (!machine_part_info(service->machine, MACHINE_UNDO, &info)) {
        return;
    }
    ret->has_undo = true;
    copy_source(ret->undo_source, info.source);
    ret->undo_time_ms = info.from_time_ms;
    ret->undo_logs = info.logs;
    ret->undo_entries = info.entries;
    ret->undo_bytes = info.bytes;
}

static void copy_source(char ret[BACKUP_NAME_MAX + 1], struct bytes source)
{
    size_t len = source.len < BACKUP_NAME_MAX ? source.len : BACKUP_NAME_MAX;

    if (len > 0) {
        memcpy(ret, source.data, len);
    }
    ret[len] = '\0';
}
