/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/hold.h"

#include <stdlib.h>

#include "machine/must.h"
#include "service/envelope.h"
#include "service/service_parts.h"
#include "util/mem.h"
#include "wire/args_writer.h"
#include "wire/method.h"

static void hold_notify(const struct hold *hold, uint64_t newer);
static void hold_free(struct hold *hold);

void hold_add(struct service *service, struct channel *channel,
              const struct log_stat *stat)
{
    struct hold *hold = mem_must_zalloc(sizeof(*hold));

    hold->channel = channel;
    hold->watch = watches_get(&service->watches, stat->uid, stat->name);
    hold->epoch = stat->writer_epoch;
    list_push_back(&channel->holds, &hold->channel_link);
    list_push_back(&hold->watch->holds, &hold->watch_link);
    channel->holds_count++;
    /* Another acquire may have been applied already in the same batch. */
    watch_touch(&service->watches, hold->watch);
}

void holds_release(struct service *service, struct channel *channel,
                   uint64_t log_uid, uint64_t epoch)
{
    struct list *link = channel->holds.next;

    while (link != &channel->holds) {
        struct hold *hold = LIST_ITEM(link, struct hold, channel_link);
        struct watch *watch = hold->watch;

        link = link->next;
        if (watch->uid == log_uid && hold->epoch == epoch) {
            hold_free(hold);
            watch_drop_unused(&service->watches, watch);
        }
    }
}

void holds_check(struct watch *watch, uint64_t epoch)
{
    struct list *link = watch->holds.next;

    while (link != &watch->holds) {
        struct hold *hold = LIST_ITEM(link, struct hold, watch_link);

        link = link->next;
        if (hold->epoch < epoch) {
            hold_notify(hold, epoch == UINT64_MAX ? 0 : epoch);
            hold_free(hold);
        }
    }
}

void holds_end(struct service *service, struct channel *channel)
{
    while (!list_empty(&channel->holds)) {
        struct hold *hold =
            LIST_ITEM(channel->holds.next, struct hold, channel_link);
        struct watch *watch = hold->watch;

        hold_free(hold);
        watch_drop_unused(&service->watches, watch);
    }
}

static void hold_notify(const struct hold *hold, uint64_t newer)
{
    struct writer_fenced fenced = {
        .log = {(const uint8_t *)hold->watch->name, hold->watch->name_len},
        .epoch = hold->epoch,
        .newer = newer,
    };
    struct buf message = BUF_INIT;

    envelope_open_notification(&message, NOTIFY_WRITER_FENCED);
    must_have_memory(writer_fenced_encode(&fenced, &message));
    hold->channel->ops->send(hold->channel, &message);
    buf_close(&message);
}

static void hold_free(struct hold *hold)
{
    hold->channel->holds_count--;
    list_remove(&hold->channel_link);
    list_remove(&hold->watch_link);
    free(hold);
}
