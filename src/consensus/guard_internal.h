/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the files of the guard share. guard.c stands between the core and the
 * inner raft_io; guard_send.c rules on what goes out, guard_recv.c on what
 * comes in, guard_leader.c on what is owed after an entry into the core or
 * before a tick, guard_member.c on changes of membership, guard_timer.c on when to
 * stand for election. guard_view.h reads struct raft, guard_fields.h writes it.
 */
#pragma once

#include <assert.h>

#include "consensus/guard.h"
#include "util/limits.h"
#include "util/list.h"

/* One server we talk to: in the configuration, or a stranger asking. */
struct guard_peer {
    raft_id id; /* 0: the slot is free */
    size_t
        bytes_in_flight; /* given to the inner raft_io, not yet called back */
    bool snapshot_in_flight; /* at most one InstallSnapshot at a time */
    raft_time last_send;     /* of an AppendEntries */
    raft_index cut_next;     /* rule H: next index after a cut, 0: not cut */
    bool has_held_result;    /* rule A */
    struct raft_message held_result; /* without pointers */
};

/* The message that the core is handling right now. */
struct guard_incoming {
    const struct raft_message *message; /* NULL: none */
    raft_term term;
    raft_index covers; /* its last index: what accepting it verifies */
    bool stored;       /* the core began to write what it carries */
    bool vote_is_ours; /* rule R: the guard answers, not the core */
};

/* Rule A: the entry of its own term that a new leader writes first. */
struct guard_own_entry {
    struct raft_barrier request;
    bool under_way; /* the core holds request */
    raft_term term; /* 0: none yet */
    raft_index index;
};

/* Rule W: when this server stands for election without waiting for silence. */
struct guard_stand {
    raft_time at; /* 0: not planned */
    raft_id gone; /* the leader that ended */
    raft_term term;
    unsigned tries;
};

/* What becomes of a message. */
enum guard_verdict { GUARD_DELIVER, GUARD_DROP, GUARD_HOLD };

/* A message that waits for our own writes (rules J, N); it owns its contents. */
struct guard_held_message {
    struct list link;
    struct raft_message message;
    char *address; /* what message.server_address points to */
};

/* A request of the core that is told 0 once the core has returned. */
struct guard_completion {
    struct list link;
    struct raft_io_send *request;
    raft_io_send_cb cb;
    int status;
};

struct guard {
    struct guard_options options;
    struct raft *raft;
    struct raft_io *inner;
    struct raft_io io; /* what the core sees; impl points to the guard */
    raft_id id;

    raft_io_tick_cb tick; /* the core's */
    raft_io_recv_cb recv;
    raft_io_close_cb close;

    unsigned depth;    /* > 0: the core is on the stack */
    bool settling;     /* guard_settle() is on the stack */
    bool settle_again; /* the core was entered meanwhile */
    bool deferred;     /* options.defer() was called, its answer is due */
    bool started;
    bool closing;
    bool failed;   /* options.fatal() was called: nothing enters the core */
    bool in_doubt; /* rule V */
    bool stands_back;

    raft_term durable_term; /* what the inner raft_io has confirmed */
    raft_id durable_vote;

    struct list appends;     /* of struct guard_append, in flight */
    struct list puts;        /* of struct guard_put, in flight */
    struct list gets;        /* of struct guard_get, in flight */
    struct list works;       /* of struct guard_work, in flight */
    struct list sends;       /* of struct guard_send, in flight */
    struct list completions; /* of struct guard_completion */
    struct list held;        /* of struct guard_held_message */
    size_t held_count;

    struct guard_incoming incoming;
    struct guard_own_entry own_entry;
    struct guard_stand stand;
    raft_time awake_at;      /* rule X: of the last entry, 0: none yet */
    raft_term verified_term; /* rule B: the term verified is about */
    raft_index verified;     /* agrees with that term's leader up to here */
    raft_term refused_term;  /* rule U: the term leap is about */
    raft_index leap;         /* how far back the next refusal goes */
    struct guard_peer peers[GUARD_PEERS_MAX];
    struct guard_counts counts;
};

static inline bool guard_has_rule(const struct guard *guard,
                                  enum guard_rule rule)
{
    return (guard->options.rules & (unsigned)rule) != 0;
}

/* ---- guard.c ---- */

/* Around every call into the core; the last leave settles what is owed. */
void guard_enter(struct guard *guard);
void guard_leave(struct guard *guard);
/* Asks for guard_run_deferred(), once. */
void guard_defer(struct guard *guard);
/* Rule D: says why and ends the process. Where it returns (tests), the core is
 * not entered again before raft_close(). */
void guard_fail(struct guard *guard, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for a write that the inner raft_io could not do. */
void guard_fail_write(struct guard *guard, const char *what, int status);
/* Durable when they return 0; fail the process otherwise. */
int guard_store_term(struct guard *guard, raft_term term);
int guard_store_vote(struct guard *guard, raft_id id);
/* The slot of @id, a new one if need be; NULL when all are in use. */
struct guard_peer *guard_peer(struct guard *guard, raft_id id);

/* Rule J: the process must start again. Nothing enters the core after it. */
void guard_restart(struct guard *guard, const char *reason);

/* ---- guard_request.c: functions of raft_io ---- */

int guard_io_append(struct raft_io *io, struct raft_io_append *request,
                    const struct raft_entry entries[], unsigned count,
                    raft_io_append_cb cb);
int guard_io_truncate(struct raft_io *io, raft_index index);
int guard_io_snapshot_put(struct raft_io *io, unsigned trailing,
                          struct raft_io_snapshot_put *request,
                          const struct raft_snapshot *snapshot,
                          raft_io_snapshot_put_cb cb);
int guard_io_snapshot_get(struct raft_io *io,
                          struct raft_io_snapshot_get *request,
                          raft_io_snapshot_get_cb cb);
int guard_io_async_work(struct raft_io *io, struct raft_io_async_work *request,
                        raft_io_async_work_cb cb);
/* After the inner raft_io has closed. */
void guard_cancel_requests(struct guard *guard);

/* ---- guard_send.c ---- */

int guard_send(struct guard *guard, struct raft_io_send *request,
               const struct raft_message *message, raft_io_send_cb cb);
/* Tells the core that its sends are done. Outside the core only. */
void guard_complete_sends(struct guard *guard);
/* Frees what the inner raft_io never called back. After it has closed. */
void guard_drop_sends(struct guard *guard);
/* Rule B: the leader of this term and this log agree up to @index. */
void guard_raise_verified(struct guard *guard, raft_index index);

/* ---- guard_member.c ---- */

/* Rule J: an AppendEntries that would truncate a configuration. */
enum guard_verdict guard_judge_rollback(struct guard *guard,
                                        const struct raft_message *message);
/* Rule O, after an entry into the core. */
void guard_forget_installed_change(struct guard *guard);
/* Rule Q: how many of the first @count entries may leave. */
unsigned guard_count_sendable(struct guard *guard,
                              const struct raft_append_entries *append,
                              unsigned count);
/* Rule R: the core is about to refuse a vote because this server has none in
 * its latest configuration. The guard answers when the core has returned. */
bool guard_takes_vote(const struct guard *guard,
                      const struct raft_message *result);
void guard_answer_vote(struct guard *guard, const struct raft_message *request);
/* Rule R, before a tick. */
void guard_forget_silent_leader(struct guard *guard);

/* ---- guard_recv.c ---- */

/* Takes the contents of @message (entries, snapshot), not its address. */
void guard_receive(struct guard *guard, const struct raft_message *message);
/* Held messages and results whose wait is over enter the core. */
void guard_release_held(struct guard *guard);
/* True when guard_release_held() would let something through. */
bool guard_has_releasable(const struct guard *guard);
void guard_drop_held(struct guard *guard);

/* ---- guard_timer.c ---- */

/* Before a tick or a message is looked at. */
void guard_notice_absence(struct guard *guard);
/* Before and after a tick. */
void guard_stand_if_due(struct guard *guard);
void guard_ask_for_tick(struct guard *guard);
/* Before a RequestVote. */
void guard_forget_leader_in_time(struct guard *guard);

/* ---- guard_leader.c ---- */

void guard_obey_before_tick(struct guard *guard);
void guard_obey_after_entry(struct guard *guard);
/* Rule L for a node that is just starting, on what it has loaded. */
int guard_obey_on_load(struct guard *guard, raft_term *term, raft_id *vote,
                       const struct raft_snapshot *snapshot,
                       const struct raft_entry *entries, size_t count);
/* Rule A: an entry of this leader's own term is on its disk. */
bool guard_own_entry_is_stored(const struct guard *guard);
