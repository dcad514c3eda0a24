/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog cluster metrics. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/metrics_view.h"
#include "quorlog.h"
#include "util/limits.h"

#define FIELD(name) offsetof(struct command_options, name)

const struct option_row cluster_metrics_options[] = {
    {"endpoint", 0, OPTION_TEXT, FIELD(endpoint), "HOST:PORT", "ask this node"},
    {"node", 0, OPTION_U64, FIELD(node_id), "NODE",
     "ask the node with this id (the leader)"},
    {"interval", 0, OPTION_DURATION, FIELD(interval_ms), "TIME",
     "show what happens in so long a time from now, not since the start"},
    COMMAND_OPTIONS_END,
};

static int choose_node(struct command_run *run, char ret[QL_ADDRESS_MAX],
                       struct err *err);
static int show(struct command_run *run, const char *endpoint, struct err *err);
static void pause_ms(uint64_t ms);

int cluster_metrics_run(struct command_run *run, struct err *err)
{
    char address[QL_ADDRESS_MAX];
    int rv;

    if (run->options.endpoint != NULL && command_given(run, "node")) {
        return err_set(err, QL_INVALID,
                       "--node and --endpoint exclude each other");
    }
    if (run->options.interval_ms > METRICS_INTERVAL_MAX_MS) {
        return err_set(err, QL_INVALID, "--interval is at most 24h");
    }
    rv = command_client(run, 0, err);
    if (rv == 0 && run->options.endpoint == NULL) {
        rv = choose_node(run, address, err);
    }
    if (rv != 0) {
        return rv;
    }
    return show(run,
                run->options.endpoint != NULL ? run->options.endpoint : address,
                err);
}

/* The address of the node that was asked for: what a cluster does shows best at
 * its leader. */
static int choose_node(struct command_run *run, char ret[QL_ADDRESS_MAX],
                       struct err *err)
{
    struct ql_cluster_status status;
    struct ql_error error;
    uint64_t wanted = run->options.node_id;
    int rv = ql_cluster_status(run->client, NULL, &status, &error);

    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    if (!command_given(run, "node")) {
        wanted = status.leader_id;
    }
    if (wanted == 0) {
        return command_given(run, "node")
                   ? err_set(err, QL_INVALID, "node ids begin with 1")
                   : err_set(err, QL_NO_LEADER,
                             "no leader is known: say --node or --endpoint");
    }
    for (size_t i = 0; i < status.member_count; i++) {
        if (status.members[i].id == wanted) {
            memcpy(ret, status.members[i].client_address, QL_ADDRESS_MAX);
            return 0;
        }
    }
    return err_set(err, QL_NOT_FOUND, "the cluster has no node %llu",
                   (unsigned long long)wanted);
}

static int show(struct command_run *run, const char *endpoint, struct err *err)
{
    struct ql_node_metrics *older = NULL;
    struct ql_node_metrics *newer = NULL;
    struct ql_node_metrics *between = NULL;
    struct ql_error error;
    int rv = 0;

    if (run->options.interval_ms > 0) {
        rv = ql_node_metrics(run->client, endpoint, &older, &error);
        if (rv == 0) {
            pause_ms(run->options.interval_ms);
        }
    }
    if (rv == 0) {
        rv = ql_node_metrics(run->client, endpoint, &newer, &error);
    }
    if (rv == 0 && older != NULL) {
        rv = ql_node_metrics_since(older, newer, &between, &error);
    }
    if (rv != 0) {
        rv = command_error(err, rv, &error);
    } else {
        rv = metrics_view(&run->output, between != NULL ? between : newer, err);
    }
    ql_node_metrics_free(between);
    ql_node_metrics_free(newer);
    ql_node_metrics_free(older);
    return rv;
}

static void pause_ms(uint64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000),
                            .tv_nsec = (long)(ms % 1000) * 1000000};

    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}
