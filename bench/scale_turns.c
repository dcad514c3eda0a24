/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "scale.h"

#include <unistd.h>

#include "scale_probe.h"
#include "scale_process.h"

#define TURNS_MAX 16u
#define WARM_US 1000000u
#define WAYS 3u

/* How appends are made. */
static const struct way {
    const char *name;
    size_t entry_len;
    size_t outstanding;
    double rate;
} ways[WAYS] = {{"128 B, 16 outstanding", 128, 16, 0},
                {"1 KiB, 16 outstanding", 1024, 16, 0},
                {"1 KiB, 1,000 a second", 1024, 0, 1000}};

/* Snapshots after each MiB of raft log, and as good as none. */
static const char *const often[] = {"--snapshot-bytes", "1MiB", NULL};
static const char *const seldom[] = {"--snapshot-bytes", "256MiB",
                                     "--snapshot-entries", "16384", NULL};

struct turns {
    double p50[WAYS][2][TURNS_MAX]; /* us; by how often snapshots are taken */
    double p99[WAYS][2][TURNS_MAX];
    double slowest[WAYS][2];
    double rate[WAYS][2][TURNS_MAX];
    double snapshots[WAYS][2];
};

static double snapshots_of(const struct qb_node *node)
{
    struct scale_facts facts;

    return scale_ask_status(node->address, &facts)
               ? scale_fact_count(&facts, "snapshots.taken")
               : 0;
}

static void measure(struct scale *scale, size_t way, struct turns *turns,
                    bool is_often, unsigned turn)
{
    const struct scale_probe_options options = {
        .endpoints = scale->cluster.endpoints,
        .log = SCALE_PROBE_LOG,
        .entry_len = ways[way].entry_len,
        .outstanding = ways[way].outstanding,
        .rate = ways[way].rate};
    struct scale_probe *probe = scale_probe_start(&options);
    struct qb_node *leader;
    struct scale_latency latency;
    double before;
    double after;

    (void)usleep(WARM_US);
    leader = scale_cluster_leader(&scale->cluster);
    before = snapshots_of(leader);
    scale_probe_forget(probe);
    (void)usleep((unsigned)(scale->options.seconds * 1e6));
    scale_probe_stop(probe, &latency);
    after = snapshots_of(leader);
    turns->p50[way][is_often][turn] = latency.p50_us;
    turns->p99[way][is_often][turn] = latency.p99_us;
    turns->rate[way][is_often][turn] = latency.rate;
    turns->snapshots[way][is_often] += after - before;
    if (latency.slowest_us > turns->slowest[way][is_often]) {
        turns->slowest[way][is_often] = latency.slowest_us;
    }
}

static void say_memory(struct scale *scale)
{
    for (unsigned i = 0; i < SCALE_NODES; i++) {
        struct scale_memory memory;

        scale_memory_of(scale->cluster.nodes[i].pid, &memory);
        scale_report_add(&scale->report, memory.peak, "MiB",
                         "often: peak RSS of node %u", i + 1)
            ->most = 128;
    }
}

static void say(struct scale *scale, size_t way, struct turns *turns)
{
    struct scale_report *report = &scale->report;
    size_t count = scale->options.turns;
    const char *name = ways[way].name;
    double often_p99 = scale_median(turns->p99[way][1], count);
    double seldom_p99 = scale_median(turns->p99[way][0], count);
    struct scale_row *row;

    row = scale_report_add(report, scale_median(turns->p50[way][1], count),
                           "us", "%s: p50 with snapshots", name);
    row->floor = scale_median(turns->p50[way][0], count);
    row->floor_what = "none";
    row = scale_report_add(report, often_p99, "us", "%s: p99 with snapshots",
                           name);
    row->floor = seldom_p99;
    row->floor_what = "none";
    scale_report_add(report, often_p99 / seldom_p99, "x",
                     "%s: p99 with to without", name)
        ->most = 2;
    row = scale_report_add(report, turns->slowest[way][1] / 1000, "ms",
                           "%s: slowest with snapshots", name);
    row->floor = turns->slowest[way][0] / 1000;
    row->floor_what = "none";
    row = scale_report_add(report, scale_median(turns->rate[way][1], count),
                           "/s", "%s: appends with snapshots", name);
    row->floor = scale_median(turns->rate[way][0], count);
    row->floor_what = "none";
    row = scale_report_add(report, turns->snapshots[way][1], "",
                           "%s: snapshots of the leader meanwhile", name);
    row->floor = turns->snapshots[way][0];
    row->floor_what = "where there should be none";
}

/* A start needs more than what follows. */
static void forget_peaks(struct scale *scale)
{
    for (unsigned i = 0; i < SCALE_NODES; i++) {
        scale_memory_forget_peak(scale->cluster.nodes[i].pid);
    }
}

void scale_compare_snapshots(struct scale *scale)
{
    struct turns turns = {0};

    for (unsigned turn = 0; turn < scale->options.turns && turn < TURNS_MAX;
         turn++) {
        for (unsigned is_often = 0; is_often < 2; is_often++) {
            scale_cluster_restart(&scale->cluster, is_often ? often : seldom);
            (void)scale_cluster_leader(&scale->cluster);
            (void)scale_cluster_settle(&scale->cluster);
            forget_peaks(scale);
            for (size_t way = 0; way < WAYS; way++) {
                measure(scale, way, &turns, is_often, turn);
            }
            if (is_often && turn + 1 == scale->options.turns) {
                scale_say_snapshots(scale, "often");
                say_memory(scale);
            }
        }
    }
    for (size_t way = 0; way < WAYS; way++) {
        say(scale, way, &turns);
    }
    scale_cluster_restart(&scale->cluster, NULL);
    (void)scale_cluster_leader(&scale->cluster);
    (void)scale_cluster_settle(&scale->cluster);
}
