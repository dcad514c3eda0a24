/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "consensus/guard_view.h"
#include "sim/sim_space.h"

#define COMMAND_WORDS_MAX 8
#define SIM_NEVER 1000000               /* entries */
#define MESSAGE_BYTES_MAX (24u * 1024u) /* must fit into a segment */

struct sim_request {
    struct raft_apply apply;
    struct sim_node *node;
    uint64_t value;
};

static void on_defer(void *data);
static void on_fatal(void *data, const char *reason);
static void on_restart(void *data, const char *reason);
static void on_entered(void *data);
void sim_node_address(char ret_address[8], raft_id id)
{
    (void)snprintf(ret_address, 8, "%u", (unsigned)id);
}

void sim_node_init(struct sim *sim, struct sim_node *node, unsigned position)
{
    node->sim = sim;
    node->id = position + 1;
    sim_node_address(node->address, node->id);
    node->disk.first = 1;
    list_init(&node->writes);
}

void sim_node_join(struct sim *sim)
{
    struct sim_node *node = &sim->nodes[sim->node_count];

    sim_node_init(sim, node, sim->node_count);
    sim->node_count++;
    if (sim->options.full) {
        sim_store_make(node);
    }
    sim_node_boot(node);
}

/* Servers differ: a leader may have no snapshot while a follower has one. */
static void configure(struct sim_node *node)
{
    struct sim *sim = node->sim;
    const struct sim_knobs *knobs = &sim->knobs;

    bool snapshots = sim_has(sim, SIM_SNAPSHOTS);
    unsigned threshold = knobs->snapshot_threshold;
    unsigned trailing = knobs->snapshot_trailing;

    threshold *= 1 + (unsigned)sim_random(sim, 4);
    if (sim->options.bias == SIM_STALE && sim_random(sim, 2) == 0) {
        threshold = SIM_NEVER;
    }
    trailing *= 1 + (unsigned)sim_random(sim, 3);
    raft_set_heartbeat_timeout(&node->raft, SIM_HEARTBEAT_MS);
    raft_set_election_timeout(&node->raft, SIM_ELECTION_MS);
    raft_set_snapshot_threshold(&node->raft, snapshots ? threshold : SIM_NEVER);
    raft_set_snapshot_trailing(&node->raft, snapshots ? trailing : 100);
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
        .message_bytes_max = sim->options.full ? MESSAGE_BYTES_MAX : 0,
        .send_bytes_max = sim->knobs.send_bytes_max,
        .defer = on_defer,
        .fatal = on_fatal,
        .restart = on_restart,
        .entered = on_entered,
        .tick_within = sim_tick_within,
        .data = node,
    };
    struct raft_io *io;
    struct err err;
    int rv;

    node->disk_io = (struct raft_io){
        .version = 2, .impl = node, .async_work = sim_fsm_work};
    sim_disk_fill_io(&node->disk_io);
    sim_fsm_init(node);
    sim_disk_open(node);
    if (sim->options.full) {
        sim_store_open(node);
        sim_machine_open(node);
    }
    sim->running = node;
    node->state = 0;
    node->was_leader = false;
    node->early_tick_at = 0;
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
    sim_read_boot(node);
    sim_trace(sim,
              "%llu boots: term %llu vote %llu snapshot %llu log %llu..%llu",
              node->id, node->disk.term, node->disk.vote,
              node->disk.snapshot.index, node->disk.first, node->disk.last);
    rv = raft_start(&node->raft);
    if (rv != 0 && (node->was_write_error || node->ended)) {
        node->doomed = true; /* it could not store its term (rule L) */
        sim->someone_stops = true;
        return;
    }
    if ((rv != 0 || node->raft.state == RAFT_UNAVAILABLE) && !node->ended) {
        sim_fail(sim, "START: server %llu: %s", node->id, node->raft.errmsg);
        return;
    }
    if (node->machine != NULL) {
        sim_space_boot(node);
    }
    guard_doubt(node->guard, sim_store_in_doubt(node));
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
    sum->crowded_appends += c.crowded_appends;
    sum->rollbacks += c.rollbacks;
    sum->late_changes += c.late_changes;
    sum->given_votes += c.given_votes;
    sum->gone_leaders += c.gone_leaders;
    sum->absences += c.absences;
}

static void stop(struct sim_node *node)
{
    node->up = false;
    node->doomed = false;
    node->restarting = false;
    node->ended = false;
    node->frozen_until = 0;
    node->was_write_error = false;
    node->transfer = NULL;
    node->incarnation++;
    sim_trace(node->sim, "%llu STOPS: log %llu..%llu", node->id,
              node->disk.first, node->disk.last);
    add_counts(&node->sim->totals.guard, node->guard);
    raft_close(&node->raft, NULL);
    guard_free(node->guard);
    sim_disk_close(node);
    sim_store_close(node);
    sim_machine_close(node);
    sim_word_of_end(node);
}

/* @whole: all that was under way reaches the disk. */
static void lose(struct sim_node *node, bool whole)
{
    if (node->store != NULL) {
        sim_store_lose(node, whole);
    } else if (whole) {
        sim_disk_drain(node);
    } else {
        sim_disk_lose(node);
    }
}

/* What the rest of the event does is left undone: the disk, the network, clients
 * and the oracle do not hear of it. That is what a process looks like from
 * outside that ends here, and its memory stays whole for the harness to free. */
void sim_node_end(struct sim_node *node)
{
    sim_trace(node->sim, "%llu ENDS", node->id);
    node->ended = true;
    node->doomed = true;
    node->sim->someone_stops = true;
    sim_store_end(node);
}

bool sim_node_is_frozen(const struct sim_node *node)
{
    return node->sim->now < node->frozen_until;
}

void sim_node_crash(struct sim_node *node)
{
    if (node->up) {
        node->sim->totals.crashes++;
        lose(node, false);
        stop(node);
    }
}

static void on_boot(struct sim *sim, struct sim_node *node, void *data)
{
    (void)sim;
    node = data;
    if (!node->up) {
        sim_node_boot(node);
    }
}

/* Mostly as it should; but a crash may come first. */
void sim_node_restart(struct sim_node *node)
{
    struct sim *sim = node->sim;

    sim->totals.restarts++;
    lose(node, sim_random(sim, 8) != 0);
    stop(node);
    sim_at(sim, sim->now + 1 + sim_random(sim, 100), NULL, on_boot, node);
}

/* ---- Client calls ---- */

static void on_applied(struct raft_apply *apply, int status, void *result)
{
    struct sim_request *request = apply->data;

    (void)result;
    if (status == 0) {
        sim_oracle_ack(request->node, apply->index, request->value);
    }
}

void sim_node_submit(struct sim_node *node)
{
    struct sim *sim = node->sim;
    struct sim_request *request;
    struct raft_buffer buffer;
    uint64_t *words;
    size_t count;

    if (sim->clients != NULL) {
        sim_client_submit(node);
        return;
    }
    if (sim->next_value == SIM_VALUES_MAX) {
        sim_fail(sim, "HARNESS: too many commands");
        return;
    }
    request = sim_alloc(sim, sizeof *request);
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
        return;
    }
    guard_after(node->guard);
}

/* As a careless caller would: used for something else at once. */
static void on_transferred(struct raft_transfer *transfer)
{
    struct sim_node *node = transfer->data;

    node->transfer = NULL;
    memset(transfer, 0xDB, sizeof *transfer);
}

void sim_node_transfer(struct sim_node *node, raft_id to)
{
    struct raft_transfer *transfer;
    int rv;

    if (node->transfer != NULL) {
        return;
    }
    transfer = sim_alloc(node->sim, sizeof *transfer);
    transfer->data = node;
    rv = raft_transfer(&node->raft, transfer, to, on_transferred);
    sim_trace(node->sim, "%llu transfers to %llu: %d", node->id, to, rv);
    if (rv == 0) {
        node->transfer = transfer;
        node->sim->totals.transfers++;
        guard_after(node->guard);
    }
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

    if (node->ended) {
        return;
    }
    sim_trace(node->sim, "%llu stops: %s", node->id, reason);
    node->doomed = true;
    node->sim->someone_stops = true;
    if (!node->was_write_error) {
        sim_fail(node->sim, "SERVER STOPPED: %llu: %s", node->id, reason);
    }
}

static void on_restart(void *data, const char *reason)
{
    struct sim_node *node = data;

    if (node->ended) {
        return;
    }
    sim_trace(node->sim, "%llu restarts: %s", node->id, reason);
    node->restarting = true;
    node->sim->someone_stops = true;
}

static void on_entered(void *data)
{
    sim_oracle_entered(data);
    sim_read_step(data);
}
