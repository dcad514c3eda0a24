/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/recovery_stage.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine/must.h"
#include "service/backup_chunks.h"
#include "service/backup_scratch.h"
#include "service/service_parts.h"
#include "util/mem.h"

/* What comes next of the log that is being staged. */
enum stage_step {
    STAGE_LOG,
    STAGE_CHUNKS,
    STAGE_OPEN, /* the bytes that were in the open chunk */
    STAGE_DONE,
};

struct recovery_stage {
    struct recovery_job job; /* first */
    struct backup_row row;
    struct backup_scratch *scratch;
    const struct backup_scratch_log *logs;
    size_t logs_count;
    /* Of the log at @log: */
    size_t log;
    enum stage_step step;
    struct chunk *const *chunks; /* the scratch machine's */
    size_t chunks_count;
    size_t chunk;
    size_t alone_to; /* chunks before it are referred to one by one: a run of
                        references was refused */
    size_t bytes_to; /* and of those before it the bytes are taken: a single
                        one was */
    struct backup_chunks reads;
    size_t turn_chunks; /* looked at in this turn; CHUNK_BYTES that are proposed
                           are a turn's work, too */
};

static void on_scratch(void *data, int status, const struct err *err);
static void stage_run(struct recovery_job *job);
static void stage_free(struct recovery_job *job);
static void stage_go_back(struct recovery_stage *stage,
                          const struct draft_mark *mark);
static void enter_log(struct recovery_stage *stage);
static bool stage_step(struct recovery_stage *stage);
static bool feed_log(struct recovery_stage *stage);
static bool feed_chunk(struct recovery_stage *stage);
static bool feed_refs(struct recovery_stage *stage);
static bool feed_bytes(struct recovery_stage *stage);
static bool feed_open(struct recovery_stage *stage);
static bool feed_done(struct recovery_stage *stage);
static bool is_had(const struct recovery_stage *stage, size_t chunk);
static bool feed(struct recovery_stage *stage, struct buf *record,
                 size_t chunks);
static void on_chunk(void *data, int status, const struct err *err);

static const struct recovery_job_ops stage_ops = {stage_run, stage_free};

int recovery_stage_start(struct call *call, const struct backup_row *row,
                         struct err *err)
{
    struct recovery_stage *stage = mem_must_zalloc(sizeof(*stage));
    struct service *service = call->service;
    int rv;

    stage->job.ops = &stage_ops;
    stage->row = *row;
    memcpy(stage->job.source, row->name, sizeof(stage->job.source));
    rv = backup_scratch_open(&stage->scratch, service, row, on_scratch, stage,
                             err);
    if (rv != 0) {
        free(stage);
        return rv;
    }
    backup_chunks_init(&stage->reads, node_backups(service->node),
                       stage->row.name, on_chunk, stage);
    recovery_job_start(&stage->job, call);
    return 0;
}

static void on_scratch(void *data, int status, const struct err *err)
{
    struct recovery_stage *stage = data;
    const struct backup_row *row = &stage->row;
    struct recovery_begin_args args = {.from_index = row->index,
                                       .from_time_ms = row->time_ms,
                                       .from_state_index = row->state_index,
                                       .total_bytes = row->bytes};

    if (status != 0) {
        recovery_job_fail(&stage->job, status, err);
        return;
    }
    stage->logs = backup_scratch_logs(stage->scratch, &stage->logs_count);
    enter_log(stage);
    memcpy(args.source, row->name, sizeof(args.source));
    recovery_job_begin_draft(&stage->job, &args);
}

static void stage_run(struct recovery_job *job)
{
    struct recovery_stage *stage = (struct recovery_stage *)(void *)job;
    struct draft_mark mark;

    if (draft_feed_must_go_back(&job->feed, &mark)) {
        stage_go_back(stage, &mark);
    }
    stage->turn_chunks = 0;
    while (stage->log < stage->logs_count) {
        if (stage->turn_chunks >= RECOVERY_TURN_LOGS) {
            recovery_job_rest(job);
            return;
        }
        if (!stage_step(stage)) {
            if (job->feed.code != 0) {
                recovery_job_fail(job, job->feed.code, &job->feed.err);
            }
            return;
        }
    }
    if (draft_feed_is_empty(&job->feed)) {
        recovery_job_done(job, 0);
    }
}

static void stage_free(struct recovery_job *job)
{
    struct recovery_stage *stage = (struct recovery_stage *)(void *)job;

    backup_chunks_stop(&stage->reads);
    backup_scratch_close(stage->scratch);
    free(stage);
}

/* Chunks that were to be referred to have left the state meanwhile. Which of many
 * they are is found out one by one. */
static void stage_go_back(struct recovery_stage *stage,
                          const struct draft_mark *mark)
{
    size_t alone_to = mark->chunk + mark->count;
    size_t bytes_to = mark->count == 1 ? alone_to : 0;

    if (stage->log == mark->log) {
        alone_to = stage->alone_to > alone_to ? stage->alone_to : alone_to;
    }
    stage->log = mark->log;
    enter_log(stage);
    stage->step = STAGE_CHUNKS;
    stage->chunk = mark->chunk;
    stage->alone_to = alone_to;
    stage->bytes_to = bytes_to;
}

static void enter_log(struct recovery_stage *stage)
{
    stage->step = STAGE_LOG;
    stage->chunk = 0;
    stage->alone_to = 0;
    stage->bytes_to = 0;
    stage->chunks_count = 0;
    if (stage->log < stage->logs_count) {
        stage->chunks = machine_part_chunks(
            backup_scratch_machine(stage->scratch), MACHINE_LIVE,
            stage->logs[stage->log].uid, &stage->chunks_count);
    }
}

/* ---- Records ------------------------------------------------------------- */

/* False: not now. */
static bool stage_step(struct recovery_stage *stage)
{
    switch (stage->step) {
    case STAGE_LOG:
        return feed_log(stage);
    case STAGE_CHUNKS:
        return feed_chunk(stage);
    case STAGE_OPEN:
        return feed_open(stage);
    case STAGE_DONE:
        return feed_done(stage);
    }
    return false;
}

static bool feed_log(struct recovery_stage *stage)
{
    struct buf record = BUF_INIT;
    struct load_log log;
    int rv = machine_part_log(backup_scratch_machine(stage->scratch),
                              MACHINE_LIVE, stage->logs[stage->log].uid, &log);

    assert(rv == 0);
    must_have_memory(load_log_encode(&log, &record));
    if (!feed(stage, &record, 0)) {
        return false;
    }
    stage->step = STAGE_CHUNKS;
    return true;
}

static bool feed_chunk(struct recovery_stage *stage)
{
    if (stage->chunk == stage->chunks_count) {
        stage->step = STAGE_OPEN;
        return true;
    }
    return is_had(stage, stage->chunk) ? feed_refs(stage) : feed_bytes(stage);
}

/* As many in a row as the state has. */
static bool feed_refs(struct recovery_stage *stage)
{
    size_t max = stage->chunk < stage->alone_to ? 1 : RECOVERY_REFS;
    struct buf record = BUF_INIT;
    uint32_t count = 0;
    uint8_t *rows;

    if (!draft_feed_has_room(&stage->job.feed, max * CHUNK_ROW_LEN)) {
        return false;
    }
    rows = mem_must_array(max, CHUNK_ROW_LEN);
    while (count < max && stage->chunk + count < stage->chunks_count &&
           is_had(stage, stage->chunk + count)) {
        chunk_row_encode(stage->chunks[stage->chunk + count],
                         rows + (size_t)count * CHUNK_ROW_LEN);
        count++;
    }
    must_have_memory(load_refs_encode(rows, count, &record));
    free(rows);
    stage->turn_chunks += count;
    if (!feed(stage, &record, count)) {
        return false;
    }
    stage->chunk += count;
    return true;
}

static bool feed_bytes(struct recovery_stage *stage)
{
    uint32_t first = stage->logs[stage->log].first_row;
    const struct chunk *chunk = stage->chunks[stage->chunk];
    struct buf record = BUF_INIT;
    struct bytes bytes;
    size_t next = stage->chunk + 1;

    if (!draft_feed_has_room(&stage->job.feed, chunk->len + 1)) {
        return false;
    }
    bytes = backup_chunks_get(&stage->reads, first + (uint32_t)stage->chunk);
    if (next < stage->chunks_count && !is_had(stage, next)) {
        backup_chunks_ahead(&stage->reads, first + (uint32_t)next);
    }
    if (bytes.data == NULL) {
        return false; /* on_chunk() comes */
    }
    must_have_memory(load_bytes_encode(bytes, &record));
    if (!feed(stage, &record, 1)) {
        return false;
    }
    stage->turn_chunks += RECOVERY_TURN_LOGS * chunk->len / CHUNK_BYTES;
    backup_chunks_drop(&stage->reads, first + (uint32_t)stage->chunk);
    stage->chunk++;
    return true;
}

static bool feed_open(struct recovery_stage *stage)
{
    const struct chunk *open =
        machine_part_open(backup_scratch_machine(stage->scratch), MACHINE_LIVE,
                          stage->logs[stage->log].uid);
    struct buf record = BUF_INIT;

    if (open != NULL) {
        must_have_memory(load_bytes_encode(
            (struct bytes){chunk_bytes(open), open->len}, &record));
        if (!feed(stage, &record, 1)) {
            return false;
        }
        stage->turn_chunks += RECOVERY_TURN_LOGS * open->len / CHUNK_BYTES;
    }
    stage->step = STAGE_DONE;
    return true;
}

static bool feed_done(struct recovery_stage *stage)
{
    struct buf record = BUF_INIT;
    struct log_stat stat;
    int rv = machine_log_stat_uid(backup_scratch_machine(stage->scratch),
                                  stage->logs[stage->log].uid, &stat);

    assert(rv == 0);
    must_have_memory(load_done_encode(stat.digest, &record));
    if (!feed(stage, &record, 0)) {
        return false;
    }
    stage->log++;
    enter_log(stage);
    return true;
}

/* ---- Chunks -------------------------------------------------------------- */

static bool is_had(const struct recovery_stage *stage, size_t chunk)
{
    struct chunk_facts facts = chunk_facts(stage->chunks[chunk]);

    return chunk >= stage->bytes_to &&
           machine_has_chunk(stage->job.service->machine, &facts);
}

/* Takes @record. */
static bool feed(struct recovery_stage *stage, struct buf *record,
                 size_t chunks)
{
    const struct draft_mark mark = {stage->log, stage->chunk, chunks};
    bool is_fed = recovery_job_feed(
        &stage->job, (struct bytes){record->data, record->len}, &mark);

    buf_close(record);
    stage->turn_chunks++;
    return is_fed;
}

static void on_chunk(void *data, int status, const struct err *err)
{
    struct recovery_stage *stage = data;

    if (status != 0) {
        recovery_job_fail(&stage->job, status, err);
    } else {
        recovery_job_run(&stage->job);
    }
}
