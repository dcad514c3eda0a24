/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * When to take a snapshot and how much of the raft log to keep behind it. The
 * core counts entries only; entries are batches of very different sizes, so
 * bytes are counted here. What has come is in memory until a snapshot is stored, so
 * one is taken often: it names the chunks of the logs and holds little. Pure.
 *
 * All nodes of a cluster apply the same. So that they do not write their snapshots
 * at the same time each begins its first at another part of the way, by its place
 * among the members; then they stay apart, as the ways are equally long.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/limits.h"

struct snapshot_policy {
    uint64_t bytes_min;     /* no snapshot for less than this */
    unsigned entries_max;   /* raft entries between two */
    unsigned entries_first; /* before the first */
    bool begun;             /* the first was */
    uint64_t begun_ms;      /* when the last was; or as if */
    uint64_t bytes;         /* of raft entries applied since the last one */
    uint64_t blocks;        /* that they may take in the WAL */
    uint64_t snapshot_size; /* of the last one, encoded */
    /* The last TRAILING_ENTRIES_MAX batches, each at index modulo that. */
    struct {
        uint64_t index;
        uint64_t len;
    } recent[TRAILING_ENTRIES_MAX];
};

struct snapshot_policy_options {
    uint64_t bytes_min;
    unsigned entries_max;
    unsigned place;  /* of this node among the members, from 0 */
    unsigned places; /* at least 1 */
};
void snapshot_policy_init(struct snapshot_policy *policy,
                          const struct snapshot_policy_options *options,
                          uint64_t now_ms);
void snapshot_policy_on_applied(struct snapshot_policy *policy, uint64_t index,
                                size_t len);
/* True when writing one costs less than what has come since, or when something has
 * and the last is older than SNAPSHOT_AGE_MS. */
bool snapshot_policy_due(const struct snapshot_policy *policy, uint64_t now_ms);
/* After so many entries the core is to take one in any case. */
unsigned snapshot_policy_entries(const struct snapshot_policy *policy);
/* How many entries up to @index to keep for followers that lag a little: at
 * most TRAILING_ENTRIES_MAX and TRAILING_BYTES_MAX, but at least 1, because the
 * core takes 0 for "replace everything". */
unsigned snapshot_policy_trailing(const struct snapshot_policy *policy,
                                  uint64_t index);
/* The state was frozen: what is applied from now on counts for the next. */
void snapshot_policy_on_begun(struct snapshot_policy *policy, uint64_t now_ms);
/* While one is being taken: what has come since it was begun takes more of the
 * disk than what comes between two, or than itself, so whoever writes is faster
 * than the snapshots. The raft log in memory grows by that. */
bool snapshot_policy_overrun(const struct snapshot_policy *policy);
void snapshot_policy_on_encoded(struct snapshot_policy *policy, size_t size);
