/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/proposal.h"

#include <stdlib.h>

#include "util/mem.h"

static void on_submitted(struct node_submit *submit, int status,
                         const struct outcome *outcome);

struct proposal *proposal_new(size_t len, proposal_cb cb, void *data)
{
    struct proposal *proposal = mem_must_zalloc(len);

    list_init(&proposal->link);
    proposal->cb = cb;
    proposal->data = data;
    proposal->submit.data = proposal;
    return proposal;
}

int proposal_send(struct proposal *proposal, struct node *node,
                  enum command_kind kind, struct bytes params)
{
    int rv = node_submit(node, &proposal->submit, kind, params, on_submitted);

    if (rv != 0) {
        list_remove(&proposal->link);
        free(proposal);
    }
    return rv;
}

void proposal_forget(struct proposal *proposal)
{
    if (proposal != NULL) {
        list_remove(&proposal->link);
        proposal->cb = NULL;
    }
}

static void on_submitted(struct node_submit *submit, int status,
                         const struct outcome *outcome)
{
    struct proposal *proposal = submit->data;

    list_remove(&proposal->link);
    if (proposal->cb != NULL) {
        proposal->cb(proposal, status, outcome);
    }
    free(proposal);
}
