/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A server's chunk store over a disk of its own. */
#include "sim/sim_store_internal.h"
#include "util/limits.h"

#define WORK_MS 20
#define SETTLE_TICKS 100
#define TICKS_OVER_MAX 100
#define SIM_CACHE_BYTES 4096u
#define SIM_SCRUB_BYTES 4096u /* a second */

static void on_begin(void *data, bool is_work, size_t len);
static void on_tick(struct sim *sim, struct sim_node *node, void *data);

void sim_chunks_make(struct sim_node *node)
{
    struct sim_store *store = node->store;

    store->packs = fake_disk_new(sim_random(node->sim, UINT64_MAX));
    fake_disk_on_begin(store->packs, on_begin, node);
    fake_disk_on_death(store->packs, sim_store_on_death, node);
}

void sim_chunks_open(struct sim_node *node)
{
    struct sim_store *store = node->store;
    struct sim *sim = node->sim;
    const struct chunk_store_options options = {
        .disk = fake_disk_disk(store->packs),
        .readers = fake_disk_disk(store->packs),
        .where = node->address,
        .cache_bytes = SIM_CACHE_BYTES,
        .scrub_bytes = SIM_SCRUB_BYTES,
        .on_fatal = sim_store_on_fatal,
        .on_missing = sim_fetch_missing,
        .data = node};
    struct err err;

    if (chunk_store_open(&store->chunks, &options, &err) != 0) {
        store->chunks = NULL;
        if (!node->was_write_error && !node->ended) {
            sim_fail(sim, "CHUNKS: server %llu: %s", node->id, err.text);
        }
        return;
    }
    store->ticks_over = 0;
    list_init(&store->looks);
    sim_fetch_open(node);
    sim_at(sim, sim->now + sim_random(sim, STORE_TICK_MS), node, on_tick, NULL);
}

static void count(struct sim_node *node)
{
    struct sim_totals *totals = &node->sim->totals;
    struct chunk_store_status status;

    chunk_store_get_status(node->store->chunks, &status);
    totals->packs += status.written_packs;
    totals->damaged += status.damaged;
}

void sim_chunks_close(struct sim_node *node)
{
    struct sim_store *store = node->store;

    if (store->chunks == NULL) {
        return;
    }
    (void)sim_damage_found(node);
    count(node);
    sim_look_close(node);
    sim_fetch_close(node);
    chunk_store_free(store->chunks);
    store->chunks = NULL;
}

static void on_used(void *data, const char *name)
{
    const struct sim_node *node = ((void **)data)[0];
    uint64_t *used = ((void **)data)[1];
    size_t len = 0;

    (void)fake_disk_bytes(node->store->packs, name, &len);
    *used += len;
}

uint64_t sim_chunks_used(const struct sim_node *node)
{
    uint64_t used = 0;
    void *both[2] = {(void *)node, &used};

    fake_disk_each(node->store->packs, on_used, both);
    return used;
}

/* ---- Memory ---- */

static void on_chunk(void *data, struct chunk *chunk, const uint8_t *from)
{
    uint64_t *bytes = data;

    (void)from;
    *bytes += chunk->memory != NULL ? chunk->len : 0;
}

/* Sealed chunks have their bytes in memory until they are written, and then in the
 * cache; those that are sealed again behind a snapshot also until the store has
 * seen that it has them. */
static bool is_within_memory(const struct sim_node *node)
{
    struct chunk_store_status status;
    uint64_t bytes = 0;

    chunk_store_get_status(node->store->chunks, &status);
    machine_each_chunk(node->machine->machine, on_chunk, &bytes);
    return bytes <= status.cache_bytes + status.waiting_bytes;
}

static void check_memory(struct sim_node *node)
{
    struct sim_store *store = node->store;

    store->ticks_over = is_within_memory(node) ? 0 : store->ticks_over + 1;
    if (store->ticks_over > TICKS_OVER_MAX) {
        sim_fail(node->sim, "MEMORY: server %llu keeps what is on its disk",
                 node->id);
    }
}

void sim_chunks_pass(struct sim_node *node, unsigned turn)
{
    chunk_store_tick(node->store->chunks,
                     node->sim->now + (uint64_t)turn * STORE_GATHER_MS);
    while (fake_disk_end_work(node->store->packs)) {
    }
}

void sim_chunks_settle(struct sim_node *node)
{
    struct chunk_store *chunks = node->store->chunks;
    struct chunk_store_status status = {.waiting = 1};

    sim_look_close(node);
    for (unsigned i = 0; i < SETTLE_TICKS && status.waiting > 0; i++) {
        sim_chunks_pass(node, i);
        chunk_store_get_status(chunks, &status);
    }
    if (chunk_store_missing(chunks) > 0) {
        return; /* a merge may wait for that */
    }
    if (status.waiting > 0) {
        sim_fail(node->sim, "WAITING: server %llu: %llu chunks", node->id,
                 (unsigned long long)status.waiting);
    }
    if (!is_within_memory(node) || status.cache_bytes > SIM_CACHE_BYTES) {
        sim_fail(node->sim, "MEMORY: server %llu keeps what is on its disk",
                 node->id);
    }
}

/* ---- Time ---- */

static void on_work_due(struct sim *sim, struct sim_node *node, void *data)
{
    (void)sim;
    (void)data;
    (void)fake_disk_end_work(node->store->packs);
}

static void on_begin(void *data, bool is_work, size_t len)
{
    struct sim_node *node = data;
    struct sim *sim = node->sim;
    uint64_t span = sim_random(sim, 8) == 0 ? sim->knobs.snapshot_ms : WORK_MS;

    (void)is_work; /* always: packs are written by works */
    (void)len;
    if (!node->store->silent) {
        sim_at(sim, sim->now + sim_random(sim, span + 1), node, on_work_due,
               NULL);
    }
}

static void on_tick(struct sim *sim, struct sim_node *node, void *data)
{
    (void)data;
    chunk_store_tick(node->store->chunks, sim->now);
    check_memory(node);
    sim_at(sim, sim->now + STORE_TICK_MS, node, on_tick, NULL);
}
