/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A cluster that holds much: three real daemons on loopback are filled with
 * entries that LZ4 makes half as long. Says what memory they take, what their
 * snapshots cost and what appends notice of them, how long a restart takes, how
 * fast an empty node has everything and how fast old entries are read, beside what
 * the machine gives without us in the same run.
 *
 *     bench/scale [--dir DIR] [--bytes 10G] [--logs N] [--entry BYTES]
 *                 [--outstanding N] [--seconds N] [--turns N] [--daemon PATH]
 *                 [--option WORD]... [--parts join,snapshots,restart,read]
 *                 [--keep] [--json]
 *
 * Without --bytes it takes 10 GiB where the disk has room for that three times,
 * 2 GiB elsewhere. What it wants and does not find it says, and ends with 0.
 */
#include "scale.h"

#include <stdio.h>
#include <string.h>

#include "scale_floor.h"
#include "scale_main.h"
#include "scale_process.h"

/* The third node is not there at first when it shall join. */
static void run(struct scale *scale)
{
    struct qb_cluster *cluster = &scale->cluster;
    struct scale_options *options = &scale->options;
    bool joins = strstr(options->parts, "join") != NULL;

    scale_cluster_init(cluster, options->dir);
    scale->disk = scale_floor_disk(options->dir);
    for (unsigned i = 0; i < SCALE_NODES - joins; i++) {
        scale_node_start(cluster, &cluster->nodes[i], NULL);
    }
    (void)scale_cluster_leader(cluster);
    scale_restart_empty(scale);
    scale_make_logs(scale);
    scale_load(scale, options->bytes, joins ? "two nodes" : "three nodes");
    scale_say_snapshots(scale, "load");
    if (joins) {
        scale_join(scale);
        scale_load(scale, options->bytes / 8, "then three");
    }
    if (strstr(options->parts, "snapshots") != NULL) {
        scale_compare_snapshots(scale);
    }
    if (strstr(options->parts, "restart") != NULL) {
        scale_restart(scale);
    }
    if (strstr(options->parts, "read") != NULL) {
        scale_read(scale);
    }
    scale_report_add(&scale->report,
                     (double)scale_dir_bytes(cluster->nodes[0].dir) / MIB,
                     "MiB", "at the end: node 1 on the disk");
    qb_cluster_kill(cluster);
    if (options->json) {
        printf("{\"bytes\": %llu, \"logs\": %llu, \"entry\": %zu, \"rows\":\n",
               (unsigned long long)options->bytes,
               (unsigned long long)options->logs, options->entry_len);
    } else {
        printf("%llu MiB of entries of %zu B in %llu logs, and an eighth more "
               "when a node has joined\n",
               (unsigned long long)(options->bytes / MIB), options->entry_len,
               (unsigned long long)options->logs);
    }
    scale_report_print(&scale->report, options->json);
    (void)fputs(options->json ? "}\n" : "", stdout);
}

int main(int argc, char **argv)
{
    static struct scale scale = {.options = {.logs = 1,
                                             .entry_len = 1024,
                                             .outstanding = 32,
                                             .seconds = 5,
                                             .turns = 3,
                                             .parts = "join,snapshots,restart,"
                                                      "read"}};

    return scale_main(&scale, run, argc, argv);
}
