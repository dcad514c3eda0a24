/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Backups and recovery: three real daemons on loopback are filled with entries
 * that LZ4 makes half as long. Says how long a backup with little new takes and
 * what appends notice of it, for how long a commit of a staged state holds up
 * appends and on which side each of them is in the end, how fast backups are
 * exported, imported and staged when nothing is here any more, and what many
 * backups take on the disk, beside what the same run gives without these.
 *
 *     bench/recovery [--dir DIR] [--bytes 1G] [--logs 20] [--entry BYTES]
 *                    [--outstanding N] [--seconds N] [--turns N]
 *                    [--daemon PATH] [--option WORD]...
 *                    [--parts backup,commit,export] [--parts space]
 *                    [--keep] [--json]
 *
 * Space is measured alone: other parts' backups would be counted too.
 */
#include "recovery.h"

#include <stdio.h>
#include <string.h>

#include "scale_floor.h"
#include "scale_main.h"
#include "scale_process.h"

#define CALL_TIMEOUT_MS 120000u

struct ql_client *recovery_client(struct scale *scale)
{
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    struct ql_client *client;
    struct ql_error error;

    options.endpoints = scale->cluster.endpoints;
    options.timeout_ms = CALL_TIMEOUT_MS;
    recovery_must(ql_client_new(&client, &options, &error), "client", &error);
    return client;
}

void recovery_must(int rv, const char *what, const struct ql_error *error)
{
    if (rv != 0) {
        scale_fail("%s: %s", what, error->text);
    }
}

void recovery_forget_peaks(struct scale *scale)
{
    for (unsigned i = 0; i < SCALE_NODES; i++) {
        scale_memory_forget_peak(scale->cluster.nodes[i].pid);
    }
}

double recovery_peak(struct scale *scale)
{
    double most = 0;

    for (unsigned i = 0; i < SCALE_NODES; i++) {
        struct scale_memory memory;

        scale_memory_of(scale->cluster.nodes[i].pid, &memory);
        most = memory.peak > most ? memory.peak : most;
    }
    return most;
}

/* Backups of other parts would make a difference. */
static void forget_backups(struct scale *scale)
{
    struct ql_client *client = recovery_client(scale);
    struct ql_backup_list *list;
    struct ql_error error;

    (void)ql_recovery_unload(client, true, &error);
    recovery_must(ql_backup_list(client, NULL, &list, &error), "backup list",
                  &error);
    for (size_t i = 0; i < list->count; i++) {
        recovery_must(ql_backup_delete(client, list->backups[i].name, &error),
                      "backup delete", &error);
    }
    ql_backup_list_free(list);
    ql_client_free(client);
}

static void run(struct scale *scale)
{
    static const struct part {
        const char *name;
        void (*measure)(struct scale *scale);
    } parts[] = {{"backup", recovery_measure_backups},
                 {"space", recovery_measure_space},
                 {"commit", recovery_measure_commit},
                 {"export", recovery_measure_export}};
    struct qb_cluster *cluster = &scale->cluster;
    struct scale_options *options = &scale->options;

    scale_cluster_init(cluster, options->dir);
    for (unsigned i = 0; i < SCALE_NODES; i++) {
        scale_node_start(cluster, &cluster->nodes[i], NULL);
    }
    (void)scale_cluster_leader(cluster);
    scale_make_logs(scale);
    scale_report_add(&scale->report,
                     (double)options->bytes / MIB /
                         scale_fill(scale, options->bytes),
                     "MiB/s", "filled");
    (void)scale_cluster_settle(cluster);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strstr(options->parts, parts[i].name) != NULL) {
            (void)fprintf(stderr, "%s\n", parts[i].name);
            parts[i].measure(scale);
            forget_backups(scale);
        }
    }
    qb_cluster_kill(cluster);
    if (options->json) {
        printf("{\"bytes\": %llu, \"logs\": %llu, \"entry\": %zu, \"rows\":\n",
               (unsigned long long)options->bytes,
               (unsigned long long)options->logs, options->entry_len);
    } else {
        printf("%llu MiB of entries of %zu B in %llu logs\n",
               (unsigned long long)(options->bytes / MIB), options->entry_len,
               (unsigned long long)options->logs);
    }
    scale_report_print(&scale->report, options->json);
    (void)fputs(options->json ? "}\n" : "", stdout);
}

int main(int argc, char **argv)
{
    static struct scale scale = {.options = {.bytes = 1024ull * MIB,
                                             .logs = 20,
                                             .entry_len = 1024,
                                             .outstanding = 32,
                                             .seconds = 5,
                                             .turns = 3,
                                             .parts = "backup,commit,export"},
                                 .cluster.options = {"--backup-interval", "0",
                                                     "--max-saved-backups",
                                                     "48"}};

    return scale_main(&scale, run, argc, argv);
}
