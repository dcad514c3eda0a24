/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "recovery.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scale_floor.h"
#include "scale_process.h"

#define LOOK_US 10000u
#define WAIT_SECONDS 600

static int write_piece(void *data, const struct ql_export_piece *piece)
{
    const int *fd = data;

    return pwrite(*fd, piece->bytes, piece->len, (off_t)piece->offset) ==
                   (ssize_t)piece->len
               ? 0
               : -1;
}

static int read_piece(void *data, uint64_t offset, void *bytes, size_t len)
{
    const int *fd = data;

    return pread(*fd, bytes, len, (off_t)offset) == (ssize_t)len ? 0 : -1;
}

/* Deletes it on all nodes and waits until its files are gone. */
static void forget(struct scale *scale, struct ql_client *client,
                   const char *name, double pool)
{
    double begun = scale_now();
    struct ql_error error;

    recovery_must(ql_backup_delete(client, name, &error), "backup delete",
                  &error);
    while (recovery_pool_bytes(scale, client) > pool / 10) {
        if (scale_now() > begun + WAIT_SECONDS) {
            scale_fail("the files of %s stay", name);
        }
        (void)usleep(LOOK_US);
    }
}

static void import(struct scale *scale, struct ql_client *client, int fd,
                   uint64_t total)
{
    struct scale_report *report = &scale->report;
    double begun = scale_now();
    struct ql_error error;
    struct scale_row *row;
    double took;

    recovery_forget_peaks(scale);
    recovery_must(ql_backup_import(client, total, false, NULL, read_piece, &fd,
                                   NULL, &error),
                  "backup import", &error);
    took = scale_now() - begun;
    row = scale_report_add(report, (double)total / MIB / took, "MiB/s",
                           "import of that file, checked, on one node");
    row->floor = scale->disk;
    row->floor_what = "the disk, one file";
    while (recovery_holders(scale, client, "whole") < SCALE_NODES) {
        if (scale_now() > begun + WAIT_SECONDS) {
            scale_fail("not all nodes have what was imported");
        }
        (void)usleep(LOOK_US);
    }
    scale_report_add(report, scale_now() - begun, "s",
                     "import: until all nodes have it");
    scale_report_add(report, recovery_peak(scale), "MiB",
                     "import: peak RSS of a node");
}

/* Deletes every log and goes back to the backup. */
static void stage_all(struct scale *scale, struct ql_client *client)
{
    struct scale_report *report = &scale->report;
    struct ql_recovery_status status;
    struct ql_error error;
    struct scale_row *row;
    double begun;
    double took;

    for (uint64_t i = 0; i < scale->options.logs; i++) {
        char log[32];

        scale_log_name(log, sizeof log, i);
        recovery_must(ql_log_delete(client, log, NULL, &error), "log delete",
                      &error);
    }
    (void)scale_cluster_settle(&scale->cluster);
    recovery_forget_peaks(scale);
    begun = scale_now();
    took = recovery_stage(client, "whole");
    recovery_must(ql_recovery_status(client, &status, &error),
                  "recovery status", &error);
    scale_report_add(report, took, "s",
                     "stage, nothing is here: until it is staged");
    row = scale_report_add(report, (double)status.bytes / MIB / took, "MiB/s",
                           "stage, nothing is here: entries");
    row->floor = scale->disk;
    row->floor_what = "the disk, one file";
    recovery_commit(client);
    recovery_must(ql_log_create(client, "after", NULL, NULL, &error),
                  "log create", &error);
    scale_report_add(
        report, scale_now() - begun, "s",
        "from stage to the first write after commit, all by bytes");
    scale_report_add(report, recovery_peak(scale), "MiB",
                     "stage, nothing is here: peak RSS of a node");
}

void recovery_measure_export(struct scale *scale)
{
    struct ql_client *client = recovery_client(scale);
    struct ql_backup_options options = QL_BACKUP_OPTIONS_INIT;
    struct scale_report *report = &scale->report;
    struct ql_error error;
    struct scale_row *row;
    char path[PATH_LEN_MAX];
    double majority;
    double begun;
    double took;
    double all;
    off_t total;
    int fd;

    scale->disk = scale_floor_disk(scale->options.dir);
    recovery_backup(scale, client, "whole", &majority, &all);
    (void)snprintf(path, sizeof path, "%s/export", scale->options.dir);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    options.endpoint = scale_cluster_leader(&scale->cluster)->address;
    recovery_forget_peaks(scale);
    begun = scale_now();
    recovery_must(ql_backup_export(client, "whole", 0, &options, write_piece,
                                   &fd, &error),
                  "backup export", &error);
    (void)fdatasync(fd);
    took = scale_now() - begun;
    total = lseek(fd, 0, SEEK_END);
    row = scale_report_add(report, (double)total / MIB / took, "MiB/s",
                           "export to a file, synced at its end");
    row->floor = scale->disk;
    row->floor_what = "the disk, one file";
    scale_report_add(report, (double)total / MIB, "MiB",
                     "export: length of the file");
    scale_report_add(report, recovery_peak(scale), "MiB",
                     "export: peak RSS of a node");
    forget(scale, client, "whole", recovery_pool_bytes(scale, client));
    import(scale, client, fd, (uint64_t)total);
    (void)close(fd);
    stage_all(scale, client);
    ql_client_free(client);
}
