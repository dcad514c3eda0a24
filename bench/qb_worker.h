/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * One thread of the load: clients of its own, a share of the calls.
 *
 * Closed loop: each call that ends begins the next one at once. Open loop: call
 * number n is due at start + n / rate, whatever became of the ones before; when
 * all that may be outstanding are, or the thread is busy, it goes out late and its
 * latency still counts from when it was due. What is due within the measurement
 * is waited for, however long it takes up to the timeout of a call; what could not
 * even be started by then counts as failed with QL_TIMEOUT.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "qb_bench.h"
#include "qb_loop.h"
#include "qb_series.h"

#define QB_REST_NS 10000000ull /* of a call that failed, in a closed loop */

enum qb_kind { QB_KIND_APPEND, QB_KIND_READ };

struct qb_worker;

struct qb_call {
    struct qb_worker *worker;
    struct qb_call *next; /* in a list of those that wait */
    struct qb_log *log;
    size_t client;
    enum qb_kind kind;
    uint64_t due_ns;
};

/* What one worker knows of one track. */
struct qb_worker_track {
    struct qb_recorder recorder;
    uint64_t ops;
    uint64_t entries;
    uint64_t last_ns; /* the last call that went well */
    struct qb_errors errors;
    struct qb_gaps gaps;
};

struct qb_worker {
    struct qb_bench *bench;
    pthread_t thread;
    unsigned index;
    unsigned workers;
    size_t connections;
    size_t outstanding;
    double rate; /* of this worker */
    /* When; set before the start. */
    uint64_t start_ns;
    uint64_t begin_ns; /* of what is measured */
    uint64_t end_ns;
    /* Starting: the worker says that it is ready, the main thread that it is to
     * go. */
    pthread_mutex_t lock;
    pthread_cond_t turned;
    bool ready;
    bool go;
    bool done; /* atomic */
    bool started;
    int rv;
    struct err err; /* why it ended without a load */
    /* The thread's own. */
    struct qb_loop loop;
    struct qb_call *calls;
    struct qb_call *idle; /* open loop: free; closed loop: after a failure */
    uint64_t rest_ns;     /* when those go on */
    struct ql_entry *entries;
    uint64_t random;
    uint64_t number; /* of calls started */
    uint64_t due;    /* open loop: the number of the next one */
    bool pumping;
    size_t under_way;
    size_t connecting;
    struct qb_worker_track tracks[QB_TRACKS_MAX];
    size_t track_count;
    uint64_t entries_acknowledged;
    uint64_t entries_unknown;
    uint64_t warmup_failed;
    struct histogram late;
    double cpu_begin;
    double cpu_end;
    bool cpu_begun;
    bool cpu_ended;
};

/* @worker's plan (up to rate) is set, the rest zero. QL_NO_MEMORY, QL_IO. */
int qb_worker_start(struct qb_worker *worker, uint64_t duration_ns,
                    struct err *err);
/* Waits until it has its connections. Else its error, and it has ended. */
int qb_worker_ready(struct qb_worker *worker, struct err *err);
/* The times are set. */
void qb_worker_go(struct qb_worker *worker);
/* True once its calls have ended. */
bool qb_worker_done(struct qb_worker *worker);
/* Waits for its end; the tracks are the caller's to read until it is closed. */
void qb_worker_join(struct qb_worker *worker);
/* Accepts one that never started. */
void qb_worker_close(struct qb_worker *worker);

/* For loads of other kinds: what all of them count and wait for. */
void qb_worker_count_ok(struct qb_worker *worker, size_t track, uint64_t due_ns,
                        uint64_t now_ns, uint64_t entries);
/* When the next call of an open loop is due; worker->due is its number. */
uint64_t qb_worker_due(const struct qb_worker *worker);
/* To be called at each turn. */
void qb_worker_mark_cpu(struct qb_worker *worker, uint64_t now_ns);
/* How long the loop may wait. */
uint64_t qb_worker_wake(const struct qb_worker *worker, uint64_t now_ns);

/* Sends a call that was due at @due_ns; the callbacks tell what became of it. When
 * it cannot even be sent it has failed already. */
void qb_call_start(struct qb_call *call, uint64_t due_ns);
/* Of qb_call.c to qb_worker.c: @call has ended at @now_ns; failed or not. */
void qb_worker_ended(struct qb_call *call, uint64_t now_ns, bool failed);
/* A call that was due at @due_ns and failed; also for ones never sent. */
void qb_worker_count_failed(struct qb_worker *worker, size_t track,
                            uint64_t due_ns, uint64_t now_ns, int code,
                            const char *text);
