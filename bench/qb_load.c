/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_load.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "qb_clock.h"
#include "qb_follow.h"
#include "qb_progress.h"
#include "qb_usage.h"
#include "qb_worker.h"

#define TICK_NS (10u * QB_NS_PER_MS)
/* From telling the workers to go until they begin. */
#define START_NS (5u * QB_NS_PER_MS)

struct kinds { /* of calls, a track for each */
    const char *const *names;
    size_t count;
};

static const char *const names[] = {"append", "read"};

static struct kinds kinds_of(enum qb_mode mode);
static int run_workers(const struct qb_load *load, struct qb_worker *workers,
                       size_t count, struct qb_repetition *ret,
                       struct err *err);
static void plan(const struct qb_load *load, struct qb_worker *worker,
                 size_t index, size_t count);
static void start_clock(const struct qb_load *load, struct qb_worker *workers,
                        size_t count);
static void attend(const struct qb_load *load, struct qb_worker *workers,
                   size_t count, struct qb_repetition *repetition);
static int sum(const struct qb_load *load, struct qb_worker *workers,
               size_t count, struct qb_repetition *repetition, struct err *err);

int qb_load_run(const struct qb_load *load, struct qb_repetition *ret,
                struct err *err)
{
    size_t count = (size_t)load->bench->options.threads;
    struct qb_worker *workers;
    struct kinds kinds = kinds_of(load->bench->options.mode);
    int rv;

    if (count > load->outstanding) {
        count = (size_t)load->outstanding;
    }
    rv = qb_repetition_init(ret, kinds.names, kinds.count);
    workers = calloc(count, sizeof *workers);
    if (rv != 0 || workers == NULL) {
        rv = err_set(err, QL_NO_MEMORY, "out of memory");
    } else {
        rv = run_workers(load, workers, count, ret, err);
    }
    for (size_t i = 0; workers != NULL && i < count; i++) {
        qb_worker_close(&workers[i]);
    }
    free(workers);
    if (rv != 0) {
        qb_repetition_close(ret);
    }
    return rv;
}

static struct kinds kinds_of(enum qb_mode mode)
{
    switch (mode) {
    case QB_READ:
        return (struct kinds){.names = &names[1], .count = 1};
    case QB_MIXED:
        return (struct kinds){.names = names, .count = 2};
    case QB_FOLLOW:
        return (struct kinds){.names = qb_follow_names,
                              .count = QB_FOLLOW_TRACKS};
    default:
        return (struct kinds){.names = names, .count = 1};
    }
}

static int run_workers(const struct qb_load *load, struct qb_worker *workers,
                       size_t count, struct qb_repetition *ret, struct err *err)
{
    struct err later;
    int rv = 0;

    for (size_t i = 0; rv == 0 && i < count; i++) {
        plan(load, &workers[i], i, count);
        workers[i].track_count = ret->track_count;
        rv =
            qb_worker_start(&workers[i], load->duration_ms * QB_NS_PER_MS, err);
    }
    for (size_t i = 0; i < count; i++) {
        if (workers[i].started) {
            int ready = qb_worker_ready(&workers[i], rv == 0 ? err : &later);

            rv = rv == 0 ? ready : rv;
        }
    }
    /* One that failed: the others have nothing to do. */
    start_clock(load, workers, count);
    for (size_t i = 0; i < count; i++) {
        if (rv != 0) {
            workers[i].begin_ns = workers[i].end_ns = workers[i].start_ns;
        }
        if (workers[i].started) {
            qb_worker_go(&workers[i]);
        }
    }
    if (rv == 0) {
        attend(load, workers, count, ret);
    }
    for (size_t i = 0; i < count; i++) {
        qb_worker_join(&workers[i]);
    }
    return rv == 0 ? sum(load, workers, count, ret, err) : rv;
}

/* Its share of what the load has, the first workers taking what is left over. */
static size_t share(uint64_t whole, size_t index, size_t count)
{
    return (size_t)(whole / count + (index < whole % count ? 1 : 0));
}

static void plan(const struct qb_load *load, struct qb_worker *worker,
                 size_t index, size_t count)
{
    worker->bench = load->bench;
    worker->index = (unsigned)index;
    worker->workers = (unsigned)count;
    worker->connections =
        share(qb_options_connections(&load->bench->options, load->outstanding),
              index, count);
    worker->outstanding = share(load->outstanding, index, count);
    worker->rate = load->rate / (double)count;
}

static void start_clock(const struct qb_load *load, struct qb_worker *workers,
                        size_t count)
{
    uint64_t start_ns = qb_now_ns() + START_NS;

    for (size_t i = 0; i < count; i++) {
        workers[i].start_ns = start_ns;
        workers[i].begin_ns = start_ns + load->warmup_ms * QB_NS_PER_MS;
        workers[i].end_ns =
            workers[i].begin_ns + load->duration_ms * QB_NS_PER_MS;
    }
}

static bool all_done(struct qb_worker *workers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!qb_worker_done(&workers[i])) {
            return false;
        }
    }
    return true;
}

/* What the main thread does beside the load. */
static void attend(const struct qb_load *load, struct qb_worker *workers,
                   size_t count, struct qb_repetition *repetition)
{
    const struct timespec tick = {.tv_nsec = TICK_NS};
    struct qb_watch none = {.data = NULL};
    const struct qb_watch *watch = load->watch != NULL ? load->watch : &none;
    struct qb_progress progress;
    struct qb_usage usage;
    bool begun = false;
    bool ended = false;

    qb_progress_begin(&progress, load, workers, count);
    while (!all_done(workers, count)) {
        uint64_t now_ns;

        (void)nanosleep(&tick, NULL);
        now_ns = qb_now_ns();
        if (!begun && now_ns >= workers[0].begin_ns) {
            begun = true;
            qb_usage_begin(&usage, load->bench);
            if (watch->begin != NULL) {
                watch->begin(watch->data, workers[0].begin_ns);
            }
        }
        if (begun && !ended && now_ns < workers[0].end_ns &&
            watch->tick != NULL) {
            watch->tick(watch->data, now_ns);
        }
        if (begun && !ended && now_ns >= workers[0].end_ns) {
            ended = true;
            qb_usage_end(&usage, load->bench, repetition);
        }
        qb_progress_draw(&progress, now_ns);
    }
    if (begun && !ended) {
        qb_usage_end(&usage, load->bench, repetition);
    }
    qb_progress_end(&progress);
}

static void sum_worker(struct qb_repetition *repetition,
                       const struct qb_worker *worker)
{
    repetition->entries_acknowledged += worker->entries_acknowledged;
    repetition->entries_unknown += worker->entries_unknown;
    repetition->warmup_failed += worker->warmup_failed;
    repetition->client_cpu_seconds += worker->cpu_end - worker->cpu_begin;
    histogram_merge(&repetition->late, &worker->late);
}

/* The gaps of all workers, with the time after the last call that went well. */
static void sum_gaps(struct qb_track *track, struct qb_worker *workers,
                     size_t count, size_t index)
{
    uint64_t end_ns = workers[0].end_ns - workers[0].begin_ns;

    for (size_t i = 0; i < count; i++) {
        struct qb_worker_track *one = &workers[i].tracks[index];

        if (end_ns >= one->last_ns + QB_GAP_NS) {
            qb_gaps_add(&one->gaps, one->last_ns, end_ns);
        }
        if (i == 0) {
            track->gaps = one->gaps;
        } else {
            qb_gaps_intersect(&track->gaps, &one->gaps);
        }
    }
}

static int sum(const struct qb_load *load, struct qb_worker *workers,
               size_t count, struct qb_repetition *repetition, struct err *err)
{
    const struct qb_recorder *recorders[QB_THREADS_MAX];
    const struct qb_watch *watch = load->watch;

    repetition->seconds = (double)load->duration_ms / 1000;
    for (size_t i = 0; i < count; i++) {
        sum_worker(repetition, &workers[i]);
    }
    for (size_t i = 0; i < repetition->track_count; i++) {
        struct qb_track *track = &repetition->tracks[i];

        for (size_t j = 0; j < count; j++) {
            const struct qb_worker_track *one = &workers[j].tracks[i];

            recorders[j] = &one->recorder;
            track->ops += one->ops;
            track->entries += one->entries;
            qb_errors_merge(&track->errors, &one->errors);
        }
        sum_gaps(track, workers, count, i);
        if (qb_recorder_sum(recorders, count, &track->latency,
                            &track->series) != 0) {
            return err_set(err, QL_NO_MEMORY, "out of memory");
        }
    }
    for (size_t i = 0; i < count; i++) {
        recorders[i] =
            &workers[i].tracks[qb_repetition_main(repetition)].recorder;
    }
    if (watch != NULL && watch->end != NULL) {
        watch->end(watch->data, repetition, recorders, count);
    }
    return 0;
}
