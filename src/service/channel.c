/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/channel.h"

#include <string.h>

#include "consensus/stages.h"
#include "service/call.h"
#include "service/follow.h"
#include "service/hold.h"
#include "service/service_parts.h"
#include "util/limits.h"

static void channel_release(struct channel *channel);

void channel_init(struct channel *channel, const struct channel_ops *ops,
                  bool is_operator)
{
    memset(channel, 0, sizeof(*channel));
    channel->ops = ops;
    channel->is_operator = is_operator;
    list_init(&channel->calls);
    list_init(&channel->ready);
    list_init(&channel->follows);
    list_init(&channel->holds);
    list_init(&channel->turns);
    list_init(&channel->samples);
}

void channel_close(struct service *service, struct channel *channel)
{
    struct call *call;

    channel->closed = true;
    while (!list_empty(&channel->calls)) {
        call = LIST_ITEM(channel->calls.next, struct call, link);
        list_remove(&call->link);
        call->channel = NULL;
        channel->calls_count--;
        /* The others come back from the node. */
        if (!list_empty(&call->ready) || chunk_wait_is_waiting(&call->wait) ||
            call->stop != NULL) {
            call_free(call);
        }
    }
    stages_drop(&channel->samples);
    follows_end(service, channel);
    holds_end(service, channel);
}

void channel_on_drain(struct service *service, struct channel *channel)
{
    size_t sent = service->turn_bytes;

    while (!list_empty(&channel->ready) && channel_has_room(channel) &&
           service_may_send(service) &&
           service->turn_bytes - sent < SERVICE_SLICE_BYTES) {
        call_answer(LIST_ITEM(channel->ready.next, struct call, ready));
    }
    if (!channel_has_room(channel)) {
        channel_release(channel);
    } else if (!list_empty(&channel->ready)) {
        channel->ops->later(channel);
    }
    follows_pump(service, channel);
}

/* What waits for time may hold what was loaded; what waits for the client not. */
static void channel_release(struct channel *channel)
{
    struct list *link = channel->ready.next;

    if (channel->loads_count == 0) {
        return;
    }
    for (; link != &channel->ready; link = link->next) {
        chunk_wait_stop(&LIST_ITEM(link, struct call, ready)->wait);
    }
}

void channel_on_written(struct channel *channel)
{
    stages_on_written(&channel->samples);
}

bool channel_has_room(const struct channel *channel)
{
    return channel->ops->queued(channel) < SESSION_OUTPUT_MAX / 2;
}
