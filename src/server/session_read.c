/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "server/session_read.h"

#include <string.h>

#include "machine/must.h"
#include "server/session_write.h"
#include "util/clock.h"
#include "util/limits.h"

static void session_on_alloc(uv_handle_t *handle, size_t suggested,
                             uv_buf_t *ret_buf);
static void session_on_read(uv_stream_t *stream, ssize_t nread,
                            const uv_buf_t *buf);
static void session_keep(struct session *session, struct bytes rest);
static size_t session_dispatch(struct session *session, struct bytes input);
static size_t session_dispatch_one(struct session *session, struct bytes input);
static bool session_may_dispatch(const struct session *session);
static void session_shrink_input(struct session *session);

void session_update_reading(struct session *session)
{
    bool wanted = !session->read_ended && (session->state == SESSION_ENDING ||
                                           session_may_dispatch(session));

    if (session->state == SESSION_CLOSED || wanted == session->reading) {
        return;
    }
    session->reading = wanted;
    if (!wanted) {
        uv_read_stop(&session->uv.stream);
    } else if (uv_read_start(&session->uv.stream, session_on_alloc,
                             session_on_read) != 0) {
        session_close(session);
    }
}

void session_dispatch_kept(struct session *session)
{
    struct bytes input = {session->in.data, session->in.len};
    size_t taken;

    if (input.len == 0) {
        return;
    }
    taken = session_dispatch(session, input);
    if (session->state == SESSION_OPEN) {
        buf_consume(&session->in, taken);
    } else {
        session->in.len = 0;
    }
    session_shrink_input(session);
}

/* What is kept stands in front of what is read; a long message has room of its
 * own instead, which grows only when it needs it. */
static void session_on_alloc(uv_handle_t *handle, size_t suggested,
                             uv_buf_t *ret_buf)
{
    struct session *session = handle->data;
    uint8_t *shared = session->sessions->read_bytes;
    struct buf *in = &session->in;

    (void)suggested;
    if (in->len <= SESSION_READ_BYTES / 2) {
        if (in->len > 0) {
            memcpy(shared, in->data, in->len);
        }
        ret_buf->base = (char *)shared + in->len;
        ret_buf->len = SESSION_READ_BYTES - in->len;
        return;
    }
    if (in->len == in->room) {
        must_have_memory(buf_reserve(in, in->room));
    }
    ret_buf->base = (char *)in->data + in->len;
    ret_buf->len = in->room - in->len;
}

static void session_on_read(uv_stream_t *stream, ssize_t nread,
                            const uv_buf_t *buf)
{
    struct session *session = stream->data;
    const uint8_t *shared = session->sessions->read_bytes;
    struct bytes input;
    size_t taken;

    if (nread == 0) {
        return;
    }
    if (nread < 0) {
        session->read_ended = true;
        session_update_reading(session);
        if (nread != UV_EOF) {
            session_close(session);
        }
        session_touch(session);
        return;
    }
    if (session->state == SESSION_ENDING) {
        return; /* the bytes are not counted in, so they are gone */
    }
    session->active_ms = uv_now(session->sessions->loop);
    session->channel.read_ns = clock_monotonic_ns();
    input = (struct bytes){shared, session->in.len + (size_t)nread};
    if ((const uint8_t *)buf->base == shared + session->in.len) {
        taken = session_dispatch(session, input);
        session_keep(session,
                     (struct bytes){shared + taken, input.len - taken});
    } else {
        session->in.len += (size_t)nread;
        session_dispatch_kept(session);
    }
    session_update_reading(session);
    session_count(session);
    session_touch(session);
}

/* Of what was read into the shared memory. */
static void session_keep(struct session *session, struct bytes rest)
{
    session->in.len = 0;
    if (session->state == SESSION_OPEN && rest.len > 0) {
        must_have_memory(buf_add(&session->in, rest.data, rest.len));
    }
    session_shrink_input(session);
}

/* Takes whole messages from the start of @input as long as there is room for
 * their answers. Returns how many bytes they had. */
static size_t session_dispatch(struct session *session, struct bytes input)
{
    size_t at = 0;
    size_t len;

    while (at < input.len && session_may_dispatch(session)) {
        len = session_dispatch_one(
            session, (struct bytes){input.data + at, input.len - at});
        if (len == 0) {
            break;
        }
        at += len;
    }
    return at;
}

/* Returns the length of the message, 0 when there was none. */
static size_t session_dispatch_one(struct session *session, struct bytes input)
{
    struct service *service = session->sessions->service;
    size_t len;
    struct err err;

    err_init(&err);
    if (scan_feed(&session->scan, input.data, input.len, &err) != 0) {
        service_refuse(service, &session->channel, input.data, input.len, &err);
        session_linger(session, err.text);
        return 0;
    }
    if (!session->scan.done) {
        return 0;
    }
    len = session->scan.at;
    scan_init(&session->scan, session->sessions->request_bytes_max);
    session->messages++;
    if (service_handle(service, &session->channel, input.data, len, &err) !=
        0) {
        session_linger(session, err.text);
        return 0;
    }
    return len;
}

static bool session_may_dispatch(const struct session *session)
{
    return session->state == SESSION_OPEN && session->fault == NULL &&
           session->channel.calls_count < SESSION_CALLS_MAX &&
           channel_has_room(&session->channel) &&
           service_may_take(session->sessions->service);
}

/* An idle connection holds no memory, and one large request does not stay for
 * the life of its connection. */
static void session_shrink_input(struct session *session)
{
    struct buf *in = &session->in;
    struct buf small = BUF_INIT;

    if (in->len > SESSION_INPUT_BYTES / 2 ||
        (in->len > 0 && in->room <= SESSION_INPUT_BYTES)) {
        return;
    }
    if (in->len > 0) {
        must_have_memory(buf_reserve(&small, SESSION_INPUT_BYTES));
        must_have_memory(buf_add(&small, in->data, in->len));
    }
    buf_close(in);
    *in = small;
}
