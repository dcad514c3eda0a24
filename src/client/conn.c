/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/conn.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define READ_BYTES (64u * KIB)  /* asked for in one recv() */
#define READ_ROUNDS 16          /* recv() calls before others get their turn */
#define KEEP_BYTES (256u * KIB) /* an empty buffer above this is freed */
/* A response and its envelope: type, id and nil take a few bytes. */
#define MESSAGE_BYTES_MAX (RESPONSE_BYTES_MAX + 64u)

static int watch_next(struct conn *conn, struct err *err);
static int watch(struct conn *conn, uint32_t events, struct err *err);
static int on_connecting(struct conn *conn, struct err *err);
static int read_bytes(struct conn *conn, uint64_t now_ms, struct err *err);
static int deliver(struct conn *conn, struct err *err);
static void trim(struct buf *buf);

void conn_init(struct conn *conn, int epoll_fd, conn_message_cb on_message,
               void *data)
{
    *conn = (struct conn){0};
    conn->fd = -1;
    conn->epoll_fd = epoll_fd;
    conn->on_message = on_message;
    conn->data = data;
    buf_init(&conn->in);
    buf_init(&conn->out);
}

int conn_open(struct conn *conn, const struct address *address, uint64_t serial,
              uint64_t now_ms, struct err *err)
{
    int rv;

    conn_close(conn);
    address_format(address, conn->peer);
    conn->serial = serial;
    conn->progress_ms = now_ms;
    scan_init(&conn->scan, MESSAGE_BYTES_MAX);
    rv = dial_resolve(&conn->dial, address, err);
    if (rv == 0) {
        rv = watch_next(conn, err);
    }
    return rv;
}

void conn_close(struct conn *conn)
{
    if (conn->fd >= 0) {
        close(conn->fd);
    }
    conn->fd = -1;
    conn->connected = false;
    conn->watched = 0;
    conn->out_at = 0;
    conn->written = 0;
    buf_close(&conn->in);
    buf_close(&conn->out);
}

int conn_on_events(struct conn *conn, uint32_t events, uint64_t now_ms,
                   struct err *err)
{
    int rv = 0;

    if (!conn->connected) {
        rv = on_connecting(conn, err);
        conn->progress_ms = now_ms;
        return rv;
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        rv = read_bytes(conn, now_ms, err);
    }
    if (rv == 0 && (events & EPOLLOUT) != 0) {
        rv = conn_flush(conn, now_ms, err);
    }
    return rv;
}

int conn_flush(struct conn *conn, uint64_t now_ms, struct err *err)
{
    if (!conn->connected) {
        return 0;
    }
    while (conn->out_at < conn->out.len) {
        ssize_t sent = send(conn->fd, conn->out.data + conn->out_at,
                            conn->out.len - conn->out_at, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            break;
        }
        if (sent < 0) {
            err_errno(err, errno, "send");
            err->code = QL_DISCONNECTED;
            return QL_DISCONNECTED;
        }
        conn->out_at += (size_t)sent;
        conn->written += (uint64_t)sent;
        /* What only fills the socket's buffer says nothing of the other side,
         * but room in a buffer that was full does. */
        if ((conn->watched & EPOLLOUT) != 0) {
            conn->progress_ms = now_ms;
        }
    }
    if (conn->out_at == conn->out.len) {
        conn->out.len = 0;
        conn->out_at = 0;
        trim(&conn->out);
        return watch(conn, EPOLLIN, err);
    }
    if (conn->out_at > conn->out.len / 2) {
        buf_consume(&conn->out, conn->out_at);
        conn->out_at = 0;
    }
    return watch(conn, EPOLLIN | EPOLLOUT, err);
}

size_t conn_queued(const struct conn *conn)
{
    return conn->out.len - conn->out_at;
}

uint64_t conn_stream_end(const struct conn *conn)
{
    return conn->written + conn_queued(conn);
}

static int watch_next(struct conn *conn, struct err *err)
{
    int rv = dial_next(&conn->dial, &conn->fd, err);

    if (rv != 0) {
        conn->fd = -1;
        return rv;
    }
    conn->watched = 0;
    return watch(conn, EPOLLOUT, err);
}

static int watch(struct conn *conn, uint32_t events, struct err *err)
{
    struct epoll_event event = {.events = events};
    int operation = conn->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    if (conn->watched == events) {
        return 0;
    }
    event.data.u64 = conn->serial;
    if (epoll_ctl(conn->epoll_fd, operation, conn->fd, &event) != 0) {
        return err_errno(err, errno, "epoll_ctl");
    }
    conn->watched = events;
    return 0;
}

/* One host name may stand for several addresses: all get a try. */
static int on_connecting(struct conn *conn, struct err *err)
{
    int rv = dial_result(conn->fd, err);

    if (rv == 0) {
        conn->connected = true;
        return watch(conn, EPOLLIN, err);
    }
    close(conn->fd);
    conn->fd = -1;
    if (conn->dial.next == conn->dial.count) {
        return rv;
    }
    return watch_next(conn, err);
}

static int read_bytes(struct conn *conn, uint64_t now_ms, struct err *err)
{
    int round;
    int rv = 0;

    for (round = 0; round < READ_ROUNDS && rv == 0; round++) {
        ssize_t got;
        size_t room;

        if (buf_reserve(&conn->in, READ_BYTES) != 0) {
            return err_set(err, QL_NO_MEMORY, "out of memory for an answer");
        }
        room = conn->in.room - conn->in.len;
        got = recv(conn->fd, conn->in.data + conn->in.len, room, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            break;
        }
        if (got < 0) {
            err_errno(err, errno, "receive");
            err->code = QL_DISCONNECTED;
            return QL_DISCONNECTED;
        }
        if (got == 0) {
            return err_set(err, QL_DISCONNECTED, "closed by the other side");
        }
        conn->in.len += (size_t)got;
        conn->progress_ms = now_ms;
        rv = deliver(conn, err);
        if ((size_t)got < room) {
            break;
        }
    }
    return rv;
}

/* Hands out all whole messages, then moves the rest to the front, once. */
static int deliver(struct conn *conn, struct err *err)
{
    size_t at = 0;
    int rv = 0;

    while (rv == 0) {
        const uint8_t *message = conn->in.data + at;

        rv = scan_feed(&conn->scan, message, conn->in.len - at, err);
        if (rv != 0 || !conn->scan.done) {
            break;
        }
        rv = conn->on_message(conn->data, message, conn->scan.at, err);
        at += conn->scan.at;
        scan_init(&conn->scan, MESSAGE_BYTES_MAX);
    }
    buf_consume(&conn->in, at);
    trim(&conn->in);
    /* Whatever is wrong with the bytes, it is the server's fault. */
    if (rv == QL_TOO_LARGE || rv == QL_INVALID) {
        rv = QL_PROTOCOL;
    }
    return rv;
}

static void trim(struct buf *buf)
{
    if (buf->len == 0 && buf->room > KEEP_BYTES) {
        buf_close(buf);
    }
}
