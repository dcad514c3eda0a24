/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Shows this node to every other member, whether or not the core has anything to
 * tell them: only whom a node has seen can it know again (peer_pins.h). Followers
 * never speak to each other otherwise, and would take a wiped one for new.
 *
 * The connection stays open, unused. When it ends the other node may be a new
 * process that has not seen this one, so it is made again.
 */
#pragma once

#include <raft/uv.h>
#include <stdbool.h>
#include <uv.h>

#include "consensus/identity.h"

struct peer_greetings;

struct peer_greeting {
    struct peer_greetings *all;
    const struct member *member;
    struct raft_uv_connect connect;
    struct uv_stream_s *stream; /* NULL: not connected */
    uv_timer_t timer;           /* until the next attempt */
    char ignored[64];           /* what the other side sends: nothing */
};

struct peer_greetings {
    struct raft_uv_transport *transport; /* connects and shows the token */
    bool stopping;
    size_t open; /* timers, streams and attempts to connect */
    void (*on_stopped)(void *data);
    void *data;
    size_t count;
    struct peer_greeting greetings[MEMBERS_MAX];
};

/* @identity and @transport, which must be initialised, outlive it. */
void peer_greetings_start(struct peer_greetings *greetings,
                          struct uv_loop_s *loop,
                          const struct identity *identity,
                          struct raft_uv_transport *transport);
/* Then the transport must be closed: that ends attempts under way. @cb fires
 * later, when nothing is left; there must be another member. */
void peer_greetings_stop(struct peer_greetings *greetings,
                         void (*cb)(void *data), void *data);
