/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A connection as the service sees it. Embedded in server/session. */
#pragma once

#include <stdbool.h>

#include "util/buf.h"
#include "util/list.h"
#include "util/map.h"

struct channel;

struct channel_ops {
    /* Queues @message for sending and takes its memory (it is empty after).
     * Never fails towards the caller: a broken session drops it. */
    void (*send)(struct channel *channel, struct buf *message);
    /* Bytes queued and not yet taken by the other side. */
    size_t (*queued)(const struct channel *channel);
    /* The last call has ended or a follow was opened: the session may read on. */
    void (*calls_changed)(struct channel *channel);
};

struct channel {
    const struct channel_ops *ops;
    bool is_operator;    /* unix socket, or TCP from loopback */
    bool closed;         /* set by channel_close(): answers are dropped */
    char name[64];       /* from server.hello, for diagnostics */
    struct list calls;   /* struct call: not answered yet */
    size_t calls_count;
    struct list follows; /* struct follow */
    size_t follows_count;
    struct list holds;   /* struct hold: writer epochs acquired here */
    uint64_t next_follow;
};

void channel_init(struct channel *channel, const struct channel_ops *ops,
                  bool is_operator);
struct service;
/* The connection is gone: ends follows and holds, orphans open calls (their
 * answers are dropped when they come). The memory may be freed at once. */
void channel_close(struct service *service, struct channel *channel);
/* The output queue has room again: follows go on sending. */
void channel_on_drain(struct service *service, struct channel *channel);
