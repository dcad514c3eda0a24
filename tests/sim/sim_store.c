/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A server's disk: how it is made, lost, and made to fail. The fake disk has no
 * time of its own: a write ends when an event of the virtual clock says so.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/sim_space.h"
#include "util/mem.h"

#define FAULTS_APART 4 /* faults of the network to one of a disk */
#define WORK_MS 20

static struct raft_disk *new_disk(struct sim_node *node);
static void on_begin(void *data, bool is_work, size_t len);
static void on_made(void *data);
static void on_death(void *data);
static void on_healed(void *data);

void sim_store_make(struct sim_node *node)
{
    struct sim_store *store = mem_must_zalloc(sizeof *store);
    struct sim *sim = node->sim;
    struct raft_disk *disk;
    struct err err;

    node->store = store;
    store->silent = true;
    store->fake = fake_disk_new(sim_random(sim, UINT64_MAX));
    fake_disk_on_begin(store->fake, on_begin, node);
    fake_disk_on_death(store->fake, on_death, node);
    sim_chunks_make(node);
    sim_disk_bootstrap(node, sim->first_configuration);
    disk = new_disk(node);
    if (raft_disk_make(disk, on_made, store, &err) != 0) {
        sim_fail(sim, "HARNESS: cannot make a disk: %s", err.text);
    }
    fake_disk_drain(store->fake);
    raft_disk_free(disk);
    if (!store->made) {
        sim_fail(sim, "HARNESS: a disk was not made");
    }
}

static void on_made(void *data)
{
    struct sim_store *store = data;

    store->made = true;
}

void sim_store_free(struct sim_node *node)
{
    if (node->store != NULL) {
        fake_disk_free(node->store->fake);
        fake_disk_free(node->store->packs);
        free(node->store);
        node->store = NULL;
    }
}

static struct raft_disk *new_disk(struct sim_node *node)
{
    const struct sim *sim = node->sim;
    const struct raft_disk_options options = {
        .disk = fake_disk_disk(node->store->fake),
        .where = node->address,
        .segment_bytes = SIM_SEGMENT_BYTES,
        .reserve_bytes = SIM_RESERVE_BYTES,
        .first_configuration = {sim->first_configuration.base,
                                sim->first_configuration.len},
        .chunks = node->store->chunks,
        .others_elect = sim->knobs.nodes > sim->knobs.nodes / 2 + 1,
        .on_fatal = sim_store_on_fatal,
        .on_healed = on_healed,
        .data = node};

    return raft_disk_new(&options);
}

void sim_store_open(struct sim_node *node)
{
    struct sim_store *store = node->store;

    store->silent = false;
    node->was_write_error = store->full;
    sim_chunks_open(node);
    store->disk = new_disk(node);
    sim_store_fill_io(&node->disk_io);
}

static void lose_disk(struct fake_disk *fake, bool tears, enum fake_crash how)
{
    if (tears) {
        fake_disk_crash(fake, how);
    } else {
        fake_disk_crash_untorn(fake, how);
    }
}

void sim_store_lose(struct sim_node *node, bool whole)
{
    struct sim_store *store = node->store;
    struct sim *sim = node->sim;
    bool tears = sim_has(sim, SIM_TEARS);
    enum fake_crash how =
        tears && sim_random(sim, 2) == 0 ? FAKE_POWER : FAKE_KILL;

    store->silent = true;
    if (whole) {
        fake_disk_drain(store->fake);
        fake_disk_drain(store->packs);
    }
    if (store->chunks != NULL) {
        chunk_store_stop(store->chunks);
    }
    lose_disk(store->fake, tears, how);
    lose_disk(store->packs, tears, how);
    raft_disk_free(store->disk);
    store->disk = NULL;
    if (sim->options.bias == SIM_LACKS) {
        if (sim_has(sim, SIM_FLIPS) && sim_random(sim, 4) == 0) {
            sim_damage_lose_packs(node);
        }
    } else if (sim_has(sim, SIM_FLIPS) &&
               sim_random(sim, sim->options.bias == SIM_DAMAGE ? 2 : 8) == 0) {
        sim_damage_flip(node);
    }
}

void sim_store_close(struct sim_node *node)
{
    if (node->store != NULL) {
        raft_free(node->store->installed_bufs);
        node->store->installed_bufs = NULL;
        sim_chunks_close(node);
    }
}

bool sim_store_in_doubt(const struct sim_node *node)
{
    return node->store != NULL && node->store->disk != NULL &&
           raft_disk_in_doubt(node->store->disk);
}

/* ---- Time ---- */

static void on_write_due(struct sim *sim, struct sim_node *node, void *data)
{
    (void)sim;
    (void)data;
    (void)fake_disk_end_write(node->store->fake);
}

static void on_work_due(struct sim *sim, struct sim_node *node, void *data)
{
    (void)sim;
    (void)data;
    (void)fake_disk_end_work(node->store->fake);
}

static void on_begin(void *data, bool is_work, size_t len)
{
    struct sim_node *node = data;
    struct sim *sim = node->sim;
    uint64_t at = sim->now + 1;

    (void)len;
    if (node->store->silent) {
        return;
    }
    if (is_work) {
        /* Snapshots take long, the rest of the work seldom does. */
        at += sim_random(sim, sim_random(sim, 4) == 0 ? sim->knobs.snapshot_ms
                                                      : WORK_MS);
        sim_at(sim, at, node, on_work_due, NULL);
        return;
    }
    at += sim_random(sim, sim->knobs.disk_ms);
    if (at < node->disk_free_at) {
        at = node->disk_free_at;
    }
    node->disk_free_at = at;
    sim_at(sim, at, node, on_write_due, NULL);
}

/* ---- Faults ---- */

void sim_store_end(struct sim_node *node)
{
    if (node->store != NULL) {
        fake_disk_stop(node->store->fake);
        fake_disk_stop(node->store->packs);
    }
}

void sim_store_on_death(void *data)
{
    on_death(data);
}

static void on_death(void *data)
{
    struct sim_node *node = data;

    node->sim->totals.cuts++;
    sim_node_end(node);
}

/* A disk that was told to fail, or is full, is a reason to stop. */
void sim_store_on_fatal(void *data, const char *reason)
{
    struct sim_node *node = data;

    if (node->store->silent || node->ended) {
        return;
    }
    sim_trace(node->sim, "%llu cannot write: %s", node->id, reason);
    node->doomed = true;
    node->sim->someone_stops = true;
    if (!node->was_write_error) {
        sim_fail(node->sim, "DISK: server %llu: %s", node->id, reason);
    }
}

static void on_healed(void *data)
{
    struct sim_node *node = data;

    if (node->up && !node->store->silent && !node->ended) {
        sim_trace(node->sim, "%llu is in doubt no more", node->id);
        if (node->disk.term <= node->store->doubt_term) {
            sim_fail(node->sim, "DISK: server %llu ends its doubt in term %llu",
                     node->id, node->disk.term);
        }
        node->store->doubt_term = 0;
        guard_doubt(node->guard, false);
    }
}

static void on_used(void *data, const char *name)
{
    (void)name;
    *(uint64_t *)data += SIM_SEGMENT_BYTES;
}

/* So full that nothing goes any more, or soon will. */
static void fill(struct sim_node *node)
{
    struct sim *sim = node->sim;
    struct sim_store *store = node->store;
    uint64_t room = sim_random(sim, (sim_random(sim, 2) == 0 ? 2u : 16u) *
                                        SIM_SEGMENT_BYTES);
    uint64_t room_of_packs = 1 + room / 4;

    fake_disk_each(store->fake, on_used, &room);
    fake_disk_capacity(store->fake, room + 1);
    fake_disk_capacity(store->packs, sim_chunks_used(node) + room_of_packs);
    store->full = true;
    node->was_write_error = true;
    sim->totals.faults++;
    sim_trace(sim, "%llu has a full disk", node->id);
}

static void fill_some(struct sim *sim, struct sim_node *node)
{
    if (sim_random(sim, 6) != 0) {
        fill(node);
        return;
    }
    for (unsigned i = 0; i < sim->node_count; i++) {
        fill(&sim->nodes[i]);
    }
}

static void on_fault(struct sim *sim, struct sim_node *node, void *data)
{
    struct sim_store *store;

    (void)data;
    if (sim->healed) {
        return;
    }
    node = &sim->nodes[sim_random(sim, sim->node_count)];
    store = node->store;
    if (store->full) {
        sim_store_heal(node);
    } else if (sim_has(sim, SIM_FULL_DISKS) && sim_random(sim, 3) == 0) {
        fill_some(sim, node);
    } else if (sim_has(sim, SIM_FLIPS) && node->up &&
               sim_random(sim, sim->options.bias == SIM_DAMAGE ? 2 : 8) == 0) {
        sim_damage_flip_pack(node);
    } else if (sim_has(sim, SIM_WRITE_ERRORS) && node->up) {
        bool packs = sim_random(sim, 3) == 0;

        fake_disk_fail_at(packs ? store->packs : store->fake,
                          1 + sim_random(sim, 20), QL_IO);
        store->failed = store->failed || packs;
        node->was_write_error = true;
        sim->totals.faults++;
    }
    sim_at(
        sim,
        sim->now + 1 +
            sim_random(sim, (uint64_t)FAULTS_APART * sim->knobs.fault_every_ms),
        NULL, on_fault, NULL);
}

void sim_store_start_faults(struct sim *sim)
{
    on_fault(sim, NULL, NULL);
}

static void heal_disk(struct fake_disk *fake)
{
    fake_disk_capacity(fake, 0);
    fake_disk_fail_at(fake, 0, 0);
    fake_disk_crash_at(fake, 0);
}

void sim_store_heal(struct sim_node *node)
{
    if (node->store != NULL) {
        node->store->full = false;
        heal_disk(node->store->fake);
        heal_disk(node->store->packs);
    }
}
