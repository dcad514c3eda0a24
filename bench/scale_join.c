/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "scale.h"

#include <stdio.h>
#include <unistd.h>

#include "scale_floor.h"
#include "scale_probe.h"
#include "scale_process.h"

#define LOOK_US 20000u
#define JOIN_SECONDS 3600
#define PROBE_OUTSTANDING 16u
#define OPEN_LOOP_RATE 500.0

struct join {
    double seconds;
    double leader_peak; /* MiB */
    double joined_peak;
};

static struct scale_probe *start_probe(struct scale *scale)
{
    const struct scale_probe_options options = {
        .endpoints = scale->cluster.endpoints,
        .log = SCALE_PROBE_LOG,
        .entry_len = scale->options.entry_len,
        .rate = OPEN_LOOP_RATE};

    return scale_probe_start(&options);
}

static void wait_joined(struct scale *scale, struct qb_node *node, double index,
                        struct join *ret)
{
    struct qb_node *leader = scale_cluster_leader(&scale->cluster);
    double begun = scale_now();
    struct scale_memory memory;

    scale_memory_forget_peak(leader->pid);
    scale_node_start(&scale->cluster, node, NULL);
    while (scale_node_fact(node, "applied_index") < index) {
        if (scale_now() > begun + JOIN_SECONDS) {
            scale_fail("node %u does not catch up", node->id);
        }
        scale_cluster_check(&scale->cluster);
        (void)usleep(LOOK_US);
    }
    ret->seconds = scale_now() - begun;
    scale_memory_of(leader->pid, &memory);
    ret->leader_peak = memory.peak;
    scale_memory_of(node->pid, &memory);
    ret->joined_peak = memory.peak;
}

static void say(struct scale *scale, const struct join *join, double bytes)
{
    struct scale_report *report = &scale->report;
    double best = scale->disk < scale->loopback ? scale->disk : scale->loopback;
    const char *best_what =
        scale->disk < scale->loopback ? "the disk, one file" : "loopback TCP";
    double raw = (double)scale->options.bytes / MIB;
    double rate = bytes / MIB / join->seconds;
    struct scale_row *row;

    scale_report_add(report, join->seconds, "s",
                     "an empty node joins: until it has all");
    scale_report_add(report, bytes / MIB, "MiB", "joining: chunks it stored");
    row = scale_report_add(report, rate, "MiB/s", "joining: stored a second");
    row->floor = best;
    row->floor_what = best_what;
    scale_report_add(report, raw / join->seconds, "MiB/s",
                     "joining: entries, before they are compressed");
    scale_report_add(report, 100 * rate / best, "%",
                     "joining: of the smaller of disk and loopback")
        ->least = 50;
    scale_report_add(report, join->leader_peak, "MiB",
                     "joining: peak RSS of the leader")
        ->most = 128;
    scale_report_add(report, join->joined_peak, "MiB",
                     "joining: peak RSS of the node that joins")
        ->most = 128;
}

void scale_join(struct scale *scale)
{
    struct qb_node *node = &scale->cluster.nodes[SCALE_NODES - 1];
    struct scale_report *report = &scale->report;
    struct scale_latency before;
    struct scale_latency during;
    struct scale_probe *probe;
    struct scale_row *row;
    struct join join;
    char chunks[PATH_LEN_MAX + 16];
    double index;

    scale->disk = scale_floor_disk(scale->options.dir);
    scale->loopback = scale_floor_loopback();
    probe = start_probe(scale);
    (void)sleep(1);
    scale_probe_forget(probe);
    (void)usleep((unsigned)(scale->options.seconds * 1e6));
    scale_probe_stop(probe, &before);
    index =
        scale_node_fact(scale_cluster_leader(&scale->cluster), "commit_index");
    probe = start_probe(scale);
    scale_probe_forget(probe);
    wait_joined(scale, node, index, &join);
    scale_probe_stop(probe, &during);
    (void)snprintf(chunks, sizeof chunks, "%s/chunks", node->dir);
    say(scale, &join, (double)scale_dir_bytes(chunks));
    row = scale_report_add(report, during.p50_us, "us",
                           "joining: p50 of appends (open loop, 500 a second)");
    row->floor = before.p50_us;
    row->floor_what = "two nodes, no one joins";
    row = scale_report_add(report, during.p99_us, "us",
                           "joining: p99 of appends (open loop, 500 a second)");
    row->floor = before.p99_us;
    row->floor_what = "two nodes, no one joins";
    scale_report_add(report, during.p99_us / before.p99_us, "x",
                     "joining: p99 to that before")
        ->most = 2;
    scale_report_add(report, during.slowest_us / 1000, "ms",
                     "joining: slowest append");
    scale_report_add(report, (double)during.failed, "",
                     "joining: appends that failed");
}
