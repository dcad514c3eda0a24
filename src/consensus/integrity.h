/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Keeps an eye on the state (docs/consensus.md, "Integrity"): tells the other
 * members what digest it has at agreed raft indexes, hears theirs, has the leader
 * propose more such indexes where entries are few, and does what follows: this
 * node starts again or begins with another's snapshot when a majority has another
 * state; the leader freezes the logs when there is no majority.
 */
#pragma once

#include <uv.h>

#include "consensus/core.h"
#include "consensus/mend.h"
#include "consensus/rebuild.h"

struct integrity {
    uv_timer_t timer; /* timer.data is the owner's, for the close callback */
    struct node *node;
    struct core *core;
    const struct identity *identity;
    const char *dir;
    struct digest_watch watch;
    struct digest_verdict verdict; /* the last one */
    struct mend mend;
    struct rebuild rebuild;
    uint64_t taken_ms;           /* when the last own digest was */
    uint64_t agreed_index;       /* the highest, with a majority */
    uint64_t wants[MEMBERS_MAX]; /* until when, by place in the members */
    bool fresh;                  /* an own digest is not told yet */
    bool is_out;                 /* it has tried often enough for now */
    bool froze;                  /* for the present split, somebody has */
    bool under_way;              /* a proposal */
    bool handing_over;
    unsigned handovers; /* that failed */
    struct node_submit submit;
    struct node_transfer transfer;
    enum digest_finding said; /* to the operator */
    uint64_t said_index;
};

/* @core and what @options points to outlive it. To be called before the core is
 * started. The owner ends it by uv_close() of the timer, once the core is closed.
 * Ends the process when it cannot be known whether this node's state is good. */
void integrity_start(struct integrity *integrity, struct node *node,
                     struct core *core, const struct node_options *options);
/* From inside the core. */
void integrity_on_digest(struct integrity *integrity, uint64_t index,
                         const uint8_t digest[HASH128_LEN]);
void integrity_on_restored(struct integrity *integrity, uint64_t index);
/* At the end of each turn, outside the core. */
void integrity_step(struct integrity *integrity);
/* LINK_DIGESTS, LINK_STATE_REQUEST, LINK_STATE. QL_PROTOCOL: it makes no sense. */
int integrity_on_frame(struct integrity *integrity, uint64_t from,
                       enum link_frame type, const uint8_t *bytes, size_t len);
/* This node's state may be another one than the majority's: nothing of it is told
 * to anybody. */
bool integrity_is_suspect(const struct integrity *integrity);
void integrity_fill(const struct integrity *integrity, struct node_status *ret);
