/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the files of the node share.
 *
 *     node.c       what others ask of it, and what the core tells
 *     node_turn.c  what happens in one turn of the loop
 *     node_life.c  start and stop
 */
#pragma once

#include <uv.h>

#include "consensus/backup_keeper.h"
#include "consensus/chunk_peers.h"
#include "consensus/chunks_real.h"
#include "consensus/core.h"
#include "consensus/handover.h"
#include "consensus/integrity.h"
#include "consensus/node.h"
#include "consensus/peer_watch.h"
#include "consensus/proposer.h"
#include "consensus/reader.h"
#include "consensus/retention_tick.h"
#include "consensus/space_watch.h"
#include "consensus/start_frozen.h"
#include "consensus/step_down.h"
#include "consensus/told_state.h"

enum node_phase {
    NODE_RUNNING,
    NODE_STOPPING, /* hands over and ends what is in flight */
    NODE_CLOSING,  /* raft_close() was called */
    NODE_CLOSED    /* its callback came; our handles close */
};

struct node {
    struct node_options options;
    char *dir;
    struct machine *machine;
    struct metrics *metrics;
    struct stages stages;
    struct chunks_real *chunks; /* NULL: not open yet, or closed */
    struct core core;
    struct chunk_peers chunk_peers;
    struct backup_keeper keeper;
    struct start_frozen start_frozen;
    struct proposer proposer;
    struct reader reader;
    struct peer_watch watch;
    struct handover handover;
    struct node_transfer *transfer; /* whom to tell of the handover */
    struct step_down down;
    struct node_transfer *down_transfer; /* whom to tell of it */
    bool down_owed;                      /* it is to begin when that can be */
    uv_check_t check;
    uv_idle_t idle;
    struct retention_tick tick;
    struct space_watch space;
    struct integrity integrity;
    size_t handles_open;
    enum node_phase phase;
    bool deferred;          /* guard_run_deferred() is owed */
    bool applied;           /* on_applied() is owed */
    bool core_closed;       /* raft_close()'s callback came */
    bool restarting;        /* the core is silent for good */
    struct told_state told; /* by on_state() */
    uint64_t stop_deadline_ms;
    void (*stop_cb)(void *data); /* of node_stop(), then of node_close() */
    void *stop_data;
};

/* ---- node.c ---- */
/* A disk has failed: says so and ends the process. @data: the node. */
void node_on_fatal(void *data, const char *reason);
/* Has the owner stop this node and start a new process, saying why. */
void node_begin_again(struct node *node, const char *reason);
/* This node's disk is low on space: each second while it is. */
void node_on_low(struct node *node);
/* What it wants to hear of the core. */
void node_fill_events(struct node *node, struct core_events *ret);
/* 0, or why a call is refused. */
int node_may_serve(const struct node *node);

/* ---- node_turn.c ---- */
/* Initialises what makes the turns; they begin at once. */
void node_start_turns(struct node *node);
/* Something was put aside: there is another turn, at once. */
void node_wake(struct node *node);

/* ---- node_life.c ---- */
/* In each turn of a node that stops. */
void node_step_stop(struct node *node);
