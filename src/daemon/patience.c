/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "daemon/patience.h"

#include <assert.h>
#include <inttypes.h>

#include "util/diag.h"
#include "util/limits.h"

static void say(uv_timer_t *timer);
static void lose(uv_timer_t *timer);
static void wait_for(struct patience *patience, uv_timer_cb cb, uint64_t ms);

uint64_t patience_ms(uint64_t election_timeout_ms)
{
    uint64_t election_ms =
        election_timeout_ms != 0 ? election_timeout_ms : ELECTION_TIMEOUT_MS;

    return STOP_ELECTION_TIMEOUTS_MAX * election_ms + STOP_SAY_MS;
}

void patience_start(struct patience *patience, uv_loop_t *loop,
                    const char *awaited, uint64_t say_ms, uint64_t end_ms)
{
    int rv = uv_timer_init(loop, &patience->timer);

    assert(rv == 0); /* It cannot fail (libuv's manual). */
    patience->timer.data = patience;
    patience->awaited = awaited;
    patience->end_ms = end_ms;
    patience->waited_ms = 0;
    wait_for(patience, say, say_ms);
}

void patience_awaits(struct patience *patience, const char *awaited)
{
    patience->awaited = awaited;
}

void patience_close(struct patience *patience)
{
    uv_close((uv_handle_t *)&patience->timer, NULL);
}

static void wait_for(struct patience *patience, uv_timer_cb cb, uint64_t ms)
{
    int rv = uv_timer_start(&patience->timer, cb, ms, 0);

    assert(rv == 0);
    patience->waited_ms += ms;
}

static void say(uv_timer_t *timer)
{
    struct patience *patience = timer->data;

    diag_warning("stopping takes long: it waits for %s, for %" PRIu64
                 " s more at most; a second signal ends it at once",
                 patience->awaited, patience->end_ms / 1000);
    wait_for(patience, lose, patience->end_ms);
}

static void lose(uv_timer_t *timer)
{
    const struct patience *patience = timer->data;

    diag_die(1,
             "stopping takes too long: it has waited for %" PRIu64
             " s, now for %s, and ends at once; nothing acknowledged is lost",
             patience->waited_ms / 1000, patience->awaited);
}
