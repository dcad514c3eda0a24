/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/follow.h"

#include <stdlib.h>
#include <string.h>

#include "machine/must.h"
#include "service/envelope.h"
#include "service/message.h"
#include "service/restored.h"
#include "service/service_parts.h"
#include "util/mem.h"
#include "wire/args_read.h"
#include "wire/method.h"

static void follow_unlink(struct follow *follow);
static size_t follow_send_entries(struct service *service,
                                  struct follow *follow,
                                  struct machine_reader *reader);
static void follow_on_loaded(struct chunk_wait *wait, int status);
static size_t follow_send_loaded(struct service *service,
                                 struct follow *follow);
static size_t follow_send_event(const struct follow *follow, const char *event,
                                uint64_t position, struct bytes leader);
static size_t follow_tell(const struct follow *follow, const char *event,
                          struct follow_event *args);
static void follow_leader_lost(struct service *service, struct watch *watch,
                               struct bytes leader);
static size_t follow_skip_hole(struct follow *follow, uint64_t next);

struct follow *follow_new(struct service *service, struct channel *channel,
                          const struct log_stat *stat, uint64_t from)
{
    struct follow *follow = mem_must_zalloc(sizeof(*follow));

    follow->channel = channel;
    follow->watch = watches_get(&service->watches, stat->uid, stat->name);
    follow->id = ++channel->next_follow;
    follow->next = from;
    follow->incarnation = stat->incarnation;
    chunk_wait_init(&follow->wait);
    list_push_back(&channel->follows, &follow->channel_link);
    list_push_back(&follow->watch->follows, &follow->watch_link);
    channel->follows_count++;
    return follow;
}

struct follow *follow_find(const struct channel *channel, uint64_t id)
{
    struct list *link;

    for (link = channel->follows.next; link != &channel->follows;
         link = link->next) {
        struct follow *follow = LIST_ITEM(link, struct follow, channel_link);

        if (follow->id == id) {
            return follow;
        }
    }
    return NULL;
}

void follow_free(struct service *service, struct follow *follow)
{
    struct watch *watch = follow->watch;

    follow_unlink(follow);
    watch_drop_unused(&service->watches, watch);
}

size_t follow_pump(struct service *service, struct follow *follow)
{
    struct machine_reader reader;
    struct log_stat stat;
    size_t sent = 0;
    uint64_t head;
    int rv;

    follow->resting = false;
    if (follow->channel->ops->queued(follow->channel) >= FOLLOW_QUEUED_MAX) {
        return 0; /* channel_on_drain() comes */
    }
    if (!service_may_send(service)) {
        follow->channel->ops->later(follow->channel);
        return 0;
    }
    /* What has taken its place is not sent before that is told: service_wake(). */
    if (!watch_finds_log(follow->watch, service->machine, &stat) ||
        stat.incarnation != follow->incarnation) {
        return 0;
    }
    rv = machine_reader_open(&reader, service->machine, follow->watch->uid,
                             follow->next, 0, &head);
    if (rv == QL_TRIMMED) {
        follow->next = head;
        chunk_wait_stop(&follow->wait);
        sent = follow_send_event(follow, FOLLOW_TRIMMED, head,
                                 (struct bytes){NULL, 0});
        rv = machine_reader_open(&reader, service->machine, follow->watch->uid,
                                 head, 0, &head);
    }
    /* When the log is gone follows_on_deleted() is about to say so. */
    if (follow->credit <= 0) {
        follow->resting = true;
    } else if (rv == 0 && !chunk_wait_is_waiting(&follow->wait)) {
        sent += follow_send_entries(service, follow, &reader);
    }
    return sent;
}

/* Each turn begins with another follow, so that none starves. */
void follows_pump(struct service *service, struct channel *channel)
{
    size_t turns = channel->follows_count;
    size_t sent = 0;
    size_t i;

    for (i = 0; i < turns && sent < FOLLOW_EVENT_BYTES / 2; i++) {
        struct follow *follow =
            LIST_ITEM(channel->follows.next, struct follow, channel_link);

        list_remove(&follow->channel_link);
        list_push_back(&channel->follows, &follow->channel_link);
        if (follow->wait.state == CHUNK_WAIT_LOADED) {
            sent += follow_send_loaded(service, follow);
        } else if (!follow->resting) {
            sent += follow_pump(service, follow);
        }
    }
}

void follows_end(struct service *service, struct channel *channel)
{
    while (!list_empty(&channel->follows)) {
        follow_free(service, LIST_ITEM(channel->follows.next, struct follow,
                                       channel_link));
    }
}

void follows_wake(struct service *service, struct watch *watch)
{
    struct list *link;

    for (link = watch->follows.next; link != &watch->follows;
         link = link->next) {
        follow_pump(service, LIST_ITEM(link, struct follow, watch_link));
    }
}

void follows_on_deleted(struct watch *watch)
{
    while (!list_empty(&watch->follows)) {
        struct follow *follow =
            LIST_ITEM(watch->follows.next, struct follow, watch_link);

        follow_send_event(follow, FOLLOW_DELETED, follow->next,
                          (struct bytes){NULL, 0});
        follow_unlink(follow);
    }
}

/* A log that was deleted and made again begins with incarnation 1. */
void follows_on_restored(struct service *service, struct watch *watch,
                         const struct log_stat *stat)
{
    struct list *link = watch->follows.next;

    while (link != &watch->follows) {
        struct follow *follow = LIST_ITEM(link, struct follow, watch_link);
        struct follow_event event = {.incarnation = stat->incarnation};

        link = link->next;
        if (follow->incarnation < stat->incarnation) {
            event.position =
                restored_from(service->machine, stat, follow->incarnation);
            if (event.position > follow->next) {
                event.position = follow->next;
            }
            follow_tell(follow, FOLLOW_RESTORED, &event);
            follow_unlink(follow);
        }
    }
}

void follows_on_leader_lost(struct service *service)
{
    struct bytes leader = service_leader_address(service);
    struct map_item item;
    size_t iterator = 0;

    while (map_next(service->watches.by_uid, &iterator, &item)) {
        follow_leader_lost(service, item.value, leader);
    }
}

static void follow_leader_lost(struct service *service, struct watch *watch,
                               struct bytes leader)
{
    struct list *link = watch->follows.next;

    while (link != &watch->follows) {
        struct follow *follow = LIST_ITEM(link, struct follow, watch_link);

        link = link->next;
        if (!follow->stale) {
            follow_send_event(follow, FOLLOW_LEADER_CHANGED, follow->next,
                              leader);
            follow_unlink(follow);
        }
    }
    watch_drop_unused(&service->watches, watch);
}

static void follow_unlink(struct follow *follow)
{
    chunk_wait_stop(&follow->wait);
    follow->channel->follows_count--;
    list_remove(&follow->channel_link);
    list_remove(&follow->watch_link);
    free(follow);
}

/* The first entry goes out even when it is larger than the credit or the event:
 * otherwise a reader with little credit would wait for ever. */
static size_t follow_send_entries(struct service *service,
                                  struct follow *follow,
                                  struct machine_reader *reader)
{
    enum machine_read found;
    struct buf message;
    struct entries_writer writer;
    struct read_entry entry;
    uint64_t next = follow->next;
    uint32_t cost = 0;
    size_t hole = 0;
    size_t len;

    while ((found = machine_reader_next(reader, &entry)) ==
           MACHINE_READ_ENTRY) {
        size_t entry_cost = entry.key.len + entry.value.len + FOLLOW_ENTRY_COST;

        if (cost > 0 && entry.position != next) {
            break; /* the hole is told first */
        }
        if (cost == 0) {
            hole = follow_skip_hole(follow, entry.position);
            message_open(service, &message);
            envelope_open_notification(&message, NOTIFY_LOG_ENTRIES);
            must_have_memory(
                follow_entries_open(&writer, &message, follow->id));
        } else if (cost + entry_cost > FOLLOW_EVENT_BYTES ||
                   (int64_t)(cost + entry_cost) > follow->credit) {
            break;
        }
        must_have_memory(entries_writer_add(&writer, &entry));
        cost += (uint32_t)entry_cost;
        next = entry.position + 1;
    }
    follow->resting = found == MACHINE_READ_END;
    if (cost == 0) {
        if (found == MACHINE_READ_ABSENT) {
            chunk_wait_start(&follow->wait, service, follow->channel, reader,
                             UINT64_MAX, follow_on_loaded);
            return 0;
        }
        return follow_skip_hole(follow, reader->at);
    }
    service_has_read(service, reader);
    service_read_ahead(service, reader, found);
    must_have_memory(follow_entries_close(&writer, next, cost));
    follow->next = next;
    follow->credit -= cost;
    len = message.len;
    message_send(service, follow->channel, &message);
    return hole + len;
}

/* There are no entries from where the stream is up to @next. */
static size_t follow_skip_hole(struct follow *follow, uint64_t next)
{
    if (next <= follow->next) {
        return 0;
    }
    follow->next = next;
    return follow_send_event(follow, FOLLOW_HOLE, next,
                             (struct bytes){NULL, 0});
}

static void follow_on_loaded(struct chunk_wait *wait, int status)
{
    struct follow *follow = LIST_ITEM(wait, struct follow, wait);
    struct service *service = wait->service;

    if (status != 0) {
        follow_send_event(follow, FOLLOW_UNREADABLE, follow->next,
                          (struct bytes){NULL, 0});
        follow_free(service, follow);
        return;
    }
    (void)follow_send_loaded(service, follow);
}

/* All of it, as it may be gone afterwards. It is held until there is time for it:
 * as it is loaded outside of the sessions' turns, it would be loaded anew for ever
 * while others use all that a turn of the loop may send. */
static size_t follow_send_loaded(struct service *service, struct follow *follow)
{
    const struct channel *channel = follow->channel;
    size_t sent = 0;
    size_t event;

    do {
        event = follow_pump(service, follow);
        sent += event;
    } while (event > 0);
    if (!chunk_wait_is_waiting(&follow->wait) &&
        (service_may_send(service) ||
         channel->ops->queued(channel) >= FOLLOW_QUEUED_MAX)) {
        chunk_wait_stop(&follow->wait);
    }
    return sent;
}

static size_t follow_send_event(const struct follow *follow, const char *event,
                                uint64_t position, struct bytes leader)
{
    struct follow_event args = {.position = position, .leader = leader};

    return follow_tell(follow, event, &args);
}

/* Fills in what @args lacks. */
static size_t follow_tell(const struct follow *follow, const char *event,
                          struct follow_event *args)
{
    struct buf message = BUF_INIT;
    size_t len;

    args->follow = follow->id;
    args->event = (struct bytes){(const uint8_t *)event, strlen(event)};
    envelope_open_notification(&message, NOTIFY_LOG_EVENT);
    must_have_memory(follow_event_encode(args, &message));
    len = message.len;
    follow->channel->ops->send(follow->channel, &message);
    buf_close(&message);
    return len;
}
