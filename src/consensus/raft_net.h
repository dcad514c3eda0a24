/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The network half of the core's raft_io: its messages over the link. */
#pragma once

#include <raft.h>

#include "consensus/link.h"

struct raft_net;

struct raft_net_options {
    struct uv_loop_s *loop;
    const struct identity *identity; /* outlives it */
    const char *dir;                 /* the data directory */
    const char *listen_peer;         /* "host:port"; NULL: own peer address */
    /* A message from a proven member: takes what it points to, as the core
     * does. Not called any more after raft_net_stop(). */
    void (*on_message)(void *data, struct raft_message *message);
    /* Any other frame; see struct link_options. NULL: they are left alone, as a
     * newer node may send what this one has no use for. */
    int (*on_frame)(void *data, uint64_t node, enum link_frame type,
                    const uint8_t *bytes, size_t len);
    /* See struct link_options. May be NULL. */
    void (*on_gone)(void *data, uint64_t node);
    void *data;
};

/* As link_start(). */
int raft_net_start(struct raft_net **ret_net,
                   const struct raft_net_options *options, struct err *err);
/* @message and what it points to must stay until @cb, which comes later with 0
 * or RAFT_NOCONNECTION. Returns those of libraft's codes, too, and RAFT_TOOBIG:
 * then @cb never comes. */
int raft_net_send(struct raft_net *net, struct raft_io_send *request,
                  const struct raft_message *message, raft_io_send_cb cb);
/* @cb: then it can be freed. */
void raft_net_stop(struct raft_net *net, void (*cb)(void *data), void *data);
void raft_net_free(struct raft_net *net);
/* Frees what a message that the core is not told of points to. */
void raft_net_message_free(struct raft_message *message);
struct link *raft_net_link(struct raft_net *net);
