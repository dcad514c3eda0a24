/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Where peers come in: listens, and reads from each connection what libraft's
 * TCP transport sends first (docs/formats.md, "Peers"). Takes the place of that
 * transport's own listener, which allocates whatever length a stranger names,
 * waits for it for ever, and has no limit to how many wait.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "util/err.h"
#include "util/list.h"

/* Somebody calls itself node @id and shows @room bytes of @token, which are
 * valid during the call; 0 when it named a length that no token has. @stream is
 * the callee's, memory from raft_malloc(). */
typedef void (*peer_door_cb)(void *data, uint64_t id, const char *token,
                             size_t room, struct uv_stream_s *stream);

struct peer_door {
    uv_tcp_t listener;
    uv_timer_t timer;
    struct list entering; /* who has not shown its token yet, oldest first */
    size_t entering_count;
    size_t handles; /* not closed yet */
    peer_door_cb cb;
    void *data;
    void (*closed_cb)(void *data);
    void *closed_data;
};

/* @address is "host:port", IPv4. After it, also when it fails with QL_IO, the
 * door must be closed. */
int peer_door_open(struct peer_door *door, struct uv_loop_s *loop,
                   const char *address, peer_door_cb cb, void *data,
                   struct err *err);
/* Turns away who has been entering for PEER_ENTER_MS at @now_ms of the loop. */
void peer_door_expire(struct peer_door *door, uint64_t now_ms);
void peer_door_close(struct peer_door *door, void (*cb)(void *data),
                     void *data);
