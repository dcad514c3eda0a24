/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The machine as the core sees it: applies committed entries, takes snapshots
 * (frozen on the loop, encoded on a work thread) and restores them. */
#pragma once

#include <raft.h>

#include "consensus/guard.h"
#include "consensus/snapshot_policy.h"
#include "consensus/snapshot_squeeze.h"
#include "machine/machine.h"
#include "util/buf.h"

/* Both are called inside the core: raft_* is forbidden there. */
struct fsm_events {
    /* One command of entry @index was applied. */
    void (*on_outcome)(void *data, uint64_t index,
                       const struct outcome *outcome);
    /* A whole entry was applied, or a snapshot restored. */
    void (*on_applied)(void *data);
    void *data;
};

struct fsm {
    struct raft_fsm raft; /* for raft_init() */
    struct raft *core;
    const struct guard *guard;
    struct machine *machine;
    struct fsm_events events;
    struct snapshot_policy policy;
    struct snapshot_squeeze squeeze;
    unsigned snapshot_entries;
    unsigned pressed;       /* snapshots to take soon, to free the disk */
    uint64_t applied_bytes; /* of batches, since the start */
    bool started;           /* a failed restore is fatal from then on */
    struct err err;         /* why a restore failed before */
    /* The snapshot being taken. The work thread reads view and index and writes
     * image and encode_err between snapshot and snapshot_finalize. */
    struct view *view;
    uint64_t view_index;
    uint64_t view_held;  /* bytes of entries in it */
    uint64_t view_bytes; /* applied between the last snapshot and it */
    struct buf image;
    int encode_rv;
    struct err encode_err;
};

/* Borrows @machine, @guard, which may veto a snapshot, and @core, which must be
 * what raft_init() is called with. */
void fsm_init(struct fsm *fsm, struct raft *core, const struct guard *guard,
              struct machine *machine, unsigned snapshot_entries,
              uint64_t snapshot_bytes_min, const struct fsm_events *events);
/* A snapshot is being taken, and too much has been applied since it was begun, or
 * appends are refused, when anything is too much: the raft log must not need another
 * segment before snapshots have set one free. A leader waits for it before it
 * proposes more. */
bool fsm_is_overrun(const struct fsm *fsm);
/* So much more of the disk the next two snapshots will take, beyond the two that
 * are kept; the one that is being taken counts as a next one. */
uint64_t fsm_snapshot_needs(const struct fsm *fsm);
/* Two snapshots are to be taken as soon as entries come to be applied: then all but
 * the newest part of the raft log can go. */
void fsm_press(struct fsm *fsm);
