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
#include <assert.h>
#include <inttypes.h>

#include "consensus/node_internal.h"
#include "util/diag.h"

static void run_deferred(struct node *node);
static void propose(struct node *node);
static void tell_state(struct node *node);
static void count_roles(struct node *node, const struct told_state *before);
static bool is_handing_over(const struct node *node);
static void step_handover(struct node *node);
static void step_down(struct node *node);
static void node_on_check(uv_check_t *handle);
static void node_on_idle(uv_idle_t *handle);

void node_start_turns(struct node *node)
{
    uv_loop_t *loop = node->options.loop;
    int rv = uv_check_init(loop, &node->check);

    assert(rv == 0); /* None of these can fail (libuv's manual). */
    rv = uv_idle_init(loop, &node->idle);
    assert(rv == 0);
    node->check.data = node;
    node->idle.data = node;
    rv = uv_check_start(&node->check, node_on_check);
    assert(rv == 0);
}

void node_wake(struct node *node)
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
    run_deferred(node);
    proposer_deliver(&node->proposer);
    if (node->core.raft.state != RAFT_LEADER) {
        proposer_refuse_waiting(&node->proposer, QL_NOT_LEADER);
    }
    reader_step(&node->reader, !is_handing_over(node),
                uv_now(node->options.loop), refusal);
    tell_state(node);
    if (handover_is_active(&node->handover)) {
        step_handover(node);
    }
    step_down(node);
    start_frozen_step(&node->start_frozen);
    if (node->core.raft.state == RAFT_LEADER) {
        propose(node);
    }
    if (node->applied) {
        node->applied = false;
        retention_tick_look(&node->tick, node->core.fsm.applied_bytes);
        space_watch_on_applied(&node->space);
        backup_keeper_on_applied(&node->keeper);
        if (node->options.on_applied != NULL) {
            node->options.on_applied(node->options.data);
        }
    }
    integrity_step(&node->integrity);
    if (node->core.disk != NULL) {
        raft_io_real_flush(node->core.disk);
    }
    if (node->restarting && node->phase == NODE_RUNNING) {
        node->options.on_restart(node->options.data);
    }
    if (node->phase != NODE_RUNNING) {
        node_step_stop(node);
    }
}

static void run_deferred(struct node *node)
{
    if (node->deferred && !node->core_closed) {
        node->deferred = false;
        guard_run_deferred(node->core.guard);
    }
}

/* A proposal enters the core, which asks for another turn; but all that one owes
 * is done here, so there need not be one. */
static void propose(struct node *node)
{
    bool is_awake = uv_is_active((uv_handle_t *)&node->idle) != 0;

    proposer_send(&node->proposer);
    run_deferred(node);
    if (!is_awake && !node->deferred && !node->applied && !node->restarting &&
        list_empty(&node->proposer.done)) {
        (void)uv_idle_stop(&node->idle);
    }
}

static void tell_state(struct node *node)
{
    struct told_state before = node->told;
    bool is_new = told_state_renew(&node->told, &node->core.raft,
                                   node_may_serve(node) == 0);

    if (is_new) {
        count_roles(node, &before);
    }
    if (is_new && node->options.on_state != NULL) {
        node->options.on_state(node->options.data);
    }
}

static void count_roles(struct node *node, const struct told_state *before)
{
    const struct told_state *told = &node->told;

    if (told->state == RAFT_CANDIDATE && before->state != RAFT_CANDIDATE) {
        metrics_add(node->metrics, COUNTER_ELECTIONS, 1);
    }
    if (told->state == RAFT_LEADER &&
        (before->state != RAFT_LEADER || before->term != told->term)) {
        metrics_add(node->metrics, COUNTER_TERMS_LED, 1);
    }
}

static bool is_handing_over(const struct node *node)
{
    return handover_is_busy(&node->handover) ||
           step_down_is_active(&node->down);
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

/* The last of what was accepted has been answered when it is asked for here: the
 * callbacks of an entry come before its turn ends. */
static void step_down(struct node *node)
{
    struct node_transfer *transfer = node->down_transfer;
    uint64_t now = uv_now(node->options.loop);

    if (node->down_owed) {
        node->down_owed = false;
        (void)step_down_begin(&node->down, now);
        node_wake(node);
    }
    if (!step_down_is_active(&node->down) || node->core_closed ||
        !step_down_step(&node->down, proposer_is_empty(&node->proposer), now)) {
        return;
    }
    diag_info("this node led term %" PRIu64 " and has stepped down",
              node->down.term);
    node->down_transfer = NULL;
    node_wake(node);
    if (transfer != NULL) {
        transfer->cb(transfer, 0);
    }
}
