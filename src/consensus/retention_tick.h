/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Retention and expiry act on a replicated tick, never on a local clock: the
 * leader proposes one now and then, if it would change something: by time, and by
 * what was written, so that a log goes only so far beyond its limits however fast
 * it grows. */
#pragma once

#include <uv.h>

#include "consensus/node.h"

struct retention_tick {
    uv_timer_t timer; /* timer.data is the owner's, for the close callback */
    struct node *node;
    struct node_submit submit;
    bool under_way;
    uint64_t looked_at; /* bytes applied at the last look for these */
};

/* The owner ends it by uv_close() of the timer. */
void retention_tick_start(struct retention_tick *tick, struct node *node,
                          struct uv_loop_s *loop);
/* @applied_bytes have been applied since the start: when TICK_BYTES of them are
 * new, the next tick does not wait for its time. Outside the core. */
void retention_tick_look(struct retention_tick *tick, uint64_t applied_bytes);
