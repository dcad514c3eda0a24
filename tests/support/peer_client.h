/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The other end of a real connection, in the thread of the server's loop: while
 * it waits it runs that loop. Every wait has a deadline that fails the test. */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "util/buf.h"
#include "wire/rpc.h"

struct peer_client {
    uv_loop_t *loop;
    int fd;
    struct buf in; /* received and not taken out */
    size_t taken;  /* length of the message taken out last */
    bool ended;    /* the server closed the connection */
};

void peer_client_open_tcp(struct peer_client *client, uv_loop_t *loop,
                          uint16_t port);
void peer_client_open_unix(struct peer_client *client, uv_loop_t *loop,
                           const char *path);
void peer_client_close(struct peer_client *client);

/* Sends all, running the loop while the socket is full; gives up silently when
 * the server has closed. */
void peer_client_send(struct peer_client *client, const void *bytes,
                      size_t len);
/* The params are in notation. */
void peer_client_request(struct peer_client *client, uint32_t id,
                         const char *method, const char *params);
/* The next message; valid until the next call. Fails when the server closes
 * first. */
struct rpc_message peer_client_next(struct peer_client *client);
/* The next message must be this answer. */
struct bytes peer_client_result(struct peer_client *client, uint32_t id);
struct rpc_error peer_client_error(struct peer_client *client, uint32_t id,
                                   int code);
/* Waits until the server closes; what it sent before is dropped. */
void peer_client_expect_end(struct peer_client *client);
/* Sends nothing more; still receives. */
void peer_client_end(struct peer_client *client);
/* Turns of the loop, until it has had @count without waiting. */
void loop_turns(uv_loop_t *loop, int count);
