/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The backups that are to be written, in the order in which they were asked for. */
#include "backup/backup_job.h"

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
