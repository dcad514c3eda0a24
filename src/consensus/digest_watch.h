/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Whether the voters have the same state: each takes a digest of its machine at
 * agreed raft indexes and tells the others; here they are compared. Pure: no
 * clock, no network of its own.
 *
 * A value says "a machine that has applied everything up to this index". One that
 * was taken before a state was replaced (by a snapshot at a higher index) is
 * forgotten, so that nobody is judged by a state that is gone.
 *
 * What counts is a majority of ALL voters, not of those that were heard: two that
 * agree against a third are right only where they are a majority.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/hash128.h"
#include "util/limits.h"

struct digest {
    uint64_t index; /* of the raft entry after which it was taken */
    uint64_t term;  /* of that entry */
    uint8_t bytes[HASH128_LEN];
};

/* The newest of one node, by rising index. */
struct digest_list {
    uint64_t since; /* its state began with a snapshot at this index; 0: none */
    size_t count;
    struct digest items[DIGESTS_KEPT];
};

struct digest_watch {
    uint64_t self;
    struct digest_list own;
    uint64_t differs_ms[DIGESTS_KEPT]; /* since when others differ from the own
                                          value at that place; 0: not yet */
    struct {
        uint64_t node; /* 0: none */
        struct digest_list list;
    } peers[DIGEST_PEERS_MAX];
};

enum digest_finding {
    DIGEST_UNKNOWN,   /* nothing to compare with yet */
    DIGEST_AGREED,    /* a majority has our value, and nobody another */
    DIGEST_OTHER_ODD, /* a majority has our value, somebody another */
    DIGEST_ODD,       /* a majority has another value than we */
    DIGEST_UNDECIDED, /* values differ, and who is right may still come */
    DIGEST_SPLIT      /* values differ, and no majority has one */
};

struct digest_verdict {
    enum digest_finding finding;
    uint64_t index; /* at which; 0: nowhere */
    uint64_t term;
    /* By place in the voters: 0: no value there; else voters with the same
     * number have the same value. */
    unsigned groups[DIGEST_PEERS_MAX];
    unsigned majority; /* the group that is one; 0: none */
};

void digest_watch_init(struct digest_watch *watch, uint64_t self);
/* This node has applied the entry @digest->index, higher than any before. */
void digest_watch_take(struct digest_watch *watch, const struct digest *digest);
/* This node's state was replaced by a snapshot at @index. */
void digest_watch_on_restore(struct digest_watch *watch, uint64_t index);
/* What there is to tell others. */
const struct digest_list *digest_watch_own(const struct digest_watch *watch);
/* Node @node has told all it has. Of more nodes than there is room for one is
 * forgotten. */
void digest_watch_hear(struct digest_watch *watch, uint64_t node,
                       const struct digest_list *list);

/* The newest index at which something can be said. @voters: of the latest
 * configuration, at most DIGEST_PEERS_MAX. A voter that is silent for
 * DIGEST_WAIT_MS is not waited for any longer. */
void digest_watch_judge(struct digest_watch *watch, const uint64_t *voters,
                        size_t voters_count, uint64_t now_ms,
                        struct digest_verdict *ret);
/* The newest index at which @node and this one have both a value; 0: none. */
uint64_t digest_watch_common(const struct digest_watch *watch, uint64_t node,
                             bool *ret_same);
