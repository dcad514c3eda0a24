/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/start_frozen.h"

#include <string.h>

#include "util/diag.h"
#include "wire/args_freeze.h"

static const char reason[] = "started with --frozen";

static void on_applied(struct node_submit *submit, int status,
                       const struct outcome *outcome);

void start_frozen_init(struct start_frozen *start, struct raft *core,
                       struct guard *guard, struct proposer *proposer,
                       bool wanted)
{
    *start = (struct start_frozen){
        .core = core, .guard = guard, .proposer = proposer, .wanted = wanted};
}

/* Not by node_submit(), which serves nobody until this is done. */
void start_frozen_step(struct start_frozen *start)
{
    const struct freeze_args args = {
        .reason = {(const uint8_t *)reason, strlen(reason)}};
    struct buf params = BUF_INIT;

    if (!start->wanted || start->under_way ||
        start->core->state != RAFT_LEADER ||
        !guard_is_ready_leader(start->guard)) {
        return;
    }
    start->submit.data = start;
    if (freeze_args_encode(&args, &params) == 0 &&
        proposer_submit(start->proposer, &start->submit, COMMAND_FREEZE,
                        (struct bytes){params.data, params.len},
                        on_applied) == 0) {
        start->under_way = true;
    }
    buf_close(&params);
}

/* Lost leadership: the next time that it leads it tries again. */
static void on_applied(struct node_submit *submit, int status,
                       const struct outcome *outcome)
{
    struct start_frozen *start = submit->data;

    start->under_way = false;
    if (status == 0 && outcome->code == 0) {
        start->wanted = false;
        diag_info("the logs are frozen, as this node was %s; see quorlog "
                  "cluster thaw",
                  reason);
    }
}
