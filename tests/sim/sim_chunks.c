/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A server's chunk store over a disk of its own, and what brings it the chunks
 * that it lacks: fetching, answering and installs as in the daemon, over frames
 * that are late, lost, or doubled.
 */
#include <string.h>

#include "consensus/chunk_answers.h"
#include "consensus/chunk_fetch.h"
#include "consensus/install.h"
#include "sim/sim_store_internal.h"

#define WORK_MS 20
#define TICK_MS 200 /* of the store, which thinks it a second */
#define STEP_MS 50
#define SIM_CACHE_BYTES 4096u
#define SIM_SCRUB_BYTES 4096u /* a tick */
#define LOST_PERCENT 3
#define DOUBLE_PERCENT 2

struct sim_frame {
    struct sim_node *from;
    struct sim_node *to;
    unsigned from_incarnation;
    bool is_request;
    struct sim_bytes bytes;
    void *sending; /* of an answer */
};

struct sim_sending {
    struct list link;
    void *sending;
};

static void on_begin(void *data, bool is_work, size_t len);
static void on_tick(struct sim *sim, struct sim_node *node, void *data);
static void on_step(struct sim *sim, struct sim_node *node, void *data);
static void on_missing(void *data, struct chunk *chunk);
static void on_sent(struct sim *sim, struct sim_node *node, void *data);
static void open_peers(struct sim_node *node);
static void post(struct sim_node *from, raft_id to, bool is_request,
                 struct sim_bytes bytes);

/* ---- The store ---- */

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
        .on_missing = on_missing,
        .data = node};
    struct err err;

    if (chunk_store_open(&store->chunks, &options, &err) != 0) {
        store->chunks = NULL;
        if (!node->was_write_error && !node->ended) {
            sim_fail(sim, "CHUNKS: server %llu: %s", node->id, err.text);
        }
        return;
    }
    open_peers(node);
    sim_at(sim, sim->now + sim_random(sim, TICK_MS), node, on_tick, NULL);
    sim_at(sim, sim->now + sim_random(sim, STEP_MS), node, on_step, NULL);
}

static void count(struct sim_node *node)
{
    struct sim_totals *totals = &node->sim->totals;
    struct chunk_store_status status;
    struct chunk_fetch_counts fetched;

    chunk_store_get_status(node->store->chunks, &status);
    totals->packs += status.written_packs;
    totals->damaged += status.damaged;
    chunk_fetch_counts(node->store->fetch, &fetched);
    totals->fetches += fetched.chunks;
}

void sim_chunks_close(struct sim_node *node)
{
    struct sim_store *store = node->store;

    if (store->chunks == NULL) {
        return;
    }
    count(node);
    install_stop(store->install);
    install_free(store->install);
    store->install = NULL;
    chunk_answers_stop(store->answers);
    while (!list_empty(&store->sendings)) {
        on_sent(node->sim, node,
                LIST_ITEM(store->sendings.next, struct sim_sending, link));
    }
    chunk_answers_free(store->answers);
    store->answers = NULL;
    chunk_fetch_free(store->fetch);
    store->fetch = NULL;
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

bool sim_chunks_converged(const struct sim *sim)
{
    for (unsigned i = 0; i < sim->node_count; i++) {
        const struct sim_node *node = &sim->nodes[i];

        if (node->up && node->store->chunks != NULL &&
            (chunk_store_missing(node->store->chunks) > 0 ||
             install_is_active(node->store->install))) {
            return false;
        }
    }
    return true;
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
    sim_at(sim, sim->now + TICK_MS, node, on_tick, NULL);
}

static raft_id leader_of(const struct sim_node *node)
{
    const char *address;
    raft_id id = 0;

    if (node->up) {
        raft_leader((struct raft *)&node->raft, &id, &address);
    }
    return id;
}

static void step(struct sim_node *node)
{
    chunk_fetch_step(node->store->fetch, leader_of(node));
    chunk_answers_step(node->store->answers);
    install_step(node->store->install);
}

static void on_step(struct sim *sim, struct sim_node *node, void *data)
{
    (void)data;
    step(node);
    sim_at(sim, sim->now + STEP_MS, node, on_step, NULL);
}

/* ---- What fetching and answering need ---- */

static uint64_t now_ms(void *data)
{
    const struct sim_node *node = data;

    return node->sim->now;
}

static void on_missing(void *data, struct chunk *chunk)
{
    struct sim_node *node = data;

    if (!node->store->silent && !node->ended) {
        chunk_fetch_missing(node->store->fetch, chunk);
    }
}

static bool is_connected(void *data, uint64_t peer)
{
    const struct sim_node *node = data;
    const struct sim *sim = node->sim;

    return peer <= sim->node_count && sim->nodes[peer - 1].up &&
           !sim->cut[node->id - 1][peer - 1];
}

static bool send_request(void *data, uint64_t to,
                         const struct link_chunk_request *request)
{
    struct sim_node *node = data;
    uint8_t bytes[LINK_CHUNK_REQUEST_LEN];

    if (!is_connected(node, to)) {
        return false;
    }
    link_chunk_request_encode(request, bytes);
    post(node, to, true, sim_copy(node->sim, bytes, sizeof bytes));
    return true;
}

static int supply(void *data, struct chunk_supply *own, struct chunk *chunk,
                  const uint8_t *row, struct bytes frame, chunk_supply_cb cb)
{
    const struct sim_node *node = data;

    return chunk_store_supply(node->store->chunks, own, chunk, row, frame, cb);
}

static void cancel_supply(void *data, struct chunk_supply *own)
{
    (void)data;
    chunk_store_supply_cancel(own);
}

static void give_up(void *data, struct chunk *chunk)
{
    const struct sim_node *node = data;

    chunk_store_give_up(node->store->chunks, chunk);
}

/* The store and the fetching have one reference each. */
static bool is_needed(void *data, const struct chunk *chunk)
{
    (void)data;
    return chunk->refs > 2;
}

static int serve(void *data, struct chunk_serve *own,
                 const struct chunk_name *name, chunk_serve_cb cb)
{
    const struct sim_node *node = data;

    return chunk_store_serve(node->store->chunks, own, name, cb);
}

static void cancel_serve(void *data, struct chunk_serve *own)
{
    (void)data;
    chunk_store_serve_cancel(own);
}

static void on_sent(struct sim *sim, struct sim_node *node, void *data)
{
    struct sim_sending *sending = data;

    (void)sim;
    list_remove(&sending->link);
    chunk_answers_on_sent(node->store->answers, sending->sending);
}

static bool send_answer(void *data, uint64_t to, const struct bytes parts[2],
                        void *sending)
{
    struct sim_node *node = data;
    struct sim *sim = node->sim;
    size_t len = parts[0].len + parts[1].len;
    struct sim_bytes bytes = {sim_alloc(sim, len), len};
    struct sim_sending *own = sim_alloc(sim, sizeof *own);

    memcpy(bytes.base, parts[0].data, parts[0].len);
    if (parts[1].len > 0) {
        memcpy((uint8_t *)bytes.base + parts[0].len, parts[1].data,
               parts[1].len);
    }
    post(node, to, false, bytes);
    own->sending = sending;
    list_push_back(&node->store->sendings, &own->link);
    sim_at(sim, sim->now + sim_random(sim, WORK_MS), node, on_sent, own);
    return true;
}

/* ---- What an install needs ---- */

static void adopt(void *data, struct machine *machine)
{
    const struct sim_node *node = data;

    (void)chunk_store_adopt(node->store->chunks, machine);
}

static void flush(void *data, struct chunk_flush *own, chunk_flush_cb cb)
{
    const struct sim_node *node = data;

    chunk_store_flush(node->store->chunks, own, cb);
}

static void cancel_flush(void *data, struct chunk_flush *own)
{
    (void)data;
    chunk_store_flush_cancel(own);
}

static void prepare(void *data, uint64_t index, struct machine *machine)
{
    sim_machine_prepare(data, index, machine);
}

static void pass_on(void *data, struct raft_message *message)
{
    struct sim_node *node = data;

    sim_trace(node->sim, "%llu has all of snapshot %llu", node->id,
              message->install_snapshot.last_index);
    node->recv(&node->disk_io, message);
}

/* A step comes soon, anyway. */
static void begun(void *data)
{
    (void)data;
}

static uint64_t applied(void *data)
{
    const struct sim_node *node = data;

    return node->raft.last_applied;
}

/* All servers that there may ever be are peers. */
static void open_peers(struct sim_node *node)
{
    struct sim_store *store = node->store;
    uint64_t nodes[SIM_NODES_MAX];
    size_t count = 0;
    struct chunk_fetch_options fetch = {.nodes = nodes,
                                        .now_ms = now_ms,
                                        .is_connected = is_connected,
                                        .send = send_request,
                                        .supply = supply,
                                        .cancel = cancel_supply,
                                        .give_up = give_up,
                                        .is_needed = is_needed,
                                        .data = node};
    struct chunk_answers_options answers = {.nodes = nodes,
                                            .serve = serve,
                                            .cancel = cancel_serve,
                                            .send = send_answer,
                                            .data = node};
    struct install_options install = {.disk = fake_disk_disk(store->packs),
                                      .limits = sim_machine_limits(),
                                      .source =
                                          chunk_store_source(store->chunks),
                                      .adopt = adopt,
                                      .flush = flush,
                                      .cancel = cancel_flush,
                                      .prepare = prepare,
                                      .pass_on = pass_on,
                                      .begun = begun,
                                      .applied = applied,
                                      .now_ms = now_ms,
                                      .data = node};

    for (uint64_t id = 1; id <= SIM_NODES_MAX; id++) {
        if (id != node->id) {
            nodes[count] = id;
            count++;
        }
    }
    fetch.nodes_count = count;
    answers.nodes_count = count;
    list_init(&store->sendings);
    store->fetch = chunk_fetch_new(&fetch);
    store->answers = chunk_answers_new(&answers);
    install.fetch = store->fetch;
    store->install = install_new(&install);
}

bool sim_chunks_hold(struct sim_node *node, const struct raft_message *message)
{
    return node->store->chunks != NULL &&
           install_take(node->store->install, message);
}

bool sim_chunks_alter(struct sim_node *node, const struct raft_message *message,
                      struct raft_message *ret_instead)
{
    return node->store->chunks != NULL &&
           install_alters(node->store->install, message, ret_instead);
}

/* ---- Frames ---- */

static void on_arrival(struct sim *sim, struct sim_node *node, void *data)
{
    struct sim_frame *frame = data;
    struct sim_node *from = frame->from;
    int rv;

    node = frame->to;
    if (node->up && sim_node_is_frozen(node)) {
        sim_at(sim, node->frozen_until, NULL, on_arrival, frame);
        return;
    }
    if (!node->up || node->store->chunks == NULL ||
        sim->cut[from->id - 1][node->id - 1] ||
        (!sim_has(sim, SIM_REORDERS) &&
         from->incarnation != frame->from_incarnation)) {
        return;
    }
    sim->running = node;
    rv = frame->is_request
             ? chunk_answers_on_frame(node->store->answers, from->id,
                                      frame->bytes.base, frame->bytes.len)
             : chunk_fetch_on_frame(node->store->fetch, from->id,
                                    frame->bytes.base, frame->bytes.len);
    if (rv != 0) {
        sim_fail(sim, "SENSELESS FRAME: from server %llu to %llu", from->id,
                 node->id);
    }
    if (!node->ended) {
        step(node);
    }
}

static void post(struct sim_node *from, raft_id to, bool is_request,
                 struct sim_bytes bytes)
{
    struct sim *sim = from->sim;
    unsigned copies = sim_random(sim, 100) < DOUBLE_PERCENT ? 2 : 1;

    if (from->ended || to > sim->node_count || sim->cut[from->id - 1][to - 1] ||
        sim_random(sim, 100) < LOST_PERCENT) {
        return;
    }
    for (unsigned i = 0; i < copies; i++) {
        struct sim_frame *frame = sim_alloc(sim, sizeof *frame);

        frame->from = from;
        frame->to = &sim->nodes[to - 1];
        frame->from_incarnation = from->incarnation;
        frame->is_request = is_request;
        frame->bytes = bytes;
        sim_at(sim,
               sim->now + sim->knobs.latency_min_ms +
                   sim_random(sim, sim->knobs.latency_span_ms),
               NULL, on_arrival, frame);
    }
}
