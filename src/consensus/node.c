/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What happens when, in one turn of the loop. libuv polls (here sessions read
 * and submit, disk and peers report, the core applies and submits get their
 * outcomes) and then runs the check handle: node_on_check(). That is the end of
 * the turn, and the only place from which commands go into the core and
 * everything that was put aside inside it is told. While something is put aside
 * an idle handle is active, which keeps the poll from waiting, so that work put
 * aside by a timer or by the check itself is done in the next turn at once.
 */
#include "consensus/node.h"

#include <assert.h>
#include <raft.h>
#include <stdlib.h>
#include <uv.h>

#include "consensus/core.h"
#include "consensus/handover.h"
#include "consensus/peer_watch.h"
#include "consensus/proposer.h"
#include "consensus/reader.h"
#include "consensus/retention_tick.h"
#include "consensus/space_watch.h"
#include "consensus/told_state.h"
#include "util/diag.h"
#include "util/mem.h"

/* What accepted work may take, at most, before a stopping node closes. */
#define STOP_ELECTION_TIMEOUTS_MAX 6u
#define HANDLES 4u

enum node_phase {
    NODE_RUNNING,
    NODE_STOPPING, /* hands over and ends what is in flight */
    NODE_CLOSING,  /* raft_close() was called */
    NODE_CLOSED    /* its callback came; our handles close */
};

struct node {
    struct node_options options;
    char *dir;
    struct machine *machine;
    struct core core;
    struct proposer proposer;
    struct reader reader;
    struct peer_watch watch;
    struct handover handover;
    struct node_transfer *transfer; /* whom to tell of the handover */
    uv_check_t check;
    uv_idle_t idle;
    struct retention_tick tick;
    struct space_watch space;
    size_t handles_open;
    enum node_phase phase;
    bool deferred;          /* guard_run_deferred() is owed */
    bool applied;           /* on_applied() is owed */
    bool core_closed;       /* raft_close()'s callback came */
    bool restarting;        /* the core is silent for good */
    struct told_state told; /* by on_state() */
    uint64_t stop_deadline_ms;
    void (*stop_cb)(void *data);
    void *stop_data;
};

static void fill_parts(struct node *node);
static void start_handles(struct node *node);
static void abandon(struct node *node);
static int may_serve(const struct node *node);
static void wake(struct node *node);
static void tell_state(struct node *node);
static void step_handover(struct node *node);
static void step_stop(struct node *node);
static bool stop_is_due(const struct node *node);
static void finish_closing(struct node *node);
static void node_on_check(uv_check_t *handle);
static void node_on_idle(uv_idle_t *handle);
static void node_on_handle_closed(uv_handle_t *handle);
static void node_on_core_closed(struct raft *raft);
static void node_on_defer(void *data);
static void node_on_fatal(void *data, const char *reason);
static void node_on_restart(void *data, const char *reason);
static void node_on_entered(void *data);
static void node_on_outcome(void *data, uint64_t index,
                            const struct outcome *outcome);
static void node_on_applied(void *data);
static int node_on_frame(void *data, uint64_t from, enum link_frame type,
                         const uint8_t *bytes, size_t len);

/* ---- Start and stop ---- */

int node_start(struct node **ret_node, const struct node_options *options,
               struct err *err)
{
    struct node *node = mem_must_zalloc(sizeof *node);
    const struct core_events events = {.on_defer = node_on_defer,
                                       .on_fatal = node_on_fatal,
                                       .on_restart = node_on_restart,
                                       .on_entered = node_on_entered,
                                       .on_outcome = node_on_outcome,
                                       .on_applied = node_on_applied,
                                       .on_frame = node_on_frame,
                                       .data = node};
    int rv;

    node->dir = mem_must_strdup(options->dir);
    node->options = *options;
    node->options.dir = node->dir;
    core_fill_options(&node->options);
    node->machine = machine_new();
    rv = core_open(&node->core, &node->options, node->machine, &events, err);
    if (rv != 0) {
        goto free_node;
    }
    fill_parts(node);
    start_handles(node);
    rv = core_start(&node->core, err);
    if (rv != 0) {
        abandon(node);
        goto free_node;
    }
    wake(node);
    *ret_node = node;
    return 0;

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
    wake(node);
}

void node_free(struct node *node)
{
    if (node == NULL) {
        return;
    }
    assert(node->handles_open == 0);
    machine_free(node->machine);
    free(node->dir);
    free(node);
}

struct machine *node_machine(struct node *node)
{
    return node->machine;
}

static void fill_parts(struct node *node)
{
    struct raft *raft = &node->core.raft;
    struct guard *guard = node->core.guard;

    proposer_init(&node->proposer, raft, guard, &node->core.fsm);
    reader_init(&node->reader, &node->core);
    node->watch =
        (struct peer_watch){.identity = node->options.identity, .core = raft};
    node->handover =
        (struct handover){.core = raft, .guard = guard, .watch = &node->watch};
}

static void start_handles(struct node *node)
{
    uv_loop_t *loop = node->options.loop;
    int rv = uv_check_init(loop, &node->check);

    assert(rv == 0); /* None of these can fail (libuv's manual). */
    rv = uv_idle_init(loop, &node->idle);
    assert(rv == 0);
    node->check.data = node;
    node->idle.data = node;
    node->handles_open = HANDLES;
    rv = uv_check_start(&node->check, node_on_check);
    assert(rv == 0);
    retention_tick_start(&node->tick, node, loop);
    node->tick.timer.data = node;
    space_watch_start(&node->space, node, &node->core, &node->options);
    node->space.timer.data = node;
}

/* Undoes a start that failed. Closing takes turns of the loop, in which other
 * handles on it may have their callbacks too. */
static void abandon(struct node *node)
{
    node->phase = NODE_CLOSING;
    node->options.on_state = NULL;
    node->options.on_applied = NULL;
    raft_close(&node->core.raft, node_on_core_closed);
    while (node->handles_open > 0) {
        (void)uv_run(node->options.loop, UV_RUN_ONCE);
    }
}

/* ---- Calls ---- */

int node_submit(struct node *node, struct node_submit *submit,
                enum command_kind kind, struct bytes params, node_submit_cb cb)
{
    int rv = may_serve(node);

    if (rv != 0) {
        return rv;
    }
    rv = proposer_submit(&node->proposer, submit, kind, params, cb);
    if (rv == 0) {
        wake(node);
    }
    return rv;
}

int node_read(struct node *node, struct node_read *read, node_read_cb cb)
{
    int rv = may_serve(node);

    if (rv != 0) {
        return rv;
    }
    rv = reader_add(&node->reader, read, cb);
    if (rv == 0) {
        wake(node);
    }
    return rv;
}

int node_transfer(struct node *node, struct node_transfer *transfer,
                  uint64_t to, node_transfer_cb cb)
{
    int rv;

    if (node->phase != NODE_RUNNING || node->restarting) {
        return QL_SHUTTING_DOWN;
    }
    rv = handover_ask(&node->handover, to, uv_now(node->options.loop));
    if (rv != 0) {
        return rv;
    }
    transfer->cb = cb;
    node->transfer = transfer;
    wake(node);
    return 0;
}

void node_status(const struct node *node, struct node_status *ret)
{
    core_fill_status(&node->core, ret);
    ret->ready = may_serve(node) == 0;
    peer_watch_status(&node->watch, uv_now(node->options.loop), ret->peers);
    space_watch_fill(&node->space, ret->peers);
}

static int may_serve(const struct node *node)
{
    if (node->phase != NODE_RUNNING || node->restarting) {
        return QL_SHUTTING_DOWN;
    }
    if (node->core.raft.state != RAFT_LEADER) {
        return QL_NOT_LEADER;
    }
    if (handover_is_busy(&node->handover) ||
        !guard_is_ready_leader(node->core.guard)) {
        return QL_NO_LEADER;
    }
    return 0;
}

/* ---- The turn ---- */

static void wake(struct node *node)
{
    if (node->phase != NODE_CLOSED &&
        !uv_is_active((uv_handle_t *)&node->idle)) {
        int rv = uv_idle_start(&node->idle, node_on_idle);

        assert(rv == 0);
    }
}

static void node_on_idle(uv_idle_t *handle)
{
    /* That it is active is all: the check follows the poll. */
    (void)handle;
}

static void node_on_check(uv_check_t *handle)
{
    struct node *node = handle->data;
    bool stopping = node->phase != NODE_RUNNING;
    int refusal = stopping ? QL_SHUTTING_DOWN : QL_NOT_LEADER;

    /* Before the work: what comes up during it asks for another turn. */
    (void)uv_idle_stop(&node->idle);
    if (node->deferred && !node->core_closed) {
        node->deferred = false;
        guard_run_deferred(node->core.guard);
    }
    proposer_deliver(&node->proposer);
    if (node->core.raft.state != RAFT_LEADER) {
        proposer_refuse_waiting(&node->proposer, QL_NOT_LEADER);
    }
    reader_step(&node->reader, !handover_is_busy(&node->handover),
                uv_now(node->options.loop), refusal);
    tell_state(node);
    if (handover_is_active(&node->handover)) {
        step_handover(node);
    }
    if (node->core.raft.state == RAFT_LEADER) {
        proposer_send(&node->proposer);
    }
    if (node->applied) {
        node->applied = false;
        retention_tick_look(&node->tick, node->core.fsm.applied_bytes);
        space_watch_on_applied(&node->space);
        if (node->options.on_applied != NULL) {
            node->options.on_applied(node->options.data);
        }
    }
    if (node->restarting && node->phase == NODE_RUNNING) {
        node->options.on_restart(node->options.data);
    }
    if (node->phase != NODE_RUNNING) {
        step_stop(node);
    }
}

static void tell_state(struct node *node)
{
    bool is_new =
        told_state_renew(&node->told, &node->core.raft, may_serve(node) == 0);

    if (is_new && node->options.on_state != NULL) {
        node->options.on_state(node->options.data);
    }
}

static void step_handover(struct node *node)
{
    struct node_transfer *transfer = node->transfer;
    int status =
        handover_step(&node->handover, proposer_is_empty(&node->proposer),
                      uv_now(node->options.loop));

    if (status == HANDOVER_GOES_ON) {
        return;
    }
    node->transfer = NULL;
    if (transfer != NULL) {
        transfer->cb(transfer, status);
    }
}

static void step_stop(struct node *node)
{
    if (node->phase == NODE_STOPPING && stop_is_due(node)) {
        handover_cancel(&node->handover);
        node->phase = NODE_CLOSING;
        raft_close(&node->core.raft, node_on_core_closed);
        wake(node);
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

static void finish_closing(struct node *node)
{
    proposer_deliver(&node->proposer);
    proposer_refuse_waiting(&node->proposer, QL_NOT_LEADER);
    reader_refuse(&node->reader, QL_SHUTTING_DOWN);
    if (node->transfer != NULL) {
        struct node_transfer *transfer = node->transfer;

        node->transfer = NULL;
        transfer->cb(transfer, QL_SHUTTING_DOWN);
    }
    core_free(&node->core);
    node->phase = NODE_CLOSED;
    uv_close((uv_handle_t *)&node->check, node_on_handle_closed);
    uv_close((uv_handle_t *)&node->idle, node_on_handle_closed);
    uv_close((uv_handle_t *)&node->tick.timer, node_on_handle_closed);
    uv_close((uv_handle_t *)&node->space.timer, node_on_handle_closed);
}

static void node_on_handle_closed(uv_handle_t *handle)
{
    struct node *node = handle->data;

    node->handles_open--;
    if (node->handles_open == 0 && node->stop_cb != NULL) {
        node->stop_cb(node->stop_data);
    }
}

/* Inside the raft_io that is being closed, so only noted. */
static void node_on_core_closed(struct raft *raft)
{
    struct node *node = LIST_ITEM(raft, struct node, core.raft);

    node->core_closed = true;
    wake(node);
}

/* ---- From the guard and the core ---- */

static void node_on_defer(void *data)
{
    struct node *node = data;

    node->deferred = true;
    wake(node);
}

static void node_on_fatal(void *data, const char *reason)
{
    struct node *node = data;

    diag_die(1,
             "%s: nothing acknowledged is lost, but this process cannot go "
             "on; check the disk that holds %s and its free space, then start "
             "again",
             reason, node->dir);
}

/* Closing waits for the disk, so the next start finds all that it was given. */
static void node_on_restart(void *data, const char *reason)
{
    struct node *node = data;

    if (node->options.on_restart == NULL) {
        node_on_fatal(node, reason);
    }
    diag_warning("%s: this node starts again, which is the only way to be sure "
                 "who its members are; nothing acknowledged is lost",
                 reason);
    node->restarting = true;
    wake(node);
}

static void node_on_entered(void *data)
{
    struct node *node = data;

    peer_watch_look(&node->watch, uv_now(node->options.loop));
    wake(node);
}

static void node_on_outcome(void *data, uint64_t index,
                            const struct outcome *outcome)
{
    struct node *node = data;

    proposer_on_outcome(&node->proposer, index, outcome);
}

static void node_on_applied(void *data)
{
    struct node *node = data;

    node->applied = true;
    wake(node);
}

static int node_on_frame(void *data, uint64_t from, enum link_frame type,
                         const uint8_t *bytes, size_t len)
{
    struct node *node = data;

    wake(node);
    return type == LINK_REPORT
               ? space_watch_on_frame(&node->space, from, bytes, len)
               : reader_on_frame(&node->reader, from, type, bytes, len);
}
