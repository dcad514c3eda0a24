/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_phase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qb_clock.h"
#include "qb_phase_act.h"
#include "qb_phase_cost.h"
#include "qb_phase_parse.h"

#include "util/mem.h"

enum state { WAITING, RUNNING, OVER, FAILED };

struct run {
    struct qb_phase phase;
    struct qb_phase_act act;
    enum state state; /* in this measurement */
    uint64_t ended_ns;
};

struct qb_phase_list {
    struct qb_bench *bench;
    uint64_t begun_ns;
    size_t count;
    struct run runs[QB_PHASE_TEXTS_MAX]; /* by time */
};

static int add(struct qb_phase_list *list, const char *text, struct err *err);
static int check_mode(const struct qb_options *options, struct err *err);
static int check(const struct qb_options *options, const char *text,
                 struct err *err);
static void on_begin(void *data, uint64_t begun_ns);
static void on_tick(void *data, uint64_t now_ns);
static void on_end(void *data, struct qb_repetition *repetition,
                   const struct qb_recorder *const *recorders, size_t count);
static void end_run(struct run *run);
static void tell(const struct qb_phase_list *list,
                 struct qb_repetition *repetition,
                 const struct qb_phase_calls *calls);

int qb_phase_check(const struct qb_options *options, struct err *err)
{
    int rv = 0;

    if (options->mode == QB_FAILOVER || options->mode == QB_SNAPSHOT) {
        return check_mode(options, err);
    }
    for (size_t i = 0; rv == 0 && i < options->phase_count; i++) {
        rv = check(options, options->phases[i], err);
    }
    return rv;
}

int qb_phase_plan(struct qb_phase_list **ret_list, struct qb_bench *bench,
                  struct qb_watch *ret_watch, struct err *err)
{
    struct qb_phase_list *list = mem_must_zalloc(sizeof *list);
    int rv = 0;

    list->bench = bench;
    for (size_t i = 0; rv == 0 && i < bench->options.phase_count; i++) {
        rv = add(list, bench->options.phases[i], err);
    }
    if (rv != 0) {
        qb_phase_free(list);
        return rv;
    }
    *ret_watch = (struct qb_watch){
        .data = list, .begin = on_begin, .tick = on_tick, .end = on_end};
    *ret_list = list;
    return 0;
}

void qb_phase_free(struct qb_phase_list *list)
{
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        end_run(&list->runs[i]);
        qb_slow_disk_free(list->runs[i].act.slow);
    }
    free(list);
}

static int add(struct qb_phase_list *list, const char *text, struct err *err)
{
    size_t at = list->count;
    struct run run = {.state = OVER};
    int rv = qb_phase_parse(&run.phase, text, err);

    if (rv == 0 && run.phase.kind == QB_PHASE_SLOW_DISK) {
        rv = qb_slow_disk_new(&run.act.slow, QB_CGROUP_ROOT, list->bench->dir,
                              run.phase.delay_ms, err);
        if (rv != 0) {
            (void)err_wrap(err, "--phase %s", text);
        }
    }
    if (rv != 0) {
        return rv;
    }
    while (at > 0 && list->runs[at - 1].phase.at_ms > run.phase.at_ms) {
        list->runs[at] = list->runs[at - 1];
        at--;
    }
    list->runs[at] = run;
    list->count++;
    for (size_t i = 0; i < list->count; i++) {
        list->runs[i].act.bench = list->bench;
        list->runs[i].act.phase = &list->runs[i].phase;
    }
    return 0;
}

/* They do by themselves what phases do, to a cluster of their own. */
static int check_mode(const struct qb_options *options, struct err *err)
{
    const char *name = qb_mode_name(options->mode);

    if (options->phase_count > 0) {
        return err_set(err, QL_INVALID, "%s has phases of its own, not --phase",
                       name);
    }
    if (options->endpoints != NULL) {
        return err_set(err, QL_INVALID,
                       "%s ends and starts nodes, so it needs a cluster of its "
                       "own: leave --endpoints out",
                       name);
    }
    if (options->mode == QB_FAILOVER && options->nodes < 3) {
        return err_set(err, QL_INVALID,
                       "failover needs 3 nodes or more: of fewer none can be "
                       "spared");
    }
    return 0;
}

static int check(const struct qb_options *options, const char *text,
                 struct err *err)
{
    struct qb_phase phase;
    int rv = qb_phase_parse(&phase, text, err);

    if (rv != 0) {
        return rv;
    }
    if (phase.at_ms >= options->duration_ms) {
        return err_set(err, QL_INVALID,
                       "--phase %s: the measurement ends before that", text);
    }
    if (qb_phase_needs_own(phase.kind) && options->endpoints != NULL) {
        return err_set(err, QL_INVALID,
                       "--phase %s: only where quorlog-bench starts the "
                       "cluster itself",
                       text);
    }
    if (phase.node > options->nodes) {
        return err_set(err, QL_INVALID, "--phase %s: there are %llu nodes",
                       text, (unsigned long long)options->nodes);
    }
    return 0;
}

static void on_begin(void *data, uint64_t begun_ns)
{
    struct qb_phase_list *list = data;

    list->begun_ns = begun_ns;
    for (size_t i = 0; i < list->count; i++) {
        list->runs[i].state = WAITING;
    }
}

static void on_tick(void *data, uint64_t now_ns)
{
    struct qb_phase_list *list = data;

    for (size_t i = 0; i < list->count; i++) {
        struct run *run = &list->runs[i];

        if (run->state == RUNNING && qb_phase_act_is_over(&run->act, now_ns)) {
            end_run(run);
        }
    }
    for (size_t i = 0; i < list->count; i++) {
        struct run *run = &list->runs[i];
        uint64_t due = list->begun_ns + run->phase.at_ms * QB_NS_PER_MS;

        if (run->state == WAITING && now_ns >= due) {
            run->state = qb_phase_act_begin(&run->act) ? RUNNING : FAILED;
            run->ended_ns = qb_now_ns();
        }
    }
}

/* The next measurement finds the cluster as this one did. */
static void on_end(void *data, struct qb_repetition *repetition,
                   const struct qb_recorder *const *recorders, size_t count)
{
    struct qb_phase_list *list = data;
    const struct qb_track *track =
        &repetition->tracks[qb_repetition_main(repetition)];
    const struct qb_phase_calls calls = {track, recorders, count};

    for (size_t i = 0; i < list->count; i++) {
        end_run(&list->runs[i]);
    }
    tell(list, repetition, &calls);
    if (list->count > 0 && list->bench->cluster.node_count > 0) {
        struct err err;

        if (qb_phase_wait_whole(list->bench, &err) != 0) {
            (void)fprintf(stderr, "quorlog-bench: after the phases %s\n",
                          err.text);
        }
    }
}

static void end_run(struct run *run)
{
    if (run->state == RUNNING) {
        qb_phase_act_end(&run->act);
        run->ended_ns = qb_now_ns();
        run->state = OVER;
    }
}

static double seconds_at(const struct qb_phase_list *list, uint64_t at_ns)
{
    return ((double)at_ns - (double)list->begun_ns) / 1e9;
}

static void tell(const struct qb_phase_list *list,
                 struct qb_repetition *repetition,
                 const struct qb_phase_calls *calls)
{
    double from = 0;

    repetition->phase_count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct run *run = &list->runs[i];
        struct qb_phase_cost *cost =
            &repetition->phases[repetition->phase_count];
        double until = repetition->seconds;

        if (run->state == WAITING || repetition->phase_count == QB_PHASES_MAX) {
            continue;
        }
        if (i + 1 < list->count && list->runs[i + 1].state != WAITING) {
            until = seconds_at(list, list->runs[i + 1].act.begun_ns);
        }
        (void)snprintf(cost->what, sizeof cost->what, "%s",
                       qb_phase_name(run->phase.kind));
        (void)snprintf(cost->note, sizeof cost->note, "%s", run->act.note);
        cost->begun_seconds = seconds_at(list, run->act.begun_ns);
        cost->ended_seconds = seconds_at(list, run->ended_ns);
        qb_phase_cost_fill(cost, calls, from, until);
        from = cost->ended_seconds > cost->recovered_seconds
                   ? cost->ended_seconds
                   : cost->recovered_seconds;
        repetition->phase_count++;
    }
}
