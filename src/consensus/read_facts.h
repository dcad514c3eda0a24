/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What linearizable reads must know of the core, at one moment. */
#pragma once

#include "consensus/guard.h"
#include "consensus/node.h"

struct read_facts {
    uint64_t node; /* this one */
    enum node_role role;
    bool ready;    /* guard_is_ready_leader() */
    bool may_ask;  /* no transfer of leadership is under way */
    bool in_doubt; /* it may have forgotten what it voted */
    uint64_t term;
    uint64_t leader; /* whom it follows, 0: nobody known */
    uint64_t commit_index;
    uint64_t applied_index;
    const struct raft_configuration *configuration; /* the latest; the core's */
};

/* Outside the core. All but may_ask and in_doubt, which are false. The facts are
 * true until the core is entered again. */
void read_facts_take(struct read_facts *ret, const struct raft *core,
                     const struct guard *guard);
