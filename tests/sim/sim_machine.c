/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The real machine as the core's state machine: applies batches, freezes and
 * encodes snapshots as the daemon does (consensus/fsm.c), and compares its
 * digest with that of the others at the same index. A snapshot carries the
 * oracle's state in front.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/sim_full.h"
#include "store/snapshot.h"
#include "util/mem.h"

#define FRONT_LEN 16u

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

        machine_apply(own->machine, &command, outcome);
        if (is_first) {
            sim_client_applied(node->sim, &command, outcome);
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
    own->view_state = node->state;
    sim_client_digest(node, own->view_index, true);
}

static void encode(struct sim_node *node, struct raft_buffer *bufs[],
                   unsigned *count)
{
    const struct sim_machine *own = node->machine;
    struct raft_buffer *buffer = raft_malloc(sizeof *buffer);
    struct buf image = BUF_INIT;
    uint8_t front[FRONT_LEN];
    struct err err;

    put_u64(front, own->view_index);
    put_u64(front + 8, own->view_state);
    if (buf_add(&image, front, FRONT_LEN) != 0 ||
        snapshot_encode(own->view, own->view_index, &image, &err) != 0) {
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

static int fsm_restore(struct raft_fsm *fsm, struct raft_buffer *buffer)
{
    struct sim_node *node = fsm->data;
    const uint8_t *bytes = buffer->base;
    struct err err;
    uint64_t index;

    if (node->ended) {
        raft_free(buffer->base);
        return 0;
    }
    sim_trace(node->sim, "%llu restores %llu", node->id,
              (unsigned long long)get_u64(bytes));
    sim_oracle_restore(node, get_u64(bytes), get_u64(bytes + 8));
    if (snapshot_restore(node->machine->machine, bytes + FRONT_LEN,
                         buffer->len - FRONT_LEN, &index, &err) != 0) {
        sim_fail(node->sim, "SNAPSHOT: server %llu: %s", node->id, err.text);
        return RAFT_CORRUPT;
    }
    if (index != get_u64(bytes)) {
        sim_fail(node->sim, "SNAPSHOT: server %llu restores %llu", node->id,
                 (unsigned long long)index);
    }
    sim_client_digest(node, index, true);
    raft_free(buffer->base);
    return 0;
}

void sim_machine_open(struct sim_node *node)
{
    node->machine = mem_must_zalloc(sizeof *node->machine);
    node->machine->machine = machine_new();
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
        free(node->machine);
        node->machine = NULL;
    }
}
