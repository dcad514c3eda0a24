/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The machine as the core sees it: applies committed entries, takes snapshots
 * (frozen on the loop, encoded on a work thread) and restores them.
 *
 * A snapshot names the sealed chunks of the logs; their bytes are the chunk store's.
 * It keeps what a snapshot names from the moment in which the state is frozen or
 * restored (chunk_store_pin()).
 */
#pragma once

#include <raft.h>

#include "consensus/guard.h"
#include "consensus/node.h"
#include "consensus/snapshot_policy.h"
#include "consensus/snapshot_squeeze.h"
#include "store/chunk_store.h"
#include "util/buf.h"

/* All are called inside the core: raft_* is forbidden there. */
struct fsm_events {
    /* Entry @index is about to be applied. */
    void (*on_committed)(void *data, uint64_t index);
    /* One command of it was applied. */
    void (*on_outcome)(void *data, uint64_t index,
                       const struct outcome *outcome);
    /* A whole entry was applied, or a snapshot restored. */
    void (*on_applied)(void *data);
    /* The state was replaced by that of a snapshot at @index. */
    void (*on_restored)(void *data, uint64_t index);
    /* Entry @index, at which nodes compare their states, was applied. */
    void (*on_digest)(void *data, uint64_t index,
                      const uint8_t digest[HASH128_LEN]);
    void *data;
};

/* All that is pointed to is borrowed. */
struct fsm_options {
    struct raft *core;         /* what raft_init() is called with */
    const struct guard *guard; /* may veto a snapshot */
    struct machine *machine;
    struct chunk_store *chunks; /* @machine is attached to it */
    unsigned snapshot_entries;
    uint64_t snapshot_bytes_min;
    unsigned place; /* see struct snapshot_policy_options */
    unsigned places;
    struct fsm_events events;
};

struct fsm {
    struct raft_fsm raft; /* for raft_init() */
    struct raft *core;
    const struct guard *guard;
    struct machine *machine;
    struct chunk_store *chunks;
    struct fsm_events events;
    struct snapshot_policy policy;
    struct snapshot_squeeze squeeze;
    unsigned pressed;       /* snapshots to take soon, to free the disk */
    bool holds;             /* takes no snapshot: see fsm_hold() */
    uint64_t applied_bytes; /* of batches, since the start */
    bool started;           /* a failed restore is fatal from then on */
    struct err err;         /* why a restore failed before */
    /* The snapshot being taken. The work thread reads view and index and writes
     * image and encode_err; then the view goes, and the image is stored. */
    bool taking;
    struct view *view; /* NULL: it is encoded */
    uint64_t view_index;
    uint64_t view_held;  /* bytes of entries in it */
    uint64_t view_bytes; /* applied between the last snapshot and it */
    uint64_t view_begun; /* when, in ns; 0: none that is not counted yet */
    uint64_t view_spent; /* of the loop's time since, in ns */
    struct buf image;
    int encode_rv;
    struct err encode_err;
    struct node_snapshots snapshots;
    struct machine *prepared; /* the state of a snapshot to come, or NULL */
    uint64_t prepared_index;
};

void fsm_init(struct fsm *fsm, const struct fsm_options *options);
/* After the core is closed. */
void fsm_close(struct fsm *fsm);
/* The snapshot at @index, which the core is about to be given, was made into the
 * state of @machine already: when it is restored that is what is taken. Takes
 * @machine, instead of one it was given before; NULL: forget that. */
void fsm_prepare(struct fsm *fsm, uint64_t index, struct machine *machine);
/* Its work thread is done: what was frozen is freed. Until this is called or the
 * snapshot is finalized it stays. */
void fsm_on_encoded(struct fsm *fsm);
/* See struct raft_io_real_options. */
void fsm_on_snapshot_time(struct fsm *fsm, uint64_t ns);
/* A snapshot is being taken, and too much has been applied since it was begun, or
 * appends are refused, when anything is too much: the raft log must not need another
 * segment before snapshots have set one free. Or too many chunks wait to be written.
 * A leader waits for it before it proposes more. */
bool fsm_is_overrun(const struct fsm *fsm);
/* So much more of the disk the next two snapshots will take, beyond the two that
 * are kept; the one that is being taken counts as a next one. And what of chunks is
 * on its way to the disk. */
uint64_t fsm_snapshot_needs(const struct fsm *fsm);
/* Two snapshots are to be taken as soon as entries come to be applied: then all but
 * the newest part of the raft log can go. */
void fsm_press(struct fsm *fsm);
/* While it holds it takes no snapshots: the raft log must go on to reach back to
 * the one of another node that is to take the place of our own. */
void fsm_hold(struct fsm *fsm, bool holds);
