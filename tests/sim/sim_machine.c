/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The real machine as the core's state machine: applies batches, freezes and
 * encodes snapshots as the daemon does (consensus/fsm.c), and compares its
 * digest with that of the others at the same index. The oracle's own state is
 * not in the snapshot: that of the index it says is taken up, and the digest of
 * what is restored must be the one that belongs there.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/sim_store_internal.h"
#include "store/snapshot.h"
#include "util/mem.h"

/* Small, so that chunks are sealed, merged and dropped all the time. */
static const struct machine_limits limits = {.chunk_bytes = 2048,
                                             .open_bytes = 1024};

static int fsm_apply(struct raft_fsm *fsm, const struct raft_buffer *buffer,
                     void **result)
{
    struct sim_node *node = fsm->data;
    struct sim_machine *own = node->machine;
    struct sim_answers *answers = &own->answers;
    struct command command;
    struct batch batch;
    struct err err;
    bool is_first;

    *result = NULL;
    if (node->ended) {
        return 0;
    }
    sim_oracle_apply(node, buffer);
    answers->index = node->raft.last_applied + 1;
    answers->count = 0;
    if (batch_decode(&batch, buffer->base, buffer->len, &err) != 0) {
        sim_fail(node->sim, "BATCH: server %llu at %llu: %s", node->id,
                 answers->index, err.text);
        return 0;
    }
    is_first = sim_client_begin(node->sim, answers->index, batch.time_ms);
    machine_begin(own->machine, answers->index, batch.time_ms);
    while (batch_next(&batch, &command)) {
        struct outcome *outcome = &answers->outcomes[answers->count];

        if (is_first) {
            sim_recovery_before(node, &command);
        }
        machine_apply(own->machine, &command, outcome);
        if (is_first) {
            sim_client_applied(node->sim, &command, outcome);
            sim_recovery_applied(node, &command, outcome);
        }
        answers->count++;
    }
    sim_client_digest(node, answers->index, false);
    return 0;
}

static void freeze(struct sim_node *node)
{
    struct sim_machine *own = node->machine;

    view_free(own->view);
    own->view = machine_freeze(own->machine);
    own->view_index = node->raft.last_applied;
    chunk_store_pin(node->store->chunks, own->view_index,
                    view_take_chunks(own->view));
    sim_client_digest(node, own->view_index, true);
}

static void encode(struct sim_node *node, struct raft_buffer *bufs[],
                   unsigned *count)
{
    const struct sim_machine *own = node->machine;
    struct raft_buffer *buffer = raft_malloc(sizeof *buffer);
    struct buf image = BUF_INIT;
    struct err err;

    if (snapshot_encode(own->view, own->view_index, &image, &err) != 0) {
        sim_fail(node->sim, "HARNESS: cannot encode a snapshot");
    }
    buffer->base = image.data;
    buffer->len = image.len;
    *bufs = buffer;
    *count = 1;
}

static int fsm_snapshot(struct raft_fsm *fsm, struct raft_buffer *bufs[],
                        unsigned *count)
{
    struct sim_node *node = fsm->data;

    if (node->ended || !guard_may_snapshot(node->guard)) {
        return RAFT_BUSY;
    }
    node->sim->totals.snapshots++;
    freeze(node);
    *bufs = NULL;
    *count = 0;
    if (fsm->version < 3) {
        encode(node, bufs, count);
    }
    return 0;
}

/* On the work thread: sees frozen data only. */
static int fsm_snapshot_async(struct raft_fsm *fsm, struct raft_buffer *bufs[],
                              unsigned *count)
{
    encode(fsm->data, bufs, count);
    return 0;
}

/* As consensus/fsm.c does it. */
static int restore(struct sim_node *node, const struct raft_buffer *buffer,
                   uint64_t *ret_index, struct err *err)
{
    struct machine *machine = node->machine->machine;
    struct chunk_store *chunks = node->store->chunks;
    struct chunk_source source = chunk_store_source(chunks);
    struct machine *prepared = NULL;
    int rv = snapshot_index(buffer->base, buffer->len, ret_index, err);

    if (rv == 0 && node->machine->prepared_index == *ret_index) {
        prepared = node->machine->prepared;
        node->machine->prepared = NULL;
        machine_swap_state(machine, prepared);
        rv = machine_use_chunks(machine, &source, err);
    } else if (rv == 0) {
        rv = snapshot_restore(machine, buffer->base, buffer->len, &source,
                              ret_index, err);
    }
    machine_free(prepared);
    if (rv == 0) {
        sim_damage_adopted(node, chunk_store_adopt(chunks, machine));
        chunk_store_pin(chunks, *ret_index, machine_chunks(machine));
    }
    return rv;
}

static int fsm_restore(struct raft_fsm *fsm, struct raft_buffer *buffer)
{
    struct sim_node *node = fsm->data;
    struct sim *sim = node->sim;
    struct err err;
    uint64_t index;

    if (node->ended) {
        raft_free(buffer->base);
        return 0;
    }
    if (restore(node, buffer, &index, &err) != 0) {
        sim_fail(sim, "SNAPSHOT: server %llu: %s", node->id, err.text);
        return RAFT_CORRUPT;
    }
    sim_trace(sim, "%llu restores %llu", node->id, (unsigned long long)index);
    if (index > sim->committed_last) {
        sim_fail(sim, "SNAPSHOT: server %llu restores %llu", node->id,
                 (unsigned long long)index);
        return RAFT_CORRUPT;
    }
    sim_oracle_restore(node, index, sim->committed[index].state);
    sim_client_digest(node, index, true);
    raft_free(buffer->base);
    return 0;
}

void sim_machine_prepare(struct sim_node *node, uint64_t index,
                         struct machine *machine)
{
    machine_free(node->machine->prepared);
    node->machine->prepared = machine;
    node->machine->prepared_index = index;
}

const struct machine_limits *sim_machine_limits(void)
{
    return &limits;
}

void sim_machine_open(struct sim_node *node)
{
    node->machine = mem_must_zalloc(sizeof *node->machine);
    node->machine->machine = machine_new(&limits);
    if (node->store->chunks != NULL) {
        chunk_store_attach(node->store->chunks, node->machine->machine);
    }
    sim_recovery_open(node);
    node->fsm.apply = fsm_apply;
    node->fsm.snapshot = fsm_snapshot;
    node->fsm.restore = fsm_restore;
    if (node->fsm.version >= 3) {
        node->fsm.snapshot_async = fsm_snapshot_async;
    }
}

void sim_machine_close(struct sim_node *node)
{
    if (node->machine != NULL) {
        view_free(node->machine->view);
        machine_free(node->machine->machine);
        machine_free(node->machine->prepared);
        free(node->machine);
        node->machine = NULL;
    }
}
