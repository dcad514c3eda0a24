/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "consensus/link_parts.h"
#include "util/crc32c.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/random.h"

static void tune(struct link_stream *stream);
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf);
static void on_read(uv_stream_t *tcp, ssize_t nread, const uv_buf_t *buf);
static void on_end(struct link_stream *stream, ssize_t reason);
static bool take(struct link_stream *stream, struct bytes *input);
static void on_unreadable(struct link_stream *stream, int code);
static void on_hello(struct link_stream *stream,
                     const struct link_frame_view *frame);
static void send_hello(struct link_stream *stream,
                       const struct link_hello_reply *reply);
static void pass(struct link_stream *stream);
static void on_deadline(uv_timer_t *timer);
static void on_closed(uv_handle_t *handle);

struct link_stream *link_stream_new(struct link *link, struct link_peer *peer)
{
    struct link_stream *stream = mem_must_zalloc(sizeof *stream);
    struct uv_loop_s *loop = link->options.loop;

    stream->owner = link;
    stream->peer = peer;
    stream->outgoing = peer != NULL;
    stream->handles = 2;
    /* Neither can fail: the socket is made later. */
    (void)uv_tcp_init(loop, &stream->tcp);
    (void)uv_timer_init(loop, &stream->deadline);
    stream->tcp.data = stream;
    stream->deadline.data = stream;
    link_reader_init(&stream->reader);
    list_push_back(&link->streams, &stream->place);
    link->open++;
    (void)uv_timer_start(&stream->deadline, on_deadline, link->options.hello_ms,
                         0);
    if (stream->outgoing) {
        strcpy(stream->remote, peer->member->peer_address);
    } else {
        link->strangers++;
    }
    return stream;
}

void link_stream_begin(struct link_stream *stream)
{
    uint8_t nonce[LINK_NONCE_LEN];
    struct link_hello_reply call;

    tune(stream);
    random_bytes(nonce, sizeof nonce);
    link_hello_open(&stream->hello, stream->owner->options.identity,
                    stream->outgoing ? stream->peer->member->id : 0, nonce);
    if (uv_read_start((uv_stream_t *)&stream->tcp, on_alloc, on_read) != 0) {
        link_stream_close(stream);
        return;
    }
    if (stream->outgoing) {
        link_hello_call(&stream->hello, &call);
        send_hello(stream, &call);
    }
}

void link_stream_close(struct link_stream *stream)
{
    if (stream->closing) {
        return;
    }
    stream->closing = true;
    if (stream->outgoing) {
        link_peer_drop(stream->peer);
    } else if (!stream->proven) {
        stream->owner->strangers--;
    } else if (stream->peer->in == stream) {
        stream->peer->in = NULL;
        if (!stream->owner->stopping) {
            link_connect_hurry(stream->peer); /* to see whether it is there */
        }
    }
    uv_close((uv_handle_t *)&stream->tcp, on_closed);
    uv_close((uv_handle_t *)&stream->deadline, on_closed);
}

static void on_closed(uv_handle_t *handle)
{
    struct link_stream *stream = handle->data;
    struct link *link = stream->owner;

    stream->handles--;
    if (stream->handles > 0) {
        return;
    }
    list_remove(&stream->place);
    link_reader_close(&stream->reader);
    if (stream->outgoing) {
        link_connect_on_end(stream);
    }
    free(stream);
    link_ended(link);
}

/* A failure here costs time only. */
static void tune(struct link_stream *stream)
{
    uv_os_fd_t fd = -1;
    unsigned silence_ms = LINK_SILENCE_MS;
    int second = 1;

    /* A frame waits for no other, and answers come by another connection, so
     * there is nothing that Nagle's algorithm could wait for. */
    (void)uv_tcp_nodelay(&stream->tcp, 1);
    (void)uv_tcp_keepalive(&stream->tcp, 1, 1);
    if (uv_fileno((uv_handle_t *)&stream->tcp, &fd) == 0) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &second,
                         sizeof second);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms,
                         sizeof silence_ms);
    }
}

/* ---- Reading ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct link_stream *stream = handle->data;
    struct link *link = stream->owner;

    (void)suggested;
    *ret_buf = uv_buf_init(link->read, sizeof link->read);
}

static void on_read(uv_stream_t *tcp, ssize_t nread, const uv_buf_t *buf)
{
    struct link_stream *stream = tcp->data;
    struct bytes input;

    if (nread < 0) {
        on_end(stream, nread);
        return;
    }
    stream->owner->counts.bytes_in += (uint64_t)nread;
    input.data = (const uint8_t *)buf->base;
    input.len = (size_t)nread;
    while (!stream->closing && input.len > 0 && take(stream, &input)) {
        continue;
    }
}

static void on_end(struct link_stream *stream, ssize_t reason)
{
    if (!stream->proven && stream->outgoing) {
        link_connect_failed(stream->peer,
                            reason == UV_EOF
                                ? "it closed the connection during the hello"
                                : uv_strerror((int)reason));
    } else if (!stream->proven) {
        stream->owner->counts.unfinished++;
    }
    link_stream_close(stream);
}

/* Takes one frame at most; false: there is no whole one. */
static bool take(struct link_stream *stream, struct bytes *input)
{
    struct link *link = stream->owner;
    struct link_frame_view frame;
    bool whole = false;
    int rv;

    /* Frames go one way only: towards whoever was called. */
    if (stream->outgoing && stream->proven) {
        on_unreadable(stream, QL_PROTOCOL);
        return false;
    }
    rv = link_reader_take(&stream->reader, input, &frame, &whole);
    if (rv != 0) {
        on_unreadable(stream, rv);
        return false;
    }
    if (!whole) {
        return false;
    }
    link->counts.frames_in++;
    if (frame.type == LINK_HELLO) {
        on_hello(stream, &frame);
    } else if (link->options.on_frame(link->options.data,
                                      stream->peer->member->id, frame.type,
                                      frame.bytes, frame.len) != 0) {
        on_unreadable(stream, QL_PROTOCOL);
    }
    return true;
}

static void on_unreadable(struct link_stream *stream, int code)
{
    if (code == QL_NO_MEMORY) {
        diag_die(1, "out of memory for a frame of a peer");
    }
    if (stream->proven) {
        link_door_bad_frame(stream, code);
    } else {
        stream->hello.refusal = LINK_MALFORMED;
        link_door_refused(stream);
    }
    link_stream_close(stream);
}

/* ---- The hello ---- */

static void on_hello(struct link_stream *stream,
                     const struct link_frame_view *frame)
{
    struct link_hello *hello = &stream->hello;
    struct link_hello_reply reply;
    enum link_hello_step step =
        link_hello_take(hello, frame->bytes, frame->len, &reply);

    if (step == LINK_HELLO_JUDGE) {
        enum link_refusal refusal = link_door_judge(stream->owner, hello);

        step = refusal == LINK_ACCEPTED
                   ? link_hello_accept(hello, &reply)
                   : link_hello_refuse(hello, refusal, &reply);
    }
    if (reply.len > 0) {
        send_hello(stream, &reply);
    }
    if (step == LINK_HELLO_REFUSED) {
        link_door_refused(stream);
        link_stream_close(stream);
    } else if (step == LINK_HELLO_TOLD) {
        link_door_told(stream);
        link_stream_close(stream);
    } else if (step == LINK_HELLO_DONE && !stream->closing) {
        pass(stream);
    }
}

/* What both sides say before frames may go fits into any socket's buffer, so it
 * is written at once or never. */
static void send_hello(struct link_stream *stream,
                       const struct link_hello_reply *reply)
{
    uint8_t bytes[LINK_HEADER_LEN + sizeof reply->bytes];
    size_t len = LINK_HEADER_LEN + reply->len;
    uint32_t crc = link_header_begin(bytes, LINK_HELLO, 0, reply->len);
    uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)len);

    link_header_seal(bytes, crc32c(crc, reply->bytes, reply->len));
    memcpy(bytes + LINK_HEADER_LEN, reply->bytes, reply->len);
    if (uv_try_write((uv_stream_t *)&stream->tcp, &buf, 1) != (int)len) {
        link_stream_close(stream);
        return;
    }
    stream->owner->counts.bytes_out += len;
}

static void pass(struct link_stream *stream)
{
    struct link *link = stream->owner;
    struct link_peer *peer = link_peer_of(link, stream->hello.node);

    assert(peer != NULL);
    (void)uv_timer_stop(&stream->deadline);
    stream->proven = true;
    stream->proven_ms = uv_now(link->options.loop);
    stream->reader.proven = true;
    if (stream->outgoing) {
        assert(stream->peer == peer);
        link->counts.connections++;
        link_door_passed(peer);
        if (peer->unreachable_said) {
            peer->unreachable_said = false;
            diag_info("node %llu is reached at %s",
                      (unsigned long long)peer->member->id, stream->remote);
        }
        return;
    }
    link->strangers--;
    stream->peer = peer;
    /* It connects anew only when it has given up the one before. */
    if (peer->in != NULL) {
        link_stream_close(peer->in);
    }
    peer->in = stream;
    link_connect_hurry(peer);
}

static void on_deadline(uv_timer_t *timer)
{
    struct link_stream *stream = timer->data;

    if (stream->outgoing) {
        link_connect_failed(stream->peer, "it did not answer in time");
    } else {
        stream->owner->counts.unfinished++;
    }
    link_stream_close(stream);
}
