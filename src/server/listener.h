/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One listening socket. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

#include "util/err.h"

struct listener;
/* A connection waits to be accepted from listener->uv.stream; or @status is a
 * libuv error, and none does. */
typedef void (*listener_cb)(struct listener *listener, int status);

struct listener {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    bool is_unix;
    uint16_t port; /* really bound */
    listener_cb cb;
    void *data; /* the caller's */
};

/* After either the handle must be closed (uv_close), also on error. @port
 * replaces the one in @address unless it is 0. QL_BUSY: the address is in use.
 * QL_NOT_FOUND: this machine has no such address. */
int listener_open_tcp(struct listener *listener, uv_loop_t *loop,
                      const struct sockaddr *address, uint16_t port,
                      listener_cb cb, struct err *err);
/* Mode 0600. The file of a dead process is replaced; QL_BUSY when a process
 * answers there, QL_EXISTS when it is no socket. Closing removes the file. */
int listener_open_unix(struct listener *listener, uv_loop_t *loop,
                       const char *path, listener_cb cb, struct err *err);
