/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the owner of a node was last told of its state. */
#pragma once

#include <raft.h>
#include <stdbool.h>

struct told_state {
    int state;
    bool ready;
    raft_term term;
    raft_id leader;
};

/* Takes over what is so now; true when that is something new. */
bool told_state_renew(struct told_state *told, struct raft *core, bool ready);
