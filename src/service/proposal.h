/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A command that a node proposes without a client, and whose proposer may be gone
 * when it is decided. */
#pragma once

#include "consensus/node.h"

struct proposal;
/* As a node_submit_cb. @proposal is freed when it returns. */
typedef void (*proposal_cb)(struct proposal *proposal, int status,
                            const struct outcome *outcome);

/* Begins with this; may be embedded first in something larger. */
struct proposal {
    struct node_submit submit;
    struct list link; /* the proposer's; initialised as an empty one */
    proposal_cb cb;
    void *data; /* the proposer's */
};

/* @len: of the struct that begins with it, zeroed. */
struct proposal *proposal_new(size_t len, proposal_cb cb, void *data);
/* Submits it. Not 0: it is freed, and @cb does not come. */
int proposal_send(struct proposal *proposal, struct node *node,
                  enum command_kind kind, struct bytes params);
/* Takes a sent one out of its list; @cb does not come any more. NULL is fine. */
void proposal_forget(struct proposal *proposal);
