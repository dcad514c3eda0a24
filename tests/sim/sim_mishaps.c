/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What befalls a process in the middle of something: the core finds no memory,
 * and the process ends (consensus/core_heap.h); it ends within an operation of the
 * disk; it is stopped for a while and goes on, and to it the clock jumps.
 *
 * Memory is never really refused. The allocation that would have failed ends the
 * process as the world sees it (sim_node_end()).
 */
#include <raft.h>
#include <stdlib.h>

#include "sim/sim_store_internal.h"
#include "util/mem.h"

#define MISHAPS_APART 3 /* faults of the network to one of these */
#define ALLOCATIONS_LOG 11u
#define OPERATIONS_LOG 6u

/* libraft has one heap for all servers. */
static struct sim *heap_of;

static void on_mishap(struct sim *sim, struct sim_node *node, void *data);

/* ---- Memory ---- */

static void count(void)
{
    struct sim *sim = heap_of;

    if (sim->starving == NULL || sim->starving != sim->running) {
        return;
    }
    sim->starving_in--;
    if (sim->starving_in == 0) {
        sim_trace(sim, "%llu finds no memory", sim->starving->id);
        sim->totals.starved++;
        sim->totals.faults++;
        sim_node_end(sim->starving);
        sim->starving = NULL;
    }
}

static void *heap_malloc(void *data, size_t len)
{
    (void)data;
    count();
    return mem_must_alloc(len);
}

static void heap_free(void *data, void *memory)
{
    (void)data;
    free(memory);
}

static void *heap_calloc(void *data, size_t items, size_t item_len)
{
    (void)data;
    count();
    return mem_must_array(items, item_len);
}

static void *heap_realloc(void *data, void *memory, size_t len)
{
    (void)data;
    count();
    return mem_must_resize(memory, len);
}

void sim_mishaps_open(struct sim *sim)
{
    static struct raft_heap heap = {.malloc = heap_malloc,
                                    .free = heap_free,
                                    .calloc = heap_calloc,
                                    .realloc = heap_realloc};

    heap_of = sim;
    raft_heap_set(&heap);
}

void sim_mishaps_close(void)
{
    raft_heap_set_default();
}

/* ---- When ---- */

/* Mostly soon, sometimes much later: 1 to 2^@log. */
static uint64_t draw_count(struct sim *sim, unsigned log)
{
    return 1 + sim_random(sim, 1u << sim_random(sim, log + 1));
}

void sim_mishaps_start(struct sim *sim)
{
    on_mishap(sim, NULL, NULL);
}

static void freeze(struct sim_node *node)
{
    struct sim *sim = node->sim;
    uint64_t span_ms = sim_random(sim, 4) == 0 ? 20000 : 1000;

    node->frozen_until = sim->now + 100 + sim_random(sim, span_ms);
    sim->totals.freezes++;
    sim->totals.faults++;
    sim_trace(sim, "%llu is stopped until %llu", node->id,
              (unsigned long long)node->frozen_until);
}

static void on_mishap(struct sim *sim, struct sim_node *node, void *data)
{
    (void)data;
    if (sim->healed) {
        return;
    }
    node = &sim->nodes[sim_random(sim, sim->node_count)];
    switch (sim_random(sim, 3)) {
    case 0:
        if (sim_has(sim, SIM_NO_MEMORY)) {
            sim->starving = node;
            sim->starving_in = draw_count(sim, ALLOCATIONS_LOG);
        }
        break;
    case 1:
        if (sim_has(sim, SIM_CUTS)) {
            fake_disk_crash_at(sim_random(sim, 3) == 0 ? node->store->packs
                                                       : node->store->fake,
                               draw_count(sim, OPERATIONS_LOG));
        }
        break;
    default:
        if (sim_has(sim, SIM_FREEZES) && node->up && sim_random(sim, 4) == 0) {
            freeze(node);
        }
        break;
    }
    sim_at(sim,
           sim->now + 1 +
               sim_random(sim,
                          (uint64_t)MISHAPS_APART * sim->knobs.fault_every_ms),
           NULL, on_mishap, NULL);
}

void sim_mishaps_heal(struct sim *sim)
{
    sim->starving = NULL;
}
