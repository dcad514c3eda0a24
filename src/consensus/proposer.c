/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/proposer.h"

#include <assert.h>
#include <inttypes.h>

#include "util/clock.h"
#include "util/diag.h"

static struct proposal *next_proposal(struct proposer *proposer);
static int propose(struct proposer *proposer, struct proposal *proposal);
static uint64_t proposal_index(const struct proposal *proposal);
static void proposer_on_batch(struct raft_apply *request, int status,
                              void *result);
static void proposer_on_barrier(struct raft_barrier *request, int status);
static void end_proposal(struct proposer *proposer, struct proposal *proposal,
                         int status);

void proposer_init(struct proposer *proposer, struct raft *core,
                   struct guard *guard)
{
    *proposer = (struct proposer){.core = core, .guard = guard};
    batcher_init(&proposer->batcher);
    read_barrier_init(&proposer->reads);
    list_init(&proposer->sent);
    list_init(&proposer->done);
}

int proposer_submit(struct proposer *proposer, struct node_submit *submit,
                    enum command_kind kind, struct bytes params,
                    node_submit_cb cb)
{
    submit->kind = kind;
    submit->cb = cb;
    return batcher_add(&proposer->batcher, submit, params, clock_wall_ms());
}

int proposer_read(struct proposer *proposer, struct node_read *read,
                  node_read_cb cb)
{
    return read_barrier_add(&proposer->reads, read, cb);
}

bool proposer_is_empty(const struct proposer *proposer)
{
    return batcher_is_empty(&proposer->batcher) &&
           list_empty(&proposer->reads.waiting) &&
           list_empty(&proposer->sent) && list_empty(&proposer->done);
}

/* ---- From the loop ---- */

void proposer_send(struct proposer *proposer)
{
    /* While a transfer that the core has not given up stands, it refuses. */
    while (proposer->sent_count < BATCHES_IN_FLIGHT &&
           guard_is_ready_leader(proposer->guard) &&
           proposer->core->transfer == NULL) {
        struct proposal *proposal = next_proposal(proposer);
        int rv;

        if (proposal == NULL) {
            return;
        }
        read_barrier_attach(&proposer->reads, &proposal->reads);
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
        guard_after(proposer->guard);
    }
}

void proposer_deliver(struct proposer *proposer, int lost_reads)
{
    while (!list_empty(&proposer->done)) {
        struct proposal *proposal =
            LIST_ITEM(proposer->done.next, struct proposal, link);

        list_remove(&proposal->link);
        proposal_finish_submits(proposal, QL_OUTCOME_UNKNOWN);
        read_barrier_finish(&proposer->reads, &proposal->reads,
                            proposal->lost ? lost_reads : 0);
        proposal_free(&proposer->batcher, proposal);
    }
}

void proposer_refuse_waiting(struct proposer *proposer, int submits, int reads)
{
    struct proposal *proposal = batcher_take(&proposer->batcher);

    while (proposal != NULL) {
        proposal_finish_submits(proposal, submits);
        proposal_free(&proposer->batcher, proposal);
        proposal = batcher_take(&proposer->batcher);
    }
    read_barrier_finish(&proposer->reads, &proposer->reads.waiting, reads);
}

static struct proposal *next_proposal(struct proposer *proposer)
{
    struct proposal *proposal = batcher_take(&proposer->batcher);

    if (proposal == NULL && !list_empty(&proposer->reads.waiting)) {
        proposal = proposal_new_barrier();
    }
    return proposal;
}

static int propose(struct proposer *proposer, struct proposal *proposal)
{
    struct raft_buffer buffer;
    int rv;

    if (proposal->writer.bytes == NULL) {
        proposal->request.barrier.data = proposer;
        return raft_barrier(proposer->core, &proposal->request.barrier,
                            proposer_on_barrier);
    }
    proposal_seal(proposal, &buffer);
    proposal->request.apply.data = proposer;
    rv = raft_apply(proposer->core, &proposal->request.apply, &buffer, 1,
                    proposer_on_batch);
    if (rv == 0) {
        /* The core frees it. */
        proposal->writer.bytes = NULL;
    }
    return rv;
}

/* ---- From inside the core ---- */

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
    if (proposal_index(proposal) != index) {
        return;
    }
    assert(!list_empty(&proposal->submits));
    submit = LIST_ITEM(proposal->submits.next, struct node_submit, link);
    list_remove(&submit->link);
    submit->cb(submit, 0, outcome);
}

static uint64_t proposal_index(const struct proposal *proposal)
{
    /* Both kinds of request begin with the same fields. */
    return proposal->request.apply.index;
}

static void proposer_on_batch(struct raft_apply *request, int status,
                              void *result)
{
    (void)result;
    end_proposal(request->data,
                 LIST_ITEM(request, struct proposal, request.apply), status);
}

static void proposer_on_barrier(struct raft_barrier *request, int status)
{
    end_proposal(request->data,
                 LIST_ITEM(request, struct proposal, request.barrier), status);
}

/* When leadership ends, the core calls this half dismantled: nobody is told
 * before it has finished. */
static void end_proposal(struct proposer *proposer, struct proposal *proposal,
                         int status)
{
    assert(proposer->sent_count > 0);
    list_remove(&proposal->link);
    proposer->sent_count--;
    proposal->lost = status != 0;
    list_push_back(&proposer->done, &proposal->link);
}
