/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/chunk_wait.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "quorlog.h"
#include "service/service_parts.h"
#include "util/mem.h"

#define LOAD_TICKS (SERVICE_LOAD_MS / SERVER_TICK_MS)

struct wait_load {
    struct chunk_load load;
    struct chunk_wait *wait;
    struct chunk *chunk; /* a reference */
    bool is_loaded;
};

static void take_run(struct chunk_wait *wait,
                     const struct machine_reader *reader, uint64_t entries);
static void wait_begin(struct chunk_wait *wait);
static void wait_on_loaded(struct chunk_load *load, int status);
static void wait_end(struct chunk_wait *wait, int status);
static void channel_next(struct channel *channel);

void chunk_wait_init(struct chunk_wait *wait)
{
    memset(wait, 0, sizeof(*wait));
    list_init(&wait->link);
    list_init(&wait->turn);
}

void chunk_wait_start(struct chunk_wait *wait, struct service *service,
                      struct channel *channel,
                      const struct machine_reader *reader, uint64_t entries,
                      chunk_wait_cb cb)
{
    assert(service->chunks != NULL);
    chunk_wait_stop(wait);
    take_run(wait, reader, entries);
    wait->state = CHUNK_WAIT_TURN;
    wait->service = service;
    wait->channel = channel;
    wait->since = service->ticks;
    wait->status = 0;
    wait->cb = cb;
    list_push_back(&service->waits, &wait->link);
    list_push_back(&channel->turns, &wait->turn);
    channel_next(channel);
}

void chunk_wait_stop(struct chunk_wait *wait)
{
    struct service *service = wait->service;
    struct channel *channel = wait->channel;
    enum chunk_wait_state state = wait->state;
    size_t i;

    if (state == CHUNK_WAIT_NONE) {
        return;
    }
    wait->state = CHUNK_WAIT_NONE;
    list_remove(&wait->link);
    list_remove(&wait->turn);
    for (i = 0; i < wait->loads_count; i++) {
        service->loads->load_end(service->chunks, &wait->loads[i].load);
        chunk_drop(wait->loads[i].chunk);
    }
    free(wait->loads);
    wait->loads = NULL;
    if (state != CHUNK_WAIT_TURN) {
        channel->loads_count--;
    }
    channel_next(channel);
}

bool chunk_wait_is_waiting(const struct chunk_wait *wait)
{
    return wait->state == CHUNK_WAIT_TURN || wait->state == CHUNK_WAIT_LOADS;
}

bool chunk_wait_is_local(const struct chunk *chunk)
{
    return chunk->home != NULL || chunk->parts != NULL;
}

/* The oldest is in front, as all may wait as long. One that starts again in its
 * callback has a new time. If only neighbours have not come, they count as not to
 * be had. */
void chunk_waits_tick(struct service *service)
{
    while (!list_empty(&service->waits)) {
        struct chunk_wait *wait =
            LIST_ITEM(service->waits.next, struct chunk_wait, link);

        if (service->ticks - wait->since <= LOAD_TICKS) {
            break;
        }
        wait_end(wait, wait->loads[0].is_loaded ? 0 : QL_TIMEOUT);
    }
}

/* The chunk that @reader is at, and small ones behind it that are on the disk:
 * those that would have to come from another node are not waited for yet. */
static void take_run(struct chunk_wait *wait,
                     const struct machine_reader *reader, uint64_t entries)
{
    struct machine_reader at = *reader;
    struct chunk *chunk = reader->absent;
    uint64_t taken = 0;
    uint64_t bytes = 0;

    wait->loads = mem_must_array(LOAD_RUN_MAX, sizeof(*wait->loads));
    memset(wait->loads, 0, LOAD_RUN_MAX * sizeof(*wait->loads));
    wait->loads_count = 0;
    wait->first = chunk->name.first;
    wait->last = chunk->name.last;
    do {
        struct wait_load *load = &wait->loads[wait->loads_count++];

        load->wait = wait;
        load->chunk = chunk_ref(chunk);
        load->load.data = load;
        bytes += chunk->len;
        taken += chunk->entries;
        at.chunk = chunk;
        chunk = machine_reader_ahead(&at);
    } while (chunk != NULL && wait->loads_count < LOAD_RUN_MAX &&
             taken < entries && bytes + chunk->len <= LOAD_RUN_BYTES &&
             chunk_wait_is_local(chunk));
}

static void wait_begin(struct chunk_wait *wait)
{
    const struct service *service = wait->service;
    size_t i;

    list_remove(&wait->turn);
    wait->state = CHUNK_WAIT_LOADS;
    wait->channel->loads_count++;
    wait->pending = wait->loads_count;
    for (i = 0; i < wait->loads_count; i++) {
        service->loads->load(service->chunks, &wait->loads[i].load,
                             wait->loads[i].chunk, wait_on_loaded);
    }
}

static void wait_on_loaded(struct chunk_load *load, int status)
{
    struct wait_load *item = load->data;
    struct chunk_wait *wait = item->wait;

    item->is_loaded = status == 0;
    wait->pending--;
    if (status != 0 && item == &wait->loads[0]) {
        wait_end(wait, status);
    } else if (wait->pending == 0) {
        wait_end(wait, 0);
    }
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

static void channel_next(struct channel *channel)
{
    while (!channel->closed && channel->loads_count < SESSION_LOADS_MAX &&
           !list_empty(&channel->turns)) {
        wait_begin(LIST_ITEM(channel->turns.next, struct chunk_wait, turn));
    }
}
