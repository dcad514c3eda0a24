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
#include <uv.h>

#include "store/snapshot.h"
#include "util/clock.h"
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
static int restore_state(struct fsm *fsm, const struct raft_buffer *buffer,
                         uint64_t *ret_index);
static void adopt_chunks(struct fsm *fsm, uint64_t index);
static void arrange_snapshot(struct fsm *fsm);
static void tell_digest(struct fsm *fsm, uint64_t index);

void fsm_init(struct fsm *fsm, const struct fsm_options *options)
{
    const struct snapshot_policy_options policy = {
        .bytes_min = options->snapshot_bytes_min,
        .entries_max = options->snapshot_entries,
        .place = options->place,
        .places = options->places};

    *fsm = (struct fsm){
        .raft = {.version = 3,
                 .data = fsm,
                 .apply = fsm_apply,
                 .snapshot = fsm_snapshot,
                 .restore = fsm_restore,
                 .snapshot_finalize = fsm_snapshot_finalize,
                 .snapshot_async = fsm_snapshot_async},
        .core = options->core,
        .guard = options->guard,
        .machine = options->machine,
        .chunks = options->chunks,
        .events = options->events,
        .image = BUF_INIT,
    };
    snapshot_policy_init(&fsm->policy, &policy, clock_monotonic_ms());
}

void fsm_close(struct fsm *fsm)
{
    fsm_prepare(fsm, 0, NULL);
}

void fsm_prepare(struct fsm *fsm, uint64_t index, struct machine *machine)
{
    machine_free(fsm->prepared);
    fsm->prepared = machine;
    fsm->prepared_index = index;
}

bool fsm_is_overrun(const struct fsm *fsm)
{
    struct machine_counts counts;

    if (chunk_store_is_crowded(fsm->chunks)) {
        return true;
    }
    if (!fsm->taking) {
        return false;
    }
    machine_counts(fsm->machine, &counts);
    return counts.space_low || snapshot_policy_overrun(&fsm->policy);
}

uint64_t fsm_snapshot_needs(const struct fsm *fsm)
{
    uint64_t bytes = fsm->policy.bytes;

    /* What is free was looked at before it was stored: works take turns. */
    if (fsm->taking) {
        bytes += fsm->view_bytes;
    }
    return snapshot_squeeze_needs(&fsm->squeeze, bytes) +
           chunk_store_waiting_bytes(fsm->chunks);
}

void fsm_press(struct fsm *fsm)
{
    fsm->pressed = 2;
}

void fsm_hold(struct fsm *fsm, bool holds)
{
    fsm->holds = holds;
}

static int fsm_apply(struct raft_fsm *raft, const struct raft_buffer *buffer,
                     void **ret_result)
{
    struct fsm *fsm = raft->data;
    /* The core does not say which entry this is; it moves last_applied after. */
    uint64_t index = fsm->core->last_applied + 1;
    struct command command;
    struct batch batch;
    bool compares = index % DIGEST_EVERY == 0;
    struct err err;

    if (batch_decode(&batch, buffer->base, buffer->len, &err) != 0) {
        diag_die(1,
                 "committed raft entry %" PRIu64 " cannot be read: %s; this "
                 "node's disk or memory is damaged: stop it, keep its data "
                 "directory for a look, and replace it by a new node",
                 index, err.text);
    }
    fsm->events.on_committed(fsm->events.data, index);
    machine_begin(fsm->machine, index, batch.time_ms);
    while (batch_next(&batch, &command)) {
        struct outcome outcome;

        machine_apply(fsm->machine, &command, &outcome);
        fsm->events.on_outcome(fsm->events.data, index, &outcome);
        compares = compares || command.kind == COMMAND_DIGEST;
    }
    if (compares) {
        tell_digest(fsm, index);
    }
    fsm->applied_bytes += buffer->len;
    snapshot_policy_on_applied(&fsm->policy, index, buffer->len);
    arrange_snapshot(fsm);
    fsm->events.on_applied(fsm->events.data);
    *ret_result = NULL;
    return 0;
}

/* The same entries on all nodes. Those of the core's own are left out. */
static void tell_digest(struct fsm *fsm, uint64_t index)
{
    uint8_t digest[HASH128_LEN];

    machine_digest(fsm->machine, digest);
    fsm->events.on_digest(fsm->events.data, index, digest);
}

/* The core takes a snapshot after applying when this many entries stand since
 * the last one; a threshold of 1 means now. */
static void arrange_snapshot(struct fsm *fsm)
{
    struct machine_counts counts;
    bool due;

    machine_counts(fsm->machine, &counts);
    due = snapshot_policy_due(&fsm->policy, clock_monotonic_ms()) ||
          fsm->pressed > 0 ||
          (counts.space_low &&
           snapshot_squeeze_is_due(&fsm->squeeze, counts.bytes));
    raft_set_snapshot_threshold(
        fsm->core, due ? 1 : snapshot_policy_entries(&fsm->policy));
}

/* On the loop: freezes only. */
static int fsm_snapshot(struct raft_fsm *raft, struct raft_buffer **ret_buffers,
                        unsigned *ret_count)
{
    struct fsm *fsm = raft->data;
    struct machine_counts counts;

    assert(!fsm->taking);
    if (fsm->holds || !guard_may_snapshot(fsm->guard)) {
        return RAFT_BUSY; /* the core asks again after the next entry */
    }
    fsm->view_begun = uv_hrtime();
    fsm->taking = true;
    fsm->view = machine_freeze(fsm->machine);
    fsm->view_index = fsm->core->last_applied;
    chunk_store_pin(fsm->chunks, fsm->view_index, view_take_chunks(fsm->view));
    machine_counts(fsm->machine, &counts);
    fsm->view_held = counts.bytes;
    fsm->view_bytes = fsm->policy.bytes;
    fsm->pressed -= fsm->pressed > 0 ? 1 : 0;
    snapshot_policy_on_begun(&fsm->policy, clock_monotonic_ms());
    arrange_snapshot(fsm);
    /* The core reads the figure now and once more when the snapshot is on disk;
     * it must not change in between. */
    raft_set_snapshot_trailing(
        fsm->core, snapshot_policy_trailing(&fsm->policy, fsm->view_index));
    fsm->view_spent = uv_hrtime() - fsm->view_begun;
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
        fsm->snapshots.taken++;
        fsm->snapshots.index = fsm->view_index;
        fsm->snapshots.bytes = fsm->image.len;
    }
    fsm_on_encoded(fsm);
    fsm->taking = false;
    buf_close(&fsm->image);
    raft_free(*buffers);
    *buffers = NULL;
    *count = 0;
    return 0;
}

/* While it is stored the next entries go to the chunks that it shared: the fewer
 * have to be copied the better. */
void fsm_on_encoded(struct fsm *fsm)
{
    view_free(fsm->view);
    fsm->view = NULL;
}

/* The second time the snapshot is stored and finalized. */
void fsm_on_snapshot_time(struct fsm *fsm, uint64_t ns)
{
    struct node_snapshots *snapshots = &fsm->snapshots;

    if (fsm->view_begun == 0) {
        return; /* it was one of another node */
    }
    fsm->view_spent += ns;
    if (fsm->taking) {
        return;
    }
    snapshots->loop_ns = fsm->view_spent;
    snapshots->wall_ns = uv_hrtime() - fsm->view_begun;
    if (snapshots->loop_ns_max < snapshots->loop_ns) {
        snapshots->loop_ns_max = snapshots->loop_ns;
    }
    if (snapshots->wall_ns_max < snapshots->wall_ns) {
        snapshots->wall_ns_max = snapshots->wall_ns;
    }
    fsm->view_begun = 0;
}

/* ---- From a snapshot ---- */

static int fsm_restore(struct raft_fsm *raft, struct raft_buffer *buffer)
{
    struct fsm *fsm = raft->data;
    struct machine_counts counts;
    uint64_t index;

    if (restore_state(fsm, buffer, &index) != 0) {
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
    adopt_chunks(fsm, index);
    fsm->events.on_restored(fsm->events.data, index);
    machine_counts(fsm->machine, &counts);
    snapshot_policy_on_begun(&fsm->policy, clock_monotonic_ms());
    snapshot_policy_on_encoded(&fsm->policy, buffer->len);
    snapshot_squeeze_on_restored(&fsm->squeeze, counts.bytes, buffer->len);
    raft_free(buffer->base);
    fsm->events.on_applied(fsm->events.data);
    return 0;
}

static int restore_state(struct fsm *fsm, const struct raft_buffer *buffer,
                         uint64_t *ret_index)
{
    struct chunk_source source = chunk_store_source(fsm->chunks);
    int rv = snapshot_index(buffer->base, buffer->len, ret_index, &fsm->err);

    if (rv != 0) {
        return rv;
    }
    if (fsm->prepared != NULL && fsm->prepared_index == *ret_index) {
        machine_swap_state(fsm->machine, fsm->prepared);
        fsm_prepare(fsm, 0, NULL);
        return machine_use_chunks(fsm->machine, &source, &fsm->err);
    }
    return snapshot_restore(fsm->machine, buffer->base, buffer->len, &source,
                            ret_index, &fsm->err);
}

static void adopt_chunks(struct fsm *fsm, uint64_t index)
{
    size_t missing = chunk_store_adopt(fsm->chunks, fsm->machine);

    chunk_store_pin(fsm->chunks, index, machine_chunks(fsm->machine));
    if (missing > 0) {
        diag_warning("%zu chunks that the state at raft index %" PRIu64
                     " names are not on this disk: they are asked for from the "
                     "other nodes, and reads of them wait",
                     missing, index);
    }
}
