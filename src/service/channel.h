/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A connection as the service sees it. Embedded in server/session. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/list.h"

#define CHANNEL_NAME_MAX 64

struct channel;

struct channel_ops {
    /* Queues @message for sending; it is empty after, and what memory it still
     * has is the caller's. Never fails towards the caller: a broken session drops
     * it. */
    void (*send)(struct channel *channel, struct buf *message);
    /* Bytes queued and not yet taken by the other side. */
    size_t (*queued)(const struct channel *channel);
    /* A call has ended: there may be room for another. */
    void (*calls_changed)(struct channel *channel);
    /* The service has more to send than fits in this turn of the loop:
     * channel_on_drain() comes in the next. */
    void (*later)(struct channel *channel);
};

struct channel {
    const struct channel_ops *ops;
    bool is_operator; /* unix socket, or TCP from loopback */
    bool closed;      /* set by channel_close(): answers are dropped */
    /* From server.hello, for diagnostics. */
    char name[CHANNEL_NAME_MAX];
    struct list calls; /* struct call: not answered yet */
    size_t calls_count;
    struct list ready;   /* those of them that wait for room only */
    struct list follows; /* struct follow */
    size_t follows_count;
    struct list holds; /* struct hold: writer epochs acquired here */
    size_t holds_count;
    uint64_t next_follow;
    struct list turns;  /* struct chunk_wait: wait for their load's turn */
    size_t loads_count; /* loads with the chunk store */
    /* Where the time of appends goes (consensus/stages.h). */
    uint64_t read_ns;    /* when the bytes of what is handed over were read */
    struct list samples; /* struct stage_sample: answered, not written yet */
};

void channel_init(struct channel *channel, const struct channel_ops *ops,
                  bool is_operator);
struct service;
/* The connection is gone: ends follows and holds, orphans open calls (their
 * answers are dropped when they come). The memory may be freed at once. */
void channel_close(struct service *service, struct channel *channel);
/* Something queued has left, or another turn of the loop has begun: answers that
 * wait for room are made, and follows go on sending, one event each time. */
void channel_on_drain(struct service *service, struct channel *channel);
/* Less than half of SESSION_OUTPUT_MAX is queued: an answer of any size fits. */
bool channel_has_room(const struct channel *channel);
/* All that was sent has been given to the kernel. */
void channel_on_written(struct channel *channel);
