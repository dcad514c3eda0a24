/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "scale_cluster.h"

#include <unistd.h>

#include "scale_process.h"

#define LEADER_SECONDS 60
#define SETTLE_SECONDS 600
#define LOOK_US 10000u

unsigned scale_free_port(void)
{
    unsigned port;
    struct err err;

    if (qb_free_port(&port, &err) != 0) {
        scale_fail("%s", err.text);
    }
    return port;
}

void scale_cluster_init(struct qb_cluster *cluster, const char *dir)
{
    struct err err;

    if (qb_cluster_init(cluster, SCALE_NODES, dir, &err) != 0) {
        scale_fail("%s", err.text);
    }
}

void scale_node_start(const struct qb_cluster *cluster, struct qb_node *node,
                      const char *const *more)
{
    struct err err;

    if (qb_node_start(cluster, node, more, &err) != 0) {
        scale_fail("%s", err.text);
    }
}

void scale_cluster_restart(struct qb_cluster *cluster, const char *const *more)
{
    qb_cluster_kill(cluster);
    for (unsigned i = 0; i < SCALE_NODES; i++) {
        scale_node_start(cluster, &cluster->nodes[i], more);
    }
}

void scale_cluster_check(struct qb_cluster *cluster)
{
    struct err err;

    if (qb_cluster_check(cluster, &err) != 0) {
        scale_fail("%s", err.text);
    }
}

struct qb_node *scale_cluster_leader(struct qb_cluster *cluster)
{
    double until = scale_now() + LEADER_SECONDS;

    while (scale_now() < until) {
        for (unsigned i = 0; i < SCALE_NODES; i++) {
            if (cluster->nodes[i].pid != 0 &&
                scale_node_fact(&cluster->nodes[i], "role=leader") == 1) {
                return &cluster->nodes[i];
            }
        }
        scale_cluster_check(cluster);
        (void)usleep(LOOK_US);
    }
    scale_fail("nobody leads");
}

struct qb_node *scale_cluster_follower(struct qb_cluster *cluster)
{
    struct qb_node *leader = scale_cluster_leader(cluster);

    for (unsigned i = 0; i < SCALE_NODES; i++) {
        if (cluster->nodes[i].pid != 0 && &cluster->nodes[i] != leader) {
            return &cluster->nodes[i];
        }
    }
    scale_fail("nobody follows");
}

static bool is_settled(const struct qb_node *node, double index)
{
    struct scale_facts facts;

    return scale_ask_status(node->address, &facts) &&
           scale_fact(&facts, "applied_index") >= index &&
           scale_fact(&facts, "store.waiting_bytes") <= 0 &&
           scale_fact(&facts, "store.merges_bytes") <= 0;
}

double scale_cluster_settle(struct qb_cluster *cluster)
{
    double begun = scale_now();
    double index =
        scale_node_fact(scale_cluster_leader(cluster), "commit_index");

    for (unsigned i = 0; i < SCALE_NODES; i++) {
        const struct qb_node *node = &cluster->nodes[i];

        while (node->pid != 0 && !is_settled(node, index)) {
            if (scale_now() > begun + SETTLE_SECONDS) {
                scale_fail("node %u does not come to rest", node->id);
            }
            scale_cluster_check(cluster);
            (void)usleep(LOOK_US);
        }
    }
    return scale_now() - begun;
}

double scale_node_fact(const struct qb_node *node, const char *name)
{
    struct scale_facts facts;

    return scale_ask_status(node->address, &facts) ? scale_fact(&facts, name)
                                                   : -1;
}
