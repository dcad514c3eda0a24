/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Makes a data directory of the new cluster: packs with all chunks, a snapshot as
 * if it had been installed, an empty raft log behind it, term and nobody voted for,
 * and last of all the identity. No member may begin in any other way: two with
 * empty logs would be a majority of three, and elect one of them.
 */
#pragma once

#include "consensus/recover_plan.h"

struct recover_make {
    struct recover_plan *plan;
    const struct recover_result *result;
    bool allow_missing; /* chunks that are nowhere stay missing */
    /* The last step before the directory can run: marks the sources. May be
     * NULL. */
    int (*before_end)(void *data, struct err *err);
    void *data;
    /* What was written. */
    uint64_t chunks;
    uint64_t raw_bytes;
};

/* Makes @dir that of @identity. Errors as identity_make(); a call that was cut off
 * may be repeated. QL_NOT_FOUND: a chunk is nowhere. */
int recover_make(struct recover_make *make, const struct identity *identity,
                 const char *dir, struct err *err);
