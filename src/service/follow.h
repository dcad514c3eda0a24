/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A stream of a log's entries to one connection. It sends one notification of at
 * most FOLLOW_EVENT_BYTES at a time, when the reader has given credit and less
 * than FOLLOW_QUEUED_MAX is queued on its connection, and goes on when that has
 * left (channel_on_drain), when the log changes, or when credit comes. So it holds
 * no entries itself, a slow reader costs a bounded buffer, and no follow keeps the
 * loop to itself.
 *
 * Entries that are on disk only are waited for, one chunk at a time; of a loaded
 * chunk as much is sent as may be queued, because it may be gone afterwards.
 */
#pragma once

#include <stdbool.h>

#include "service/channel.h"
#include "service/chunk_wait.h"
#include "service/service.h"
#include "service/watch.h"

struct follow {
    struct list channel_link;
    struct list watch_link;
    struct channel *channel;
    struct watch *watch;
    uint64_t id;          /* on its connection */
    uint64_t next;        /* position to send next */
    uint64_t incarnation; /* of the log that it is a stream of */
    int64_t credit; /* bytes; below 0 after an entry larger than the credit */
    bool stale;     /* may be served by a node that does not lead */
    bool resting;   /* all is sent, or all that there is credit for: only an
                       entry, credit or chunk that comes changes that */
    struct chunk_wait wait; /* for the entry at @next */
};

/* Borrowed; the caller has checked SESSION_FOLLOWS_MAX. */
struct follow *follow_new(struct service *service, struct channel *channel,
                          const struct log_stat *stat, uint64_t from);
/* NULL when the connection has no such follow. */
struct follow *follow_find(const struct channel *channel, uint64_t id);
void follow_free(struct service *service, struct follow *follow);
/* Sends at most one notification; returns the bytes it queued. */
size_t follow_pump(struct service *service, struct follow *follow);

/* All follows of a connection in turn, until about one full notification is
 * queued. */
void follows_pump(struct service *service, struct channel *channel);
/* The connection is gone. */
void follows_end(struct service *service, struct channel *channel);
/* All follows of a log. */
void follows_wake(struct service *service, struct watch *watch);
/* The log is gone: they are told and end. @watch stays. */
void follows_on_deleted(struct watch *watch);
/* @stat is what the name of @watch stands for now: the follows of an incarnation
 * before it are told and end. @watch stays. */
void follows_on_restored(struct service *service, struct watch *watch,
                         const struct log_stat *stat);
/* This node does not lead: those that need the leader are told and end. */
void follows_on_leader_lost(struct service *service);
