/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * One server under test: a real libraft core behind a real guard, over a
 * raft_io whose every answer the test gives itself. Server 1 of servers 1 to N,
 * all voters, with addresses "addr-1" and so on.
 */
#pragma once

#include <raft.h>
#include <stdbool.h>

#include "consensus/guard.h"

#define CORE_RIG_SENDS_MAX 64
#define CORE_RIG_APPENDS_MAX 16
#define CORE_RIG_COMMAND_LEN 16

/* A message that left; entries are valid until core_rig_sent(). */
struct core_rig_send {
    struct raft_message message;
    char address[32];
    struct raft_io_send *request;
    raft_io_send_cb cb;
    bool done;
};

struct core_rig_append {
    struct raft_io_append *request;
    raft_io_append_cb cb;
    unsigned count;
};

struct core_rig {
    struct raft raft;
    struct raft_io inner;
    struct raft_fsm fsm;
    struct guard *guard;
    raft_time now;
    raft_io_tick_cb tick;
    raft_io_recv_cb recv;
    raft_io_close_cb close;

    unsigned load_servers;
    unsigned load_entries;
    raft_term term; /* on the disk */
    raft_id vote;
    struct core_rig_append
        appends[CORE_RIG_APPENDS_MAX]; /* under way, oldest first */
    size_t append_count;
    struct raft_io_snapshot_put *put; /* under way */
    raft_io_snapshot_put_cb put_cb;
    struct raft_buffer *put_bufs;
    unsigned truncates;
    raft_index truncated_from;
    int write_result; /* of the next disk call */
    int send_result;

    struct core_rig_send sends[CORE_RIG_SENDS_MAX];
    size_t send_count;
    unsigned applied;

    bool deferred;
    unsigned entered;
    raft_time tick_within; /* asked for by the guard; 0: nothing */
    bool random_is_high;   /* nearly the highest is drawn, not the lowest */
    char fatal[256];       /* "": not called */
    unsigned restarts;
};

/* Server 1 of @servers; its log holds @entries commands of term 1 behind the
 * configuration. Rules and limits from @options; NULL: GUARD_ALL. */
void core_rig_start(struct core_rig *rig, unsigned servers, unsigned entries,
                    const struct guard_options *options);
void core_rig_stop(struct core_rig *rig);

/* Moves the clock, then ticks. */
void core_rig_tick(struct core_rig *rig, raft_time ms);
void core_rig_run_deferred(struct core_rig *rig);
/* The oldest append under way ends. */
void core_rig_append_done(struct core_rig *rig, int status);
/* The install under way ends well. */
void core_rig_put_done(struct core_rig *rig);
/* @voter grants what this candidate has asked for. */
void core_rig_vote(struct core_rig *rig, raft_id voter, bool pre_vote);
/* Makes it the leader of a new term, by the votes of all others. Its own entry
 * is under way then. */
void core_rig_elect(struct core_rig *rig);

/* From server @from. */
void core_rig_receive(struct core_rig *rig, raft_id from,
                      struct raft_message *message);
/* @count commands of @entry_term behind @prev. */
void core_rig_receive_entries(struct core_rig *rig, raft_id from,
                              raft_term term, raft_index prev,
                              raft_term prev_term, unsigned count,
                              raft_term entry_term, raft_index commit);
void core_rig_receive_result(struct core_rig *rig, raft_id from, raft_term term,
                             raft_index rejected, raft_index last);
void core_rig_receive_vote_request(struct core_rig *rig, raft_id from,
                                   raft_term term, bool pre_vote, bool disrupt);
void core_rig_receive_snapshot(struct core_rig *rig, raft_id from,
                               raft_term term, raft_index last_index,
                               raft_term last_term);
/* Submits a command as the node does. */
int core_rig_submit(struct core_rig *rig, size_t len);

/* The last message of @type that left to @to, or NULL. */
const struct core_rig_send *core_rig_last_send(const struct core_rig *rig,
                                               int type, raft_id to);
/* All messages that left have been sent; forgets them. */
void core_rig_sent(struct core_rig *rig);

/* core_rig_io.c */
void core_rig_fill_io(struct raft_io *io);
void core_rig_configuration(struct raft_configuration *ret, unsigned servers);
