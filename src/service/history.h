/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Two chunk lists of logs that may have a history in common, as far as their rows
 * tell: equal chains mean equal histories. Pure. */
#pragma once

#include <stdbool.h>

#include "machine/chunk.h"

struct history {
    struct chunk *const *chunks; /* sealed, in order */
    size_t count;
    const uint8_t *base; /* the chain before the first one */
    uint64_t head;       /* entries before it do not count */
};

/* How many chunks of each lie before the last place that both have a boundary at
 * and where they are known to be the same. */
struct history_meeting {
    size_t a;
    size_t b;
};
/* False: no such place is known. */
bool history_meet(const struct history *a, const struct history *b,
                  struct history_meeting *ret);

struct history_sum {
    uint64_t entries;
    uint64_t bytes; /* of keys and values; of a chunk that @from is in, all */
};
/* What the first @count chunks have from position @from on: counted by position,
 * as the machine does, where a chunk is not wanted whole. */
struct history_sum history_sum(const struct history *history, size_t count,
                               uint64_t from);
