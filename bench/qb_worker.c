/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qb_clock.h"
#include "qb_follow.h"

#define TURN_NS (50u * QB_NS_PER_MS) /* a turn of the loop waits no longer */
/* After the deadline of the calls, for the client to say so. */
#define DRAIN_SPARE_NS QB_NS_PER_S
#define BYTES_MAX (1024ull * MIB) /* of requests that one client holds */
#define CALLS_SPARE 16u

static void *run(void *data);
static int prepare(struct qb_worker *worker, struct err *err);
static int connect_all(struct qb_worker *worker, struct err *err);
static void on_connected(void *data, const struct ql_log_stat *stat,
                         const struct ql_error *error);
static void wait_go(struct qb_worker *worker);
static void load(struct qb_worker *worker);
static void begin_calls(struct qb_worker *worker);
static void pump(struct qb_worker *worker, uint64_t now_ns);
static bool is_over(const struct qb_worker *worker, uint64_t now_ns);
static uint64_t due_of(const struct qb_worker *worker, uint64_t number);
static void give_up_rest(struct qb_worker *worker);

int qb_worker_start(struct qb_worker *worker, uint64_t duration_ns,
                    struct err *err)
{
    int rv = 0;

    for (size_t i = 0; rv == 0 && i < worker->track_count; i++) {
        rv = qb_recorder_init(&worker->tracks[i].recorder, duration_ns);
    }
    worker->calls = calloc(worker->outstanding, sizeof *worker->calls);
    worker->entries =
        calloc((size_t)worker->bench->options.batch, sizeof *worker->entries);
    histogram_init(&worker->late);
    worker->random = 0x51ab5eedull + worker->index;
    if (rv != 0 || worker->calls == NULL || worker->entries == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    (void)pthread_mutex_init(&worker->lock, NULL);
    (void)pthread_cond_init(&worker->turned, NULL);
    worker->started = pthread_create(&worker->thread, NULL, run, worker) == 0;
    return worker->started ? 0 : err_set(err, QL_IO, "no thread can be made");
}

int qb_worker_ready(struct qb_worker *worker, struct err *err)
{
    int rv;

    (void)pthread_mutex_lock(&worker->lock);
    while (!worker->ready) {
        (void)pthread_cond_wait(&worker->turned, &worker->lock);
    }
    rv = worker->rv;
    (void)pthread_mutex_unlock(&worker->lock);
    if (rv != 0) {
        *err = worker->err;
    }
    return rv;
}

void qb_worker_go(struct qb_worker *worker)
{
    (void)pthread_mutex_lock(&worker->lock);
    worker->go = true;
    (void)pthread_cond_broadcast(&worker->turned);
    (void)pthread_mutex_unlock(&worker->lock);
}

bool qb_worker_done(struct qb_worker *worker)
{
    return __atomic_load_n(&worker->done, __ATOMIC_ACQUIRE);
}

void qb_worker_join(struct qb_worker *worker)
{
    if (worker->started) {
        (void)pthread_join(worker->thread, NULL);
        worker->started = false;
    }
}

void qb_worker_close(struct qb_worker *worker)
{
    for (size_t i = 0; i < QB_TRACKS_MAX; i++) {
        qb_recorder_close(&worker->tracks[i].recorder);
    }
    free(worker->calls);
    free(worker->entries);
}

void qb_worker_ended(struct qb_call *call, uint64_t now_ns, bool failed)
{
    struct qb_worker *worker = call->worker;

    worker->under_way--;
    if (worker->rate <= 0 && !failed && now_ns < worker->end_ns) {
        qb_call_start(call, now_ns);
        return;
    }
    call->next = worker->idle;
    worker->idle = call;
    if (worker->rate > 0) {
        pump(worker, now_ns);
    } else {
        worker->rest_ns = now_ns + QB_REST_NS;
    }
}

uint64_t qb_worker_due(const struct qb_worker *worker)
{
    return due_of(worker, worker->due);
}

static uint64_t due_of(const struct qb_worker *worker, uint64_t number)
{
    /* The workers take turns. */
    double turn = (double)number + (double)worker->index / worker->workers;

    return worker->start_ns +
           (uint64_t)(turn * (double)QB_NS_PER_S / worker->rate);
}

void qb_worker_mark_cpu(struct qb_worker *worker, uint64_t now_ns)
{
    if (!worker->cpu_begun && now_ns >= worker->begin_ns) {
        worker->cpu_begun = true;
        worker->cpu_begin = qb_thread_cpu_seconds();
    }
    if (!worker->cpu_ended && now_ns >= worker->end_ns) {
        worker->cpu_ended = true;
        worker->cpu_end = qb_thread_cpu_seconds();
    }
}

uint64_t qb_worker_wake(const struct qb_worker *worker, uint64_t now_ns)
{
    uint64_t wake_ns = now_ns + TURN_NS;
    uint64_t own_ns = UINT64_MAX;

    if (worker->idle != NULL && now_ns < worker->end_ns) {
        own_ns = worker->rate > 0 ? qb_worker_due(worker) : worker->rest_ns;
    }
    wake_ns = own_ns < wake_ns ? own_ns : wake_ns;
    if (!worker->cpu_begun && worker->begin_ns < wake_ns) {
        wake_ns = worker->begin_ns;
    }
    if (!worker->cpu_ended && worker->end_ns < wake_ns) {
        wake_ns = worker->end_ns;
    }
    return wake_ns;
}

static void *run(void *data)
{
    struct qb_worker *worker = data;
    int rv = prepare(worker, &worker->err);

    (void)pthread_mutex_lock(&worker->lock);
    worker->rv = rv;
    worker->ready = true;
    (void)pthread_cond_broadcast(&worker->turned);
    (void)pthread_mutex_unlock(&worker->lock);
    if (rv == 0) {
        wait_go(worker);
        if (worker->bench->options.mode == QB_FOLLOW) {
            qb_follow_load(worker);
        } else {
            load(worker);
        }
        qb_loop_close(&worker->loop);
    }
    __atomic_store_n(&worker->done, true, __ATOMIC_RELEASE);
    return NULL;
}

static int prepare(struct qb_worker *worker, struct err *err)
{
    const struct qb_options *given = &worker->bench->options;
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    int rv;

    options.endpoints = worker->bench->endpoints;
    options.name = "quorlog-bench";
    options.timeout_ms = (uint32_t)given->timeout_ms;
    options.calls_max = (uint32_t)worker->outstanding + CALLS_SPARE;
    options.bytes_max = BYTES_MAX;
    /* Who follows does not append. */
    rv = qb_loop_init(&worker->loop, &options,
                      worker->connections + (given->mode == QB_FOLLOW ? 1 : 0),
                      err);
    if (rv != 0) {
        return rv;
    }
    rv = connect_all(worker, err);
    if (rv != 0) {
        qb_loop_close(&worker->loop);
    }
    return rv;
}

/* So that no measurement waits for connections, nor for who leads. */
static int connect_all(struct qb_worker *worker, struct err *err)
{
    const struct qb_log *log = &worker->bench->logs.logs[0];
    struct ql_error error;
    int rv = 0;

    for (size_t i = 0; rv == 0 && i < worker->loop.count; i++) {
        rv = ql_log_stat_async(worker->loop.clients[i], log->name,
                               QL_LINEARIZABLE, on_connected, worker, &error);
        if (rv != 0) {
            (void)err_set(&worker->err, rv, "%s", error.text);
        } else {
            worker->connecting++;
        }
    }
    while (worker->connecting > 0) {
        qb_loop_turn(&worker->loop, qb_now_ns() + TURN_NS);
    }
    rv = worker->err.code;
    return rv == 0 ? 0 : err_wrap(err, "connect");
}

static void on_connected(void *data, const struct ql_log_stat *stat,
                         const struct ql_error *error)
{
    struct qb_worker *worker = data;

    worker->connecting--;
    if (error == NULL) {
        __atomic_store_n(&worker->bench->logs.logs[0].tail, stat->tail,
                         __ATOMIC_RELAXED);
    }
    if (error != NULL && worker->err.code == 0) {
        (void)err_set(&worker->err, error->code, "%s", error->text);
    }
}

static void wait_go(struct qb_worker *worker)
{
    (void)pthread_mutex_lock(&worker->lock);
    while (!worker->go) {
        (void)pthread_cond_wait(&worker->turned, &worker->lock);
    }
    (void)pthread_mutex_unlock(&worker->lock);
}

static void load(struct qb_worker *worker)
{
    uint64_t now_ns;

    begin_calls(worker);
    for (now_ns = qb_now_ns(); !is_over(worker, now_ns); now_ns = qb_now_ns()) {
        qb_worker_mark_cpu(worker, now_ns);
        if (worker->rate > 0) {
            pump(worker, now_ns);
        }
        while (worker->rate <= 0 && worker->idle != NULL &&
               now_ns >= worker->rest_ns && now_ns < worker->end_ns) {
            struct qb_call *call = worker->idle;

            worker->idle = call->next;
            qb_call_start(call, now_ns);
        }
        qb_loop_turn(&worker->loop, qb_worker_wake(worker, now_ns));
    }
    qb_worker_mark_cpu(worker, now_ns);
    give_up_rest(worker);
}

/* Bound to the clients in turn. In a closed loop all are begun by load(). */
static void begin_calls(struct qb_worker *worker)
{
    for (size_t i = worker->outstanding; i-- > 0;) {
        struct qb_call *call = &worker->calls[i];

        call->worker = worker;
        call->client = i % worker->connections;
        call->next = worker->idle;
        worker->idle = call;
    }
    worker->rest_ns = worker->start_ns;
}

/* Sends what is due, as far as calls are free. */
static void pump(struct qb_worker *worker, uint64_t now_ns)
{
    if (worker->pumping) {
        return; /* a call failed at once: the loop below goes on */
    }
    worker->pumping = true;
    while (worker->idle != NULL) {
        struct qb_call *call = worker->idle;
        uint64_t due_ns = qb_worker_due(worker);

        if (due_ns > now_ns || due_ns >= worker->end_ns) {
            break;
        }
        worker->idle = call->next;
        worker->due++;
        if (due_ns >= worker->begin_ns) {
            histogram_record(&worker->late, now_ns - due_ns);
        }
        qb_call_start(call, due_ns);
    }
    worker->pumping = false;
}

static bool is_over(const struct qb_worker *worker, uint64_t now_ns)
{
    uint64_t deadline_ns = worker->end_ns +
                           worker->bench->options.timeout_ms * QB_NS_PER_MS +
                           DRAIN_SPARE_NS;

    if (now_ns < worker->end_ns) {
        return false;
    }
    return now_ns >= deadline_ns ||
           (worker->under_way == 0 &&
            (worker->rate <= 0 || qb_worker_due(worker) >= worker->end_ns));
}

/* The number of the first call that is due at @at_ns or later. Those between may
 * be billions, so it is searched for. */
static uint64_t number_at(const struct qb_worker *worker, uint64_t at_ns)
{
    uint64_t first = worker->due; /* all below it are due before */
    uint64_t step = 1;

    while (due_of(worker, first + step - 1) < at_ns) {
        first += step;
        step *= 2;
    }
    while (step > 1) {
        step /= 2;
        if (due_of(worker, first + step - 1) < at_ns) {
            first += step;
        }
    }
    return first;
}

/* What was due and could not be sent in time has failed, too. */
static void give_up_rest(struct qb_worker *worker)
{
    struct qb_worker_track *track = &worker->tracks[0];
    uint64_t measured;
    uint64_t past;

    if (worker->rate <= 0) {
        return;
    }
    measured = number_at(worker, worker->begin_ns);
    past = number_at(worker, worker->end_ns);
    worker->warmup_failed += measured - worker->due;
    qb_recorder_fail(&track->recorder, qb_now_ns() - worker->begin_ns,
                     past - measured);
    qb_errors_add_many(&track->errors, QL_TIMEOUT,
                       "all calls that may be outstanding were, until long "
                       "after it was due",
                       past - measured);
    worker->due = past;
}
