/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_snapshot.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "qb_clock.h"
#include "qb_load.h"
#include "qb_phase_act.h"

#define BACKUP_EACH_NS QB_NS_PER_S

enum way { NEITHER, SNAPSHOTS, BACKUPS, WAYS };

/* Snapshots after each MiB of raft log, or as good as none. */
#define OFTEN                                                                  \
    {                                                                          \
        "--snapshot-bytes", "1MiB", NULL                                       \
    }
#define SELDOM                                                                 \
    {                                                                          \
        "--snapshot-bytes", "256MiB", "--snapshot-entries", "16384", NULL      \
    }

static const struct {
    const char *label;
    const char *const words[5];
} ways[WAYS] = {
    {"neither", SELDOM},
    {"snapshots", OFTEN},
    {"backups", SELDOM},
};

/* What the leader says of its snapshots while a load runs. */
struct tally {
    struct qb_bench *bench;
    enum way way;
    struct ql_snapshots_status before;
    uint64_t backup_ns; /* when the next one is due */
    uint64_t backups;
    uint64_t taken;
    uint64_t loop_us_max;
    uint64_t wall_us_max;
    double seconds;
};

static int run_turn(struct qb_bench *bench, enum way way, unsigned turn,
                    struct tally *tally, struct err *err);
static void say_summary(struct qb_bench *bench, const struct tally *tallies);

int qb_snapshot_run(struct qb_bench *bench, struct err *err)
{
    struct tally tallies[WAYS];
    int rv = 0;

    assert(bench->cluster.node_count > 0);
    for (size_t i = 0; i < WAYS; i++) {
        tallies[i] = (struct tally){.bench = bench, .way = (enum way)i};
    }
    for (size_t i = 0; i < WAYS; i++) {
        struct qb_point *point =
            qb_bench_point(bench, bench->options.outstanding[0], err);

        if (point == NULL) {
            return err->code;
        }
        (void)snprintf(point->label, sizeof point->label, "%s", ways[i].label);
    }
    for (unsigned turn = 0; rv == 0 && turn < bench->options.repetitions;
         turn++) {
        for (size_t i = 0; rv == 0 && i < WAYS; i++) {
            rv = run_turn(bench, (enum way)i, turn, &tallies[i], err);
        }
    }
    for (size_t i = 0; i < WAYS; i++) {
        qb_point_choose(&bench->result.points[i]);
    }
    if (rv == 0) {
        say_summary(bench, tallies);
    }
    return rv;
}

static bool ask(struct qb_bench *bench, struct ql_snapshots_status *ret)
{
    struct qb_node *leader = qb_bench_leader(bench);
    struct ql_cluster_status status;

    if (leader == NULL ||
        ql_cluster_status(bench->admin, leader->address, &status, NULL) != 0) {
        return false;
    }
    *ret = status.snapshots;
    return true;
}

static void on_begin(void *data, uint64_t begun_ns)
{
    struct tally *tally = data;

    tally->backup_ns = begun_ns;
    if (!ask(tally->bench, &tally->before)) {
        memset(&tally->before, 0, sizeof tally->before);
    }
}

static void on_tick(void *data, uint64_t now_ns)
{
    struct tally *tally = data;

    if (tally->way == BACKUPS && now_ns >= tally->backup_ns) {
        tally->backup_ns += BACKUP_EACH_NS;
        if (ql_backup_create(tally->bench->admin, NULL, NULL, NULL) == 0) {
            tally->backups++;
        }
    }
}

static void on_end(void *data, struct qb_repetition *repetition,
                   const struct qb_recorder *const *recorders, size_t count)
{
    struct tally *tally = data;
    struct ql_snapshots_status now;

    (void)recorders;
    (void)count;
    if (!ask(tally->bench, &now) || now.taken < tally->before.taken) {
        return; /* another node leads now */
    }
    tally->taken += now.taken - tally->before.taken;
    tally->seconds += repetition->seconds;
    if (now.taken > tally->before.taken) {
        tally->loop_us_max = now.loop_us_max > tally->loop_us_max
                                 ? now.loop_us_max
                                 : tally->loop_us_max;
        tally->wall_us_max = now.wall_us_max > tally->wall_us_max
                                 ? now.wall_us_max
                                 : tally->wall_us_max;
    }
}

static int restart(struct qb_bench *bench, enum way way, struct err *err)
{
    int rv = 0;

    qb_cluster_kill(&bench->cluster);
    for (size_t i = 0; rv == 0 && i < bench->cluster.node_count; i++) {
        rv = qb_node_start(&bench->cluster, &bench->cluster.nodes[i],
                           ways[way].words, err);
    }
    return rv == 0 ? qb_phase_wait_whole(bench, err) : rv;
}

static int run_turn(struct qb_bench *bench, enum way way, unsigned turn,
                    struct tally *tally, struct err *err)
{
    struct qb_point *point = &bench->result.points[way];
    struct qb_watch watch = {
        .data = tally, .begin = on_begin, .tick = on_tick, .end = on_end};
    char label[QB_NAME_MAX * 2];
    const struct qb_load load = {.bench = bench,
                                 .outstanding = point->outstanding,
                                 .rate = (double)bench->options.rate,
                                 .warmup_ms = bench->options.warmup_ms,
                                 .duration_ms = bench->options.duration_ms,
                                 .watch = &watch,
                                 .label = label};
    int rv = restart(bench, way, err);

    (void)snprintf(label, sizeof label, "%s, %u of %" PRIu64, ways[way].label,
                   turn + 1, bench->options.repetitions);
    if (rv == 0) {
        rv = qb_load_run(&load, &point->repetitions[turn], err);
    }
    if (rv == 0) {
        point->repetition_count++;
        rv = qb_bench_judge(&point->repetitions[turn], err);
    }
    return rv == 0 ? qb_cluster_check(&bench->cluster, err) : rv;
}

static double median_of(const struct qb_bench *bench, enum way way,
                        double percent)
{
    const struct qb_repetition *median =
        qb_point_median(&bench->result.points[way]);

    return (double)histogram_percentile(&median->tracks[0].latency, percent) /
           1000;
}

static double rate_of(const struct qb_bench *bench, enum way way)
{
    const struct qb_repetition *median =
        qb_point_median(&bench->result.points[way]);

    return qb_track_rate(&median->tracks[0], median->seconds);
}

static void say_way(struct qb_bench *bench, const struct tally *tally)
{
    enum way way = tally->way;

    qb_result_note(
        &bench->result,
        "%s: the leader took %" PRIu64 " snapshots, %" PRIu64
        " backups were made in %.1f s; to neither: p50 %.2f x, p99 %.2f x, "
        "appends a second %.2f x",
        ways[way].label, tally->taken, tally->backups, tally->seconds,
        median_of(bench, way, 50) / median_of(bench, NEITHER, 50),
        median_of(bench, way, 99) / median_of(bench, NEITHER, 99),
        rate_of(bench, way) / rate_of(bench, NEITHER));
}

static void say_summary(struct qb_bench *bench, const struct tally *tallies)
{
    const struct tally *often = &tallies[SNAPSHOTS];

    for (size_t i = 0; i < WAYS; i++) {
        say_way(bench, &tallies[i]);
    }
    if (often->taken > 0) {
        double lost = (rate_of(bench, NEITHER) - rate_of(bench, SNAPSHOTS)) *
                      often->seconds / (double)often->taken;

        qb_result_note(&bench->result,
                       "one snapshot: at most %.1f ms on the loop and %.1f ms "
                       "until it was stored",
                       (double)often->loop_us_max / 1000,
                       (double)often->wall_us_max / 1000);
        if (lost > 0) {
            qb_result_note(&bench->result,
                           "one snapshot costs the time of %.0f appends", lost);
        } else {
            qb_result_note(&bench->result, "what one snapshot costs is less "
                                           "than rates differ by themselves");
        }
    }
}
