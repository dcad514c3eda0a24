/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/draft_feed.h"

#include <assert.h>
#include <string.h>

#include "machine/load_record.h"
#include "machine/must.h"
#include "service/call.h"
#include "service/proposal.h"
#include "service/service_parts.h"
#include "wire/args_recovery.h"

struct feed_item {
    struct proposal proposal; /* first */
    size_t bytes;
    uint64_t seq;
    enum load_kind kind;
    struct draft_mark mark;
};

static void on_decided(struct proposal *proposal, int status,
                       const struct outcome *outcome);
static void take_refusal(struct draft_feed *feed, const struct feed_item *item,
                         const struct outcome *outcome);

void draft_feed_init(struct draft_feed *feed, struct service *service,
                     uint64_t draft, void (*on_change)(void *data), void *data)
{
    memset(feed, 0, sizeof(*feed));
    feed->service = service;
    feed->draft = draft;
    feed->on_change = on_change;
    feed->data = data;
    list_init(&feed->items);
}

void draft_feed_stop(struct draft_feed *feed)
{
    while (feed->service != NULL && !list_empty(&feed->items)) {
        proposal_forget(LIST_ITEM(feed->items.next, struct proposal, link));
    }
    feed->items_count = 0;
    feed->bytes = 0;
}

bool draft_feed_has_room(const struct draft_feed *feed, size_t len)
{
    if (feed->code != 0 || feed->goes_back) {
        return false;
    }
    return feed->items_count == 0 ||
           (feed->items_count < RECOVERY_WINDOW_RECORDS &&
            feed->bytes + len <= RECOVERY_WINDOW_BYTES);
}

bool draft_feed_is_empty(const struct draft_feed *feed)
{
    return feed->items_count == 0 && !feed->goes_back;
}

bool draft_feed_must_go_back(struct draft_feed *feed, struct draft_mark *ret)
{
    if (!feed->goes_back || feed->items_count > 0 || feed->code != 0) {
        return false;
    }
    feed->goes_back = false;
    feed->seq = feed->back_seq;
    *ret = feed->back;
    return true;
}

int draft_feed_add(struct draft_feed *feed, struct bytes record,
                   const struct draft_mark *mark)
{
    const struct recovery_load_args args = {feed->draft, feed->seq, record};
    struct buf params = BUF_INIT;
    struct feed_item *item;
    int rv;

    assert(draft_feed_has_room(feed, record.len));
    item = (struct feed_item *)(void *)proposal_new(sizeof(*item), on_decided,
                                                    feed);
    item->bytes = record.len;
    item->seq = feed->seq;
    item->kind = (enum load_kind)record.data[0];
    item->mark = *mark;
    list_push_back(&feed->items, &item->proposal.link);
    must_have_memory(recovery_load_args_encode(&args, &params));
    rv = proposal_send(&item->proposal, feed->service->node,
                       COMMAND_RECOVERY_LOAD,
                       (struct bytes){params.data, params.len});
    buf_close(&params);
    if (rv != 0) {
        return rv;
    }
    feed->items_count++;
    feed->bytes += record.len;
    feed->seq++;
    return 0;
}

static void on_decided(struct proposal *proposal, int status,
                       const struct outcome *outcome)
{
    struct feed_item *item = (struct feed_item *)(void *)proposal;
    struct draft_feed *feed = proposal->data;

    feed->items_count--;
    feed->bytes -= item->bytes;
    if (status != 0) {
        if (feed->code == 0) {
            feed->code = status;
            call_node_refusal(status, &feed->err);
        }
    } else if (outcome->code != 0 && feed->code == 0) {
        take_refusal(feed, item, outcome);
    }
    feed->on_change(feed->data);
}

/* Behind a refused record every other is out of order. */
static void take_refusal(struct draft_feed *feed, const struct feed_item *item,
                         const struct outcome *outcome)
{
    if (feed->goes_back && outcome->code == QL_OUT_OF_ORDER) {
        return;
    }
    if (!feed->goes_back && outcome->code == QL_NOT_FOUND &&
        item->kind == LOAD_REFS) {
        feed->goes_back = true;
        feed->back = item->mark;
        feed->back_seq = item->seq;
        return;
    }
    feed->code = outcome->code;
    err_set(&feed->err, outcome->code, "%s", machine_refusal_text(outcome));
}
