/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The backups that are to be written, in the order in which they were asked for. */
#include "backup/backup_job.h"
#include "util/diag.h"

static bool cannot_go_on(const struct backup_store *store);
static void give_up(struct backup_job *job);

void backup_jobs_go(struct backup_store *store)
{
    if (!list_empty(&store->jobs) && store->is_ready &&
        !backup_is_waiting(store) && !store->is_stopped) {
        job_go(job_at(store->jobs.next));
    }
}

void backup_jobs_restart(struct backup_store *store)
{
    for (struct list *link = store->jobs.next; link != &store->jobs;
         link = link->next) {
        job_restart(job_at(link));
    }
}

void backup_jobs_purge(struct backup_store *store)
{
    struct list *next;

    for (struct list *link = store->jobs.next; link != &store->jobs;
         link = next) {
        struct backup_job *job = job_at(link);
        bool is_wanted = job->kind == JOB_ADOPT;

        next = link->next;
        for (struct list *at = store->entries.next; at != &store->entries;
             at = at->next) {
            is_wanted =
                is_wanted ||
                backup_row_is_same(
                    &LIST_ITEM(at, struct backup_entry, link)->row, &job->row);
        }
        if (!is_wanted) {
            job_drop(job, QL_CANCELED, "it is not in the table any more");
        }
    }
}

bool backup_jobs_has(const struct backup_store *store,
                     const struct backup_row *row, bool *ret_runs)
{
    for (const struct list *link = store->jobs.next; link != &store->jobs;
         link = link->next) {
        struct backup_job *job = job_at(link);

        if (job->kind != JOB_ADOPT && !job->is_over &&
            backup_row_is_same(&job->row, row)) {
            *ret_runs = link == store->jobs.next;
            return true;
        }
    }
    return false;
}

bool backup_jobs_relieve(struct backup_store *store)
{
    struct list *next;
    bool any = false;

    if (!cannot_go_on(store)) {
        return false;
    }
    for (struct list *link = store->jobs.next; link != &store->jobs;
         link = next) {
        struct backup_job *job = job_at(link);

        next = link->next;
        if (job->kind == JOB_TAKE && !job->is_over) {
            give_up(job);
            any = true;
        }
    }
    return any;
}

/* For the directory, or for a chunk that has to come from another node. */
static bool cannot_go_on(const struct backup_store *store)
{
    return backup_is_waiting(store) ||
           (!list_empty(&store->jobs) &&
            store->now_ms < job_at(store->jobs.next)->wait_ms);
}

static void give_up(struct backup_job *job)
{
    struct backup_store *store = job->store;
    struct backup_entry *entry = backup_entry_of(store, job->row.name);

    diag_warning("backups in %s: %s is given up here: it cannot be written "
                 "now, and keeps trimmed entries on a disk that is low",
                 store->options.where, job->row.name);
    if (entry != NULL && !entry->has_file) {
        backup_entry_set_error(
            entry, QL_NO_SPACE,
            "given up: it could not be written, and the disk of the logs was "
            "low on space");
    }
    job_drop(job, QL_NO_SPACE, "the disk of the logs is low on space");
}

void backup_jobs_count(const struct backup_store *store,
                       struct backup_store_status *ret)
{
    for (const struct list *link = store->jobs.next; link != &store->jobs;
         link = link->next) {
        ret->waiting += job_at(link)->kind == JOB_TAKE;
    }
    if (!list_empty(&store->jobs)) {
        struct backup_job *job = job_at(store->jobs.next);

        /* The plan is the chore's while that lasts. */
        ret->done_bytes = job->copied;
        ret->total_bytes = job->stage == JOB_PLAN ? 0 : job->plan.raw_bytes;
    }
}

void backup_jobs_free(struct backup_store *store)
{
    while (!list_empty(&store->jobs)) {
        struct backup_job *job = job_at(store->jobs.next);

        list_remove(&job->link);
        job_free(job);
    }
}
