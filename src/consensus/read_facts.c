/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/read_facts.h"

void read_facts_take(struct read_facts *ret, const struct raft *core,
                     const struct guard *guard)
{
    *ret = (struct read_facts){.node = core->id,
                               .role = NODE_CANDIDATE,
                               .ready = guard_is_ready_leader(guard),
                               .term = core->current_term,
                               .commit_index = core->commit_index,
                               .applied_index = core->last_applied,
                               .configuration = &core->configuration};
    /* A core that has given up (RAFT_UNAVAILABLE) says no, as a candidate. */
    if (core->state == RAFT_FOLLOWER) {
        ret->role = NODE_FOLLOWER;
        ret->leader = core->follower_state.current_leader.id;
    } else if (core->state == RAFT_LEADER) {
        ret->role = NODE_LEADER;
        ret->leader = core->id;
    }
}
