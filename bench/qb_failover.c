/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_failover.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qb_clock.h"
#include "qb_phase_act.h"

#include "util/mem.h"
#include "util/splitmix64.h"

#define LOG_NAME "quorlog-bench/failover"
#define TURN_MS 5
#define PATIENCE_MS 60000u
/* Appends go on for so long before the signal, which comes anywhere between two
 * heartbeats. */
#define QUIET_MS 300u
#define SPREAD_MS 400u

struct failover;

struct attempt {
    struct failover *failover;
    uint64_t begun_ns;
    bool open;
};

struct failover {
    struct qb_bench *bench;
    struct ql_client *client; /* of the load */
    struct qb_repetition *repetition;
    struct qb_track *track;
    uint8_t *value;
    uint64_t seed;
    uint64_t begun_ns;
    uint64_t signal_ns; /* 0: not yet */
    uint64_t first_ns;  /* acknowledged after it; 0: not yet */
    bool stopping;
    size_t count;
    struct attempt *attempts;
};

static int start(struct failover *failover, struct err *err);
static int run_rounds(struct failover *failover, struct err *err);
static int run_round(struct failover *failover, unsigned round,
                     struct err *err);
static int heal(struct failover *failover, struct qb_node *node,
                struct err *err);
static void append(struct attempt *attempt);
static void say_summary(struct failover *failover);

int qb_failover_run(struct qb_bench *bench, struct err *err)
{
    static const char *const tracks[] = {"failover"};
    struct failover failover = {.bench = bench, .seed = 1};
    struct qb_point *point;
    int rv;

    assert(bench->cluster.node_count >= 3);
    failover.count = bench->options.outstanding_count > 0
                         ? bench->options.outstanding[0]
                         : 1;
    point = qb_bench_point(bench, failover.count, err);
    if (point == NULL) {
        return err->code;
    }
    failover.repetition = &point->repetitions[0];
    rv = qb_repetition_init(failover.repetition, tracks, 1);
    if (rv != 0) {
        return err_set(err, rv, "out of memory");
    }
    point->repetition_count = 1;
    failover.track = &failover.repetition->tracks[0];
    rv = start(&failover, err);
    if (rv == 0) {
        rv = run_rounds(&failover, err);
    }
    if (rv == 0) {
        say_summary(&failover);
    }
    failover.stopping = true;
    ql_client_free(failover.client);
    (void)ql_log_delete(bench->admin, LOG_NAME, NULL, NULL);
    free(failover.attempts);
    free(failover.value);
    return rv;
}

static int start(struct failover *failover, struct err *err)
{
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    struct ql_error error;
    int rv;

    options.endpoints = failover->bench->endpoints;
    options.timeout_ms = PATIENCE_MS;
    failover->value = mem_must_zalloc(failover->bench->options.size + 1);
    failover->attempts =
        mem_must_array(failover->count, sizeof *failover->attempts);
    rv = ql_log_create(failover->bench->admin, LOG_NAME, NULL, NULL, &error);
    if (rv == 0 || rv == QL_EXISTS) {
        rv = ql_client_new(&failover->client, &options, &error);
    }
    if (rv != 0) {
        return err_set(err, rv, "%s", error.text);
    }
    for (size_t i = 0; i < failover->count; i++) {
        failover->attempts[i].failover = failover;
        append(&failover->attempts[i]);
    }
    return 0;
}

static int run_rounds(struct failover *failover, struct err *err)
{
    const struct qb_options *options = &failover->bench->options;
    int rv = 0;

    failover->begun_ns = qb_now_ns();
    for (unsigned i = 0; rv == 0 && i < options->repetitions; i++) {
        rv = run_round(failover, i, err);
        if (rv == 0 && !options->quiet && isatty(STDERR_FILENO)) {
            (void)fprintf(stderr, "\r%u of %" PRIu64 ": %.1f ms \r", i + 1,
                          options->repetitions,
                          (double)(failover->first_ns - failover->signal_ns) /
                              1e6);
        }
    }
    failover->repetition->seconds =
        (double)(qb_now_ns() - failover->begun_ns) / 1e9;
    return rv;
}

/* Goes on appending until @until_ns, or until an append is acknowledged that was
 * begun after the signal. */
static void turn(struct failover *failover, uint64_t until_ns)
{
    while (qb_now_ns() < until_ns &&
           (failover->signal_ns == 0 || failover->first_ns == 0)) {
        (void)ql_client_wait(failover->client, TURN_MS);
        for (size_t i = 0; i < failover->count; i++) {
            if (!failover->attempts[i].open) {
                append(&failover->attempts[i]);
            }
        }
    }
}

static void tell(struct failover *failover, unsigned round,
                 const struct qb_node *node, const struct qb_node *next)
{
    double begun = (double)(failover->signal_ns - failover->begun_ns) / 1e9;
    struct qb_repetition *repetition = failover->repetition;
    uint64_t took = failover->first_ns - failover->signal_ns;
    struct qb_phase_cost *cost;

    histogram_record(&failover->track->latency, took);
    failover->track->ops++;
    if (round >= QB_PHASES_MAX) {
        return;
    }
    cost = &repetition->phases[repetition->phase_count++];
    (void)snprintf(cost->what, sizeof cost->what, "%s",
                   failover->bench->options.pause ? "pause-leader"
                                                  : "kill-leader");
    (void)snprintf(cost->note, sizeof cost->note, "node %u led, then node %u",
                   node->id, next != NULL ? next->id : 0);
    cost->begun_seconds = begun;
    cost->ended_seconds = begun + (double)took / 1e9;
    cost->recovered_seconds = cost->ended_seconds;
    cost->outage_ns = took;
}

static int run_round(struct failover *failover, unsigned round, struct err *err)
{
    struct qb_bench *bench = failover->bench;
    uint64_t spread = splitmix64(&failover->seed) % SPREAD_MS;
    struct qb_node *node;
    int rv;

    failover->signal_ns = 0;
    failover->first_ns = 0;
    turn(failover, qb_now_ns() + (QUIET_MS + spread) * QB_NS_PER_MS);
    node = qb_bench_leader(bench);
    if (node == NULL) {
        return err_set(err, QL_NO_LEADER, "no node leads");
    }
    failover->signal_ns = qb_now_ns();
    (void)kill(node->pid, bench->options.pause ? SIGSTOP : SIGKILL);
    turn(failover, failover->signal_ns + PATIENCE_MS * QB_NS_PER_MS);
    if (failover->first_ns == 0) {
        (void)kill(node->pid, SIGCONT);
        return err_set(err, QL_TIMEOUT,
                       "node %u led and was %s; within a minute no append "
                       "was acknowledged",
                       node->id, bench->options.pause ? "paused" : "killed");
    }
    rv = heal(failover, node, err);
    if (rv == 0) {
        tell(failover, round, node, qb_bench_leader(bench));
    }
    return rv;
}

static int heal(struct failover *failover, struct qb_node *node,
                struct err *err)
{
    struct qb_bench *bench = failover->bench;
    int rv = 0;

    if (bench->options.pause) {
        (void)kill(node->pid, SIGCONT);
    } else {
        qb_node_kill(node); /* it has ended; its process is taken note of */
        rv = qb_node_start(&bench->cluster, node, NULL, err);
    }
    return rv == 0 ? qb_phase_wait_whole(bench, err) : rv;
}

static void on_appended(void *data, const struct ql_append_result *result,
                        const struct ql_error *error)
{
    struct attempt *attempt = data;
    struct failover *failover = attempt->failover;

    (void)result;
    attempt->open = false;
    if (failover->stopping) {
        return;
    }
    if (error != NULL) {
        qb_errors_add(&failover->track->errors, error->code, error->text);
        failover->repetition->entries_unknown +=
            error->code == QL_OUTCOME_UNKNOWN ? 1 : 0;
        return;
    }
    failover->repetition->entries_acknowledged++;
    if (failover->signal_ns != 0 && failover->first_ns == 0 &&
        attempt->begun_ns > failover->signal_ns) {
        failover->first_ns = qb_now_ns();
    }
    append(attempt);
}

static void append(struct attempt *attempt)
{
    struct failover *failover = attempt->failover;
    const struct ql_entry entry = {.value = failover->value,
                                   .value_len = failover->bench->options.size};
    const struct ql_append_part part = {
        .log = LOG_NAME, .entries = &entry, .count = 1};
    struct ql_error error;
    int rv;

    attempt->begun_ns = qb_now_ns();
    rv = ql_append_async(failover->client, &part, 1, NULL, on_appended, attempt,
                         &error);
    attempt->open = rv == 0;
    if (rv != 0) {
        qb_errors_add(&failover->track->errors, rv, error.text);
    }
}

static double ms_of(const struct histogram *histogram, double percent)
{
    return (double)histogram_percentile(histogram, percent) / 1e6;
}

static void say_summary(struct failover *failover)
{
    const struct histogram *times = &failover->track->latency;

    qb_result_note(&failover->bench->result,
                   "%" PRIu64 " leaders %s: first acknowledged append of a "
                   "retrying client after p50 %.0f ms, p99 %.0f ms, range "
                   "%.0f to %.0f ms",
                   times->count,
                   failover->bench->options.pause ? "paused by SIGSTOP"
                                                  : "ended by SIGKILL",
                   ms_of(times, 50), ms_of(times, 99), (double)times->min / 1e6,
                   (double)times->max / 1e6);
}
