/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/peer_greeting.h"

#include <assert.h>

static void greet(struct peer_greeting *greeting);
static void greet_later(struct peer_greeting *greeting);
static void on_connect(struct raft_uv_connect *connect,
                       struct uv_stream_s *stream, int status);
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf);
static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf);
static void stream_close(struct peer_greeting *greeting);
static void on_stream_closed(uv_handle_t *handle);
static void on_timer(uv_timer_t *timer);
static void on_timer_closed(uv_handle_t *handle);
static void ended_one(struct peer_greetings *greetings);

void peer_greetings_start(struct peer_greetings *greetings,
                          struct uv_loop_s *loop,
                          const struct identity *identity,
                          struct raft_uv_transport *transport)
{
    *greetings = (struct peer_greetings){.transport = transport};
    for (size_t i = 0; i < identity->members_count; i++) {
        const struct member *member = &identity->members[i];
        struct peer_greeting *greeting;

        if (member->id == identity->node) {
            continue;
        }
        greeting = &greetings->greetings[greetings->count++];
        greeting->all = greetings;
        greeting->member = member;
        greeting->connect.data = greeting;
        (void)uv_timer_init(loop, &greeting->timer);
        greeting->timer.data = greeting;
        greetings->open++;
        /* libraft lets one new connection wait, so stay out of the way of the
         * first election. */
        greet_later(greeting);
    }
}

void peer_greetings_stop(struct peer_greetings *greetings,
                         void (*cb)(void *data), void *data)
{
    assert(!greetings->stopping);
    assert(greetings->count > 0);
    greetings->stopping = true;
    greetings->on_stopped = cb;
    greetings->data = data;
    for (size_t i = 0; i < greetings->count; i++) {
        struct peer_greeting *greeting = &greetings->greetings[i];

        uv_close((uv_handle_t *)&greeting->timer, on_timer_closed);
        if (greeting->stream != NULL) {
            stream_close(greeting);
        }
    }
}

static void greet(struct peer_greeting *greeting)
{
    struct peer_greetings *all = greeting->all;
    const struct member *member = greeting->member;

    if (all->transport->connect(all->transport, &greeting->connect, member->id,
                                member->peer_address, on_connect) != 0) {
        greet_later(greeting);
        return;
    }
    all->open++;
}

static void greet_later(struct peer_greeting *greeting)
{
    (void)uv_timer_start(&greeting->timer, on_timer, PEER_GREET_MS, 0);
}

static void on_timer(uv_timer_t *timer)
{
    greet(timer->data);
}

/* With @status 0 the token is on its way. */
static void on_connect(struct raft_uv_connect *connect,
                       struct uv_stream_s *stream, int status)
{
    struct peer_greeting *greeting = connect->data;

    if (status != 0) {
        if (!greeting->all->stopping) {
            greet_later(greeting);
        }
        ended_one(greeting->all);
        return;
    }
    greeting->stream = stream;
    stream->data = greeting;
    if (greeting->all->stopping ||
        uv_read_start(stream, on_alloc, on_read) != 0) {
        stream_close(greeting);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct peer_greeting *greeting = handle->data;

    (void)suggested;
    *ret_buf = uv_buf_init(greeting->ignored, sizeof greeting->ignored);
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
    (void)buf;
    if (nread < 0) {
        stream_close(stream->data);
    }
}

static void stream_close(struct peer_greeting *greeting)
{
    uv_handle_t *handle = (uv_handle_t *)greeting->stream;

    if (!uv_is_closing(handle)) {
        uv_close(handle, on_stream_closed);
    }
}

static void on_stream_closed(uv_handle_t *handle)
{
    struct peer_greeting *greeting = handle->data;

    raft_free(handle);
    greeting->stream = NULL;
    if (!greeting->all->stopping) {
        greet_later(greeting);
    }
    ended_one(greeting->all);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct peer_greeting *greeting = handle->data;

    ended_one(greeting->all);
}

static void ended_one(struct peer_greetings *greetings)
{
    assert(greetings->open > 0);
    greetings->open--;
    if (greetings->open == 0 && greetings->stopping) {
        greetings->on_stopped(greetings->data);
    }
}
