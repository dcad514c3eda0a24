/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What a quorum write cannot be faster than on these machines, measured just
 * before the load: the best durable write that each data directory gives, and the
 * round trips. Where the leader writes in parallel with the followers it is
 *
 *     max(leader's disk, round trip between nodes
 *                        + the (quorum - 1)th fastest follower's disk)
 *     + the client's round trip
 *
 * with the disks measured while the directories of all nodes are written to at
 * once, as they are by a cluster.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "qb_floor_disk.h"

#include "util/err.h"
#include "util/limits.h"

#define QB_FLOOR_BUDGET_MS 2000u

struct qb_floor_options {
    /* Of the nodes' data, or on the same file systems; the first is the leader's.
     * None: the disks stay unknown. Fewer than nodes: they stand for the others
     * in turn. */
    const char *const *dirs;
    size_t dir_count;
    size_t nodes;       /* that vote, 1 to MEMBERS_MAX */
    size_t write_len;   /* what one commit writes; rounded up to whole blocks */
    size_t message_len; /* what a client sends with it */
    /* Clients' addresses of the nodes, for the real round trip; none: a TCP
     * connection on loopback, as of a cluster on this machine alone. */
    const char *const *endpoints;
    size_t endpoint_count;
    unsigned budget_ms; /* about so long; 0: QB_FLOOR_BUDGET_MS */
};

struct qb_floor_cost { /* of many; all 0: not measured */
    uint64_t count;
    double p50_us;
    double p99_us;
};

struct qb_floor_dir {
    char path[PATH_LEN_MAX];
    char kind[16]; /* of file system: "ext4" */
    struct qb_floor_cost
        ways[QB_DISK_WAYS];        /* of one block, nothing beside it */
    enum qb_disk_way best;         /* of them, by p50 */
    struct qb_floor_cost write;    /* of write_len in the best way, likewise */
    struct qb_floor_cost together; /* the same, all directories at once */
};

struct qb_floor {
    size_t nodes;
    size_t write_len; /* whole blocks */
    size_t message_len;
    bool disks_known; /* false: the disks count as 0, the floor is too low */
    bool trips_real;  /* measured to the endpoints, else on loopback */
    bool peers_known; /* false: the client's round trips stand for the nodes' */
    size_t dir_count;
    struct qb_floor_dir dirs[MEMBERS_MAX];
    /* On loopback: both ends on one processor, and anywhere. */
    struct qb_floor_cost loopback[2];
    struct qb_floor_cost client_trip; /* to the fastest endpoint */
    struct qb_floor_cost peer_trip;
    /* The floor itself, from the p50 and from the p99 of its parts. */
    double p50_us;
    double p99_us;
    double seconds; /* that measuring took */
};

/* Leaves nothing behind in the directories. QL_IO, QL_NOT_FOUND: a directory
 * cannot be written, or the text says what else; QL_CONNECT: no endpoint
 * answers. */
int qb_floor_measure(const struct qb_floor_options *options,
                     struct qb_floor *ret_floor, struct err *err);
/* The formula, without the client's round trip. @disk_us[0] is the leader's. */
double qb_floor_quorum(const double *disk_us, size_t nodes, double trip_us);
/* How many times the floor @us is; 0 when there is no floor. */
double qb_floor_times(const struct qb_floor *floor, double us);
/* What was done and found, as a table for people. */
void qb_floor_print(const struct qb_floor *floor, FILE *out);
