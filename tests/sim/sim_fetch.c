/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What brings a server the chunks that it lacks: fetching, answering and installs
 * as in the daemon, over frames that are late, lost, or doubled.
 */
#include <string.h>

#include "consensus/chunk_answers.h"
#include "consensus/chunk_fetch.h"
#include "consensus/install.h"
#include "sim/sim_store_internal.h"

#define SENT_MS 20
#define STEP_MS 50
#define FETCH_MS 400 /* within that an install is often under way */
#define LOST_PERCENT 3
#define DOUBLE_PERCENT 2
#define ALTERED_PERCENT 3

struct sim_frame {
    struct sim_node *from;
    struct sim_node *to;
    unsigned from_incarnation;
    bool is_request;
    struct sim_bytes bytes;
};

struct sim_sending {
    struct list link;
    void *sending;
};

static void on_step(struct sim *sim, struct sim_node *node, void *data);
static void wake(struct sim_node *node);
static void on_sent(struct sim *sim, struct sim_node *node, void *data);
static void open_peers(struct sim_node *node);
static void post(struct sim_node *from, raft_id to, bool is_request,
                 struct sim_bytes bytes);

void sim_fetch_open(struct sim_node *node)
{
    open_peers(node);
    node->store->steps = false;
}

void sim_fetch_close(struct sim_node *node)
{
    struct sim_store *store = node->store;
    struct install_progress progress;
    struct chunk_fetch_counts counts;

    chunk_fetch_counts(store->fetch, &counts);
    node->sim->totals.fetches += counts.chunks;
    install_progress(store->install, &progress);
    node->sim->totals.interrupted += progress.missing > 0 ? 1 : 0;
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

static bool is_idle(const struct sim_store *store)
{
    struct chunk_fetch_counts counts;

    chunk_fetch_counts(store->fetch, &counts);
    return counts.wanted == 0 && !install_is_active(store->install) &&
           !chunk_answers_wait(store->answers);
}

static void step_on(struct sim_node *node)
{
    step(node);
    if (!is_idle(node->store)) {
        wake(node);
    }
}

static void on_step(struct sim *sim, struct sim_node *node, void *data)
{
    (void)sim;
    (void)data;
    node->store->steps = false;
    step_on(node);
}

/* A step comes, and others while there is something to do. */
static void wake(struct sim_node *node)
{
    struct sim *sim = node->sim;

    if (!node->store->steps) {
        node->store->steps = true;
        sim_at(sim, sim->now + 1 + sim_random(sim, STEP_MS), node, on_step,
               NULL);
    }
}

/* ---- What fetching and answering need ---- */

static uint64_t now_ms(void *data)
{
    const struct sim_node *node = data;

    return node->sim->now;
}

void sim_fetch_missing(void *data, struct chunk *chunk)
{
    struct sim_node *node = data;

    if (!node->store->silent && !node->ended) {
        chunk_fetch_missing(node->store->fetch, chunk);
        wake(node);
    }
}

/* All connections break once when all is healed: frames that were lost before are
 * waited for as long as the peer answers others. */
static bool is_connected(void *data, uint64_t peer)
{
    const struct sim_node *node = data;
    const struct sim *sim = node->sim;

    if (sim->healed && sim->now < sim->options.duration_ms + 4 * STEP_MS) {
        return false;
    }
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

/* Within the row or the frame: what a peer with bad memory may send. */
static void may_alter(struct sim *sim, const struct sim_bytes *bytes)
{
    if (sim_has(sim, SIM_FLIPS) && bytes->len > LINK_CHUNK_HEAD_LEN &&
        sim_random(sim, 100) < ALTERED_PERCENT) {
        uint64_t at = LINK_CHUNK_HEAD_LEN +
                      sim_random(sim, bytes->len - LINK_CHUNK_HEAD_LEN);

        ((uint8_t *)bytes->base)[at] ^= (uint8_t)(1u << sim_random(sim, 8));
        sim->totals.altered++;
    }
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
    may_alter(sim, &bytes);
    post(node, to, false, bytes);
    own->sending = sending;
    list_push_back(&node->store->sendings, &own->link);
    sim_at(sim, sim->now + sim_random(sim, SENT_MS), node, on_sent, own);
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

static void begun(void *data)
{
    wake(data);
}

static uint64_t applied(void *data)
{
    const struct sim_node *node = data;

    return node->raft.last_applied;
}

static bool is_installing(void *data)
{
    const struct sim_node *node = data;

    return guard_has_install(node->guard);
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
                                      .is_installing = is_installing,
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

bool sim_fetch_hold(struct sim_node *node, const struct raft_message *message)
{
    struct sim_store *store = node->store;
    bool was_active;
    bool holds;

    if (store->chunks == NULL) {
        return false;
    }
    was_active = install_is_active(store->install);
    holds = install_take(store->install, message);
    if (holds && !was_active) {
        node->sim->totals.held++;
        sim_store_may_crash(node, FETCH_MS);
    }
    return holds;
}

bool sim_fetch_alter(struct sim_node *node, const struct raft_message *message,
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
        step_on(node);
    }
}

static void post(struct sim_node *from, raft_id to, bool is_request,
                 struct sim_bytes bytes)
{
    struct sim *sim = from->sim;
    unsigned copies = sim_random(sim, 100) < DOUBLE_PERCENT ? 2 : 1;

    if (from->ended || to > sim->node_count || sim->cut[from->id - 1][to - 1] ||
        (sim_random(sim, 100) < LOST_PERCENT && !sim->healed)) {
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
