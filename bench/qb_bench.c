/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "qb_clock.h"
#include "qb_floor.h"
#include "qb_own.h"
#include "qb_progress.h"

#include "util/clock.h"

#define LEADER_MS 30000u
#define LOOK_NS (20l * 1000 * 1000)
/* What a record, its frame and its checksums add to an entry and to a call. */
#define ENTRY_SPARE 24u
#define CALL_SPARE 96u

static int find_cluster(struct qb_bench *bench, struct err *err);
static int make_admin(struct qb_bench *bench, struct err *err);
static int wait_leader(struct qb_bench *bench, struct err *err);
static int measure_floor(struct qb_bench *bench, struct err *err);
static void describe_host(struct qb_result *result);

int qb_bench_open(struct qb_bench *bench, const struct qb_options *options,
                  struct err *err)
{
    struct rlimit files;
    int rv;

    memset(bench, 0, sizeof *bench);
    bench->options = *options;
    bench->result.options = &bench->options;
    bench->result.started_ms = clock_wall_ms();
    (void)snprintf(bench->result.version, sizeof bench->result.version, "%s",
                   QUORLOG_VERSION);
    describe_host(&bench->result);
    /* Each client has three descriptors, and the nodes inherit the limit. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    rv = qb_data_init(&bench->data, options, err);
    if (rv == 0) {
        rv = find_cluster(bench, err);
    }
    if (rv == 0) {
        rv = wait_leader(bench, err);
    }
    if (rv == 0 && options->floor) {
        rv = measure_floor(bench, err);
    }
    if (rv == 0) {
        qb_progress_say(options->quiet, "making the logs");
        rv = qb_logs_make(&bench->logs, options, bench->endpoints, &bench->data,
                          err);
    }
    qb_progress_say(options->quiet, "");
    return rv;
}

void qb_bench_close(struct qb_bench *bench)
{
    struct err err;

    if (bench->options.keep && bench->logs.count > 0) {
        (void)fprintf(stderr, "left behind: log %s%s\n",
                      bench->logs.logs[0].name,
                      bench->logs.count > 1 ? " and those after it" : "");
    } else if (bench->cluster.node_count == 0 &&
               qb_logs_delete(&bench->logs, &bench->options, bench->endpoints,
                              &err) != 0) {
        (void)fprintf(stderr, "quorlog-bench: %s; left behind: %s ...\n",
                      err.text, bench->logs.logs[0].name);
    }
    ql_client_free(bench->admin);
    bench->admin = NULL;
    qb_own_end(bench);
    qb_logs_close(&bench->logs);
    qb_data_close(&bench->data);
    qb_result_close(&bench->result);
}

struct qb_node *qb_bench_leader(struct qb_bench *bench)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    uint64_t until_ms = clock_monotonic_ms() + LEADER_MS;

    do {
        for (size_t i = 0; i < bench->cluster.node_count; i++) {
            struct qb_node *node = &bench->cluster.nodes[i];
            struct ql_cluster_status status;
            struct ql_error error;

            if (node->pid != 0 &&
                ql_cluster_status(bench->admin, node->address, &status,
                                  &error) == 0 &&
                status.role == QL_ROLE_LEADER) {
                return node;
            }
        }
        (void)nanosleep(&pause, NULL);
    } while (bench->cluster.node_count > 0 && clock_monotonic_ms() < until_ms);
    return NULL;
}

int qb_bench_judge(const struct qb_repetition *repetition, struct err *err)
{
    for (size_t i = 0; i < repetition->track_count; i++) {
        if (repetition->tracks[i].ops > 0) {
            return 0;
        }
    }
    for (size_t i = 0; i < repetition->track_count; i++) {
        const struct qb_errors *errors = &repetition->tracks[i].errors;

        for (size_t code = 0; code < QB_CODES; code++) {
            if (errors->by_code[code] > 0) {
                return err_set(err, code > 0 ? (int)code : QL_INTERNAL,
                               "no call went well: %s", errors->first);
            }
        }
    }
    return err_set(err, QL_TIMEOUT,
                   "no call ended within the measurement: "
                   "give it more --duration");
}

static int find_cluster(struct qb_bench *bench, struct err *err)
{
    const char *given = bench->options.endpoints;
    int rv;

    if (given == NULL) {
        qb_progress_say(bench->options.quiet, "starting the nodes");
        rv = qb_own_start(bench, err);
        if (rv != 0) {
            return rv;
        }
        given = bench->cluster.endpoints;
    }
    if (strlen(given) > QB_ENDPOINTS_MAX) {
        return err_set(err, QL_INVALID, "--endpoints is too long");
    }
    (void)snprintf(bench->endpoints, sizeof bench->endpoints, "%s", given);
    (void)snprintf(bench->result.endpoints, sizeof bench->result.endpoints,
                   "%s", given);
    return make_admin(bench, err);
}

static int make_admin(struct qb_bench *bench, struct err *err)
{
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    struct ql_error error;
    int rv;

    options.endpoints = bench->endpoints;
    options.name = "quorlog-bench";
    options.timeout_ms = (uint32_t)bench->options.timeout_ms;
    rv = ql_client_new(&bench->admin, &options, &error);
    return rv == 0 ? 0 : err_set(err, rv, "%s", error.text);
}

static int wait_leader(struct qb_bench *bench, struct err *err)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    uint64_t until_ms = clock_monotonic_ms() + LEADER_MS;
    struct ql_cluster_status status = {.leader_id = 0};
    struct ql_error error = {.text = "nobody leads"};
    int rv;

    do {
        rv = qb_cluster_check(&bench->cluster, err);
        if (rv != 0) {
            return rv;
        }
        rv = ql_cluster_status(bench->admin, NULL, &status, &error);
        if (rv != 0 && bench->cluster.node_count == 0) {
            return err_set(err, rv, "%s", error.text);
        }
        if (rv == 0 && status.leader_id != 0) {
            break;
        }
        rv = QL_NO_LEADER;
        (void)nanosleep(&pause, NULL);
    } while (clock_monotonic_ms() < until_ms);
    if (rv != 0) {
        return err_set(err, rv, "no node leads the cluster at %s",
                       bench->endpoints);
    }
    (void)snprintf(bench->result.server, sizeof bench->result.server, "%.31s",
                   status.version);
    for (size_t i = 0; i < status.member_count; i++) {
        bench->result.nodes += status.members[i].voter ? 1 : 0;
    }
    return 0;
}

/* The floor wants that of the node that leads to be the first. */
static void list_dirs(struct qb_bench *bench, const char **ret_dirs)
{
    const struct qb_node *leader = qb_bench_leader(bench);
    size_t count = 0;

    if (leader != NULL) {
        ret_dirs[count++] = leader->dir;
    }
    for (size_t i = 0; i < bench->cluster.node_count; i++) {
        if (&bench->cluster.nodes[i] != leader) {
            ret_dirs[count++] = bench->cluster.nodes[i].dir;
        }
    }
}

static int measure_floor(struct qb_bench *bench, struct err *err)
{
    const struct qb_options *options = &bench->options;
    size_t entries_len =
        (size_t)(options->batch *
                 (options->size + options->key_size + ENTRY_SPARE));
    struct qb_floor_options floor = {.nodes = bench->result.nodes,
                                     .write_len = entries_len + CALL_SPARE,
                                     .message_len = entries_len + CALL_SPARE};
    const char *dirs[MEMBERS_MAX];
    const char *endpoints[MEMBERS_MAX];
    char text[QB_ENDPOINTS_MAX + 1];
    int rv;

    qb_progress_say(options->quiet, "measuring what disks and network allow");
    floor.dirs = options->floor_dirs;
    floor.dir_count = options->floor_dir_count;
    if (bench->cluster.node_count > 0) {
        list_dirs(bench, dirs);
        floor.dirs = dirs;
        floor.dir_count = bench->cluster.node_count;
    } else {
        char *at = text;
        char *next;

        (void)snprintf(text, sizeof text, "%s", bench->endpoints);
        while ((next = strsep(&at, ",")) != NULL &&
               floor.endpoint_count < MEMBERS_MAX) {
            endpoints[floor.endpoint_count++] = next;
        }
        floor.endpoints = endpoints;
    }
    rv = qb_floor_measure(&floor, &bench->result.floor, err);
    bench->result.floor_known = rv == 0;
    return rv == 0 ? 0 : err_wrap(err, "the floor (see --no-floor)");
}

static void describe_host(struct qb_result *result)
{
    struct utsname name;

    if (uname(&name) == 0) {
        (void)snprintf(result->host, sizeof result->host,
                       "%.64s %.64s %.32s, "
                       "%ld processors",
                       name.sysname, name.release, name.machine,
                       sysconf(_SC_NPROCESSORS_ONLN));
    }
}
