/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "server/session_write.h"

#include "util/limits.h"

static int session_write(struct session *session, bool may_complete);
static size_t skip_sent(uv_buf_t *bufs, size_t count, size_t sent);
static bool session_drain(struct session *session);
static void session_on_send(struct channel *channel, struct buf *message);
static size_t session_queued(const struct channel *channel);
static void session_on_calls_changed(struct channel *channel);
static void session_on_later(struct channel *channel);
static void session_on_written(uv_write_t *write, int status);
static void session_on_shutdown(uv_shutdown_t *shutdown, int status);

const struct channel_ops session_channel_ops = {
    .send = session_on_send,
    .queued = session_queued,
    .calls_changed = session_on_calls_changed,
    .later = session_on_later,
};

/* What the kernel takes at once needs no look at the socket and no turn of the
 * loop. What follows from that goes the other way, so that one who is served as fast
 * as he reads lets others have their turn. */
int session_send(struct session *session)
{
    int rv;

    if (session->output.bytes == 0) {
        return 0;
    }
    rv = session_write(session, true);
    if (rv == 0 && session_drain(session)) {
        rv = session_write(session, false);
    }
    return rv;
}

/* @may_complete: it may be over when this returns, as session->writing says.
 * Otherwise there is a callback. */
static int session_write(struct session *session, bool may_complete)
{
    struct bytes runs[OUTPUT_WRITE_BLOCKS];
    uv_buf_t bufs[OUTPUT_WRITE_BLOCKS];
    size_t count;
    size_t sent = 0;
    size_t i;
    int rv = 0;

    if (session->writing || session->shutting || session->output.bytes == 0) {
        return 0;
    }
    count = output_take(&session->output, runs, OUTPUT_WRITE_BLOCKS);
    for (i = 0; i < count; i++) {
        bufs[i].base = (char *)(uintptr_t)runs[i].data;
        bufs[i].len = runs[i].len;
    }
    if (may_complete) {
        rv = uv_try_write(&session->uv.stream, bufs, (unsigned)count);
    }
    if (rv > 0) {
        sent = skip_sent(bufs, count, (size_t)rv);
        session->written_ms = uv_now(session->sessions->loop);
    }
    if (sent == count) {
        output_taken(&session->output);
        return 0;
    }
    if (rv >= 0 || rv == UV_EAGAIN) {
        rv = uv_write(&session->write, &session->uv.stream, bufs + sent,
                      (unsigned)(count - sent), session_on_written);
    }
    if (rv < 0) {
        output_taken(&session->output);
        return QL_IO;
    }
    session->writing = true;
    if (uv_stream_get_write_queue_size(&session->uv.stream) == 0 &&
        list_empty(&session->output.waiting)) {
        channel_on_written(&session->channel);
    }
    return 0;
}

/* Returns how many of @bufs are sent whole; the next begins with what is not. */
static size_t skip_sent(uv_buf_t *bufs, size_t count, size_t sent)
{
    size_t i = 0;

    while (i < count && sent >= bufs[i].len) {
        sent -= bufs[i].len;
        i++;
    }
    if (i < count) {
        bufs[i].base += sent;
        bufs[i].len -= sent;
    }
    return i;
}

/* Lets the service go on when something has left. Is there something to write
 * now? */
static bool session_drain(struct session *session)
{
    if (session->writing) {
        return false;
    }
    if (session->output.bytes == 0) {
        channel_on_written(&session->channel);
    }
    if (session->state == SESSION_OPEN && channel_has_room(&session->channel)) {
        channel_on_drain(session->sessions->service, &session->channel);
    }
    return session->output.bytes > 0;
}

void session_shutdown(struct session *session)
{
    if (session->shutting || session->writing || session->output.bytes > 0) {
        return;
    }
    session->shutting = true;
    if (uv_shutdown(&session->shutdown, &session->uv.stream,
                    session_on_shutdown) != 0) {
        session_close(session);
    }
}

bool session_is_stalled(struct session *session, uint64_t now_ms)
{
    size_t unwritten = uv_stream_get_write_queue_size(&session->uv.stream);

    if (session->output.bytes == 0 || unwritten != session->unwritten) {
        session->unwritten = unwritten;
        session->written_ms = now_ms;
    }
    return now_ms - session->written_ms >= SESSION_OUTPUT_STALL_MS;
}

void session_touch(struct session *session)
{
    if (session->state != SESSION_CLOSED && list_empty(&session->turn)) {
        list_push_back(&session->sessions->turns, &session->turn);
    }
}

void session_count(struct session *session)
{
    size_t bytes = session->in.room + session->output.held;

    session->sessions->bytes += bytes - session->counted;
    session->counted = bytes;
}

static void session_on_send(struct channel *channel, struct buf *message)
{
    struct session *session = LIST_ITEM(channel, struct session, channel);

    if (session->state == SESSION_CLOSED || session->shutting ||
        session->fault != NULL) {
        message->len = 0;
        return;
    }
    /* The service asks for room before it makes a large answer; what still gets
     * here are many small ones for a client that takes none. */
    if (session->output.bytes + message->len > SESSION_OUTPUT_MAX) {
        session->fault = "it does not take its answers";
        message->len = 0;
    } else {
        output_add(&session->output, message);
        session_count(session);
    }
    session_touch(session);
}

static size_t session_queued(const struct channel *channel)
{
    const struct session *session =
        LIST_ITEM((uintptr_t)channel, const struct session, channel);

    return session->output.bytes;
}

static void session_on_calls_changed(struct channel *channel)
{
    struct session *session = LIST_ITEM(channel, struct session, channel);

    session->active_ms = uv_now(session->sessions->loop);
    session_touch(session);
}

static void session_on_later(struct channel *channel)
{
    struct session *session = LIST_ITEM(channel, struct session, channel);

    session->has_more = true;
    session_touch(session);
}

static void session_on_written(uv_write_t *write, int status)
{
    struct session *session = write->handle->data;

    session->writing = false;
    output_taken(&session->output);
    if (session->state == SESSION_CLOSED) {
        return;
    }
    if (status != 0) {
        session_close(session);
        return;
    }
    session->written_ms = uv_now(session->sessions->loop);
    session_count(session);
    session_drain(session);
    session_touch(session);
}

static void session_on_shutdown(uv_shutdown_t *shutdown, int status)
{
    struct session *session = shutdown->handle->data;

    if (session->state != SESSION_CLOSED &&
        (status != 0 || session->read_ended)) {
        session_close(session);
    }
}
