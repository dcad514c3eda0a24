/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One node of bench/catchup: a process with a real node and a client in it. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "consensus/node.h"

struct bench_node {
    struct identity identity;
    char dir[PATH_LEN_MAX];
    uint32_t snapshot_entries;
    uint64_t snapshot_bytes;
    uint64_t retain; /* entries kept in the log; 0: all */
    size_t value_len;
    pid_t pid; /* 0: not running */
    int fd;    /* to it */
};

enum bench_order {
    BENCH_TELL,   /* nothing else */
    BENCH_CREATE, /* the log */
    BENCH_LOAD,   /* two appends at once, until last_index is @arg */
    BENCH_TRICKLE /* one append at a time, one a millisecond at most */
};

struct bench_answer {
    struct node_status status;
    uint64_t acked;    /* appends */
    uint64_t slowest;  /* of those since the last answer, ns */
    uint64_t refusals; /* appends not taken, or lost */
};

/* In a process of its own, which ends with this one. The directory is made when
 * it is not there. */
void bench_node_start(struct bench_node *node);
void bench_node_kill(struct bench_node *node);
void bench_node_ask(struct bench_node *node, enum bench_order order,
                    uint64_t arg, struct bench_answer *ret);
uint64_t bench_now_ns(void);
void bench_fail(const char *what);
