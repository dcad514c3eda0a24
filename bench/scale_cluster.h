/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Three real daemons on loopback, and what they say of themselves. Whatever goes
 * wrong ends the process. */
#pragma once

#include "qb_cluster.h"
#include "scale_rpc.h"

#define SCALE_NODES 3u

/* A port of loopback that nobody has at the moment. */
unsigned scale_free_port(void);
/* Makes the directories of all below @dir; none is started. */
void scale_cluster_init(struct qb_cluster *cluster, const char *dir);
/* @more: words of the command line for this start, NULL at the end; or NULL. */
void scale_node_start(const struct qb_cluster *cluster, struct qb_node *node,
                      const char *const *more);
void scale_cluster_restart(struct qb_cluster *cluster, const char *const *more);
/* Waits for one that leads. */
struct qb_node *scale_cluster_leader(struct qb_cluster *cluster);
struct qb_node *scale_cluster_follower(struct qb_cluster *cluster);
/* Waits until all that run have applied what is committed now and nothing waits
 * to be written; the seconds that took. */
double scale_cluster_settle(struct qb_cluster *cluster);
/* Of the status of one node; -1: not told. */
double scale_node_fact(const struct qb_node *node, const char *name);
/* Fails when a node that should run does not. */
void scale_cluster_check(struct qb_cluster *cluster);
