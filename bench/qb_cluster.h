/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Real daemons on loopback, which this process starts and ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "util/err.h"
#include "util/limits.h"
#include "util/random.h"

#define QB_WORDS_MAX 32u /* of the command line of a daemon, for its options */
#define QB_ADDRESS_LEN 32u

struct qb_node {
    unsigned id; /* from 1 */
    char dir[PATH_LEN_MAX];
    char output[PATH_LEN_MAX]; /* what it prints */
    char peer[QB_ADDRESS_LEN];
    char address[QB_ADDRESS_LEN]; /* of its clients */
    pid_t pid;                    /* 0: not running */
};

struct qb_cluster {
    const char *daemon;                /* path of quorlogd */
    const char *options[QB_WORDS_MAX]; /* for all starts; NULL ends them */
    char id[ID_TEXT_LEN + 1];
    char members[MEMBERS_MAX * (2 * QB_ADDRESS_LEN + 4)];
    char endpoints[MEMBERS_MAX * QB_ADDRESS_LEN];
    char secret[PATH_LEN_MAX];
    size_t node_count;
    struct qb_node nodes[MEMBERS_MAX];
};

/* Makes the directories of @nodes below @dir, which exists, with ports that are
 * free now; none is started. daemon and options are set already. */
int qb_cluster_init(struct qb_cluster *cluster, size_t nodes, const char *dir,
                    struct err *err);
/* @more: words of the command line for this start, NULL at the end; or NULL. It
 * ends with this process, whatever ends that. */
int qb_node_start(const struct qb_cluster *cluster, struct qb_node *node,
                  const char *const *more, struct err *err);
int qb_cluster_start(struct qb_cluster *cluster, struct err *err);
/* Ends it at once, as a crash does. Nothing happens to one that does not run. */
void qb_node_kill(struct qb_node *node);
void qb_cluster_kill(struct qb_cluster *cluster);
/* QL_IO when a node that should run does not; what it said last is on stderr. */
int qb_cluster_check(struct qb_cluster *cluster, struct err *err);
/* The node with this id, or NULL. */
struct qb_node *qb_cluster_node(struct qb_cluster *cluster, uint64_t id);
/* A port of loopback that nobody has now, below those that the kernel gives. */
int qb_free_port(unsigned *ret_port, struct err *err);
