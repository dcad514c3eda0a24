/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One call of a worker: what is sent, and what is counted when it ends. */
#include "qb_worker.h"

#include "qb_clock.h"
#include "qb_gaps.h"

#include "util/splitmix64.h"

#define PERCENT 100u

static void choose(struct qb_worker *worker, struct qb_call *call);
static int send_append(struct qb_call *call, struct ql_error *error);
static int send_read(struct qb_call *call, struct ql_error *error);
static void on_appended(void *data, const struct ql_append_result *result,
                        const struct ql_error *error);
static void on_read(void *data, const struct ql_read_result *result,
                    const struct ql_error *error);
static void count_error(struct qb_call *call, uint64_t now_ns, int code,
                        const char *text);

void qb_call_start(struct qb_call *call, uint64_t due_ns)
{
    struct qb_worker *worker = call->worker;
    struct ql_error error;
    int rv;

    call->due_ns = due_ns;
    choose(worker, call);
    worker->under_way++;
    rv = call->kind == QB_KIND_APPEND ? send_append(call, &error)
                                      : send_read(call, &error);
    if (rv != 0) {
        uint64_t now_ns = qb_now_ns();

        count_error(call, now_ns, rv, error.text);
        qb_worker_ended(call, now_ns, true);
    }
}

void qb_worker_count_failed(struct qb_worker *worker, size_t track,
                            uint64_t due_ns, uint64_t now_ns, int code,
                            const char *text)
{
    if (due_ns < worker->begin_ns || due_ns >= worker->end_ns) {
        worker->warmup_failed++;
        return;
    }
    qb_recorder_fail(&worker->tracks[track].recorder, now_ns - worker->begin_ns,
                     1);
    qb_errors_add(&worker->tracks[track].errors, code, text);
}

void qb_worker_count_ok(struct qb_worker *worker, size_t index, uint64_t due_ns,
                        uint64_t now_ns, uint64_t entries)
{
    struct qb_worker_track *track = &worker->tracks[index];

    if (now_ns < worker->begin_ns) {
        return;
    }
    qb_gaps_ok(&track->gaps, &track->last_ns, now_ns - worker->begin_ns);
    if (now_ns < worker->end_ns) {
        track->ops++;
        track->entries += entries;
    }
    if (due_ns >= worker->begin_ns && due_ns < worker->end_ns) {
        qb_recorder_add(&track->recorder, now_ns - worker->begin_ns,
                        now_ns - due_ns);
    }
}

static void choose(struct qb_worker *worker, struct qb_call *call)
{
    const struct qb_bench *bench = worker->bench;
    uint64_t number = worker->number++;

    call->kind = bench->options.mode == QB_READ ? QB_KIND_READ : QB_KIND_APPEND;
    if (bench->options.mode == QB_MIXED &&
        splitmix64(&worker->random) % PERCENT < bench->options.reads) {
        call->kind = QB_KIND_READ;
    }
    /* The workers begin at different logs. */
    call->log = &bench->logs.logs[(number * worker->workers + worker->index) %
                                  bench->logs.count];
    if (worker->connections > worker->outstanding) {
        call->client = number % worker->connections;
    }
}

static int send_append(struct qb_call *call, struct ql_error *error)
{
    struct qb_worker *worker = call->worker;
    const struct qb_bench *bench = worker->bench;
    struct ql_append_part part = {.log = call->log->name,
                                  .entries = worker->entries,
                                  .count = (size_t)bench->options.batch};

    for (size_t i = 0; i < part.count; i++) {
        qb_data_entry(&bench->data, worker->number * part.count + i,
                      &worker->entries[i]);
    }
    return ql_append_async(worker->loop.clients[call->client], &part, 1, NULL,
                           on_appended, call, error);
}

static int send_read(struct qb_call *call, struct ql_error *error)
{
    struct qb_worker *worker = call->worker;
    const struct qb_options *given = &worker->bench->options;
    struct ql_read_options options = QL_READ_OPTIONS_INIT;
    uint64_t head = call->log->head;
    uint64_t tail = __atomic_load_n(&call->log->tail, __ATOMIC_RELAXED);
    uint64_t room = tail - head > given->batch ? tail - head - given->batch : 0;
    uint64_t from =
        given->tail ? room : splitmix64(&worker->random) % (room + 1);

    options.entries_max = (uint32_t)given->batch;
    options.consistency = given->stale ? QL_STALE : QL_LINEARIZABLE;
    return ql_read_async(worker->loop.clients[call->client], call->log->name,
                         head + from, &options, on_read, call, error);
}

/* Mixed loads have a track for each kind; the others have one. */
static size_t track_of(const struct qb_call *call)
{
    return call->worker->track_count > 1 ? (size_t)call->kind : 0;
}

static void on_appended(void *data, const struct ql_append_result *result,
                        const struct ql_error *error)
{
    struct qb_call *call = data;
    uint64_t now_ns = qb_now_ns();

    if (error != NULL) {
        count_error(call, now_ns, error->code, error->text);
    } else {
        const struct ql_append_place *place = &result->places[0];

        /* Two threads may lower it for a moment: a read of the tail then gets
         * an entry that is a little older. */
        __atomic_store_n(&call->log->tail, place->first + place->count,
                         __ATOMIC_RELAXED);
        call->worker->entries_acknowledged += place->count;
        qb_worker_count_ok(call->worker, track_of(call), call->due_ns, now_ns,
                           place->count);
    }
    qb_worker_ended(call, now_ns, error != NULL);
}

static void on_read(void *data, const struct ql_read_result *result,
                    const struct ql_error *error)
{
    struct qb_call *call = data;
    uint64_t now_ns = qb_now_ns();
    bool failed = error != NULL || result->count == 0;

    if (error != NULL) {
        count_error(call, now_ns, error->code, error->text);
    } else if (failed) {
        count_error(call, now_ns, QL_NOT_FOUND,
                    "a position that was appended to has no entry");
    } else {
        qb_worker_count_ok(call->worker, track_of(call), call->due_ns, now_ns,
                           result->count);
    }
    qb_worker_ended(call, now_ns, failed);
}

static void count_error(struct qb_call *call, uint64_t now_ns, int code,
                        const char *text)
{
    struct qb_worker *worker = call->worker;

    if (code == QL_OUTCOME_UNKNOWN && call->kind == QB_KIND_APPEND) {
        worker->entries_unknown += worker->bench->options.batch;
    }
    qb_worker_count_failed(worker, track_of(call), call->due_ns, now_ns, code,
                           text);
}
