/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "server/session.h"

#include <stdlib.h>

#include "server/peer.h"
#include "server/session_read.h"
#include "server/session_write.h"
#include "util/limits.h"
#include "util/mem.h"

#define KEEPALIVE_SECONDS 60u

static void session_setup(struct session *session);
static void session_on_closed(uv_handle_t *handle);
static void session_go_on(struct session *session);
static void session_check_end(struct session *session);
static void session_complain(struct session *session, const char *why);

struct session *session_accept(struct sessions *sessions, uv_stream_t *listener,
                               bool is_unix)
{
    struct session *session = mem_must_zalloc(sizeof(*session));

    session->sessions = sessions;
    session->is_unix = is_unix;
    session->opened_ms = uv_now(sessions->loop);
    session->active_ms = session->opened_ms;
    session->written_ms = session->opened_ms;
    list_init(&session->turn);
    output_init(&session->output, &sessions->outputs);
    scan_init(&session->scan, sessions->request_bytes_max);
    channel_init(&session->channel, &session_channel_ops, is_unix);
    list_push_back(&sessions->open, &session->link);
    sessions->open_count++;
    sessions->memory_count++;

    if (is_unix) {
        uv_pipe_init(sessions->loop, &session->uv.pipe, 0);
    } else {
        uv_tcp_init(sessions->loop, &session->uv.tcp);
    }
    session->uv.handle.data = session;
    if (uv_accept(listener, &session->uv.stream) != 0) {
        session_close(session);
        return session;
    }
    session_setup(session);
    return session;
}

void session_turn(struct session *session)
{
    if (session->state == SESSION_CLOSED) {
        return;
    }
    if (session->fault != NULL) {
        session_fail(session, session->fault);
        return;
    }
    session_go_on(session);
    session_dispatch_kept(session);
    if (session_send(session) != 0) {
        session_close(session);
        return;
    }
    session_update_reading(session);
    session_count(session);
    session_check_end(session);
    /* Then it takes no more requests, and nothing else would tell it when. */
    if (!service_may_take(session->sessions->service)) {
        session_touch(session);
    }
}

void session_tick(struct session *session, uint64_t now_ms)
{
    const struct channel *channel = &session->channel;

    if (session_is_stalled(session, now_ms)) {
        session_fail(session, "it takes none of its answers");
    } else if (session->state == SESSION_ENDING) {
        if (now_ms - session->ending_ms >= SESSION_LINGER_MS) {
            session_close(session);
        }
    } else if (session->messages == 0 &&
               now_ms - session->opened_ms >= CONNECTION_HELLO_MS) {
        session_fail(session, "it sent no whole request in time");
    } else if (channel->calls_count == 0 && channel->follows_count == 0 &&
               channel->holds_count == 0 && session->output.bytes == 0 &&
               now_ms - session->active_ms >= session->sessions->idle_ms) {
        session_close(session);
    }
}

void session_fail(struct session *session, const char *why)
{
    session_complain(session, why);
    session_close(session);
}

void session_linger(struct session *session, const char *why)
{
    session_complain(session, why);
    session->state = SESSION_ENDING;
    session->ending_ms = uv_now(session->sessions->loop);
}

void session_close(struct session *session)
{
    struct sessions *sessions = session->sessions;

    if (session->state == SESSION_CLOSED) {
        return;
    }
    session->state = SESSION_CLOSED;
    session_send(session);
    channel_close(sessions->service, &session->channel);
    list_remove(&session->link);
    list_remove(&session->turn);
    sessions->open_count--;
    sessions->bytes -= session->counted;
    session->counted = 0;
    uv_close(&session->uv.handle, session_on_closed);
}

static void session_on_closed(uv_handle_t *handle)
{
    struct session *session = handle->data;
    struct sessions *sessions = session->sessions;

    buf_close(&session->in);
    output_close(&session->output);
    free(session);
    sessions->memory_count--;
    sessions->on_freed(sessions->data);
}

/* Answers go out at once, because they are gathered here already; and keep-alive
 * finds clients whose machine is gone while they follow or hold a log. */
static void session_setup(struct session *session)
{
    if (!session->is_unix) {
        session->channel.is_operator = peer_is_loopback(&session->uv.tcp);
        uv_tcp_nodelay(&session->uv.tcp, 1);
        uv_tcp_keepalive(&session->uv.tcp, 1, KEEPALIVE_SECONDS);
    }
    session_update_reading(session);
}

/* With what the turn before had no time for. */
static void session_go_on(struct session *session)
{
    if (session->has_more) {
        session->has_more = false;
        channel_on_drain(session->sessions->service, &session->channel);
    }
}

static void session_check_end(struct session *session)
{
    if (session->state == SESSION_ENDING) {
        if (session->channel.calls_count == 0) {
            session_shutdown(session);
        }
    } else if (session->state == SESSION_OPEN && session->read_ended &&
               session->channel.calls_count == 0 &&
               session->output.bytes == 0) {
        session_close(session);
    }
}

static void session_complain(struct session *session, const char *why)
{
    const char *name = session->channel.name;
    char peer[ADDRESS_MAX] = "on the unix socket";

    if (!session->is_unix) {
        peer_name(&session->uv.tcp, peer);
    }
    sessions_complain(session->sessions, "client %s%s%s: closed: %s", peer,
                      name[0] != '\0' ? " " : "", name, why);
}
