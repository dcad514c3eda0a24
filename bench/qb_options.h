/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The command line of quorlog-bench. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"
#include "util/limits.h"

#define QB_POINTS_MAX 16u /* numbers of outstanding calls in one run */
#define QB_OUTSTANDING_MAX 65536u
#define QB_CONNECTIONS_MAX 4000u /* of CONNECTIONS_MAX of a node */
#define QB_FOLLOWERS_MAX 10000u
#define QB_THREADS_MAX 64u
#define QB_REPETITIONS_MAX 100u
#define QB_BATCH_MAX 10000u
#define QB_KEYS_MAX 1000000u
#define QB_STAMP_LEN 8u /* what tells entries apart that are followed */
#define QB_DURATION_MAX_MS (24u * 3600u * 1000u)
#define QB_ENDPOINTS_MAX 1023u
#define QB_PHASE_TEXTS_MAX 32u /* --phase, that often */

enum qb_mode {
    QB_APPEND,
    QB_READ,
    QB_FOLLOW,
    QB_MIXED,
    QB_FAILOVER,
    QB_SNAPSHOT,
    QB_MODES
};

struct qb_options {
    enum qb_mode mode;
    /* The cluster. */
    const char *endpoints;    /* NULL: one of our own */
    uint64_t nodes;           /* of our own */
    const char *dir;          /* where its data goes; NULL: a temporary one */
    const char *daemon;       /* NULL: beside this program, then in PATH */
    const char *node_options; /* words for its `quorlogd run`, or NULL */
    bool keep;                /* leave logs, and our own cluster's data */
    /* The calls. */
    uint64_t size;     /* bytes of a value */
    uint64_t key_size; /* 0: no key */
    uint64_t keys;     /* different ones, used in turn */
    uint64_t batch;    /* entries of one append or read */
    const char *log;   /* names begin with it; NULL: one that is new */
    uint64_t logs;
    uint64_t prefill; /* entries in all logs together, before the load */
    bool stale;       /* reads from any node */
    bool tail;        /* reads of the newest entry, not of any */
    uint64_t reads;   /* percent, of QB_MIXED */
    uint64_t followers;
    bool pause; /* QB_FAILOVER: the leader falls silent instead of ending */
    /* The load. */
    uint64_t outstanding[QB_POINTS_MAX]; /* of all connections together */
    size_t outstanding_count;
    uint64_t connections; /* 0: see qb_options_connections() */
    uint64_t threads;
    uint64_t rate; /* calls a second; 0: closed loop */
    uint64_t duration_ms;
    uint64_t warmup_ms;
    uint64_t repetitions;
    uint64_t timeout_ms; /* of a call */
    /* What is said. */
    bool floor;
    const char *floor_dirs[MEMBERS_MAX]; /* like the nodes' of --endpoints */
    size_t floor_dir_count;
    const char *phases[QB_PHASE_TEXTS_MAX]; /* as given */
    size_t phase_count;
    bool json; /* on standard output, instead of the table, unless: */
    const char *json_file;
    const char *html_file;
    bool quiet; /* no progress */
};

/* Fills *ret from the command line. True in *ret_done: help
 * or the version was printed and nothing is left to do. QL_INVALID. */
int qb_options_parse(struct qb_options *ret, int argc, char **argv,
                     bool *ret_done, struct err *err);
/* Refuses options that say nothing in this mode or about this cluster; those not
 * given are NULL, false or UINT64_MAX still. QL_INVALID. */
int qb_options_check_use(const struct qb_options *options, bool floor_dirs,
                         struct err *err);
/* What is out of bounds, and files that could not be written. */
int qb_options_check(const struct qb_options *options, struct err *err);
/* The connections of a load with @outstanding calls. Where none are given: one for
 * each PRODUCER_WINDOW_WIDE of appends, which PRODUCERS_WIDE_MAX clients of a
 * cluster may have on their way: more connections than that cost both sides time
 * and batches. One for each follower; else 1. */
uint64_t qb_options_connections(const struct qb_options *options,
                                uint64_t outstanding);
/* "append". Static storage. */
const char *qb_mode_name(enum qb_mode mode);
