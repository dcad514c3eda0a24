/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Three real daemons on loopback, and what they say of themselves. */
#pragma once

#include "scale_rpc.h"

#include "util/limits.h"
#include "util/random.h"

#include <sys/types.h>

#define SCALE_NODES 3u
#define SCALE_WORDS_MAX 16u

struct scale_node {
    unsigned id;
    char dir[PATH_LEN_MAX];
    char output[PATH_LEN_MAX]; /* what it prints */
    char peer[32];
    char address[32]; /* of its clients */
    pid_t pid;        /* 0: not running */
};

struct scale_cluster {
    const char *daemon;                   /* path of quorlogd */
    const char *options[SCALE_WORDS_MAX]; /* for all starts; NULL ends them */
    char id[ID_TEXT_LEN + 1];
    char members[256];
    char endpoints[128];
    char secret[PATH_LEN_MAX];
    struct scale_node nodes[SCALE_NODES];
};

/* A port of loopback that nobody has at the moment. */
unsigned scale_free_port(void);
/* Makes the directories of all below @dir; none is started. */
void scale_cluster_init(struct scale_cluster *cluster, const char *dir);
/* @more: words of the command line for this start, NULL at the end; or NULL. */
void scale_node_start(const struct scale_cluster *cluster,
                      struct scale_node *node, const char *const *more);
/* Ends it at once, as a crash does. */
void scale_node_kill(struct scale_node *node);
void scale_cluster_restart(struct scale_cluster *cluster,
                           const char *const *more);
void scale_cluster_kill(struct scale_cluster *cluster);
/* Waits for one that leads. */
struct scale_node *scale_cluster_leader(struct scale_cluster *cluster);
struct scale_node *scale_cluster_follower(struct scale_cluster *cluster);
/* Waits until all that run have applied what is committed now and nothing waits
 * to be written; the seconds that took. */
double scale_cluster_settle(struct scale_cluster *cluster);
/* Of the status of one node; -1: not told. */
double scale_node_fact(const struct scale_node *node, const char *name);
/* Fails when a node that should run does not. */
void scale_cluster_check(struct scale_cluster *cluster);
