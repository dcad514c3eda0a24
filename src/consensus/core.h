/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* libraft's core put together: over the guard, over disk and network, with the
 * machine behind it. */
#pragma once

#include "consensus/chunks_real.h"
#include "consensus/fsm.h"
#include "consensus/guard.h"
#include "consensus/node.h"
#include "consensus/raft_io_real.h"

/* What it tells; all of it is called with @data. */
struct core_events {
    /* See struct guard_options. */
    void (*on_defer)(void *data);
    void (*on_fatal)(void *data, const char *reason);
    void (*on_restart)(void *data, const char *reason);
    void (*on_entered)(void *data);
    /* See struct fsm_events. */
    void (*on_committed)(void *data, uint64_t index);
    void (*on_outcome)(void *data, uint64_t index,
                       const struct outcome *outcome);
    void (*on_applied)(void *data);
    void (*on_restored)(void *data, uint64_t index);
    void (*on_digest)(void *data, uint64_t index,
                      const uint8_t digest[HASH128_LEN]);
    /* Entries up to @index are on this node's disk. */
    void (*on_stored)(void *data, uint64_t index);
    /* See struct raft_net_options; outside the core. */
    int (*on_frame)(void *data, uint64_t node, enum link_frame type,
                    const uint8_t *bytes, size_t len);
    void *data;
    struct metrics *metrics; /* where its disk counts */
};

struct core {
    struct raft raft;
    struct fsm fsm;
    struct raft_io_real *disk;
    struct guard *guard;
    struct chunks_real *chunks;
    char dir[PATH_LEN_MAX];  /* of the raft log */
    const char *disk_writer; /* outlives the disk; NULL before the start */
    struct core_events events;
};

/* Puts the defaults where a 0 asks for them. */
void core_fill_options(struct node_options *options);
/* @options has no defaults left to fill in; @machine and @chunks outlive it. After
 * an error nothing is open. */
int core_open(struct core *core, const struct node_options *options,
              struct machine *machine, struct chunks_real *chunks,
              const struct core_events *events, struct err *err);
/* Loads what is on disk and starts. After an error it must still be closed with
 * raft_close(). */
int core_start(struct core *core, struct err *err);
/* What libraft, the link and the fsm know, and disk_writer; the rest is zeroed. */
void core_fill_status(const struct core *core, struct node_status *ret);
/* After raft_close()'s callback, and not from inside it. */
void core_free(struct core *core);
