/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A start and an end. The end has two steps: node_stop() ends the core, and with
 * it everything that could bring entries; the chunk store is still there for those
 * who read. node_close() ends that, too, when nobody does any more.
 */
#include <assert.h>
#include <stdlib.h>

#include "consensus/node_internal.h"
#include "util/mem.h"

#define HANDLES 7u

static int open_chunks(struct node *node, struct err *err);
static void fill_parts(struct node *node);
static void start_handles(struct node *node);
static void abandon_core(struct node *node);
static void abandon_stores(struct node *node);
static bool stop_is_due(const struct node *node);
static void finish_closing(struct node *node);
static void node_on_handle_closed(uv_handle_t *handle);
static void node_on_core_closed(struct raft *raft);
static void close_stores(struct node *node);
static void node_on_backups_closed(void *data);
static void node_on_chunks_closed(void *data);

int node_start(struct node **ret_node, const struct node_options *options,
               struct err *err)
{
    struct node *node = mem_must_zalloc(sizeof *node);
    struct core_events events;
    int rv;

    node->dir = mem_must_strdup(options->dir);
    node->options = *options;
    node->options.dir = node->dir;
    core_fill_options(&node->options);
    node->machine = machine_new(NULL);
    node->metrics = metrics_new();
    stages_init(&node->stages, node->metrics);
    rv = open_chunks(node, err);
    if (rv != 0) {
        goto free_node;
    }
    rv = backup_keeper_open(&node->keeper, &node->options, node->machine,
                            chunks_real_store(node->chunks), err);
    if (rv != 0) {
        goto close_stores;
    }
    node_fill_events(node, &events);
    rv = core_open(&node->core, &node->options, node->machine, node->chunks,
                   &events, err);
    if (rv != 0) {
        goto close_stores;
    }
    fill_parts(node);
    start_handles(node);
    rv = core_start(&node->core, err);
    if (rv != 0) {
        abandon_core(node);
        goto close_stores;
    }
    node_wake(node);
    *ret_node = node;
    return 0;

close_stores:
    abandon_stores(node);
free_node:
    node_free(node);
    return rv;
}

void node_stop(struct node *node, void (*cb)(void *data), void *data)
{
    uint64_t now = uv_now(node->options.loop);

    assert(node->phase == NODE_RUNNING);
    node->phase = NODE_STOPPING;
    node->stop_cb = cb;
    node->stop_data = data;
    node->stop_deadline_ms = now + (uint64_t)STOP_ELECTION_TIMEOUTS_MAX *
                                       node->core.raft.election_timeout;
    if (node->core.raft.state == RAFT_LEADER && !node->restarting &&
        !handover_is_active(&node->handover) &&
        peer_watch_best_voter(&node->watch, now) != 0) {
        handover_begin(&node->handover, 0, now);
    }
    node_wake(node);
}

void node_close(struct node *node, void (*cb)(void *data), void *data)
{
    assert(node->phase == NODE_CLOSED);
    assert(node->handles_open == 0);
    node->stop_cb = cb;
    node->stop_data = data;
    close_stores(node);
}

void node_free(struct node *node)
{
    if (node == NULL) {
        return;
    }
    assert(node->handles_open == 0);
    assert(node->chunks == NULL);
    chunk_peers_free(&node->chunk_peers);
    machine_free(node->machine);
    metrics_free(node->metrics);
    free(node->dir);
    free(node);
}

/* ---- Start ---- */

static int open_chunks(struct node *node, struct err *err)
{
    const struct chunks_real_options options = {
        .loop = node->options.loop,
        .dir = node->dir,
        .identity = node->options.identity,
        .cache_bytes = node->options.cache_bytes,
        .scrub_bytes = node->options.scrub_bytes,
        .on_fatal = node_on_fatal,
        .data = node};
    int rv = chunks_real_open(&node->chunks, &options, err);

    if (rv == 0) {
        chunk_store_attach(chunks_real_store(node->chunks), node->machine);
    }
    return rv;
}

static void fill_parts(struct node *node)
{
    struct raft *raft = &node->core.raft;
    struct guard *guard = node->core.guard;

    proposer_init(&node->proposer, raft, guard, &node->core.fsm, &node->stages);
    reader_init(&node->reader, &node->core);
    node->watch =
        (struct peer_watch){.identity = node->options.identity, .core = raft};
    node->handover =
        (struct handover){.core = raft, .guard = guard, .watch = &node->watch};
    node->down = (struct step_down){.core = raft,
                                    .guard = guard,
                                    .watch = &node->watch,
                                    .handover = &node->handover};
    start_frozen_init(&node->start_frozen, raft, guard, &node->proposer,
                      node->options.frozen);
}

static void start_handles(struct node *node)
{
    node_start_turns(node);
    node->handles_open = HANDLES;
    retention_tick_start(&node->tick, node, node->options.loop);
    node->tick.timer.data = node;
    space_watch_start(&node->space, node, &node->core, &node->options);
    node->space.timer.data = node;
    integrity_start(&node->integrity, node, &node->core, &node->options);
    node->integrity.timer.data = node;
    chunk_peers_start(&node->chunk_peers, &node->core, &node->options);
    node->chunk_peers.timer.data = node;
    backup_keeper_start(&node->keeper, node, &node->core, &node->options);
    node->keeper.timer.data = node;
}

/* These undo a start that failed. Closing takes turns of the loop, in which other
 * handles on it may have their callbacks too. */
static void abandon_core(struct node *node)
{
    node->phase = NODE_CLOSING;
    node->options.on_state = NULL;
    node->options.on_applied = NULL;
    chunk_peers_stop(&node->chunk_peers);
    backup_keeper_stop(&node->keeper);
    raft_close(&node->core.raft, node_on_core_closed);
    while (node->handles_open > 0) {
        (void)uv_run(node->options.loop, UV_RUN_ONCE);
    }
}

static void abandon_stores(struct node *node)
{
    close_stores(node);
    while (node->chunks != NULL) {
        (void)uv_run(node->options.loop, UV_RUN_ONCE);
    }
}

/* ---- Stop ---- */

void node_step_stop(struct node *node)
{
    if (node->phase == NODE_STOPPING && stop_is_due(node)) {
        handover_cancel(&node->handover);
        step_down_cancel(&node->down);
        node->phase = NODE_CLOSING;
        chunk_peers_stop(&node->chunk_peers);
        backup_keeper_stop(&node->keeper);
        raft_close(&node->core.raft, node_on_core_closed);
        node_wake(node);
        return;
    }
    if (node->phase == NODE_CLOSING && node->core_closed) {
        finish_closing(node);
    }
}

static bool stop_is_due(const struct node *node)
{
    if (node->restarting || node->core.raft.state != RAFT_LEADER ||
        uv_now(node->options.loop) >= node->stop_deadline_ms) {
        return true;
    }
    return !handover_is_active(&node->handover) &&
           proposer_is_empty(&node->proposer) && reader_is_empty(&node->reader);
}

static void tell_closing(struct node_transfer **waiter)
{
    struct node_transfer *transfer = *waiter;

    *waiter = NULL;
    if (transfer != NULL) {
        transfer->cb(transfer, QL_SHUTTING_DOWN);
    }
}

static void finish_closing(struct node *node)
{
    proposer_deliver(&node->proposer);
    proposer_refuse_waiting(&node->proposer, QL_NOT_LEADER);
    reader_refuse(&node->reader, QL_SHUTTING_DOWN);
    tell_closing(&node->transfer);
    tell_closing(&node->down_transfer);
    core_free(&node->core);
    node->phase = NODE_CLOSED;
    uv_close((uv_handle_t *)&node->check, node_on_handle_closed);
    uv_close((uv_handle_t *)&node->idle, node_on_handle_closed);
    uv_close((uv_handle_t *)&node->tick.timer, node_on_handle_closed);
    uv_close((uv_handle_t *)&node->space.timer, node_on_handle_closed);
    uv_close((uv_handle_t *)&node->integrity.timer, node_on_handle_closed);
    uv_close((uv_handle_t *)&node->chunk_peers.timer, node_on_handle_closed);
    uv_close((uv_handle_t *)&node->keeper.timer, node_on_handle_closed);
}

static void node_on_handle_closed(uv_handle_t *handle)
{
    struct node *node = handle->data;

    node->handles_open--;
    if (node->handles_open == 0 && node->stop_cb != NULL) {
        node->stop_cb(node->stop_data);
    }
}

/* Inside the raft_io that is being closed, so only noted. What looks at the core
 * by a timer must not any more: it has freed what it had. */
static void node_on_core_closed(struct raft *raft)
{
    struct node *node = LIST_ITEM(raft, struct node, core.raft);

    node->core_closed = true;
    (void)uv_timer_stop(&node->tick.timer);
    (void)uv_timer_stop(&node->space.timer);
    (void)uv_timer_stop(&node->integrity.timer);
    (void)uv_timer_stop(&node->chunk_peers.timer);
    node_wake(node);
}

/* The backup directory first: it has its chunks from the other one. */
static void close_stores(struct node *node)
{
    if (backup_keeper_store(&node->keeper) != NULL) {
        backup_keeper_close(&node->keeper, node_on_backups_closed, node);
    } else {
        chunks_real_close(node->chunks, node_on_chunks_closed, node);
    }
}

static void node_on_backups_closed(void *data)
{
    struct node *node = data;

    chunks_real_close(node->chunks, node_on_chunks_closed, node);
}

static void node_on_chunks_closed(void *data)
{
    struct node *node = data;

    node->chunks = NULL;
    if (node->stop_cb != NULL) {
        node->stop_cb(node->stop_data);
    }
}
