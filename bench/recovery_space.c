/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "recovery.h"

#include <stdio.h>

#include "scale_process.h"

#define BACKUPS 48u
#define SLICES 100u /* one of so many is new in each backup */

/* Drops as much from the front of each log as one of them got. */
static void trim(struct scale *scale, struct ql_client *client)
{
    uint64_t entries = scale->options.bytes / SLICES / scale->options.entry_len;

    for (uint64_t i = 0; i < scale->options.logs; i++) {
        struct ql_log_stat stat;
        struct ql_error error;
        char log[32];

        scale_log_name(log, sizeof log, i);
        recovery_must(ql_log_stat(client, log, QL_LINEARIZABLE, &stat, &error),
                      "log stat", &error);
        recovery_must(ql_log_trim(client, log,
                                  stat.head + entries / scale->options.logs,
                                  NULL, &error),
                      "log trim", &error);
    }
}

void recovery_measure_space(struct scale *scale)
{
    struct ql_client *client = recovery_client(scale);
    struct scale_report *report = &scale->report;
    double slowest = 0;
    double majority;
    double first;
    double last;
    double all;
    char name[32];

    recovery_backup(scale, client, "space-0", &majority, &all);
    first = recovery_pool_bytes(scale, client);
    scale_report_add(report, first / MIB, "MiB", "space: of one backup");
    for (unsigned i = 1; i < BACKUPS; i++) {
        (void)scale_fill(scale, scale->options.bytes / SLICES);
        trim(scale, client);
        (void)snprintf(name, sizeof name, "space-%u", i);
        recovery_backup(scale, client, name, &majority, &all);
        slowest = all > slowest ? all : slowest;
    }
    last = recovery_pool_bytes(scale, client);
    scale_report_add(report, last / MIB, "MiB",
                     "space: of %u with 1 %% new in each", BACKUPS);
    scale_report_add(report, last / first, "x", "space: to that of one")->most =
        1.6;
    scale_report_add(report, slowest, "s",
                     "space: slowest of them until all nodes have it");
    ql_client_free(client);
}
