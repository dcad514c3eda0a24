/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/snapshot_squeeze.h"

bool snapshot_squeeze_look(struct snapshot_squeeze *squeeze, bool low,
                           uint64_t held)
{
    uint64_t most;

    if (low && !squeeze->active) {
        squeeze->held[0] = UINT64_MAX;
        squeeze->held[1] = UINT64_MAX;
    }
    squeeze->active = low;
    most = squeeze->held[0] > squeeze->held[1] ? squeeze->held[0]
                                               : squeeze->held[1];
    return low && held < most - most / 8;
}

void snapshot_squeeze_on_begun(struct snapshot_squeeze *squeeze, uint64_t held)
{
    squeeze->held[1] = squeeze->held[0];
    squeeze->held[0] = held;
}
