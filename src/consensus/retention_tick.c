/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/retention_tick.h"

#include <assert.h>

#include "util/clock.h"

static void on_timer(uv_timer_t *timer);
static int propose(struct retention_tick *tick);
static void on_applied(struct node_submit *submit, int status,
                       const struct outcome *outcome);

void retention_tick_start(struct retention_tick *tick, struct node *node,
                          struct uv_loop_s *loop)
{
    int rv = uv_timer_init(loop, &tick->timer);

    assert(rv == 0); /* Neither can fail (libuv's manual). */
    tick->node = node;
    rv = uv_timer_start(&tick->timer, on_timer, TICK_INTERVAL_MS,
                        TICK_INTERVAL_MS);
    assert(rv == 0);
}

void retention_tick_look(struct retention_tick *tick, uint64_t applied_bytes)
{
    if (applied_bytes - tick->looked_at < TICK_BYTES || tick->under_way) {
        return;
    }
    /* While busy the next look is not far: it would be for long if everybody
     * but the tick found room. */
    if (propose(tick) != QL_BUSY) {
        tick->looked_at = applied_bytes;
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct retention_tick *tick = (struct retention_tick *)(void *)timer;

    /* When it is refused the next one will do. */
    if (!tick->under_way) {
        (void)propose(tick);
    }
}

/* 0 as well when there is nothing to do. Refused on followers, and while busy. */
static int propose(struct retention_tick *tick)
{
    const struct bytes no_params = {0};
    int rv;

    if (!machine_wants_tick(node_machine(tick->node), clock_wall_ms())) {
        return 0;
    }
    tick->submit.data = tick;
    rv = node_submit(tick->node, &tick->submit, COMMAND_TICK, no_params,
                     on_applied);
    tick->under_way = rv == 0;
    return rv;
}

static void on_applied(struct node_submit *submit, int status,
                       const struct outcome *outcome)
{
    struct retention_tick *tick = submit->data;

    (void)status;
    (void)outcome;
    tick->under_way = false;
}
