/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/guard_view.h"
#include "sim/sim.h"

#define COMMAND_WORDS_MAX 8

struct sim_request {
    struct raft_apply apply;
    struct sim_node *node;
    uint64_t value;
};

static void on_defer(void *data);
static void on_fatal(void *data, const char *reason);
static void on_entered(void *data);
static int fsm_apply(struct raft_fsm *fsm, const struct raft_buffer *buffer,
                     void **result);
static int fsm_snapshot(struct raft_fsm *fsm, struct raft_buffer *bufs[],
                        unsigned *count);
static int fsm_restore(struct raft_fsm *fsm, struct raft_buffer *buffer);

void sim_node_init(struct sim *sim, struct sim_node *node, unsigned position)
{
    node->sim = sim;
    node->id = position + 1;
    (void)snprintf(node->address, sizeof node->address, "%u", position + 1);
    list_init(&node->writes);
}

/* Servers differ: a leader may have no snapshot while a follower has one. */
static void configure(struct sim_node *node)
{
    struct sim *sim = node->sim;
    const struct sim_knobs *knobs = &sim->knobs;

    raft_set_snapshot_threshold(&node->raft,
                                knobs->snapshot_threshold *
                                    (1 + (unsigned)sim_random(sim, 4)));
    raft_set_snapshot_trailing(&node->raft,
                               knobs->snapshot_trailing *
                                   (1 + (unsigned)sim_random(sim, 3)));
    raft_set_install_snapshot_timeout(&node->raft, knobs->install_timeout_ms);
    raft_set_pre_vote(&node->raft, true);
}

void sim_node_boot(struct sim_node *node)
{
    struct sim *sim = node->sim;
    struct guard_options options = {
        .raft = &node->raft,
        .inner = &node->disk_io,
        .rules = sim->options.rules,
        .message_entries_max = sim->knobs.message_entries_max,
        .send_bytes_max = sim->knobs.send_bytes_max,
        .defer = on_defer,
        .fatal = on_fatal,
        .entered = on_entered,
        .data = node,
    };
    struct raft_io *io;
    struct err err;

    node->disk_io = (struct raft_io){.version = 2, .impl = node};
    sim_disk_fill_io(&node->disk_io);
    node->fsm = (struct raft_fsm){.version = 1,
                                  .data = node,
                                  .apply = fsm_apply,
                                  .snapshot = fsm_snapshot,
                                  .restore = fsm_restore};
    sim_disk_open(node);
    node->state = 0;
    node->was_leader = false;
    node->checked = 0;
    node->commit_max = 0;
    memset(&node->raft, 0, sizeof node->raft);
    if (guard_new(&node->guard, &io, &options, &err) != 0 ||
        raft_init(&node->raft, io, &node->fsm, node->id, node->address) != 0) {
        sim_fail(sim, "HARNESS: cannot make server %llu", node->id);
        return;
    }
    configure(node);
    node->up = true;
    sim_trace(sim,
              "%llu boots: term %llu vote %llu snapshot %llu log %llu..%llu",
              node->id, node->disk.term, node->disk.vote,
              node->disk.snapshot.index, node->disk.first, node->disk.last);
    if (raft_start(&node->raft) != 0) {
        sim_fail(sim, "START: server %llu: %s", node->id, node->raft.errmsg);
        return;
    }
    guard_after(node->guard);
}

static void add_counts(struct guard_counts *sum, const struct guard *guard)
{
    struct guard_counts c;

    guard_counts(guard, &c);
    sum->held_results += c.held_results;
    sum->clamped_results += c.clamped_results;
    sum->dropped_votes += c.dropped_votes;
    sum->dropped_results += c.dropped_results;
    sum->cut_messages += c.cut_messages;
    sum->held_truncations += c.held_truncations;
    sum->stripped_messages += c.stripped_messages;
}

void sim_node_crash(struct sim_node *node)
{
    if (!node->up) {
        return;
    }
    node->sim->totals.crashes++;
    sim_disk_lose(node);
    node->up = false;
    node->doomed = false;
    node->was_write_error = false;
    node->incarnation++;
    sim_trace(node->sim, "%llu CRASHES: log %llu..%llu", node->id,
              node->disk.first, node->disk.last);
    add_counts(&node->sim->totals.guard, node->guard);
    raft_close(&node->raft, NULL);
    guard_free(node->guard);
    sim_disk_close(node);
}

/* ---- Client calls ---- */

static void on_applied(struct raft_apply *apply, int status, void *result)
{
    struct sim_request *request = apply->data;

    (void)result;
    if (status == 0) {
        sim_oracle_ack(request->node, apply->index, request->value);
    }
    free(request);
}

void sim_node_submit(struct sim_node *node)
{
    struct sim *sim = node->sim;
    struct sim_request *request = calloc(1, sizeof *request);
    struct raft_buffer buffer;
    uint64_t *words;
    size_t count;

    if (request == NULL || sim->next_value == SIM_VALUES_MAX) {
        sim_fail(sim, "HARNESS: too many commands");
        free(request);
        return;
    }
    request->node = node;
    request->value = sim->next_value;
    request->apply.data = request;
    sim->next_value++;
    count = 1 + (size_t)(request->value % COMMAND_WORDS_MAX);
    buffer.len = count * sizeof *words;
    buffer.base = raft_malloc(buffer.len);
    words = buffer.base;
    for (size_t i = 0; i < count; i++) {
        words[i] = request->value;
    }
    if (sim->healed && sim->heal_index == 0) {
        sim->heal_value = request->value;
    }
    if (raft_apply(&node->raft, &request->apply, &buffer, 1, on_applied) != 0) {
        raft_free(buffer.base);
        free(request);
        return;
    }
    guard_after(node->guard);
}

/* As a careless caller would: freed at once. */
static void on_transferred(struct raft_transfer *transfer)
{
    struct sim_node *node = transfer->data;

    node->transfer = NULL;
    free(transfer);
}

void sim_node_transfer(struct sim_node *node, raft_id to)
{
    int rv;

    if (node->transfer != NULL) {
        return;
    }
    node->transfer = calloc(1, sizeof *node->transfer);
    if (node->transfer == NULL) {
        return;
    }
    node->transfer->data = node;
    rv = raft_transfer(&node->raft, node->transfer, to, on_transferred);
    sim_trace(node->sim, "%llu transfers to %llu: %d", node->id, to, rv);
    if (rv != 0) {
        free(node->transfer);
        node->transfer = NULL;
        return;
    }
    node->sim->totals.transfers++;
    guard_after(node->guard);
}

/* ---- The guard's callbacks ---- */

static void on_deferred(struct sim *sim, struct sim_node *node, void *data)
{
    (void)sim;
    (void)data;
    guard_run_deferred(node->guard);
}

static void on_defer(void *data)
{
    struct sim_node *node = data;

    sim_at(node->sim, node->sim->now, node, on_deferred, NULL);
}

/* Only a disk that was made to fail is a reason to stop. */
static void on_fatal(void *data, const char *reason)
{
    struct sim_node *node = data;

    sim_trace(node->sim, "%llu stops: %s", node->id, reason);
    node->doomed = true;
    if (!node->was_write_error) {
        sim_fail(node->sim, "SERVER STOPPED: %llu: %s", node->id, reason);
    }
}

static void on_entered(void *data)
{
    sim_oracle_entered(data);
}

/* ---- The state machine: a hash over all commands ---- */

static int fsm_apply(struct raft_fsm *fsm, const struct raft_buffer *buffer,
                     void **result)
{
    sim_oracle_apply(fsm->data, buffer);
    *result = NULL;
    return 0;
}

static int fsm_snapshot(struct raft_fsm *fsm, struct raft_buffer *bufs[],
                        unsigned *count)
{
    struct sim_node *node = fsm->data;
    struct raft_buffer *buffer = raft_malloc(sizeof *buffer);
    uint64_t *words = raft_malloc(2 * sizeof *words);

    words[0] = node->raft.last_applied;
    words[1] = node->state;
    buffer->base = words;
    buffer->len = 2 * sizeof *words;
    *bufs = buffer;
    *count = 1;
    node->sim->totals.snapshots++;
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
