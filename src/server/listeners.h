/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The listening sockets of a server: a name may stand for several addresses. */
#pragma once

#include "server/listener.h"
#include "server/server.h"

/* "localhost" has two addresses; nobody's name has many. */
#define LISTENERS_MAX (SERVER_LISTEN_MAX * 4 + 1)

struct listeners {
    uv_loop_t *loop;
    listener_cb cb;
    void *data; /* each listener's */
    struct listener items[LISTENERS_MAX];
    size_t count;
    size_t open_count; /* whose handle is not closed yet: the caller's close
                          callback counts it down */
};

/* Zeroed, then the first three fields set, it is ready. Errors as
 * listener_open_tcp(); QL_INVALID for a name that cannot be resolved. What was
 * opened before an error stays open. */
int listeners_open_tcp(struct listeners *listeners,
                       const struct address *address, uint16_t *ret_port,
                       struct err *err);
int listeners_open_unix(struct listeners *listeners, const char *path,
                        struct err *err);
/* @cb finds the listener in handle->data. */
void listeners_close(struct listeners *listeners, uv_close_cb cb);
