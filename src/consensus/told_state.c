/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/told_state.h"

bool told_state_renew(struct told_state *told, struct raft *core, bool ready)
{
    struct told_state before = *told;
    const char *address;

    told->state = core->state;
    told->ready = ready;
    told->term = core->current_term;
    raft_leader(core, &told->leader, &address);
    return told->state != before.state || told->ready != before.ready ||
           told->term != before.term || told->leader != before.leader;
}
