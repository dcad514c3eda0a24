/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What servers are told of each other's ends by the machines between them (rule W
 * of the guard): mostly in time, sometimes late or not at all, and now and then
 * although the other one lives.
 */
#include "sim/sim.h"

#define LATE_MS 60

static void on_word(struct sim *sim, struct sim_node *node, void *data);

void sim_word_of_end(struct sim_node *gone)
{
    struct sim *sim = gone->sim;

    for (unsigned i = 0; i < sim->node_count; i++) {
        struct sim_node *node = &sim->nodes[i];

        if (node != gone && node->up && !sim->cut[gone->id - 1][i] &&
            sim_random(sim, 4) != 0) {
            sim_word_of(node, gone);
        }
    }
}

void sim_false_word(struct sim *sim)
{
    struct sim_node *node = &sim->nodes[sim_random(sim, sim->node_count)];
    struct sim_node *leader = sim_some_leader(sim);

    if (node->up && leader != NULL && leader != node) {
        sim_word_of(node, leader);
    }
}

void sim_word_of(struct sim_node *node, struct sim_node *gone)
{
    struct sim *sim = node->sim;

    sim_at(sim, sim->now + 1 + sim_random(sim, LATE_MS), node, on_word, gone);
}

static void on_word(struct sim *sim, struct sim_node *node, void *data)
{
    const struct sim_node *gone = data;

    sim_trace(sim, "%llu is told that %llu is gone", node->id, gone->id);
    guard_leader_gone(node->guard, gone->id);
}

/* ---- Ticks between the ticks ---- */

static void on_early_tick(struct sim *sim, struct sim_node *node, void *data)
{
    (void)data;
    if (node->early_tick_at != 0 && node->early_tick_at <= sim->now) {
        node->early_tick_at = 0;
        node->tick(&node->disk_io);
        sim_oracle_tick(node);
    }
}

void sim_tick_within(struct raft_io *io, unsigned ms)
{
    struct sim_node *node = io->impl;
    uint64_t at = node->sim->now + ms;

    if (node->early_tick_at == 0 || at < node->early_tick_at) {
        node->early_tick_at = at;
        sim_at(node->sim, at, node, on_early_tick, NULL);
    }
}
