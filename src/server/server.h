/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Listens, accepts, and keeps the sessions. */
#pragma once

#include "service/service.h"
#include "util/text.h"

struct server;
struct uv_loop_s;

#define SERVER_LISTEN_MAX 8

struct server_options {
    struct uv_loop_s *loop;
    struct service *service;
    const struct address *listen; /* TCP addresses, resolved by getaddrinfo */
    size_t listen_count;          /* at most SERVER_LISTEN_MAX */
    const char *unix_path;      /* NULL: none; made 0600; a stale one left by a
                                     dead process is replaced */
    uint64_t connections_max;   /* 0: CONNECTIONS_MAX */
    uint64_t request_bytes_max; /* 0: REQUEST_BYTES_MAX; never more */
    uint64_t idle_ms;           /* 0: CONNECTION_IDLE_MS */
};

/* QL_BUSY: an address is in use. On error the loop must still run once more, so
 * that what was opened can close. */
int server_start(struct server **ret_server,
                 const struct server_options *options, struct err *err);
/* The TCP port really bound for listen[index] (useful with port 0). */
uint16_t server_port(const struct server *server, size_t index);
uint64_t server_sessions(const struct server *server);
/* Takes effect for new connections and at the next idle check; 0: default. */
void server_set_limits(struct server *server, uint64_t connections_max,
                       uint64_t idle_ms);
/* Bytes in the buffers of all sessions; SESSIONS_BYTES_MAX bounds them. */
uint64_t server_buffered(const struct server *server);
/* Stops accepting; sessions may finish what is in flight. */
void server_drain(struct server *server);
/* Closes everything, then @cb. */
void server_stop(struct server *server, void (*cb)(void *data), void *data);
void server_free(struct server *server);
