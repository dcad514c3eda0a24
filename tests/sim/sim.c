/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "sim/sim_full.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/limits.h"
#include "util/mem.h"

#define SETTLE_MS 600     /* before the first fault */
#define CONVERGE_MS 60000 /* after healing */
/* A chunk that only a snapshot names which was sent to somebody stays missing, if
 * no server has it any more, for as long as that snapshot is kept. */
#define MENDED_MS (CONVERGE_MS + STORE_LEASE_MS)

static void start_cluster(struct sim *sim);
static void run_events(struct sim *sim);
static bool has_converged(struct sim *sim);
static bool is_late(const struct sim *sim);
static void end_late(struct sim *sim);
static void stop_some(struct sim *sim);
static void end_run(struct sim *sim);
static void on_client(struct sim *sim, struct sim_node *node, void *data);
static void on_transfer(struct sim *sim, struct sim_node *node, void *data);
static void on_settled(struct sim *sim, struct sim_node *node, void *data);

bool sim_run(const struct sim_options *options, struct sim_totals *totals,
             char ret_text[SIM_TEXT_MAX])
{
    struct sim *sim = mem_must_zalloc(sizeof *sim);
    bool passed;

    sim->options = *options;
    sim->totals = *totals;
    sim->random_state[0] = options->seed * 0x9E3779B97F4A7C15u + 1;
    sim->random_state[1] = options->seed ^ 0xD1B54A32D192ED03u;
    for (int i = 0; i < 16; i++) {
        (void)sim_random(sim, 2);
    }
    list_init(&sim->chunks);
    list_init(&sim->packets);
    sim->next_value = 1;
    sim_draw_knobs(sim);
    if (options->full) {
        sim_mishaps_open(sim);
    }
    start_cluster(sim);
    run_events(sim);
    passed = sim->violation[0] == '\0';
    if (!passed) {
        (void)snprintf(ret_text, SIM_TEXT_MAX, "n=%u t=%llu %s",
                       sim->node_count, (unsigned long long)sim->now,
                       sim->violation);
    }
    sim->totals.milliseconds += sim->now;
    if (options->full) {
        sim_mishaps_close();
    }
    if (passed || !options->abandon) {
        end_run(sim);
        *totals = sim->totals;
        free(sim);
    }
    return passed;
}

/* libraft leaves the padding of an encoded configuration as it finds it, so one
 * encoding serves all disks. */
static struct sim_bytes first_configuration(struct sim *sim)
{
    struct raft_configuration configuration;
    struct raft_buffer encoded = {NULL, 0};
    struct sim_bytes bytes;

    raft_configuration_init(&configuration);
    for (unsigned i = 0; i < sim->knobs.nodes; i++) {
        const struct sim_node *node = &sim->nodes[i];

        (void)raft_configuration_add(&configuration, node->id, node->address,
                                     RAFT_VOTER);
    }
    if (raft_configuration_encode(&configuration, &encoded) != 0) {
        sim_fail(sim, "HARNESS: cannot encode a configuration");
    }
    bytes = sim_copy(sim, encoded.base, encoded.len);
    raft_free(encoded.base);
    raft_configuration_close(&configuration);
    return bytes;
}

static void start_cluster(struct sim *sim)
{
    struct sim_bytes configuration;

    sim->node_count = sim->knobs.nodes;
    for (unsigned i = 0; i < sim->node_count; i++) {
        sim_node_init(sim, &sim->nodes[i], i);
    }
    configuration = first_configuration(sim);
    if (sim->options.full) {
        sim_client_start(sim);
        sim->first_configuration = configuration;
    }
    for (unsigned i = 0; i < sim->node_count; i++) {
        sim_disk_bootstrap(&sim->nodes[i], configuration);
        if (sim->options.full) {
            sim_store_make(&sim->nodes[i]);
        }
        sim_node_boot(&sim->nodes[i]);
    }
    sim_at(sim, 1 + sim_random(sim, sim->knobs.client_every_ms), NULL,
           on_client, NULL);
    sim_start_reads(sim);
    sim_at(sim, SETTLE_MS, NULL, on_settled, NULL);
}

static void on_settled(struct sim *sim, struct sim_node *node, void *data)
{
    sim_start_faults(sim);
    sim_blips_start(sim);
    if (sim->options.full) {
        sim_store_start_faults(sim);
        sim_mishaps_start(sim);
        sim_lacks_start(sim);
    }
    if (sim_has(sim, SIM_TRANSFERS)) {
        on_transfer(sim, node, data);
    }
    sim->heal_changed = !sim_has(sim, SIM_CHANGES);
    if (sim_has(sim, SIM_CHANGES)) {
        sim_start_changes(sim);
    }
}

static void run_events(struct sim *sim)
{
    struct sim_event event;

    while (sim->violation[0] == '\0' && sim_take_event(sim, &event)) {
        struct sim_node *node = event.node;

        sim->now = event.at;
        if (!sim->healed && sim->now >= sim->options.duration_ms) {
            sim_heal(sim);
        }
        if (sim->healed && has_converged(sim)) {
            sim_client_check_end(sim);
            return;
        }
        if (is_late(sim)) {
            end_late(sim);
            return;
        }
        if (node != NULL &&
            (!node->up || node->incarnation != event.incarnation)) {
            continue;
        }
        if (node != NULL && sim_node_is_frozen(node)) {
            sim_at(sim, node->frozen_until, node, event.fire, event.data);
            continue;
        }
        sim->totals.events++;
        sim->running = node;
        event.fire(sim, node, event.data);
        if (sim->someone_stops && sim->violation[0] == '\0') {
            stop_some(sim);
        }
    }
}

static bool has_converged(struct sim *sim)
{
    bool agrees = sim_oracle_converged(sim) &&
                  (sim->clients == NULL || sim_client_converged(sim));

    sim->agreed = sim->agreed || agrees;
    return agrees && (sim->clients == NULL || sim_damage_is_healed(sim));
}

static bool is_late(const struct sim *sim)
{
    return sim->now >
           sim->options.duration_ms + (sim->agreed ? MENDED_MS : CONVERGE_MS);
}

static void end_late(struct sim *sim)
{
    if (sim->clients != NULL && sim_damage_is_final(sim)) {
        sim->totals.gone++;
    } else {
        sim_fail(sim, "LIVENESS: not converged after healing");
    }
}

static void stop_some(struct sim *sim)
{
    sim->someone_stops = false;
    for (unsigned i = 0; i < sim->node_count; i++) {
        if (sim->nodes[i].doomed) {
            sim_node_crash(&sim->nodes[i]);
            if (sim->healed) { /* a write that had failed before that */
                sim_node_boot(&sim->nodes[i]);
            }
        } else if (sim->nodes[i].restarting) {
            sim_node_restart(&sim->nodes[i]);
        }
    }
}

static void end_run(struct sim *sim)
{
    for (unsigned i = 0; i < sim->node_count; i++) {
        sim_node_crash(&sim->nodes[i]);
        sim_store_free(&sim->nodes[i]);
    }
    sim_close_memory(sim);
}

/* ---- Load ---- */

struct sim_node *sim_some_leader(struct sim *sim)
{
    struct sim_node *leaders[SIM_NODES_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < sim->node_count; i++) {
        if (sim->nodes[i].up && !sim_node_is_frozen(&sim->nodes[i]) &&
            sim->nodes[i].raft.state == RAFT_LEADER) {
            leaders[count] = &sim->nodes[i];
            count++;
        }
    }
    return count == 0 ? NULL : leaders[sim_random(sim, count)];
}

static void on_client(struct sim *sim, struct sim_node *node, void *data)
{
    (void)data;
    node = sim_some_leader(sim);
    if (node != NULL && (sim->options.bias != SIM_FIGURE8 || sim->healed)) {
        uint64_t count = sim_random(sim, 4) != 0 ? 1 : 1 + sim_random(sim, 4);

        while (count > 0 && node->raft.state == RAFT_LEADER && !node->doomed &&
               !node->restarting) {
            sim->running = node;
            sim_node_submit(node);
            count--;
        }
    }
    sim_at(sim, sim->now + 1 + sim_random(sim, sim->knobs.client_every_ms),
           NULL, on_client, NULL);
}

static void on_transfer(struct sim *sim, struct sim_node *node, void *data)
{
    (void)data;
    if (sim->healed) {
        return;
    }
    node = sim_some_leader(sim);
    if (node != NULL) {
        sim_node_transfer(node, sim_random(sim, sim->node_count + 1));
    }
    sim_at(sim, sim->now + 1 + sim_random(sim, sim->knobs.transfer_every_ms),
           NULL, on_transfer, NULL);
}
