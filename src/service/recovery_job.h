/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The one long work of recovery that a leader has at a time: it fills a draft, from
 * a backup (recovery_stage.h) or from what is staged (recovery_edit.h). What it
 * proposes is decided in the machine, so that a job that ends half way leaves
 * nothing worse than a draft, which the next job replaces.
 */
#pragma once

#include "service/call.h"
#include "service/draft_feed.h"
#include "service/pause.h"
#include "service/proposal.h"

struct recovery_job;

struct recovery_job_ops {
    /* The draft is there: job->feed may be fed, one turn's worth. Called again when
     * records were decided, after recovery_job_rest(), and about once a second.
     * Ends in recovery_job_done(), _fail() or by waiting for what calls
     * recovery_job_run(). */
    void (*run)(struct recovery_job *job);
    /* Ends what the job waits for and frees it. */
    void (*free)(struct recovery_job *job);
};

/* Embedded first in each kind. */
struct recovery_job {
    struct service *service;
    const struct recovery_job_ops *ops;
    bool is_edit;
    char source[BACKUP_NAME_MAX + 1];
    struct call *call;         /* answered when the draft is there; or NULL */
    struct proposal *proposal; /* its begin or its end, under way */
    struct pause *pause;       /* or NULL */
    bool has_draft;
    struct draft_feed feed;
    uint64_t
        done_bytes; /* of an edit: looked at; of a stage the machine knows */
    uint64_t total_bytes;
};

/* What the service keeps of jobs. */
struct recovery {
    struct recovery_job *job; /* or NULL */
    struct err last; /* how the last one ended; code 0: well, or none */
};

/* QL_BUSY with a sentence while there is a job. */
int recovery_job_may_begin(const struct service *service, struct err *err);
/* @job, zeroed but for ops, is_edit and source, is the service's from now on.
 * @call, or NULL, is answered when the draft has begun or has not. */
void recovery_job_start(struct recovery_job *job, struct call *call);
/* Proposes the begin of the draft. */
void recovery_job_begin_draft(struct recovery_job *job,
                              const struct recovery_begin_args *args);
/* Runs it, unless it rests or there is no draft yet. The job may be gone after. */
void recovery_job_run(struct recovery_job *job);
/* The turn was long enough: runs again in a later one. The last thing it does. */
void recovery_job_rest(struct recovery_job *job);
/* Adds a record. False: not now; the job waits until it is run again. */
bool recovery_job_feed(struct recovery_job *job, struct bytes record,
                       const struct draft_mark *mark);
/* All records are decided: proposes the end. The last thing it does. */
void recovery_job_done(struct recovery_job *job, uint64_t deleted);
/* Ends it; the job is gone. */
void recovery_job_fail(struct recovery_job *job, int code,
                       const struct err *err);

/* Ends the job, if there is one, and forgets how it went. */
void recovery_job_cancel(struct service *service);
/* This node does not lead any more, or stops. */
void recovery_job_on_leader_lost(struct service *service);
/* Now and then: what was refused for being too much is tried again. */
void recovery_job_tick(struct service *service);
