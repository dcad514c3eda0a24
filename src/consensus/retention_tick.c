/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/retention_tick.h"

#include <assert.h>

#include "util/clock.h"

static void on_timer(uv_timer_t *timer);
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

static void on_timer(uv_timer_t *timer)
{
    struct retention_tick *tick = (struct retention_tick *)(void *)timer;
    const struct bytes no_params = {0};

    if (tick->under_way ||
        !machine_wants_tick(node_machine(tick->node), clock_wall_ms())) {
        return;
    }
    /* Refused on followers, and while busy: the next one will do. */
    tick->submit.data = tick;
    tick->under_way = node_submit(tick->node, &tick->submit, COMMAND_TICK,
                                  no_params, on_applied) == 0;
}

static void on_applied(struct node_submit *submit, int status,
                       const struct outcome *outcome)
{
    struct retention_tick *tick = submit->data;

    (void)status;
    (void)outcome;
    tick->under_way = false;
}
