/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a leader knows of the other members: who answers, and how far they are. */
#pragma once

#include <raft.h>

#include "consensus/node.h"

struct peer_watch {
    const struct identity *identity;
    struct raft *core;
    uint64_t seen_ms[MEMBERS_MAX]; /* by place in identity->members */
};

/* To be called at least once a heartbeat while leading. */
void peer_watch_look(struct peer_watch *watch, uint64_t now_ms);
/* One for each member; all of it unknown unless this node leads. */
void peer_watch_status(const struct peer_watch *watch, uint64_t now_ms,
                       struct node_peer_status ret[MEMBERS_MAX]);
/* Leaders only: the voter, reachable if there is one, that is furthest; 0: no other voter. */
uint64_t peer_watch_best_voter(const struct peer_watch *watch, uint64_t now_ms);
bool peer_watch_is_other_voter(const struct peer_watch *watch, uint64_t id);
