/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "scale.h"

#include <stdio.h>
#include <unistd.h>

#include "quorlog.h"
#include "scale_process.h"

#define TURNS_MAX 16u
#define LOOK_US 1000u
#define RESTART_SECONDS 600

struct restart {
    double serves[TURNS_MAX]; /* seconds until a stale read is answered */
    double member[TURNS_MAX]; /* until the leader has it up to date */
    double cpu[TURNS_MAX];    /* until then */
    double peak[TURNS_MAX];   /* MiB */
};

/* Does the leader know that @node has what is committed? */
static bool is_up_to_date(const struct qb_node *leader, unsigned id)
{
    struct scale_facts facts;
    bool found = false;

    if (!scale_ask_status(leader->address, &facts)) {
        return false;
    }
    for (unsigned i = 0; i < SCALE_NODES && !found; i++) {
        char name[SCALE_FACT_NAME_MAX];

        (void)snprintf(name, sizeof name, "members.%u.id", i);
        if (scale_fact(&facts, name) != id) {
            continue;
        }
        (void)snprintf(name, sizeof name, "members.%u.reachable", i);
        found = scale_fact(&facts, name) == 1;
        (void)snprintf(name, sizeof name, "members.%u.match_index", i);
        found = found &&
                scale_fact(&facts, name) >= scale_fact(&facts, "commit_index");
    }
    return found;
}

static void wait_for(struct scale *scale, double begun)
{
    if (scale_now() > begun + RESTART_SECONDS) {
        scale_fail("a node does not come back");
    }
    scale_cluster_check(&scale->cluster);
    (void)usleep(LOOK_US);
}

static void restart_one(struct scale *scale, bool cold, struct restart *ret,
                        unsigned turn)
{
    struct qb_node *node = scale_cluster_follower(&scale->cluster);
    struct qb_node *leader;
    struct scale_memory memory;
    char log[32];
    double begun;

    scale_log_name(log, sizeof log, 0);
    qb_node_kill(node);
    if (cold) {
        scale_dir_forget(node->dir);
    }
    leader = scale_cluster_leader(&scale->cluster);
    begun = scale_now();
    scale_node_start(&scale->cluster, node, NULL);
    while (!scale_ask_oldest(node->address, log)) {
        wait_for(scale, begun);
    }
    ret->serves[turn] = scale_now() - begun;
    while (!is_up_to_date(leader, node->id)) {
        wait_for(scale, begun);
    }
    ret->member[turn] = scale_now() - begun;
    ret->cpu[turn] = scale_cpu_of(node->pid);
    scale_memory_of(node->pid, &memory);
    ret->peak[turn] = memory.peak;
    (void)scale_cluster_settle(&scale->cluster);
}

void scale_restart_empty(struct scale *scale)
{
    struct qb_node *node = scale_cluster_follower(&scale->cluster);
    struct scale_facts facts;
    struct scale_memory memory;
    double begun;

    qb_node_kill(node);
    begun = scale_now();
    scale_node_start(&scale->cluster, node, NULL);
    while (!scale_ask_status(node->address, &facts)) {
        wait_for(scale, begun);
    }
    scale->empty_restart = scale_now() - begun;
    (void)scale_cluster_leader(&scale->cluster);
    (void)sleep(1);
    scale_memory_of(node->pid, &memory);
    scale->empty_rss = memory.rss;
    scale->empty_peak = memory.peak;
}

/* Until the first append is acknowledged; there is an election in it. */
static double restart_all(struct scale *scale)
{
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    const struct ql_entry entry = {.value = "x", .value_len = 1};
    struct ql_client *client;
    struct ql_error error;
    double begun;

    options.endpoints = scale->cluster.endpoints;
    options.timeout_ms = RESTART_SECONDS * 1000;
    qb_cluster_kill(&scale->cluster);
    begun = scale_now();
    scale_cluster_restart(&scale->cluster, NULL);
    if (ql_client_new(&client, &options, &error) != 0 ||
        ql_append(client, SCALE_PROBE_LOG, &entry, 1, NULL, NULL, &error) !=
            0) {
        scale_fail("append: %s", error.text);
    }
    begun = scale_now() - begun;
    ql_client_free(client);
    return begun;
}

void scale_restart(struct scale *scale)
{
    static const char *const names[] = {"restart", "restart, cold files"};
    struct scale_report *report = &scale->report;

    for (unsigned cold = 0; cold < 2; cold++) {
        struct restart restart;
        struct scale_row *row;
        size_t count = 0;

        while (count < scale->options.turns && count < TURNS_MAX) {
            restart_one(scale, cold != 0, &restart, (unsigned)count);
            count++;
        }
        row = scale_report_add(report, scale_median(restart.serves, count), "s",
                               "%s: until it answers a read", names[cold]);
        row->most = 5;
        row->floor = scale->empty_restart;
        row->floor_what = "a node that has nothing";
        scale_report_add(report, scale_median(restart.member, count), "s",
                         "%s: until the leader has it up to date", names[cold])
            ->most = 5;
        scale_report_add(report, scale_median(restart.cpu, count), "s",
                         "%s: CPU until then", names[cold]);
        row = scale_report_add(report, scale_median(restart.peak, count), "MiB",
                               "%s: peak RSS until then", names[cold]);
        row->most = 128;
        row->floor = scale->empty_peak;
        row->floor_what = "a node that has nothing";
    }
    scale_report_add(report, restart_all(scale), "s",
                     "all killed at once: until an append is acknowledged");
    (void)scale_cluster_settle(&scale->cluster);
}
