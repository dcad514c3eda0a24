/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The only six fields of struct raft that the guard writes. libraft offers no
 * call for them; all else is read only (guard_view.h). Nothing here is called
 * while the core is on the stack.
 */
#pragma once

#include <raft.h>

/* Rules L and R: the term and vote that are on the disk already. */
static inline void guard_write_term_and_vote(struct raft *raft, raft_term term,
                                             raft_id vote)
{
    raft->current_term = term;
    raft->voted_for = vote;
}

/* Rule M: as if the leader had just been heard. W and X: as if at another time. */
static inline void guard_write_election_timer(struct raft *raft, raft_time now)
{
    raft->election_timer_start = now;
}

/* Rules R and Y: of a follower that has not heard of its leader for too long, W: of
 * one that knows it to be gone. The address stays: it is the core's memory. */
static inline void guard_write_no_leader(struct raft *raft)
{
    raft->follower_state.current_leader.id = 0;
}

/* Rule O: the configuration is that of an installed snapshot. */
static inline void guard_write_no_uncommitted_configuration(struct raft *raft)
{
    raft->configuration_uncommitted_index = 0;
}

/* Rules H and Q: what was cut off a message is sent next. */
static inline void guard_write_next_index(struct raft *raft, unsigned server,
                                          raft_index next)
{
    raft->leader_state.progress[server].next_index = next;
}
