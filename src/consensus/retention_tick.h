/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Retention and expiry act on a replicated tick, never on a local clock: the
 * leader proposes one now and then, if it would change something. */
#pragma once

#include <uv.h>

#include "consensus/node.h"

struct retention_tick {
    uv_timer_t timer; /* timer.data is the owner's, for the close callback */
    struct node *node;
    struct node_submit submit;
    bool under_way;
};

/* The owner ends it by uv_close() of the timer. */
void retention_tick_start(struct retention_tick *tick, struct node *node,
                          struct uv_loop_s *loop);
