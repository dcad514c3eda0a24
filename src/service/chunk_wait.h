/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Somebody on a connection waits for the bytes of a chunk that are on disk only,
 * or on another node; and, when it is small, for those of its neighbours, because
 * a log that grows slowly among many has small chunks. A connection has at most
 * SESSION_LOADS_MAX such runs with the chunk store; its others wait their turn
 * here, so that one that asks for much delays itself and not the rest.
 *
 * What was loaded is held for the length of the callback only, or until there is
 * time for it in a turn of the loop: bytes that wait for a slow client would be
 * memory without a bound. Who cannot use them then asks again later, and finds them
 * in the store's cache or not.
 */
#pragma once

#include <stdbool.h>

#include "machine/machine.h"
#include "service/channel.h"
#include "service/service.h"
#include "util/limits.h"

struct chunk_wait;
/* @status 0: the bytes of the first chunk are in memory, and those of its
 * neighbours if they were to be had, until chunk_wait_stop() or the next
 * chunk_wait_start(); one of them is called before this returns, or when
 * service_may_send() next allows to use them. QL_TIMEOUT:
 * SERVICE_LOAD_MS were not enough; anything else: as chunk_store_load(). The wait
 * has stopped then. */
typedef void (*chunk_wait_cb)(struct chunk_wait *wait, int status);

enum chunk_wait_state {
    CHUNK_WAIT_NONE,
    CHUNK_WAIT_TURN,   /* in channel->turns */
    CHUNK_WAIT_LOADS,  /* with the store */
    CHUNK_WAIT_LOADED, /* in its callback, or until there is time */
};

struct wait_load;

struct chunk_wait {
    enum chunk_wait_state state;
    struct list link; /* service->waits, while it waits */
    struct list turn; /* channel->turns, while it waits for that */
    struct service *service;
    struct channel *channel;
    struct wait_load *loads; /* NULL when NONE */
    size_t loads_count;
    size_t pending; /* of them not called back yet */
    uint64_t first; /* positions of the first chunk, also after the wait */
    uint64_t last;
    uint64_t since; /* service->ticks */
    int status; /* of the last wait that ended by itself; 0 when one starts */
    chunk_wait_cb cb;
};

void chunk_wait_init(struct chunk_wait *wait);
/* Waits for the chunk that @reader found absent, and for as many behind it as have
 * about @entries; what @wait was at before is stopped. Never calls back from
 * inside. Must be stopped before @channel goes. */
void chunk_wait_start(struct chunk_wait *wait, struct service *service,
                      struct channel *channel,
                      const struct machine_reader *reader, uint64_t entries,
                      chunk_wait_cb cb);
/* Fine with one that waits for nothing. */
void chunk_wait_stop(struct chunk_wait *wait);
bool chunk_wait_is_waiting(const struct chunk_wait *wait);
/* The bytes of @chunk, which is sealed, need not come from another node. */
bool chunk_wait_is_local(const struct chunk *chunk);

/* Ends those that have waited too long. */
void chunk_waits_tick(struct service *service);
