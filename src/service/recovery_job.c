/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/recovery_job.h"

#include <string.h>

#include "machine/must.h"
#include "service/envelope.h"
#include "service/service_parts.h"
#include "util/diag.h"
#include "wire/args_recovery.h"

static void propose(struct recovery_job *job, enum command_kind kind,
                    const struct buf *params, proposal_cb cb);
static void on_begun(struct proposal *proposal, int status,
                     const struct outcome *outcome);
static void on_ended(struct proposal *proposal, int status,
                     const struct outcome *outcome);
static int refusal(int status, const struct outcome *outcome, struct err *err);
static bool is_leader_lost(int code);
static void say_leader_lost(struct err *err);
static bool is_passing(int code);
static void on_change(void *data);
static void on_rested(void *data, int status);
static void answer(struct recovery_job *job);
static void forget_call(struct call *call);
static void end(struct recovery_job *job);

int recovery_job_may_begin(const struct service *service, struct err *err)
{
    const struct recovery_job *job = service->recovery.job;

    if (job == NULL) {
        return 0;
    }
    return err_set(err, QL_BUSY,
                   "backup %s is being %s: wait until recovery status says "
                   "that it is staged, or unload it",
                   job->source, job->is_edit ? "edited" : "staged");
}

void recovery_job_start(struct recovery_job *job, struct call *call)
{
    struct service *service = call->service;

    job->service = service;
    job->call = call;
    call->work = job;
    call->stop = forget_call;
    service->recovery.job = job;
    memset(&service->recovery.last, 0, sizeof(service->recovery.last));
}

void recovery_job_begin_draft(struct recovery_job *job,
                              const struct recovery_begin_args *args)
{
    struct buf params = BUF_INIT;

    job->total_bytes = args->total_bytes;
    must_have_memory(recovery_begin_args_encode(args, &params));
    propose(job, COMMAND_RECOVERY_BEGIN, &params, on_begun);
    buf_close(&params);
}

void recovery_job_run(struct recovery_job *job)
{
    if (!job->has_draft || job->pause != NULL || job->proposal != NULL) {
        return;
    }
    if (job->feed.code != 0) {
        recovery_job_fail(job, job->feed.code, &job->feed.err);
        return;
    }
    job->ops->run(job);
}

void recovery_job_rest(struct recovery_job *job)
{
    struct err err = {0};
    int rv = pause_start(&job->pause, job->service->node, on_rested, job);

    if (rv != 0 && !is_passing(rv)) {
        call_node_refusal(rv, &err);
        recovery_job_fail(job, rv, &err);
    }
}

void recovery_job_done(struct recovery_job *job, uint64_t deleted)
{
    const struct recovery_end_args args = {
        .draft = job->feed.draft, .seq = job->feed.seq, .deleted = deleted};
    struct buf params = BUF_INIT;

    must_have_memory(recovery_end_args_encode(&args, &params));
    propose(job, COMMAND_RECOVERY_END, &params, on_ended);
    buf_close(&params);
}

void recovery_job_fail(struct recovery_job *job, int code,
                       const struct err *err)
{
    struct recovery *recovery = &job->service->recovery;
    struct call *call = job->call;

    recovery->last = *err;
    recovery->last.code = code;
    if (job->has_draft && is_leader_lost(code)) {
        say_leader_lost(&recovery->last);
    }
    if (job->has_draft && code != QL_CANCELED) {
        diag_warning("recovery: backup %s was not %s: %s", job->source,
                     job->is_edit ? "edited" : "staged", recovery->last.text);
    }
    job->call = NULL;
    end(job);
    if (call != NULL) {
        call->stop = NULL;
        call_fail(call, code, &recovery->last);
    }
}

void recovery_job_cancel(struct service *service)
{
    struct recovery_job *job = service->recovery.job;
    struct err err = {0};

    if (job != NULL) {
        err_set(&err, QL_CANCELED, "it was unloaded meanwhile");
        recovery_job_fail(job, QL_CANCELED, &err);
    }
    memset(&service->recovery.last, 0, sizeof(service->recovery.last));
}

void recovery_job_on_leader_lost(struct service *service)
{
    struct recovery_job *job = service->recovery.job;
    struct err err = {0};

    if (job != NULL) {
        say_leader_lost(&err);
        recovery_job_fail(job, err.code, &err);
    }
}

void recovery_job_tick(struct service *service)
{
    if (service->recovery.job != NULL) {
        recovery_job_run(service->recovery.job);
    }
}

/* ---- Begin and end of the draft ------------------------------------------ */

static void propose(struct recovery_job *job, enum command_kind kind,
                    const struct buf *params, proposal_cb cb)
{
    struct proposal *proposal = proposal_new(sizeof(*proposal), cb, job);
    struct bytes bytes = {params->data, params->len};
    struct err err = {0};
    int rv = proposal_send(proposal, job->service->node, kind, bytes);

    if (rv != 0 && job->has_draft && is_passing(rv)) {
        return; /* the tick tries again */
    }
    if (rv != 0) {
        call_node_refusal(rv, &err);
        recovery_job_fail(job, rv, &err);
        return;
    }
    job->proposal = proposal;
}

static void on_begun(struct proposal *proposal, int status,
                     const struct outcome *outcome)
{
    struct recovery_job *job = proposal->data;
    struct err err = {0};
    int rv = refusal(status, outcome, &err);

    job->proposal = NULL;
    if (rv != 0) {
        recovery_job_fail(job, rv, &err);
        return;
    }
    draft_feed_init(&job->feed, job->service, outcome->recovery.stage,
                    on_change, job);
    job->has_draft = true;
    answer(job);
    recovery_job_rest(job);
}

static void on_ended(struct proposal *proposal, int status,
                     const struct outcome *outcome)
{
    struct recovery_job *job = proposal->data;
    struct err err = {0};
    int rv = refusal(status, outcome, &err);

    job->proposal = NULL;
    if (rv != 0) {
        recovery_job_fail(job, rv, &err);
        return;
    }
    end(job);
}

static int refusal(int status, const struct outcome *outcome, struct err *err)
{
    if (status != 0) {
        return call_node_refusal(status, err);
    }
    if (outcome->code != 0) {
        return err_set(err, outcome->code, "%s", machine_refusal_text(outcome));
    }
    return 0;
}

/* What is under way may still come to something; a draft is no use then either
 * way. */
static bool is_leader_lost(int code)
{
    return code == QL_NOT_LEADER || code == QL_OUTCOME_UNKNOWN ||
           code == QL_NO_LEADER || code == QL_SHUTTING_DOWN;
}

static void say_leader_lost(struct err *err)
{
    err_set(err, QL_NOT_LEADER,
            "leadership was lost meanwhile: begin again on the new leader");
}

/* What a node refuses for a while: the tick tries again. */
static bool is_passing(int code)
{
    return code == QL_BUSY || code == QL_NO_LEADER;
}

/* ---- Turns --------------------------------------------------------------- */

static void on_change(void *data)
{
    recovery_job_run(data);
}

static void on_rested(void *data, int status)
{
    struct recovery_job *job = data;
    struct err err = {0};

    job->pause = NULL;
    if (status != 0) {
        call_node_refusal(status, &err);
        recovery_job_fail(job, status, &err);
        return;
    }
    recovery_job_run(job);
}

bool recovery_job_feed(struct recovery_job *job, struct bytes record,
                       const struct draft_mark *mark)
{
    struct err err = {0};
    int rv;

    if (!draft_feed_has_room(&job->feed, record.len)) {
        return false;
    }
    rv = draft_feed_add(&job->feed, record, mark);
    if (rv != 0 && !is_passing(rv)) {
        call_node_refusal(rv, &err);
        job->feed.code = rv;
        job->feed.err = err;
    }
    return rv == 0;
}

/* ---- The call ------------------------------------------------------------ */

static void answer(struct recovery_job *job)
{
    const struct recovery_stage_result result = {job->feed.draft};
    struct call *call = job->call;
    struct buf message = BUF_INIT;

    job->call = NULL;
    if (call == NULL) {
        return;
    }
    call->stop = NULL;
    if (job->is_edit) {
        call_finish_empty(call);
        return;
    }
    envelope_open_result(&message, call->id);
    must_have_memory(recovery_stage_result_encode(&result, &message));
    call_finish(call, &message);
}

/* Nobody waits any more; the job goes on. */
static void forget_call(struct call *call)
{
    struct recovery_job *job = call->work;

    job->call = NULL;
}

static void end(struct recovery_job *job)
{
    job->service->recovery.job = NULL;
    proposal_forget(job->proposal);
    pause_cancel(job->pause);
    draft_feed_stop(&job->feed);
    job->ops->free(job);
}
