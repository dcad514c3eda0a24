/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Keeps an eye on the disks (space.h): looks at this node's each second and when
 * it fills, reports to the other members and hears them, has the leader propose
 * what is to be done, and says all that to the operator. */
#pragma once

#include <uv.h>

#include "consensus/core.h"
#include "consensus/space.h"

struct space_watch {
    uv_timer_t timer; /* timer.data is the owner's, for the close callback */
    struct node *node;
    struct core *core;
    const struct identity *identity;
    uint64_t reserve_bytes;
    struct space space;
    struct node_submit submit;
    struct reserve_look found; /* by the last look that ended */
    bool found_any;            /* and it still holds */
    bool under_way;            /* a proposal */
    bool looking;
    bool look_again;   /* the disk has filled since the look was begun */
    bool listening;    /* to what the disk layer says */
    bool pressed;      /* snapshots, since the WAL lacks a segment */
    bool said_low;     /* of this node, by the operator's log */
    bool said_refused; /* of the cluster */
};

/* @core and what @options points to outlive it. The owner ends it by uv_close() of
 * the timer, once the core is closed. */
void space_watch_start(struct space_watch *watch, struct node *node,
                       struct core *core, const struct node_options *options);
/* Entries were applied, so that the next snapshot is larger. Outside the core. */
void space_watch_on_applied(struct space_watch *watch);
/* A LINK_REPORT. QL_PROTOCOL: it makes no sense. */
int space_watch_on_frame(struct space_watch *watch, uint64_t from,
                         const uint8_t *bytes, size_t len);
/* What is known of each member's disk, by place in identity->members. */
void space_watch_fill(const struct space_watch *watch,
                      struct node_peer_status ret[MEMBERS_MAX]);
