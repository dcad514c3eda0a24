/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "recovery.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "recovery_appender.h"
#include "scale_floor.h"
#include "scale_process.h"

#define TURNS_MAX 16u
#define NEW_BYTES (64u * MIB)
#define LOOK_US 10000u
#define WARM_US 1000000u
#define BACKUP_SECONDS 600
#define MAJORITY (SCALE_NODES / 2 + 1)

static struct ql_backup_list *list_of(struct ql_client *client,
                                      const struct qb_node *node)
{
    struct ql_backup_options options = QL_BACKUP_OPTIONS_INIT;
    struct ql_backup_list *list;
    struct ql_error error;

    options.endpoint = node->address;
    recovery_must(ql_backup_list(client, &options, &list, &error),
                  "backup list", &error);
    return list;
}

unsigned recovery_holders(struct scale *scale, struct ql_client *client,
                          const char *name)
{
    unsigned holders = 0;

    for (unsigned i = 0; i < SCALE_NODES; i++) {
        struct ql_backup_list *list = list_of(client, &scale->cluster.nodes[i]);

        for (size_t k = 0; k < list->count; k++) {
            holders += strcmp(list->backups[k].name, name) == 0 &&
                       strcmp(list->backups[k].state, "verified") == 0;
        }
        ql_backup_list_free(list);
    }
    return holders;
}

double recovery_pool_bytes(struct scale *scale, struct ql_client *client)
{
    double most = 0;

    for (unsigned i = 0; i < SCALE_NODES; i++) {
        struct ql_backup_list *list = list_of(client, &scale->cluster.nodes[i]);

        if ((double)list->pool_bytes > most) {
            most = (double)list->pool_bytes;
        }
        ql_backup_list_free(list);
    }
    return most;
}

void recovery_backup(struct scale *scale, struct ql_client *client,
                     const char *name, double *ret_majority, double *ret_all)
{
    double begun = scale_now();
    struct ql_error error;
    unsigned holders;

    *ret_majority = 0;
    recovery_must(ql_backup_create(client, name, NULL, &error), "backup create",
                  &error);
    do {
        (void)usleep(LOOK_US);
        holders = recovery_holders(scale, client, name);
        *ret_all = scale_now() - begun;
        if (holders >= MAJORITY && *ret_majority == 0) {
            *ret_majority = *ret_all;
        }
        if (*ret_all > BACKUP_SECONDS) {
            scale_fail("%s: %u nodes have it after %d s", name, holders,
                       BACKUP_SECONDS);
        }
        scale_cluster_check(&scale->cluster);
    } while (holders < SCALE_NODES);
}

struct turns {
    double majority[TURNS_MAX]; /* s */
    double all[TURNS_MAX];
    double quiet_p50[TURNS_MAX]; /* us */
    double quiet_p99[TURNS_MAX];
    double busy_p50[TURNS_MAX];
    double busy_p99[TURNS_MAX];
    double busy_gap; /* s, the longest */
    double quiet_gap;
    double disk[TURNS_MAX]; /* s that the new bytes take, written once */
};

/* The same appends just before a backup and during it. */
static void measure(struct scale *scale, struct ql_client *client,
                    unsigned turn, struct turns *turns)
{
    struct recovery_appender *appender;
    struct recovery_gap gap;
    double quiet;
    double begun;
    double ended;
    char name[32];

    (void)scale_fill(scale, NEW_BYTES);
    (void)scale_cluster_settle(&scale->cluster);
    turns->disk[turn] = (double)(NEW_BYTES / MIB) /
                        scale_floor_disk(scale->options.dir) * SCALE_NODES;
    appender = recovery_appender_start(
        scale->cluster.endpoints, SCALE_PROBE_LOG, scale->options.entry_len);
    (void)usleep(WARM_US);
    quiet = scale_now();
    (void)usleep((unsigned)(scale->options.seconds * 1e6));
    begun = scale_now();
    (void)snprintf(name, sizeof name, "new-%u", turn);
    recovery_backup(scale, client, name, &turns->majority[turn],
                    &turns->all[turn]);
    ended = scale_now();
    recovery_appender_stop(appender);
    turns->quiet_p50[turn] =
        1e6 * recovery_appender_latency(appender, quiet, begun, 0.5);
    turns->quiet_p99[turn] =
        1e6 * recovery_appender_latency(appender, quiet, begun, 0.99);
    turns->busy_p50[turn] =
        1e6 * recovery_appender_latency(appender, begun, ended, 0.5);
    turns->busy_p99[turn] =
        1e6 * recovery_appender_latency(appender, begun, ended, 0.99);
    gap = recovery_appender_gap(appender, quiet, begun);
    turns->quiet_gap =
        gap.seconds > turns->quiet_gap ? gap.seconds : turns->quiet_gap;
    gap = recovery_appender_gap(appender, begun, ended);
    turns->busy_gap =
        gap.seconds > turns->busy_gap ? gap.seconds : turns->busy_gap;
    recovery_appender_free(appender);
}

static void say(struct scale *scale, struct turns *turns, size_t count)
{
    struct scale_report *report = &scale->report;
    double disk = scale_median(turns->disk, count);
    double quiet = scale_median(turns->quiet_p99, count);
    double busy = scale_median(turns->busy_p99, count);
    struct scale_row *row;

    row = scale_report_add(report, scale_median(turns->majority, count), "s",
                           "backup, 64 MiB new: verified on a majority");
    row->most = 3;
    row->floor = disk;
    row->floor_what = "that for three, written raw, one file";
    row = scale_report_add(report, scale_median(turns->all, count), "s",
                           "backup, 64 MiB new: verified on all");
    row->most = 3;
    row->floor = disk;
    row->floor_what = "that for three, written raw, one file";
    row = scale_report_add(report, scale_median(turns->busy_p50, count), "us",
                           "backup: p50 of appends (open loop, 500 a second)");
    row->floor = scale_median(turns->quiet_p50, count);
    row->floor_what = "just before";
    row = scale_report_add(report, busy, "us",
                           "backup: p99 of appends (open loop, 500 a second)");
    row->floor = quiet;
    row->floor_what = "just before";
    scale_report_add(report, busy / quiet, "x", "backup: p99 to that before")
        ->most = 2;
    row = scale_report_add(report, 1000 * turns->busy_gap, "ms",
                           "backup: longest time without an append");
    row->floor = 1000 * turns->quiet_gap;
    row->floor_what = "just before";
}

void recovery_measure_backups(struct scale *scale)
{
    struct ql_client *client = recovery_client(scale);
    struct turns turns = {0};
    unsigned count = 0;
    double majority;
    double all;

    recovery_forget_peaks(scale);
    recovery_backup(scale, client, "first", &majority, &all);
    scale_report_add(&scale->report, majority, "s",
                     "first backup, all is new: verified on a majority");
    scale_report_add(&scale->report, all, "s",
                     "first backup, all is new: verified on all");
    scale_report_add(&scale->report, recovery_pool_bytes(scale, client) / MIB,
                     "MiB", "first backup: in files, on a node");
    scale_report_add(&scale->report, recovery_peak(scale), "MiB",
                     "first backup: peak RSS of a node");
    while (count < scale->options.turns && count < TURNS_MAX) {
        measure(scale, client, count, &turns);
        count++;
    }
    say(scale, &turns, count);
    ql_client_free(client);
}
