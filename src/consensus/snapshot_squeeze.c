/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/snapshot_squeeze.h"

bool snapshot_squeeze_is_due(const struct snapshot_squeeze *squeeze,
                             uint64_t held)
{
    uint64_t most = squeeze->held[0] > squeeze->held[1] ? squeeze->held[0]
                                                        : squeeze->held[1];

    return held < most - most / 8;
}

uint64_t snapshot_squeeze_needs(const struct snapshot_squeeze *squeeze,
                                uint64_t bytes)
{
    uint64_t both = 2 * (squeeze->size[0] + bytes);
    uint64_t have = squeeze->size[0] + squeeze->size[1];

    return both > have ? both - have : 0;
}

void snapshot_squeeze_on_taken(struct snapshot_squeeze *squeeze, uint64_t held,
                               uint64_t size)
{
    squeeze->held[1] = squeeze->held[0];
    squeeze->size[1] = squeeze->size[0];
    squeeze->held[0] = held;
    squeeze->size[0] = size;
}

void snapshot_squeeze_on_restored(struct snapshot_squeeze *squeeze,
                                  uint64_t held, uint64_t size)
{
    snapshot_squeeze_on_taken(squeeze, held, size);
    snapshot_squeeze_on_taken(squeeze, held, size);
}
