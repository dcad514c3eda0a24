/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A raft_io around a raft_io that closes the holes of libraft 0.15.0 from
 * outside. It sees every call the core makes and every message in and out.
 * Each rule is one function with its reason above it; the table of rules, with
 * what goes wrong without each, is docs/consensus.md.
 *
 * The guard reads struct raft, which is public in this version, and writes only
 * the fields listed in guard_fields.h; guard_check_library() refuses to run
 * with another libraft.
 *
 * The same code runs in production and in simulated clusters: it takes time and
 * deferred work from its options only. One loop thread.
 */
#pragma once

#include <raft.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

/* Which rules are on. Production uses GUARD_ALL; only tests turn one off. C is
 * what M asserts, E is how the guard sends, I is counted only. */
enum guard_rule {
    GUARD_A = 1 << 0,  /* an own-term entry stored before older ones count */
    GUARD_B = 1 << 1,  /* answer only for what this term's leader verified */
    GUARD_D = 1 << 2,  /* a failed write ends the process */
    GUARD_F = 1 << 3,  /* one vote a term, also during a transfer */
    GUARD_G = 1 << 4,  /* no answer to nobody */
    GUARD_H = 1 << 5,  /* bounded messages and bounded bytes to a peer */
    GUARD_K = 1 << 6,  /* TimeoutNow is sent with memory that stays valid */
    GUARD_L = 1 << 7,  /* a sole voter elects itself durably */
    GUARD_M = 1 << 8,  /* no candidate while its own writes are under way */
    GUARD_N = 1 << 9,  /* truncation waits for the writes before it */
    GUARD_P = 1 << 10, /* a cut message carries a cut commit index */
    GUARD_S = 1 << 11, /* a refused pre-vote tells the real term */
    GUARD_T = 1 << 12, /* entries below the snapshot are stripped */
    GUARD_U = 1 << 13, /* a refusal names where the logs may agree */
    GUARD_J = 1 << 14, /* changes of membership only on firm ground */
    GUARD_O = 1 << 15, /* an installed configuration is a committed one */
    GUARD_Q = 1 << 16, /* a configuration leaves from its leader's disk */
    GUARD_R = 1 << 17, /* who is no voter any more still votes */
    GUARD_V = 1 << 18, /* who lost entries neither votes nor stands */
    GUARD_W = 1 << 19, /* a leader that is known to be gone is not waited for */
    GUARD_X = 1 << 20, /* time of one's own absence is no silence of others */
    GUARD_Y = 1 << 21, /* a leader counts for an election timeout, no longer */
    GUARD_ALL = (1 << 22) - 1
};

struct guard;

struct guard_options {
    struct raft *raft;     /* the core this guard serves; outlives it */
    struct raft_io *inner; /* the real disk and network; outlives it */
    unsigned rules;        /* GUARD_ALL */
    /* Rule H; 0 means the limit of that name in util/limits.h. */
    unsigned message_entries_max; /* PEER_MESSAGE_ENTRIES_MAX */
    size_t message_bytes_max;     /* PEER_MESSAGE_BYTES_MAX */
    size_t send_bytes_max;        /* PEER_SEND_BYTES_MAX */
    /* Must arrange that guard_run_deferred() is called soon, from the loop and
     * not from inside the core. Called at most once until then. */
    void (*defer)(void *data);
    /* A write failed or the core went silent (rule D): must not return in
     * production. */
    void (*fatal)(void *data, const char *reason);
    /* Rule J: the node must start again on what is on its disk, after the disk
     * has done what it was given, a truncation above all. Nothing goes into the
     * core or out of it any more, until raft_close(). NULL: fatal() is called
     * instead. */
    void (*restart)(void *data, const char *reason);
    /* After every entry into the core: state, term and commit may have moved.
     * Called outside the core, so raft_* calls are allowed, but raft_close() is
     * not: the guard is still on the stack. May be NULL. */
    void (*entered)(void *data);
    /* The next tick of @inner must not come later than in @ms; of several calls before it
     * the shortest counts. Further ticks come as before. May be NULL: then timers
     * run out with the heartbeat's ticks. */
    void (*tick_within)(struct raft_io *inner, unsigned ms);
    void *data;
};

/* QL_INTERNAL when the installed libraft is not the one the rules were written
 * for (its version, or the size of struct raft). */
int guard_check_library(struct err *err);

/* Makes *ret_io, to be given to raft_init(); takes inner->data for itself.
 * QL_INTERNAL as guard_check_library(). */
int guard_new(struct guard **ret_guard, struct raft_io **ret_io,
              const struct guard_options *options, struct err *err);
/* After raft_close()'s callback (guard_run_deferred() may still be owed until
 * then, never after). A guard that never got to raft_init() may be freed too. */
void guard_free(struct guard *guard);

/* To be called right after raft_start() and after every raft_apply(),
 * raft_barrier() and raft_transfer(): does what the rules owe after an entry
 * into the core (ticks and messages do it by themselves). */
void guard_after(struct guard *guard);
void guard_run_deferred(struct guard *guard);
/* An InstallSnapshot waits here, or the core stores what came with one. */
bool guard_has_install(const struct guard *guard);

/* True when this node leads and an entry of its own term is on its disk AND
 * applied: only then may reads be served and may writes be taken. */
bool guard_is_ready_leader(const struct guard *guard);

/* True when this node leads and the entry at @index is one of this very term,
 * behind its first. */
bool guard_is_own_entry(const struct guard *guard, raft_index index);
/* This node leads, and is to no longer: the core is told of the next term, as if a
 * peer were in it. The core then stores it and is a follower without a leader.
 * Outside the core. */
void guard_end_term(struct guard *guard);

/* Rule J. True when this node leads, an entry of its own term is applied, and no
 * change of membership is under way: only then may raft_add(), raft_assign() and
 * raft_remove() be called. */
bool guard_may_change(const struct guard *guard);
/* Rule Q. True when @id is this leader and one of two voters: it must hand over
 * before it is removed or loses its vote, and the other one makes the change. */
bool guard_must_hand_over(const struct guard *guard, raft_id id);
/* Rule J, for fsm->snapshot: false means that it must return RAFT_BUSY. */
bool guard_may_snapshot(const struct guard *guard);

/* Rule V. While @in_doubt this server neither votes nor stands for election: it
 * has lost entries that it may have acknowledged. To be called before the first
 * tick, and when it has them back. */
void guard_doubt(struct guard *guard, bool in_doubt);

/* While it stands @back this server does not stand for election, by itself or by
 * TimeoutNow: what its machine holds is in question. Its log is not, so it votes,
 * and forgets a leader that is silent as any voter would. */
void guard_stand_back(struct guard *guard, bool back);

/* Rule W. The process of server @id is known to have ended, or cannot be reached by
 * anything but luck: if it is this server's leader its silence is not waited for.
 * May be repeated. Outside the core. */
void guard_leader_gone(struct guard *guard, raft_id id);

struct guard_counts {
    uint64_t held_results;      /* rule A */
    uint64_t clamped_results;   /* rule B */
    uint64_t dropped_votes;     /* rule F */
    uint64_t dropped_results;   /* rule G */
    uint64_t cut_messages;      /* rule H */
    uint64_t held_truncations;  /* rule N */
    uint64_t crowded_appends;   /* rule I: a leader's, beyond three in flight */
    uint64_t rollbacks;         /* rule J: restarts for a configuration */
    uint64_t late_changes;      /* rule Q: configurations held back */
    uint64_t given_votes;       /* rule R */
    uint64_t stripped_messages; /* rule T */
    uint64_t doubtful_votes;    /* rule V: requests that were dropped */
    uint64_t gone_leaders;      /* rule W: of which word came */
    uint64_t absences;          /* rule X: of this server */
};
void guard_counts(const struct guard *guard, struct guard_counts *ret);
