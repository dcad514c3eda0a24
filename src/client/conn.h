/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * One connection: a non-blocking socket in an epoll set, bytes in and out, and
 * messages found by the bounds scan. It decides nothing: whoever owns it opens
 * and closes it.
 */
#pragma once

#include "client/dial.h"
#include "util/buf.h"
#include "wire/scan.h"

/* One whole message. An error means the other side does not speak the protocol:
 * conn_on_events() then returns it. Must not close the connection. */
typedef int (*conn_message_cb)(void *data, const uint8_t *bytes, size_t len,
                               struct err *err);

struct conn {
    int fd; /* -1: closed */
    int epoll_fd;
    uint64_t serial; /* in epoll_data.u64: events of an older socket differ */
    bool connected;
    uint32_t watched; /* epoll events asked for */
    struct dial dial;
    char peer[ADDRESS_MAX]; /* address in text, also after a close */
    struct buf in;
    struct scan scan;
    struct buf out;
    size_t out_at;        /* bytes of out already written */
    uint64_t written;     /* bytes written since it was opened */
    uint64_t progress_ms; /* when the other side last took or gave bytes */
    conn_message_cb on_message;
    void *data;
};

void conn_init(struct conn *conn, int epoll_fd, conn_message_cb on_message,
               void *data);
/* Begins to connect; events with @serial are for conn_on_events(). */
int conn_open(struct conn *conn, const struct address *address, uint64_t serial,
              uint64_t now_ms, struct err *err);
/* Drops everything in both directions. Accepts a closed one. */
void conn_close(struct conn *conn);
/* Reads and delivers messages, or goes on connecting. An error, also that the
 * other side has closed (QL_DISCONNECTED), means: close it. */
int conn_on_events(struct conn *conn, uint32_t events, uint64_t now_ms,
                   struct err *err);
/* Writes what the socket takes now. What is to be sent is added to conn->out.*/
int conn_flush(struct conn *conn, uint64_t now_ms, struct err *err);
/* Bytes waiting in out. */
size_t conn_queued(const struct conn *conn);
/* The place in the stream of the next byte added to out: it was written when
 * conn->written is larger. */
uint64_t conn_stream_end(const struct conn *conn);
