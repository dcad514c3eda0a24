/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "scale.h"

#include <stdio.h>

#include "quorlog.h"
#include "scale_floor.h"
#include "scale_process.h"

#define TURNS_MAX 16u
#define TURN_BYTES (2048ull * MIB) /* in one turn */
#define WAIT_MS 60000

struct reading {
    double rate[TURNS_MAX];   /* MiB/s */
    double client[TURNS_MAX]; /* MiB per second of its CPU */
    double server[TURNS_MAX];
    double both[TURNS_MAX];
};

/* The bytes of one log, up to @most. */
static uint64_t read_log(struct ql_client *client, const char *log,
                         uint64_t most)
{
    struct ql_reader_options options = QL_READER_OPTIONS_INIT;
    struct ql_reader *reader;
    struct ql_entry entry;
    struct ql_error error;
    uint64_t bytes = 0;
    int rv = ql_reader_new(&reader, client, log, &options, &error);

    if (rv != 0) {
        scale_fail("read %s: %s", log, error.text);
    }
    while (bytes < most &&
           (rv = ql_reader_next(reader, WAIT_MS, &entry, &error)) == 0) {
        bytes += entry.value_len;
    }
    if (rv != 0 && rv != QL_NOT_FOUND) {
        scale_fail("read %s: %s", log, error.text);
    }
    ql_reader_free(reader);
    return bytes;
}

static void read_all(struct scale *scale, struct reading *ret, unsigned turn)
{
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    struct qb_node *leader = scale_cluster_leader(&scale->cluster);
    struct ql_client *client;
    struct ql_error error;
    double server = scale_cpu_of(leader->pid);
    double own = scale_cpu_own();
    double begun = scale_now();
    uint64_t bytes = 0;
    double mib;

    options.endpoints = leader->address;
    if (ql_client_new(&client, &options, &error) != 0) {
        scale_fail("%s", error.text);
    }
    for (uint64_t i = 0; i < scale->options.logs && bytes < TURN_BYTES; i++) {
        char log[32];

        scale_log_name(log, sizeof log, i);
        bytes += read_log(client, log, TURN_BYTES - bytes);
    }
    ql_client_free(client);
    begun = scale_now() - begun;
    own = scale_cpu_own() - own;
    server = scale_cpu_of(leader->pid) - server;
    mib = (double)bytes / MIB;
    ret->rate[turn] = mib / begun;
    ret->client[turn] = mib / own;
    ret->server[turn] = mib / server;
    ret->both[turn] = mib / (own + server);
}

static void say(struct scale *scale, const char *name, struct reading *reading,
                double decompress)
{
    struct scale_report *report = &scale->report;
    size_t count = scale->options.turns;
    struct scale_row *row;

    scale_report_add(report, scale_median(reading->rate, count), "MiB/s",
                     "%s: as it went", name);
    scale_report_add(report, scale_median(reading->client, count), "MiB/s",
                     "%s: per second of the client's CPU", name)
        ->least = 500;
    row = scale_report_add(report, scale_median(reading->server, count),
                           "MiB/s", "%s: per second of the node's CPU", name);
    row->least = 500;
    row->floor = decompress;
    row->floor_what = "LZ4 alone";
    scale_report_add(report, scale_median(reading->both, count), "MiB/s",
                     "%s: per second of both", name)
        ->least = 500;
}

void scale_read(struct scale *scale)
{
    static const char *const names[] = {"reading, cold files",
                                        "reading, again"};
    double decompress = scale_floor_decompress(&scale->ratio);
    struct reading readings[2] = {0};
    struct scale_memory memory;
    struct qb_node *leader = scale_cluster_leader(&scale->cluster);

    scale_memory_forget_peak(leader->pid);
    for (unsigned turn = 0; turn < scale->options.turns && turn < TURNS_MAX;
         turn++) {
        scale_dir_forget(scale_cluster_leader(&scale->cluster)->dir);
        read_all(scale, &readings[0], turn);
        read_all(scale, &readings[1], turn);
    }
    scale_memory_of(leader->pid, &memory);
    for (unsigned i = 0; i < 2; i++) {
        say(scale, names[i], &readings[i], decompress);
    }
    scale_report_add(&scale->report, scale_floor_copy(), "MiB/s",
                     "reading: memcpy, one core");
    scale_report_add(&scale->report, scale->ratio, "x",
                     "reading: raw to compressed, LZ4 alone");
    scale_report_add(&scale->report, memory.peak, "MiB",
                     "reading: peak RSS of the node")
        ->most = 128;
}
