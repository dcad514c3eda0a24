/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The state machine of the simulation is a hash over all commands. Its snapshot
 * is taken at once, or begun at once and finished off the loop, as the seed
 * says; either way it may be vetoed (rule J).
 */
#include <string.h>

#include "sim/sim.h"

#define STATE_WORDS 2

static int fsm_apply(struct raft_fsm *fsm, const struct raft_buffer *buffer,
                     void **result)
{
    sim_oracle_apply(fsm->data, buffer);
    *result = NULL;
    return 0;
}

static void encode(uint64_t index, uint64_t state, struct raft_buffer *bufs[],
                   unsigned *count)
{
    struct raft_buffer *buffer = raft_malloc(sizeof *buffer);
    uint64_t *words = raft_malloc(STATE_WORDS * sizeof *words);

    words[0] = index;
    words[1] = state;
    buffer->base = words;
    buffer->len = STATE_WORDS * sizeof *words;
    *bufs = buffer;
    *count = 1;
}

static int fsm_snapshot(struct raft_fsm *fsm, struct raft_buffer *bufs[],
                        unsigned *count)
{
    struct sim_node *node = fsm->data;

    if (!guard_may_snapshot(node->guard)) {
        return RAFT_BUSY;
    }
    node->sim->totals.snapshots++;
    if (fsm->version < 3) {
        encode(node->raft.last_applied, node->state, bufs, count);
        return 0;
    }
    node->frozen_index = node->raft.last_applied;
    node->frozen_state = node->state;
    *bufs = NULL;
    *count = 0;
    return 0;
}

/* On the work thread: sees frozen data only. */
static int fsm_snapshot_async(struct raft_fsm *fsm, struct raft_buffer *bufs[],
                              unsigned *count)
{
    struct sim_node *node = fsm->data;

    encode(node->frozen_index, node->frozen_state, bufs, count);
    return 0;
}

static int fsm_snapshot_finalize(struct raft_fsm *fsm,
                                 struct raft_buffer *bufs[], unsigned *count)
{
    (void)fsm;
    for (unsigned i = 0; i < *count; i++) {
        raft_free((*bufs)[i].base);
    }
    raft_free(*bufs);
    *bufs = NULL;
    *count = 0;
    return 0;
}

static int fsm_restore(struct raft_fsm *fsm, struct raft_buffer *buffer)
{
    struct sim_node *node = fsm->data;
    const uint64_t *words = buffer->base;

    sim_trace(node->sim, "%llu restores %llu", node->id,
              (unsigned long long)words[0]);
    sim_oracle_restore(node, words[0], words[1]);
    raft_free(buffer->base);
    return 0;
}

void sim_fsm_init(struct sim_node *node)
{
    node->fsm = (struct raft_fsm){.version = 1,
                                  .data = node,
                                  .apply = fsm_apply,
                                  .snapshot = fsm_snapshot,
                                  .restore = fsm_restore};
    if (sim_has(node->sim, SIM_ASYNC)) {
        node->fsm.version = 3;
        node->fsm.snapshot_async = fsm_snapshot_async;
        node->fsm.snapshot_finalize = fsm_snapshot_finalize;
    }
}

/* ---- Work off the loop ---- */

struct sim_work {
    struct raft_io_async_work *request;
    raft_io_async_work_cb cb;
    int status;
};

static void on_work_done(struct sim *sim, struct sim_node *node, void *data)
{
    struct sim_work *work = data;

    (void)sim;
    (void)node;
    work->cb(work->request, work->status);
}

/* The thread gets to it at any time, and its result to the loop later. */
static void on_work(struct sim *sim, struct sim_node *node, void *data)
{
    struct sim_work *work = data;

    work->status = work->request->work(work->request);
    sim_at(sim, sim->now + sim_random(sim, sim->knobs.snapshot_ms), node,
           on_work_done, work);
}

int sim_fsm_work(struct raft_io *io, struct raft_io_async_work *request,
                 raft_io_async_work_cb cb)
{
    struct sim_node *node = io->impl;
    struct sim *sim = node->sim;
    struct sim_work *work = sim_alloc(sim, sizeof *work);

    work->request = request;
    work->cb = cb;
    sim_at(sim, sim->now + 1 + sim_random(sim, sim->knobs.snapshot_ms), node,
           on_work, work);
    return 0;
}
