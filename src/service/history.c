/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/history.h"

#include <string.h>

static bool meet_inside(const struct history *a, const struct history *b,
                        struct history_meeting *ret);
static bool meet_base(const struct history *history, const uint8_t *base,
                      size_t *ret_count);
static bool is_same(const uint8_t *a, const uint8_t *b);

bool history_meet(const struct history *a, const struct history *b,
                  struct history_meeting *ret)
{
    if (meet_inside(a, b, ret)) {
        return true;
    }
    ret->b = 0;
    if (meet_base(a, b->base, &ret->a)) {
        return true;
    }
    ret->a = 0;
    return meet_base(b, a->base, &ret->b);
}

struct history_sum history_sum(const struct history *history, size_t count,
                               uint64_t from)
{
    struct history_sum sum = {0, 0};
    size_t i;

    for (i = 0; i < count; i++) {
        const struct chunk *chunk = history->chunks[i];
        uint64_t before;

        if (chunk->name.last < from) {
            continue;
        }
        before = from > chunk->name.first ? from - chunk->name.first : 0;
        sum.entries += chunk->entries -
                       (before < chunk->entries ? before : chunk->entries);
        sum.bytes += chunk->payload;
    }
    return sum;
}

/* Behind a chunk of each, from the newest on. */
static bool meet_inside(const struct history *a, const struct history *b,
                        struct history_meeting *ret)
{
    size_t i = a->count;
    size_t j = b->count;

    while (i > 0 && j > 0) {
        const struct chunk_name *last_a = &a->chunks[i - 1]->name;
        const struct chunk_name *last_b = &b->chunks[j - 1]->name;

        if (last_a->last == last_b->last &&
            is_same(last_a->chain, last_b->chain)) {
            ret->a = i;
            ret->b = j;
            return true;
        }
        if (last_a->last >= last_b->last) {
            i--;
        }
        if (last_b->last >= last_a->last) {
            j--;
        }
    }
    return false;
}

/* Where the other one, which was trimmed up to there or never had more, begins. */
static bool meet_base(const struct history *history, const uint8_t *base,
                      size_t *ret_count)
{
    size_t i;

    for (i = history->count; i > 0; i--) {
        if (is_same(history->chunks[i - 1]->name.chain, base)) {
            *ret_count = i;
            return true;
        }
    }
    *ret_count = 0;
    return is_same(history->base, base);
}

static bool is_same(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, HASH128_LEN) == 0;
}
