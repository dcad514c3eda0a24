/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the files that write a backup share: see backup_job.c. */
#pragma once

#include "backup/backup_internal.h"
#include "backup/backup_plan.h"

enum job_kind {
    JOB_TAKE,   /* from a view and the chunk store */
    JOB_REPAIR, /* from its own manifest and the chunk store */
    JOB_ADOPT,  /* from a stream in a file */
};

enum job_stage {
    JOB_PLAN,     /* which chunks the pool has */
    JOB_COPY,     /* the others become packs */
    JOB_MANIFEST, /* and then it */
};

/* As the row of a chunk without a place: it was asked for, or is in the batch. */
#define JOB_ASKED UINT32_MAX

/* Chunks that become a pack. */
struct job_batch {
    struct pack_row *rows;
    uint32_t *numbers; /* in the plan */
    uint32_t count;
    uint64_t raw;
    struct buf frames;
    uint64_t pack;     /* its number */
    uint64_t file_len; /* and length */
};

struct job_serve {
    struct chunk_serve serve;
    struct backup_job *job;
    uint32_t number; /* in the plan */
    bool is_asked;
};

struct backup_job {
    struct backup_chore chore; /* first */
    struct list link;          /* store->jobs */
    struct backup_store *store;
    enum job_kind kind;
    enum job_stage stage;
    struct backup_row row;
    struct view *view;     /* JOB_TAKE */
    struct chunk_set *set; /* what it names */
    struct list waiter;    /* JOB_ADOPT: the struct backup_adopt */
    char file[DISK_NAME_MAX];
    struct err why; /* it failed */

    struct backup_plan plan;
    uint32_t next;           /* in the plan, to be looked at */
    uint64_t copied;         /* raw bytes */
    uint64_t was_new;        /* JOB_REPAIR: as its manifest says */
    struct backup_runs held; /* packs that must not go */
    struct job_batch batch;
    struct job_serve serves[BACKUP_SERVES_MAX];
    uint64_t wait_ms;               /* nothing is asked before */
    char base[BACKUP_NAME_MAX + 1]; /* "": none; the chore's */
    uint64_t *bad;                  /* packs; the chore's */
    size_t bad_count;
    struct backup_entry *made; /* of the manifest; the chore's */

    bool in_chore;     /* queued or under way */
    bool is_over;      /* ends when the chore does */
    bool is_restarted; /* begins anew when the chore ends */
};

static inline struct backup_job *job_at(const struct list *link)
{
    return LIST_ITEM(link, struct backup_job, link);
}

/* Begins its next step, if it can. */
void job_go(struct backup_job *job);
/* From the start, now or when its chore has ended. */
void job_restart(struct backup_job *job);
/* Nobody wants it any more; a chore of it ends first. */
void job_drop(struct backup_job *job, int status, const char *why);
/* It is in no list any more, and nobody is told. */
void job_free(struct backup_job *job);

/* Off the loop: the steps of a job. */
int job_run_plan(struct backup_chore *chore);
int job_run_pack(struct backup_chore *chore);
int job_run_manifest(struct backup_chore *chore);

/* Asks for chunks; *ret_full: the batch is to be written. Loop. */
void job_ask(struct backup_job *job, bool *ret_full);
void job_asks_cancel(struct backup_job *job);
void job_batch_clear(struct backup_job *job);
void job_batch_add(struct job_batch *batch, const struct pack_row *row,
                   struct bytes frame, uint32_t number);
/* A chunk that is asked for is here, or is not to be had. */
void job_on_served(struct backup_job *job, int status);
