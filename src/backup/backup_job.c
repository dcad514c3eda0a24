/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Backups that are being written, one after the other. First it is found out which
 * chunks the pool has; the others are copied, a pack at a time; then comes the
 * manifest. What fails is tried again from where it was, or from the start when the
 * directory may be another one; only what came from elsewhere ends with its first
 * failure, as who brought it may bring it again.
 */
#include "backup/backup_job.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/diag.h"
#include "util/mem.h"

static struct backup_job *job_new(struct backup_store *store,
                                  enum job_kind kind,
                                  const struct backup_row *row);
static void job_end(struct backup_job *job, int status);
static void begin(struct backup_job *job, int (*run)(struct backup_chore *));
static bool prepare(struct backup_chore *chore);
static void ended(struct backup_chore *chore, int status);
static void failed(struct backup_job *job, int status);
static bool is_there(const struct backup_job *job);
static void refused(struct backup_job *job, const struct err *why);
static void planned(struct backup_job *job);
static void packed(struct backup_job *job);
static void written(struct backup_job *job);

/* ---- Asking for one ------------------------------------------------------ */

void backup_store_begin(struct backup_store *store,
                        const struct backup_row *row, struct view *view)
{
    struct backup_job *job = job_new(store, JOB_TAKE, row);
    struct backup_job *oldest = NULL;
    unsigned waiting = 0;

    job->view = view;
    job->set = view_take_chunks(view);
    for (struct list *link = store->jobs.next; link != &store->jobs;
         link = link->next) {
        if (job_at(link)->kind == JOB_TAKE && !job_at(link)->is_over) {
            oldest = oldest == NULL ? job_at(link) : oldest;
            waiting++;
        }
    }
    if (waiting > BACKUPS_PENDING_MAX) {
        /* At the start it is mostly there already. */
        if (store->is_ready) {
            diag_warning("backups in %s: %s is given up here: newer ones wait",
                         store->options.where, oldest->row.name);
        }
        job_drop(oldest, QL_BUSY, "newer ones waited");
    }
    backup_changed(store);
}

void backup_repair(struct backup_store *store, struct backup_entry *entry)
{
    (void)job_new(store, JOB_REPAIR, &entry->row);
    backup_changed(store);
}

int backup_store_adopt(struct backup_store *store, struct backup_adopt *adopt,
                       const char *file, const struct backup_row *row,
                       backup_adopt_cb cb)
{
    struct backup_job *job;
    unsigned count = 0;

    for (struct list *link = store->jobs.next; link != &store->jobs;
         link = link->next) {
        count += job_at(link)->kind == JOB_ADOPT;
    }
    if (store->is_stopped || !store->is_ready || count >= BACKUP_ADOPTS_MAX) {
        return QL_BUSY;
    }
    assert(strlen(file) < DISK_NAME_MAX);
    job = job_new(store, JOB_ADOPT, row);
    (void)snprintf(job->file, sizeof(job->file), "%s", file);
    adopt->cb = cb;
    memset(&adopt->err, 0, sizeof(adopt->err));
    list_push_back(&job->waiter, &adopt->link);
    backup_changed(store);
    return 0;
}

void backup_store_adopt_cancel(struct backup_adopt *adopt)
{
    list_remove(&adopt->link);
}

static struct backup_job *job_new(struct backup_store *store,
                                  enum job_kind kind,
                                  const struct backup_row *row)
{
    struct backup_job *job = mem_must_zalloc(sizeof(*job));

    job->store = store;
    job->kind = kind;
    job->row = *row;
    backup_row_own(store, &job->row);
    list_init(&job->waiter);
    list_push_back(&store->jobs, &job->link);
    return job;
}

void job_free(struct backup_job *job)
{
    job_asks_cancel(job);
    job_batch_clear(job);
    list_remove(&job->waiter);
    backup_plan_close(&job->plan);
    runs_close(&job->held);
    free(job->bad);
    if (job->made != NULL) {
        backup_entry_free(job->made);
    }
    chunk_set_drop(job->set);
    view_free(job->view);
    free(job);
}

/* Tells who waits; takes it out and frees it. */
static void job_end(struct backup_job *job, int status)
{
    struct backup_store *store = job->store;
    struct backup_adopt *adopt = NULL;

    pool_unref(&store->pool, &job->held);
    if (!list_empty(&job->waiter)) {
        adopt = LIST_ITEM(job->waiter.next, struct backup_adopt, link);
        list_remove(&adopt->link);
        adopt->err = job->why;
    }
    list_remove(&job->link);
    job_free(job);
    backup_changed(store);
    if (adopt != NULL) {
        adopt->cb(adopt, status);
    }
}

void job_drop(struct backup_job *job, int status, const char *why)
{
    (void)err_set(&job->why, status, "%s", why);
    if (job->in_chore) {
        job->is_over = true;
    } else {
        job_end(job, status);
    }
}

void job_restart(struct backup_job *job)
{
    if (job->in_chore) {
        job->is_restarted = true;
        return;
    }
    job->is_restarted = false;
    job_asks_cancel(job);
    job_batch_clear(job);
    pool_unref(&job->store->pool, &job->held);
    runs_close(&job->held);
    job->stage = JOB_PLAN;
    job->next = 0;
    job->copied = 0;
    job->wait_ms = 0;
}

/* ---- One ----------------------------------------------------------------- */

void job_go(struct backup_job *job)
{
    bool is_full = true;

    if (job->in_chore) {
        return;
    }
    switch (job->stage) {
    case JOB_PLAN:
        begin(job, job_run_plan);
        break;
    case JOB_COPY:
        if (job->kind != JOB_ADOPT) {
            job_ask(job, &is_full);
        }
        if (!is_full) {
            break;
        }
        if (job->batch.count > 0 ||
            (job->kind == JOB_ADOPT && job->next < job->plan.count)) {
            begin(job, job_run_pack);
            break;
        }
        job->stage = JOB_MANIFEST;
        begin(job, job_run_manifest);
        break;
    case JOB_MANIFEST:
        begin(job, job_run_manifest);
        break;
    }
}

static void begin(struct backup_job *job, int (*run)(struct backup_chore *))
{
    job->chore.prepare = prepare;
    job->chore.run = run;
    job->chore.ended = ended;
    job->in_chore = true;
    backup_chore_add(job->store, &job->chore);
}

static bool prepare(struct backup_chore *chore)
{
    struct backup_job *job = (struct backup_job *)(void *)chore;
    struct backup_store *store = job->store;
    const struct backup_entry *base = backup_base(store);

    job->base[0] = '\0';
    free(job->bad);
    job->bad = NULL;
    if (job->is_over || job->is_restarted || !store->is_ready) {
        return false;
    }
    if (job->kind == JOB_REPAIR) {
        base = backup_entry_of(store, job->row.name);
    }
    if (base != NULL) {
        memcpy(job->base, base->row.name, sizeof(job->base));
    }
    job->bad = pool_bad(&store->pool, &job->bad_count);
    /* A number is used once, whatever becomes of it. */
    if (chore->run == job_run_pack) {
        store->pool.last++;
        job->batch.pack = store->pool.last;
    }
    return true;
}

static void ended(struct backup_chore *chore, int status)
{
    struct backup_job *job = (struct backup_job *)(void *)chore;
    struct backup_store *store = job->store;

    job->in_chore = false;
    /* What came to be counts, whether or not it is still wanted. */
    if (status == 0 && job->stage == JOB_MANIFEST) {
        written(job);
        return;
    }
    if (status == 0 && job->stage == JOB_COPY) {
        packed(job);
    }
    if (job->is_over) {
        job_end(job, job->why.code);
    } else if (job->is_restarted || status == QL_CANCELED) {
        job_restart(job);
    } else if (status != 0) {
        failed(job, status);
    } else if (job->stage == JOB_PLAN) {
        planned(job);
    }
    backup_jobs_go(store);
}

static void failed(struct backup_job *job, int status)
{
    struct backup_store *store = job->store;
    struct err why = job->chore.err;

    if (job->kind == JOB_ADOPT || job->kind == JOB_REPAIR) {
        struct backup_entry *entry = backup_entry_of(store, job->row.name);

        if (job->kind == JOB_REPAIR && entry != NULL) {
            entry->repair_failed = true;
        }
        job->why = why;
        job_end(job, status);
        if (status == QL_NO_SPACE || status == QL_IO) {
            backup_trouble(store, status, why.text);
        }
        return;
    }
    if (status == QL_EXISTS) {
        refused(job, &why);
        return;
    }
    if (status == QL_NO_SPACE && is_there(job)) {
        job_end(job, 0);
        return;
    }
    if (status == QL_CORRUPT) {
        job_restart(job);
    }
    backup_trouble(store, status, why.text);
}

/* An earlier process has written it, so it need not be replaced. */
static bool is_there(const struct backup_job *job)
{
    const struct backup_store *store = job->store;
    const struct backup_entry *entry = backup_entry_of(store, job->row.name);
    uint64_t checked;

    return entry != NULL && entry->has_file && entry->code == 0 &&
           backup_row_is_same(&entry->row, &job->row) &&
           !pool_is_bad(&store->pool, &entry->runs, &checked);
}

/* Another file has the name. That does not change by itself. */
static void refused(struct backup_job *job, const struct err *why)
{
    struct backup_store *store = job->store;
    struct backup_entry *entry = backup_entry_of(store, job->row.name);

    store->counts.failures++;
    diag_warning("backups in %s: %s", store->options.where, why->text);
    if (entry != NULL) {
        backup_entry_set_error(entry, QL_EXISTS, why->text);
    }
    job->why = *why;
    job_end(job, QL_EXISTS);
}

/* The packs that it will name must stay. */
static void planned(struct backup_job *job)
{
    struct backup_store *store = job->store;
    uint64_t *packs =
        mem_must_array((size_t)job->plan.count + 1, sizeof(*packs));
    size_t count = 0;

    for (uint32_t i = 0; i < job->plan.count; i++) {
        uint64_t pack = job->plan.at[i].pack;

        if (pack != 0 && (count == 0 || packs[count - 1] != pack)) {
            packs[count] = pack;
            count++;
        }
    }
    runs_sort(packs, &count);
    for (size_t i = 0; i < count; i++) {
        runs_push(&job->held, packs[i]);
    }
    free(packs);
    pool_ref(&store->pool, &job->held);
    job->stage = JOB_COPY;
    job->next = 0;
    backup_changed(store);
}

static void packed(struct backup_job *job)
{
    struct backup_store *store = job->store;
    struct job_batch *batch = &job->batch;
    struct pool_pack *pack;

    if (batch->count == 0) {
        return;
    }
    pack = pool_add(&store->pool, batch->pack);
    pack->len = batch->file_len;
    pack->rows = batch->count;
    pack->checked_ms = store->wall_ms;
    pack->refs++;
    runs_push(&job->held, batch->pack);
    for (uint32_t i = 0; i < batch->count; i++) {
        uint32_t number = batch->numbers[i];

        job->plan.at[number] = (struct backup_location){batch->pack, i};
        pack_row_encode(&batch->rows[i],
                        job->plan.rows + (size_t)number * PACK_ROW_LEN);
    }
    job->copied += batch->raw;
    job_batch_clear(job);
    store->has_checks = true;
    backup_no_trouble(store);
    backup_changed(store);
}

static void written(struct backup_job *job)
{
    struct backup_store *store = job->store;
    struct backup_entry *entry = NULL;
    struct list *link;

    for (link = store->entries.next; link != &store->entries;
         link = link->next) {
        if (backup_row_is_same(&LIST_ITEM(link, struct backup_entry, link)->row,
                               &job->row)) {
            entry = LIST_ITEM(link, struct backup_entry, link);
        }
    }
    if (entry == NULL) {
        entry = backup_entry_take(&store->strays, &job->row);
        entry = entry != NULL ? entry : backup_entry_new(&job->row);
        list_push_back(job->is_over ? &store->gone : &store->strays,
                       &entry->link);
    }
    job->made->checked_ms = store->wall_ms;
    backup_entry_set_file(store, entry, job->made);
    store->counts.last_success_ms = store->wall_ms;
    store->has_checks = true;
    backup_no_trouble(store);
    job_end(job, 0);
    if (store->pins_all) {
        backup_look_anew(store); /* it may have replaced the damaged one */
    }
    backup_jobs_go(store);
}

/* ---- Chunks -------------------------------------------------------------- */

void job_on_served(struct backup_job *job, int status)
{
    struct backup_store *store = job->store;

    if (status == QL_NOT_FOUND || status == QL_CORRUPT) {
        struct backup_entry *entry = backup_entry_of(store, job->row.name);

        if (job->kind == JOB_REPAIR) {
            if (entry != NULL) {
                entry->repair_failed = true;
            }
            job_drop(job, QL_NOT_FOUND, "its chunks are not on this node");
            return;
        }
        job->wait_ms = store->now_ms + BACKUP_RETRY_MS;
        if (entry != NULL) {
            (void)snprintf(entry->error, sizeof(entry->error),
                           "a chunk is not on this node at the moment");
        }
        return;
    }
    if (status == QL_BUSY) {
        return; /* with the next tick */
    }
    backup_jobs_go(store);
}
