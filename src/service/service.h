/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the methods do: checks a call, submits commands to the node or reads the
 * machine, and answers. Knows sessions only as channels (service/channel.h).
 * One loop thread.
 */
#pragma once

#include "consensus/identity.h"
#include "consensus/node.h"
#include "store/chunk_store.h"

struct service;
struct channel;

/* How the bytes of chunks come into memory: as the functions of the chunk store
 * that are called so. */
struct service_loads {
    void (*load)(struct chunk_store *store, struct chunk_load *load,
                 struct chunk *chunk, chunk_load_cb cb);
    void (*load_end)(struct chunk_store *store, struct chunk_load *load);
    void (*ahead)(struct chunk_store *store, struct chunk *chunk);
    void (*used)(struct chunk_store *store, const struct chunk *chunk);
};

struct service_options {
    const struct identity *identity; /* outlives the service */
    uint64_t quorum_size;            /* checked statement; 0: not stated */
    uint64_t request_bytes_max;      /* told to clients; 0: REQUEST_BYTES_MAX */
    uint64_t (*sessions)(void *data);  /* for cluster.status */
    const struct service_loads *loads; /* NULL: the chunk store's; for tests */
    void *data;
};

/* The node is given later, because its callbacks lead here. */
struct service *service_new(const struct service_options *options);
void service_set_node(struct service *service, struct node *node);
/* After the node is freed and every channel is closed. */
void service_free(struct service *service);

/* Every SERVER_TICK_MS: ends what has waited too long for bytes from a disk, and
 * tries again what the node refused for being too much. */
void service_tick(struct service *service);
/* The node has stopped, and every channel is closed: ends what the service does by
 * itself, so that it reads no chunk any more. */
void service_stop(struct service *service);

/* A turn of the loop begins: about SERVICE_TURN_BYTES are sent in it. Without any
 * such call there is no bound. */
void service_begin_turn(struct service *service);
/* Less than that was sent so far: answers that wait can be made. */
bool service_may_send(const struct service *service);
/* Less than SERVICE_TURN_BYTES_MAX: requests can be handed over. */
bool service_may_take(const struct service *service);

/* From the node's callbacks. */
void service_on_state(struct service *service);
void service_on_applied(struct service *service);

/* One whole message from a client, a request or a notification, as scan_feed() has
 * let it through. Returns 0, or a
 * code for which the channel must be closed (QL_PROTOCOL, QL_BUSY when more
 * than SESSION_CALLS_MAX calls would be open). */
int service_handle(struct service *service, struct channel *channel,
                   const uint8_t *message, size_t len, struct err *err);
/* Answers a message that broke a bound of the wire before it was whole, if its
 * first @len bytes tell which request it was. The channel must be closed. */
void service_refuse(struct service *service, struct channel *channel,
                    const uint8_t *message, size_t len, const struct err *err);
