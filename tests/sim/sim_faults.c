/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What goes wrong from outside, and how all of it ends. */
#include <string.h>

#include "sim/sim_full.h"

static void on_fault(struct sim *sim, struct sim_node *node, void *data);
static void on_rise(struct sim *sim, struct sim_node *node, void *data);
static void make_fault(struct sim *sim, struct sim_node *victim);

void sim_start_faults(struct sim *sim)
{
    if (sim->options.bias == SIM_FIGURE8) {
        on_rise(sim, NULL, NULL);
    } else if (sim->options.bias != SIM_BLIPS) {
        on_fault(sim, NULL, NULL);
    }
}

static void on_fault(struct sim *sim, struct sim_node *node, void *data)
{
    (void)node;
    (void)data;
    if (sim->healed) {
        return;
    }
    make_fault(sim, &sim->nodes[sim_random(sim, sim->node_count)]);
    if (sim_has(sim, SIM_PARTITIONS) && sim_random(sim, 16) == 0) {
        sim_false_word(sim);
    }
    sim_at(sim, sim->now + 1 + sim_random(sim, sim->knobs.fault_every_ms), NULL,
           on_fault, NULL);
}

static void cut_in_two(struct sim *sim)
{
    uint64_t side = sim_random(sim, 1u << sim->node_count);

    memset(sim->cut, 0, sizeof sim->cut);
    for (unsigned a = 0; a < sim->node_count; a++) {
        for (unsigned b = 0; b < sim->node_count; b++) {
            sim->cut[a][b] = ((side >> a) & 1) != ((side >> b) & 1);
        }
    }
}

static void boot_one(struct sim *sim)
{
    unsigned first = (unsigned)sim_random(sim, sim->node_count);

    for (unsigned i = 0; i < sim->node_count; i++) {
        struct sim_node *node = &sim->nodes[(first + i) % sim->node_count];

        if (!node->up && node != sim->away) {
            sim_node_boot(node);
            return;
        }
    }
}

static void crash_some(struct sim *sim, struct sim_node *victim)
{
    if (sim_random(sim, 12) != 0) {
        sim_node_crash(victim);
        return;
    }
    for (unsigned i = 0; i < sim->node_count; i++) {
        sim_node_crash(&sim->nodes[i]);
    }
}

/* What it writes from now on nobody gets to see. */
static void cut_off(struct sim *sim, const struct sim_node *node)
{
    for (unsigned i = 0; i < sim->node_count; i++) {
        sim->cut[i][node->id - 1] = true;
        sim->cut[node->id - 1][i] = true;
    }
}

static void make_fault(struct sim *sim, struct sim_node *victim)
{
    struct sim_node *leader = sim_some_leader(sim);
    uint64_t kind = sim_random(sim, 12);
    uint64_t other = sim_random(sim, sim->node_count);

    if (leader != NULL && sim_random(sim, 2) == 0) {
        victim = leader;
    }
    sim->totals.faults++;
    if (sim->options.bias == SIM_INSTALLS && leader != NULL && other == 0) {
        cut_off(sim, leader);
    } else if (kind < 3 && sim_has(sim, SIM_CRASHES)) {
        crash_some(sim, victim);
    } else if (kind >= 3 && kind < 7) {
        boot_one(sim);
    } else if (kind == 7 && sim_has(sim, SIM_PARTITIONS)) {
        cut_in_two(sim);
    } else if (kind == 8 && sim_has(sim, SIM_ONE_WAY_CUTS)) {
        sim->cut[victim->id - 1][other] = true;
    } else if (kind == 9 && sim_has(sim, SIM_SLOW_DISKS)) {
        victim->disk_free_at = sim->now + sim_random(sim, 1500);
    } else if (kind >= 10) {
        memset(sim->cut, 0, sizeof sim->cut);
    } else {
        sim->totals.faults--;
    }
}

/* ---- Figure 8 of the Raft paper ---- */

/* One server is down at a time. Each leader either writes one command that
 * nobody gets to see, or none at all while it brings the others up to date; then
 * it falls, and the one that fell before is back. */
static void on_fall(struct sim *sim, struct sim_node *node, void *data)
{
    (void)node;
    node = data;
    memset(sim->cut, 0, sizeof sim->cut);
    if (sim->healed) {
        return;
    }
    boot_one(sim);
    sim_node_crash(node);
    sim->totals.faults++;
    sim_at(sim, sim->now + SIM_HEARTBEAT_MS, NULL, on_rise, NULL);
}

static void on_rise(struct sim *sim, struct sim_node *node, void *data)
{
    struct sim_node *leader = sim_some_leader(sim);

    (void)node;
    (void)data;
    if (sim->healed) {
        return;
    }
    if (leader == NULL) {
        sim_at(sim, sim->now + SIM_HEARTBEAT_MS, NULL, on_rise, NULL);
    } else if (sim_random(sim, 2) == 0) {
        memset(sim->cut[leader->id - 1], true, sizeof sim->cut[0]);
        sim_node_submit(leader);
        sim_at(sim, sim->now + 15 + sim_random(sim, 20), NULL, on_fall, leader);
    } else {
        sim_at(sim, sim->now + 50 + sim_random(sim, 150), NULL, on_fall,
               leader);
    }
}

/* From here on there are no faults, and commands and changes must get through
 * within a time. */
void sim_heal(struct sim *sim)
{
    struct sim_knobs *knobs = &sim->knobs;

    sim_trace(sim, "HEALED");
    sim->healed = true;
    memset(sim->cut, 0, sizeof sim->cut);
    knobs->classes &=
        ~(unsigned)(SIM_DROPS | SIM_WRITE_ERRORS | SIM_DRAINS | SIM_FLIPS |
                    SIM_FULL_DISKS | SIM_NO_MEMORY | SIM_CUTS | SIM_FREEZES);
    knobs->disk_ms = 2;
    knobs->snapshot_ms = 20;
    knobs->latency_span_ms = 5;
    knobs->client_every_ms = 100;
    knobs->change_every_ms = 100;
    sim_mishaps_heal(sim);
    sim_lacks_heal(sim);
    for (unsigned i = 0; i < sim->node_count; i++) {
        sim->nodes[i].disk_free_at = sim->now;
        sim_store_heal(&sim->nodes[i]);
        if (!sim->nodes[i].up) {
            sim_node_boot(&sim->nodes[i]);
        }
    }
}
