/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Times without a call that went well: what users call an outage. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define QB_GAP_NS 10000000ull
#define QB_GAPS_MAX 512u /* of one track */

/* From one call that went well to the next, at least QB_GAP_NS later. */
struct qb_gap {
    uint64_t from_ns; /* since the measurement began */
    uint64_t to_ns;
};

struct qb_gaps {
    size_t count;
    size_t lost; /* that found no room; the longest are kept */
    struct qb_gap gaps[QB_GAPS_MAX]; /* by time */
};

void qb_gaps_add(struct qb_gaps *gaps, uint64_t from_ns, uint64_t to_ns);
/* Leaves the times that are a gap in @other, too: of two threads' calls. */
void qb_gaps_intersect(struct qb_gaps *gaps, const struct qb_gaps *other);
/* The longest of those that overlap with the time given; 0: none. */
uint64_t qb_gaps_longest(const struct qb_gaps *gaps, uint64_t from_ns,
                         uint64_t to_ns);

/* A call went well at @now_ns, *last_ns is when the one before did. */
static inline void qb_gaps_ok(struct qb_gaps *gaps, uint64_t *last_ns,
                              uint64_t now_ns)
{
    if (now_ns >= *last_ns + QB_GAP_NS) {
        qb_gaps_add(gaps, *last_ns, now_ns);
    }
    *last_ns = now_ns;
}
