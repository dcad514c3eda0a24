/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/proposer.h"

#include <assert.h>
#include <inttypes.h>

#include "util/clock.h"
#include "util/diag.h"

static void begin_sample(struct proposer *proposer, struct node_submit *submit);
static bool is_refusing(const struct proposer *proposer);
static void pace(struct proposer *proposer, size_t len);
static void count_batch(struct proposer *proposer,
                        const struct proposal *proposal);
static int propose(struct proposer *proposer, struct proposal *proposal);
static void proposer_on_batch(struct raft_apply *request, int status,
                              void *result);

void proposer_init(struct proposer *proposer, struct raft *core,
                   struct guard *guard, const struct fsm *fsm,
                   struct stages *stages)
{
    *proposer = (struct proposer){
        .core = core, .guard = guard, .fsm = fsm, .stages = stages};
    batcher_init(&proposer->batcher);
    list_init(&proposer->sent);
    list_init(&proposer->done);
}

int proposer_submit(struct proposer *proposer, struct node_submit *submit,
                    enum command_kind kind, struct bytes params,
                    node_submit_cb cb)
{
    int rv;

    if (kind == COMMAND_LOG_APPEND &&
        proposer->batcher.bytes > SPACE_PACE_BYTES && is_refusing(proposer)) {
        return QL_BUSY;
    }
    submit->kind = kind;
    submit->cb = cb;
    submit->sample = NULL;
    rv = batcher_add(&proposer->batcher, submit, params, clock_wall_ms());
    if (rv == 0 && submit->read_ns != 0 && stages_is_due(proposer->stages)) {
        begin_sample(proposer, submit);
    }
    return rv;
}

/* The command is in the open batch. */
static void begin_sample(struct proposer *proposer, struct node_submit *submit)
{
    submit->sample = stages_begin(proposer->stages, submit->read_ns);
    if (submit->sample != NULL) {
        list_push_back(&proposer->batcher.open->samples, &submit->sample->link);
    }
}

bool proposer_is_empty(const struct proposer *proposer)
{
    return batcher_is_empty(&proposer->batcher) &&
           list_empty(&proposer->sent) && list_empty(&proposer->done);
}

/* ---- From the loop ---- */

void proposer_send(struct proposer *proposer)
{
    /* While a transfer that the core has not given up stands, it refuses. */
    while (proposer->sent_count < BATCHES_IN_FLIGHT &&
           (clock_monotonic_ms() >= proposer->paced_until_ms ||
            !is_refusing(proposer)) &&
           guard_is_ready_leader(proposer->guard) &&
           !fsm_is_overrun(proposer->fsm) && proposer->core->transfer == NULL) {
        struct proposal *proposal = batcher_take(&proposer->batcher);
        int rv;

        if (proposal == NULL) {
            return;
        }
        rv = propose(proposer, proposal);
        if (rv != 0) {
            diag_die(1,
                     "propose a raft entry: %s; it may be on disk or not, so "
                     "this process ends; check memory and disk, then start "
                     "again",
                     raft_strerror(rv));
        }
        list_push_back(&proposer->sent, &proposal->link);
        proposer->sent_count++;
        count_batch(proposer, proposal);
        guard_after(proposer->guard);
    }
}

void proposer_deliver(struct proposer *proposer)
{
    while (!list_empty(&proposer->done)) {
        struct proposal *proposal =
            LIST_ITEM(proposer->done.next, struct proposal, link);

        list_remove(&proposal->link);
        proposal_finish_submits(proposal, QL_OUTCOME_UNKNOWN);
        proposal_free(&proposer->batcher, proposal);
    }
}

void proposer_refuse_waiting(struct proposer *proposer, int status)
{
    struct proposal *proposal = batcher_take(&proposer->batcher);

    while (proposal != NULL) {
        proposal_finish_submits(proposal, status);
        proposal_free(&proposer->batcher, proposal);
        proposal = batcher_take(&proposer->batcher);
    }
}

static bool is_refusing(const struct proposer *proposer)
{
    struct machine_counts counts;

    machine_counts(proposer->fsm->machine, &counts);
    return counts.space_low;
}

/* @len was proposed. */
static void pace(struct proposer *proposer, size_t len)
{
    proposer->paced_until_ms =
        clock_monotonic_ms() + (uint64_t)len * 1000 / SPACE_PACE_BYTES;
}

static void count_batch(struct proposer *proposer,
                        const struct proposal *proposal)
{
    struct metrics *metrics = proposer->stages->metrics;

    metrics_add(metrics, COUNTER_BATCHES, 1);
    metrics_add(metrics, COUNTER_COMMANDS, proposal->writer.count);
    metrics_record(metrics, HISTOGRAM_BATCH_COMMANDS, proposal->writer.count);
}

static int propose(struct proposer *proposer, struct proposal *proposal)
{
    struct raft_buffer buffer;
    int rv;

    proposal_seal(proposal, &buffer);
    pace(proposer, buffer.len);
    proposal->request.data = proposer;
    stages_on_proposed(proposer->stages, &proposal->samples,
                       raft_last_index(proposer->core) + 1);
    rv = raft_apply(proposer->core, &proposal->request, &buffer, 1,
                    proposer_on_batch);
    if (rv == 0) {
        /* The core frees it. */
        proposal->writer.bytes = NULL;
    }
    return rv;
}

/* ---- From inside the core ---- */

void proposer_on_committed(struct proposer *proposer, uint64_t index)
{
    struct proposal *proposal;

    if (list_empty(&proposer->sent)) {
        return;
    }
    proposal = LIST_ITEM(proposer->sent.next, struct proposal, link);
    if (proposal->request.index == index) {
        stages_on_committed(&proposal->samples);
    }
}

void proposer_on_outcome(struct proposer *proposer, uint64_t index,
                         const struct outcome *outcome)
{
    struct proposal *proposal;
    struct node_submit *submit;

    /* On a follower, and for entries of leaders before us, nobody waits: what
     * was ours left the list when leadership was lost. */
    if (list_empty(&proposer->sent)) {
        return;
    }
    proposal = LIST_ITEM(proposer->sent.next, struct proposal, link);
    if (proposal->request.index != index) {
        return;
    }
    assert(!list_empty(&proposal->submits));
    submit = LIST_ITEM(proposal->submits.next, struct node_submit, link);
    list_remove(&submit->link);
    if (submit->sample != NULL) {
        stage_on_applied(submit->sample);
    }
    submit->cb(submit, 0, outcome);
}

/* When leadership ends, the core calls this half dismantled: nobody is told
 * before it has finished. */
static void proposer_on_batch(struct raft_apply *request, int status,
                              void *result)
{
    struct proposer *proposer = request->data;
    struct proposal *proposal = LIST_ITEM(request, struct proposal, request);

    /* Those that are left in it then were lost. */
    (void)status;
    (void)result;
    assert(proposer->sent_count > 0);
    list_remove(&proposal->link);
    proposer->sent_count--;
    list_push_back(&proposer->done, &proposal->link);
}
