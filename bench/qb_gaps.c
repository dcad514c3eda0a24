/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_gaps.h"

#include <string.h>

static size_t shortest(const struct qb_gaps *gaps);

void qb_gaps_add(struct qb_gaps *gaps, uint64_t from_ns, uint64_t to_ns)
{
    if (gaps->count == QB_GAPS_MAX) {
        size_t least = shortest(gaps);
        struct qb_gap *gap = &gaps->gaps[least];

        gaps->lost++;
        if (gap->to_ns - gap->from_ns >= to_ns - from_ns) {
            return;
        }
        gaps->count--;
        memmove(gap, gap + 1, (gaps->count - least) * sizeof *gap);
    }
    gaps->gaps[gaps->count++] =
        (struct qb_gap){.from_ns = from_ns, .to_ns = to_ns};
}

void qb_gaps_intersect(struct qb_gaps *gaps, const struct qb_gaps *other)
{
    struct qb_gaps both = {.lost = gaps->lost + other->lost};
    size_t i = 0;
    size_t j = 0;

    while (i < gaps->count && j < other->count) {
        const struct qb_gap *a = &gaps->gaps[i];
        const struct qb_gap *b = &other->gaps[j];
        uint64_t from_ns = a->from_ns > b->from_ns ? a->from_ns : b->from_ns;
        uint64_t to_ns = a->to_ns < b->to_ns ? a->to_ns : b->to_ns;

        if (to_ns >= from_ns + QB_GAP_NS) {
            qb_gaps_add(&both, from_ns, to_ns);
        }
        if (a->to_ns < b->to_ns) {
            i++;
        } else {
            j++;
        }
    }
    *gaps = both;
}

uint64_t qb_gaps_longest(const struct qb_gaps *gaps, uint64_t from_ns,
                         uint64_t to_ns)
{
    uint64_t longest = 0;

    for (size_t i = 0; i < gaps->count; i++) {
        const struct qb_gap *gap = &gaps->gaps[i];
        uint64_t len_ns = gap->to_ns - gap->from_ns;

        if (gap->from_ns < to_ns && gap->to_ns > from_ns && len_ns > longest) {
            longest = len_ns;
        }
    }
    return longest;
}

static size_t shortest(const struct qb_gaps *gaps)
{
    size_t least = 0;

    for (size_t i = 1; i < gaps->count; i++) {
        const struct qb_gap *gap = &gaps->gaps[i];

        if (gap->to_ns - gap->from_ns <
            gaps->gaps[least].to_ns - gaps->gaps[least].from_ns) {
            least = i;
        }
    }
    return least;
}
