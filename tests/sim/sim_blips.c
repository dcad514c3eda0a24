/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * With that bias: the ways between a leader and a minority of its followers break
 * and mend, at any rhythm, each way for itself. Those followers are told that the
 * leader is gone, and are stopped for a while, again and again. Everybody else
 * hears the leader at all times, so it must stay, and no term may begin.
 */
#include <string.h>

#include "sim/sim.h"

#define SETTLED_MS 5000
#define SHORT_MS 60   /* about a heartbeat */
#define LONG_MS 2000  /* several election timeouts */
#define STOPS_APART 8 /* blips to one stop */

static void on_settled(struct sim *sim, struct sim_node *node, void *data);
static void on_blip(struct sim *sim, struct sim_node *node, void *data);
static void choose(struct sim *sim, const struct sim_node *leader);
static void check_rest(struct sim *sim);

void sim_blips_start(struct sim *sim)
{
    if (sim->options.bias == SIM_BLIPS) {
        sim_at(sim, sim->now + SETTLED_MS, NULL, on_settled, NULL);
    }
}

static void on_settled(struct sim *sim, struct sim_node *node, void *data)
{
    (void)data;
    node = sim_some_leader(sim);
    if (node == NULL) {
        sim_fail(sim, "UNREST: nobody leads after %u ms without a fault",
                 SETTLED_MS);
        return;
    }
    sim->steady = node;
    sim->steady_term = node->raft.current_term;
    choose(sim, node);
    on_blip(sim, NULL, NULL);
}

/* Fewer than half of all, so that a majority always has the leader. */
static void choose(struct sim *sim, const struct sim_node *leader)
{
    unsigned most = (sim->node_count - 1) / 2;
    unsigned left = most == 0 ? 0 : 1 + (unsigned)sim_random(sim, most);

    while (left > 0) {
        struct sim_node *node = &sim->nodes[sim_random(sim, sim->node_count)];

        if (node != leader && !node->blips) {
            node->blips = true;
            left--;
        }
    }
}

static void blip(struct sim_node *node)
{
    struct sim *sim = node->sim;
    size_t leader = sim->steady->id - 1;
    size_t own = node->id - 1;

    sim->totals.faults++;
    sim->cut[leader][own] = sim_random(sim, 2) == 0;
    sim->cut[own][leader] = sim_random(sim, 2) == 0;
    if (sim_random(sim, STOPS_APART) == 0) {
        node->frozen_until = sim->now + 1 + sim_random(sim, LONG_MS);
    } else if (sim_random(sim, 2) == 0) {
        sim_word_of(node, sim->steady);
    }
}

static void on_blip(struct sim *sim, struct sim_node *node, void *data)
{
    uint64_t span = sim_random(sim, 4) == 0 ? LONG_MS : SHORT_MS;

    (void)node;
    (void)data;
    check_rest(sim);
    if (sim->healed) {
        return;
    }
    for (unsigned i = 0; i < sim->node_count; i++) {
        if (sim->nodes[i].blips && sim_random(sim, 2) == 0) {
            blip(&sim->nodes[i]);
        }
    }
    sim_at(sim, sim->now + 1 + sim_random(sim, span), NULL, on_blip, NULL);
}

/* Terms do not go back: what is not seen here is seen the next time. */
static void check_rest(struct sim *sim)
{
    for (unsigned i = 0; i < sim->node_count; i++) {
        const struct sim_node *node = &sim->nodes[i];

        if (node->up && node->raft.current_term != sim->steady_term) {
            sim_fail(sim,
                     "UNREST: server %llu begins term %llu, and the leader of "
                     "%llu was never away",
                     node->id, node->raft.current_term, sim->steady_term);
        }
    }
}
