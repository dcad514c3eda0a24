/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * With that bias: two of three servers lack the same chunks when all heals. One
 * has just lost its packs; the other was away for the last of the faults, until
 * only a snapshot brings it up. Neither has what the other asks for, so who asks
 * the same server again never gets it.
 */
#include "sim/sim_full.h"

#define AWAY_MS 20000

static void on_away(struct sim *sim, struct sim_node *node, void *data);
static struct sim_node *other_than(struct sim *sim,
                                   const struct sim_node *node);

void sim_lacks_start(struct sim *sim)
{
    if (sim->options.bias == SIM_LACKS && sim_has(sim, SIM_FLIPS) &&
        sim->options.duration_ms > AWAY_MS) {
        sim_at(sim, sim->options.duration_ms - AWAY_MS, NULL, on_away, NULL);
    }
}

static void on_away(struct sim *sim, struct sim_node *node, void *data)
{
    (void)data;
    node = sim_damage_victim(sim);
    sim->lacking = node != NULL ? node : other_than(sim, NULL);
    sim->away = other_than(sim, sim->lacking);
    sim_trace(sim, "%llu stays away, %llu will lack", sim->away->id,
              sim->lacking->id);
    sim_node_crash(sim->away);
}

static struct sim_node *other_than(struct sim *sim, const struct sim_node *node)
{
    struct sim_node *other;

    do {
        other = &sim->nodes[sim_random(sim, sim->node_count)];
    } while (other == node);
    return other;
}

void sim_lacks_heal(struct sim *sim)
{
    if (sim->lacking != NULL) {
        sim_node_crash(sim->lacking);
        sim_damage_lose_packs(sim->lacking);
    }
    sim->away = NULL;
}
