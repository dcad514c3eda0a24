/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/recovery_edit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine/digest.h"
#include "machine/must.h"
#include "service/part_walk.h"
#include "service/recovery_calls.h"
#include "service/recovery_filter.h"
#include "service/service_parts.h"
#include "util/mem.h"

enum edit_step {
    EDIT_GATHER, /* the logs that may have entries that match */
    EDIT_ENTER,  /* the next of them */
    EDIT_LOOK,   /* for the first entry that goes */
    EDIT_LOG,    /* there is one: the log is begun in the draft */
    EDIT_REWRITE,
    EDIT_DONE, /* with the log */
};

struct recovery_edit {
    struct recovery_job job; /* first */
    struct recovery_filter filter;
    struct staged_mark mark;
    enum edit_step step;
    uint64_t *uids; /* of the logs, rising */
    size_t uids_count;
    size_t uids_room;
    uint8_t name[LOG_NAME_MAX]; /* of the log gathered last */
    size_t name_len;
    size_t log; /* in uids */
    struct part_walk walk;
    struct load_log row;        /* of the log; its name is not to be used */
    uint8_t chain[HASH128_LEN]; /* behind the entries that stay */
    struct chunk
        *out; /* entries that stay, and are not in a record yet; or NULL */
    uint64_t deleted;
    uint64_t before_bytes; /* of the logs that are done */
    size_t turn_logs;
};

static void edit_run(struct recovery_job *job);
static void edit_free(struct recovery_job *job);
static bool edit_step(struct recovery_edit *edit);
static bool gather(struct recovery_edit *edit);
static void add_uid(struct recovery_edit *edit, uint64_t uid);
static int compare_uids(const void *a, const void *b);
static bool enter(struct recovery_edit *edit);
static void walk_from(struct recovery_edit *edit, uint64_t from, uint64_t to);
static bool look(struct recovery_edit *edit);
static void keep_up_to(struct recovery_edit *edit, uint64_t position);
static bool begin_log(struct recovery_edit *edit);
static bool rewrite(struct recovery_edit *edit);
static void keep_entry(struct recovery_edit *edit,
                       const struct read_entry *entry);
static bool feed_out(struct recovery_edit *edit);
static bool end_log(struct recovery_edit *edit);
static bool feed(struct recovery_edit *edit, struct buf *record);
static void count(struct recovery_edit *edit, const struct read_entry *entry);
static void on_loaded(struct part_walk *walk, int status);

static const struct recovery_job_ops edit_ops = {edit_run, edit_free};

int recovery_edit_start(struct call *call,
                        const struct recovery_delete_args *args,
                        struct err *err)
{
    struct service *service = call->service;
    const struct staged_mark asked = {args->stage, args->revision, 0};
    struct recovery_begin_args begin = {.edit_of = args->stage,
                                        .revision = args->revision};
    struct machine_part_info info;
    struct recovery_edit *edit;
    int rv = staged_mark_check(service, &asked, err);

    if (rv != 0) {
        return rv;
    }
    (void)machine_part_info(service->machine, MACHINE_STAGED, &info);
    edit = mem_must_zalloc(sizeof(*edit));
    edit->job.ops = &edit_ops;
    edit->job.is_edit = true;
    assert(info.source.len < sizeof(edit->job.source));
    memcpy(edit->job.source, info.source.data, info.source.len);
    memcpy(begin.source, edit->job.source, sizeof(begin.source));
    begin.total_bytes = info.bytes;
    edit->mark = asked;
    recovery_filter_init(&edit->filter, &args->filter);
    recovery_job_start(&edit->job, call);
    recovery_job_begin_draft(&edit->job, &begin);
    return 0;
}

static void edit_run(struct recovery_job *job)
{
    struct recovery_edit *edit = (struct recovery_edit *)(void *)job;
    struct err err = {0};
    int rv = staged_mark_check(job->service, &edit->mark, &err);

    if (edit->walk.waits) {
        return;
    }
    if (rv == 0 && edit->step >= EDIT_LOOK && edit->step <= EDIT_REWRITE) {
        rv = part_walk_open(&edit->walk);
    }
    if (rv != 0) {
        recovery_job_fail(job, rv, &err);
        return;
    }
    edit->turn_logs = 0;
    while (edit->step == EDIT_GATHER || edit->log < edit->uids_count) {
        if (edit->turn_logs >= RECOVERY_TURN_LOGS) {
            recovery_job_rest(job);
            return;
        }
        if (!edit_step(edit)) {
            if (job->feed.code != 0) {
                recovery_job_fail(job, job->feed.code, &job->feed.err);
            }
            return;
        }
    }
    if (draft_feed_is_empty(&job->feed)) {
        recovery_job_done(job, edit->deleted);
    }
}

static void edit_free(struct recovery_job *job)
{
    struct recovery_edit *edit = (struct recovery_edit *)(void *)job;

    part_walk_stop(&edit->walk);
    recovery_filter_close(&edit->filter);
    chunk_drop(edit->out);
    free(edit->uids);
    free(edit);
}

/* False: not now. */
static bool edit_step(struct recovery_edit *edit)
{
    switch (edit->step) {
    case EDIT_GATHER:
        return gather(edit);
    case EDIT_ENTER:
        return enter(edit);
    case EDIT_LOOK:
        return look(edit);
    case EDIT_LOG:
        return begin_log(edit);
    case EDIT_REWRITE:
        return rewrite(edit);
    case EDIT_DONE:
        return end_log(edit);
    }
    return false;
}

/* ---- Which logs ---------------------------------------------------------- */

/* A page by name; in the draft they have to come by uid. */
static bool gather(struct recovery_edit *edit)
{
    const struct log_list_args args = {.after = {edit->name, edit->name_len},
                                       .max = LIST_PAGE_MAX};
    struct log_list_result list;
    size_t i;

    if (machine_part_list(edit->job.service->machine, MACHINE_STAGED, &args,
                          &list) != 0) {
        return false;
    }
    for (i = 0; i < list.count; i++) {
        const struct log_stat *stat = &list.stats[i];

        if (recovery_filter_has_log(&edit->filter, stat->name)) {
            add_uid(edit, stat->uid);
        }
        edit->name_len = stat->name.len;
        memcpy(edit->name, stat->name.data, stat->name.len);
    }
    edit->turn_logs += list.count;
    if (!list.more) {
        qsort(edit->uids, edit->uids_count, sizeof(*edit->uids), compare_uids);
        edit->step = EDIT_ENTER;
    }
    log_list_result_close(&list);
    return true;
}

static void add_uid(struct recovery_edit *edit, uint64_t uid)
{
    if (edit->uids_count == edit->uids_room) {
        edit->uids_room = edit->uids_room == 0 ? 64 : 2 * edit->uids_room;
        edit->uids =
            mem_must_resize(edit->uids, edit->uids_room * sizeof(*edit->uids));
    }
    edit->uids[edit->uids_count++] = uid;
}

static int compare_uids(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static bool enter(struct recovery_edit *edit)
{
    const struct machine *machine = edit->job.service->machine;
    uint64_t uid = edit->uids[edit->log];
    struct chunk *const *chunks;
    size_t chunks_count;
    int rv = machine_part_log(machine, MACHINE_STAGED, uid, &edit->row);

    assert(rv == 0);
    chunks = machine_part_chunks(machine, MACHINE_STAGED, uid, &chunks_count);
    edit->turn_logs++;
    edit->step = EDIT_LOOK;
    walk_from(edit,
              recovery_filter_first(&edit->filter, edit->row.head, chunks,
                                    chunks_count),
              edit->filter.rules.to);
    return true;
}

static void walk_from(struct recovery_edit *edit, uint64_t from, uint64_t to)
{
    size_t walked = edit->walk.walked; /* it is the same turn */

    part_walk_stop(&edit->walk);
    part_walk_init(&edit->walk, edit->job.service, MACHINE_STAGED,
                   edit->row.uid, from, to);
    (void)part_walk_open(&edit->walk);
    edit->walk.walked = walked;
}

/* ---- A log --------------------------------------------------------------- */

static bool look(struct recovery_edit *edit)
{
    uint64_t until_ms = edit->filter.rules.until_ms;
    struct read_entry entry;
    enum part_walk_found found;

    do {
        found = part_walk_next(&edit->walk, &entry, on_loaded, edit);
        if (found == PART_WALK_WAIT) {
            return false;
        }
        if (found == PART_WALK_ENTRY) {
            count(edit, &entry);
        }
        if (found == PART_WALK_END ||
            (until_ms != 0 && entry.time_ms >= until_ms)) {
            edit->step = EDIT_DONE;
            edit->row.uid = 0; /* nothing of it goes */
            return true;
        }
    } while (!recovery_filter_has_entry(&edit->filter, &entry));
    keep_up_to(edit, entry.position);
    edit->step = EDIT_LOG;
    return true;
}

/* The chunks in front of the one with @position stay. */
static void keep_up_to(struct recovery_edit *edit, uint64_t position)
{
    const struct machine *machine = edit->job.service->machine;
    size_t chunks_count;
    struct chunk *const *chunks = machine_part_chunks(
        machine, MACHINE_STAGED, edit->row.uid, &chunks_count);
    uint32_t keep = 0;

    while (keep < chunks_count && chunks[keep]->name.last < position) {
        keep++;
    }
    edit->row.keep = keep;
    memcpy(edit->chain,
           keep == 0 ? edit->row.base : chunks[keep - 1]->name.chain,
           HASH128_LEN);
    walk_from(edit,
              keep == 0 ? edit->row.head : chunks[keep - 1]->name.last + 1, 0);
}

static bool begin_log(struct recovery_edit *edit)
{
    struct buf record = BUF_INIT;
    struct load_log row;
    int rv = machine_part_log(edit->job.service->machine, MACHINE_STAGED,
                              edit->row.uid, &row);

    assert(rv == 0);
    row.keep = edit->row.keep;
    must_have_memory(load_log_encode(&row, &record));
    if (!feed(edit, &record)) {
        return false;
    }
    edit->step = EDIT_REWRITE;
    return true;
}

static bool rewrite(struct recovery_edit *edit)
{
    struct read_entry entry;
    enum part_walk_found found;

    if (edit->out != NULL && edit->out->len >= CHUNK_BYTES) {
        if (feed_out(edit)) {
            edit->turn_logs += RECOVERY_TURN_LOGS; /* that was a turn's work */
            return true;
        }
        return false;
    }
    found = part_walk_next(&edit->walk, &entry, on_loaded, edit);
    if (found == PART_WALK_WAIT) {
        return false;
    }
    if (found == PART_WALK_END) {
        edit->step = EDIT_DONE;
    } else if (recovery_filter_has_entry(&edit->filter, &entry)) {
        edit->deleted++;
    } else {
        keep_entry(edit, &entry);
    }
    if (found == PART_WALK_ENTRY) {
        count(edit, &entry);
    }
    return true;
}

static void keep_entry(struct recovery_edit *edit,
                       const struct read_entry *entry)
{
    if (edit->out == NULL) {
        edit->out = chunk_new(edit->row.uid, entry->position);
    }
    chunk_add(edit->out, entry);
    digest_add(edit->chain, entry);
}

static bool feed_out(struct recovery_edit *edit)
{
    struct buf record = BUF_INIT;

    if (!draft_feed_has_room(&edit->job.feed, edit->out->len)) {
        return false;
    }
    must_have_memory(load_bytes_encode(
        (struct bytes){chunk_bytes(edit->out), edit->out->len}, &record));
    if (!feed(edit, &record)) {
        return false;
    }
    chunk_drop(edit->out);
    edit->out = NULL;
    return true;
}

static bool end_log(struct recovery_edit *edit)
{
    struct buf record = BUF_INIT;
    struct log_stat stat;

    if (edit->row.uid != 0) {
        if (edit->out != NULL && !feed_out(edit)) {
            return false;
        }
        must_have_memory(load_done_encode(edit->chain, &record));
        if (!feed(edit, &record)) {
            return false;
        }
    }
    if (machine_part_stat_uid(edit->job.service->machine, MACHINE_STAGED,
                              edit->uids[edit->log], &stat) == 0) {
        edit->before_bytes += stat.bytes;
    }
    edit->job.done_bytes = edit->before_bytes;
    part_walk_stop(&edit->walk);
    edit->log++;
    edit->step = EDIT_ENTER;
    return true;
}

/* ---- Helpers ------------------------------------------------------------- */

/* Takes @record. Nothing in an edit is ever refused only for the time being. */
static bool feed(struct recovery_edit *edit, struct buf *record)
{
    const struct draft_mark mark = {edit->log, 0, 0};
    bool is_fed = recovery_job_feed(
        &edit->job, (struct bytes){record->data, record->len}, &mark);

    buf_close(record);
    return is_fed;
}

static void count(struct recovery_edit *edit, const struct read_entry *entry)
{
    edit->job.done_bytes += entry->key.len + entry->value.len;
}

static void on_loaded(struct part_walk *walk, int status)
{
    struct recovery_edit *edit = walk->data;
    struct err err = {0};

    if (status != 0) {
        status = part_walk_refusal(walk, status, &err);
        recovery_job_fail(&edit->job, status, &err);
        return;
    }
    recovery_job_run(&edit->job);
}
