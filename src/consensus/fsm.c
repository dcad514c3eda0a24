/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Who frees what (libraft 0.15.0, replication.c and snapshot.c): the buffer of
 * an entry stays the core's; the buffer given to restore is ours if restore
 * returns 0; what snapshot_async gives is ours in snapshot_finalize, which
 * always follows a successful snapshot.
 */
#include "consensus/fsm.h"

#include <assert.h>
#include <inttypes.h>

#include "store/snapshot.h"
#include "util/diag.h"

static int fsm_apply(struct raft_fsm *raft, const struct raft_buffer *buffer,
                     void **ret_result);
static int fsm_snapshot(struct raft_fsm *raft, struct raft_buffer **ret_buffers,
                        unsigned *ret_count);
static int fsm_snapshot_async(struct raft_fsm *raft,
                              struct raft_buffer **ret_buffers,
                              unsigned *ret_count);
static int fsm_snapshot_finalize(struct raft_fsm *raft,
                                 struct raft_buffer **buffers, unsigned *count);
static int fsm_restore(struct raft_fsm *raft, struct raft_buffer *buffer);
static void arrange_snapshot(struct fsm *fsm);

void fsm_init(struct fsm *fsm, struct raft *core, const struct guard *guard,
              struct machine *machine, unsigned snapshot_entries,
              uint64_t snapshot_bytes_min, const struct fsm_events *events)
{
    *fsm = (struct fsm){
        .raft = {.version = 3,
                 .data = fsm,
                 .apply = fsm_apply,
                 .snapshot = fsm_snapshot,
                 .restore = fsm_restore,
                 .snapshot_finalize = fsm_snapshot_finalize,
                 .snapshot_async = fsm_snapshot_async},
        .core = core,
        .guard = guard,
        .machine = machine,
        .events = *events,
        .snapshot_entries = snapshot_entries,
        .image = BUF_INIT,
    };
    snapshot_policy_init(&fsm->policy, snapshot_bytes_min);
}

bool fsm_is_overrun(const struct fsm *fsm)
{
    struct machine_counts counts;

    if (fsm->view == NULL) {
        return false;
    }
    machine_counts(fsm->machine, &counts);
    return counts.space_low || snapshot_policy_overrun(&fsm->policy);
}

uint64_t fsm_snapshot_needs(const struct fsm *fsm)
{
    uint64_t bytes = fsm->policy.bytes;

    /* What is free was looked at before it was stored: works take turns. */
    if (fsm->view != NULL) {
        bytes += fsm->view_bytes;
    }
    return snapshot_squeeze_needs(&fsm->squeeze, bytes);
}

void fsm_press(struct fsm *fsm)
{
    fsm->pressed = 2;
}

static int fsm_apply(struct raft_fsm *raft, const struct raft_buffer *buffer,
                     void **ret_result)
{
    struct fsm *fsm = raft->data;
    /* The core does not say which entry this is; it moves last_applied after. */
    uint64_t index = fsm->core->last_applied + 1;
    struct command command;
    struct batch batch;
    struct err err;

    if (batch_decode(&batch, buffer->base, buffer->len, &err) != 0) {
        diag_die(1,
                 "committed raft entry %" PRIu64 " cannot be read: %s; this "
                 "node's disk or memory is damaged: stop it, keep its data "
                 "directory for a look, and replace it by a new node",
                 index, err.text);
    }
    machine_begin(fsm->machine, index, batch.time_ms);
    while (batch_next(&batch, &command)) {
        struct outcome outcome;

        machine_apply(fsm->machine, &command, &outcome);
        fsm->events.on_outcome(fsm->events.data, index, &outcome);
    }
    fsm->applied_bytes += buffer->len;
    snapshot_policy_on_applied(&fsm->policy, index, buffer->len);
    arrange_snapshot(fsm);
    fsm->events.on_applied(fsm->events.data);
    *ret_result = NULL;
    return 0;
}

/* The core takes a snapshot after applying when this many entries stand since
 * the last one; a threshold of 1 means now. */
static void arrange_snapshot(struct fsm *fsm)
{
    struct machine_counts counts;
    bool due;

    machine_counts(fsm->machine, &counts);
    due = snapshot_policy_due(&fsm->policy) || fsm->pressed > 0 ||
          (counts.space_low &&
           snapshot_squeeze_is_due(&fsm->squeeze, counts.bytes));
    raft_set_snapshot_threshold(fsm->core, due ? 1 : fsm->snapshot_entries);
}

/* On the loop: freezes only. */
static int fsm_snapshot(struct raft_fsm *raft, struct raft_buffer **ret_buffers,
                        unsigned *ret_count)
{
    struct fsm *fsm = raft->data;
    struct machine_counts counts;

    assert(fsm->view == NULL);
    if (!guard_may_snapshot(fsm->guard)) {
        return RAFT_BUSY; /* the core asks again after the next entry */
    }
    fsm->view = machine_freeze(fsm->machine);
    fsm->view_index = fsm->core->last_applied;
    machine_counts(fsm->machine, &counts);
    fsm->view_held = counts.bytes;
    fsm->view_bytes = fsm->policy.bytes;
    fsm->pressed -= fsm->pressed > 0 ? 1 : 0;
    snapshot_policy_on_begun(&fsm->policy);
    arrange_snapshot(fsm);
    /* The core reads the figure now and once more when the snapshot is on disk;
     * it must not change in between. */
    raft_set_snapshot_trailing(
        fsm->core, snapshot_policy_trailing(&fsm->policy, fsm->view_index));
    *ret_buffers = NULL;
    *ret_count = 0;
    return 0;
}

/* On a work thread. */
static int fsm_snapshot_async(struct raft_fsm *raft,
                              struct raft_buffer **ret_buffers,
                              unsigned *ret_count)
{
    struct fsm *fsm = raft->data;
    struct raft_buffer *buffer;

    fsm->encode_rv = snapshot_encode(fsm->view, fsm->view_index, &fsm->image,
                                     &fsm->encode_err);
    if (fsm->encode_rv != 0) {
        return RAFT_NOMEM;
    }
    /* It could be written, but never read again. */
    if (fsm->image.len > SNAPSHOT_LEN_MAX) {
        fsm->encode_rv = err_set(&fsm->encode_err, QL_TOO_LARGE,
                                 "%zu bytes are too many", fsm->image.len);
        return RAFT_TOOBIG;
    }
    buffer = raft_malloc(sizeof *buffer);
    if (buffer == NULL) {
        fsm->encode_rv = err_set(&fsm->encode_err, QL_NO_MEMORY, "no memory");
        return RAFT_NOMEM;
    }
    buffer->base = fsm->image.data;
    buffer->len = fsm->image.len;
    *ret_buffers = buffer;
    *ret_count = 1;
    return 0;
}

/* On the loop: the snapshot is on disk, or will never be. */
static int fsm_snapshot_finalize(struct raft_fsm *raft,
                                 struct raft_buffer **buffers, unsigned *count)
{
    struct fsm *fsm = raft->data;

    if (fsm->encode_rv != 0) {
        diag_die(1,
                 "the snapshot at raft index %" PRIu64 " cannot be made: %s; "
                 "without snapshots memory and disk would fill up; a restart "
                 "loses nothing",
                 fsm->view_index, fsm->encode_err.text);
    }
    if (*buffers != NULL) {
        snapshot_policy_on_encoded(&fsm->policy, fsm->image.len);
        snapshot_squeeze_on_taken(&fsm->squeeze, fsm->view_held,
                                  fsm->image.len);
    }
    view_free(fsm->view);
    fsm->view = NULL;
    buf_close(&fsm->image);
    raft_free(*buffers);
    *buffers = NULL;
    *count = 0;
    return 0;
}

static int fsm_restore(struct raft_fsm *raft, struct raft_buffer *buffer)
{
    struct fsm *fsm = raft->data;
    struct machine_counts counts;
    uint64_t index;

    if (snapshot_restore(fsm->machine, buffer->base, buffer->len, &index,
                         &fsm->err) != 0) {
        if (fsm->started) {
            /* The core's log was replaced already: there is no way back. */
            diag_die(1,
                     "the snapshot that the leader sent cannot be used: %s; "
                     "start again, and if it happens again compare the "
                     "versions of the nodes",
                     fsm->err.text);
        }
        return RAFT_CORRUPT;
    }
    machine_counts(fsm->machine, &counts);
    snapshot_policy_on_begun(&fsm->policy);
    snapshot_policy_on_encoded(&fsm->policy, buffer->len);
    snapshot_squeeze_on_restored(&fsm->squeeze, counts.bytes, buffer->len);
    raft_free(buffer->base);
    fsm->events.on_applied(fsm->events.data);
    return 0;
}
