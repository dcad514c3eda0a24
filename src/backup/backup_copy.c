/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Chunks that the pool lacks are asked of the chunk store and gathered for a pack:
 * rows and frames as they lie there. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_job.h"
#include "machine/must.h"
#include "util/mem.h"

static bool find_lacking(struct backup_job *job, uint32_t *ret_number);
static void on_serve(struct chunk_serve *serve, int status, const uint8_t *row,
                     struct bytes frame);
static unsigned asked(const struct backup_job *job);

void job_ask(struct backup_job *job, bool *ret_full)
{
    struct backup_store *store = job->store;
    bool has_more = true;
    uint32_t number;

    *ret_full = false;
    if (store->now_ms < job->wait_ms) {
        return;
    }
    for (unsigned i = 0; i < BACKUP_SERVES_MAX; i++) {
        struct job_serve *slot = &job->serves[i];
        struct chunk_facts facts;

        if (slot->is_asked) {
            continue;
        }
        has_more = job->batch.raw < PACK_BYTES_MAX &&
                   job->batch.count + BACKUP_SERVES_MAX < PACK_CHUNKS_MAX &&
                   find_lacking(job, &number);
        if (!has_more) {
            break;
        }
        facts = backup_plan_facts(&job->plan, number);
        slot->job = job;
        slot->number = number;
        slot->serve.data = slot;
        if (chunk_store_serve(store->options.chunks, &slot->serve, &facts.name,
                              on_serve) != 0) {
            job->next = number; /* it is busy: with the next tick */
            return;
        }
        slot->is_asked = true;
        job->plan.at[number].row = JOB_ASKED;
    }
    *ret_full = !has_more && asked(job) == 0;
}

/* The next one without a place that nobody was asked for. */
static bool find_lacking(struct backup_job *job, uint32_t *ret_number)
{
    while (job->next < job->plan.count) {
        uint32_t number = job->next;

        job->next++;
        if (job->plan.at[number].pack == 0 &&
            job->plan.at[number].row != JOB_ASKED) {
            *ret_number = number;
            return true;
        }
    }
    return false;
}

static unsigned asked(const struct backup_job *job)
{
    unsigned count = 0;

    for (unsigned i = 0; i < BACKUP_SERVES_MAX; i++) {
        count += job->serves[i].is_asked;
    }
    return count;
}

void job_asks_cancel(struct backup_job *job)
{
    for (unsigned i = 0; i < BACKUP_SERVES_MAX; i++) {
        if (job->serves[i].is_asked) {
            chunk_store_serve_cancel(&job->serves[i].serve);
            job->serves[i].is_asked = false;
        }
    }
}

static void on_serve(struct chunk_serve *serve, int status, const uint8_t *row,
                     struct bytes frame)
{
    struct job_serve *slot = serve->data;
    struct backup_job *job = slot->job;

    slot->is_asked = false;
    if (status == 0) {
        struct chunk_facts facts = backup_plan_facts(&job->plan, slot->number);
        struct pack_row decoded = {.frame_len = 0};

        status = pack_row_decode(row, &decoded, NULL);
        if (status == 0 &&
            !chunk_name_equal(&decoded.facts.name, &facts.name)) {
            status = QL_CORRUPT;
        }
        if (status == 0) {
            job_batch_add(&job->batch, &decoded, frame, slot->number);
        }
    }
    if (status != 0) {
        job->plan.at[slot->number].row = 0;
        job->next = slot->number < job->next ? slot->number : job->next;
    }
    job_on_served(job, status);
}

/* ---- Batches ------------------------------------------------------------- */

void job_batch_add(struct job_batch *batch, const struct pack_row *row,
                   struct bytes frame, uint32_t number)
{
    if (batch->rows == NULL) {
        batch->rows = mem_must_array(PACK_CHUNKS_MAX, sizeof(*batch->rows));
        batch->numbers =
            mem_must_array(PACK_CHUNKS_MAX, sizeof(*batch->numbers));
    }
    assert(batch->count < PACK_CHUNKS_MAX);
    batch->rows[batch->count] = *row;
    batch->numbers[batch->count] = number;
    batch->count++;
    batch->raw += row->facts.len;
    (void)must_have_memory(buf_add(&batch->frames, frame.data, frame.len));
}

void job_batch_clear(struct backup_job *job)
{
    struct job_batch *batch = &job->batch;

    buf_close(&batch->frames);
    free(batch->rows);
    free(batch->numbers);
    memset(batch, 0, sizeof(*batch));
}
