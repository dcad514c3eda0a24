/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/chunk_wait.h"

#include <assert.h>
#include <string.h>

#include "quorlog.h"
#include "service/service_parts.h"
#include "util/limits.h"

#define LOAD_TICKS (SERVICE_LOAD_MS / SERVER_TICK_MS)

static void wait_begin(struct chunk_wait *wait);
static void wait_end(struct chunk_wait *wait, int status);
static void wait_on_loaded(struct chunk_load *load, int status);
static void channel_next(struct channel *channel);

void chunk_wait_init(struct chunk_wait *wait)
{
    memset(wait, 0, sizeof(*wait));
    list_init(&wait->link);
    list_init(&wait->turn);
}

void chunk_wait_start(struct chunk_wait *wait, struct service *service,
                      struct channel *channel, struct chunk *chunk,
                      chunk_wait_cb cb)
{
    assert(service->chunks != NULL);
    chunk_ref(chunk);
    chunk_wait_stop(wait);
    wait->state = CHUNK_WAIT_TURN;
    wait->service = service;
    wait->channel = channel;
    wait->chunk = chunk;
    wait->first = chunk->name.first;
    wait->last = chunk->name.last;
    wait->since = service->ticks;
    wait->status = 0;
    wait->cb = cb;
    list_push_back(&service->waits, &wait->link);
    list_push_back(&channel->turns, &wait->turn);
    channel_next(channel);
}

void chunk_wait_stop(struct chunk_wait *wait)
{
    struct channel *channel = wait->channel;
    enum chunk_wait_state state = wait->state;

    if (state == CHUNK_WAIT_NONE) {
        return;
    }
    wait->state = CHUNK_WAIT_NONE;
    list_remove(&wait->link);
    list_remove(&wait->turn);
    if (state != CHUNK_WAIT_TURN) {
        chunk_store_load_end(wait->service->chunks, &wait->load);
        channel->loads_count--;
    }
    chunk_drop(wait->chunk);
    wait->chunk = NULL;
    channel_next(channel);
}

bool chunk_wait_is_waiting(const struct chunk_wait *wait)
{
    return wait->state == CHUNK_WAIT_TURN || wait->state == CHUNK_WAIT_LOADS;
}

/* The oldest is in front, as all may wait as long. One that starts again in its
 * callback has a new time. */
void chunk_waits_tick(struct service *service)
{
    while (!list_empty(&service->waits)) {
        struct chunk_wait *wait =
            LIST_ITEM(service->waits.next, struct chunk_wait, link);

        if (service->ticks - wait->since <= LOAD_TICKS) {
            break;
        }
        wait_end(wait, QL_TIMEOUT);
    }
}

static void wait_begin(struct chunk_wait *wait)
{
    list_remove(&wait->turn);
    wait->state = CHUNK_WAIT_LOADS;
    wait->channel->loads_count++;
    wait->load.data = wait;
    chunk_store_load(wait->service->chunks, &wait->load, wait->chunk,
                     wait_on_loaded);
}

/* @wait may be gone afterwards. */
static void wait_end(struct chunk_wait *wait, int status)
{
    wait->status = status;
    if (status == 0) {
        wait->state = CHUNK_WAIT_LOADED;
        list_remove(&wait->link);
    } else {
        chunk_wait_stop(wait);
    }
    wait->cb(wait, status);
}

static void wait_on_loaded(struct chunk_load *load, int status)
{
    wait_end(load->data, status);
}

static void channel_next(struct channel *channel)
{
    while (!channel->closed && channel->loads_count < SESSION_LOADS_MAX &&
           !list_empty(&channel->turns)) {
        wait_begin(LIST_ITEM(channel->turns.next, struct chunk_wait, turn));
    }
}
