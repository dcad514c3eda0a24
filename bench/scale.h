/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the parts of bench/scale share. */
#pragma once

#include "scale_cluster.h"
#include "scale_report.h"

#include <stdint.h>

#define SCALE_PROBE_LOG "probe"

struct scale_options {
    const char *dir;
    uint64_t bytes; /* of entries, before they are compressed */
    uint64_t logs;
    size_t entry_len;
    size_t outstanding; /* appends on their way while it is filled */
    double seconds;     /* of each measurement of appends */
    unsigned turns;     /* of each measurement that is repeated */
    const char *parts;  /* what to measure, with commas */
    bool keep;
    bool json;
};

struct scale {
    struct scale_options options;
    struct qb_cluster cluster;
    struct scale_report report;
    double disk; /* floors, MiB/s */
    double loopback;
    double empty_rss; /* of a node that has nothing, MiB */
    double empty_peak;
    double empty_restart; /* until it answers, s */
    double ratio;         /* of the entries, to what LZ4 makes of them */
};

/* The name of the log with this number. */
void scale_log_name(char *ret, size_t room, uint64_t number);
/* Makes the logs, and the one for scale_probe. */
void scale_make_logs(struct scale *scale);
/* Appends @bytes of entries to all logs in turn; says how fast, and what memory
 * the nodes took. @when: "two nodes", for example. */
void scale_load(struct scale *scale, uint64_t bytes, const char *when);
/* The same, and says nothing of it. The seconds until the last is acknowledged. */
double scale_fill(struct scale *scale, uint64_t bytes);
/* Snapshots as the nodes tell of them. */
void scale_say_snapshots(struct scale *scale, const char *when);
/* Starts the third node, which is empty, and waits until it has all. */
void scale_join(struct scale *scale);
/* Appends while snapshots are frequent, and while there are none. */
void scale_compare_snapshots(struct scale *scale);
/* What a start takes, of a node that has nothing. */
void scale_restart_empty(struct scale *scale);
void scale_restart(struct scale *scale);
/* Reads all logs from their first entry on. */
void scale_read(struct scale *scale);
