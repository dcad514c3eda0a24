/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Fills a draft: proposes one COMMAND_RECOVERY_LOAD behind the other, with so much
 * under way as the window takes. References to chunks that the state does not have
 * any more are refused, and so is what was proposed behind them: whoever feeds then
 * goes back to the mark of the refused record. Any other refusal is the end.
 */
#pragma once

#include "service/service.h"
#include "util/err.h"
#include "util/list.h"

/* Where a record came from; the feeder's own matter. */
struct draft_mark {
    size_t log;
    size_t chunk;
    size_t count; /* chunks in the record */
};

struct draft_feed {
    struct service *service;
    uint64_t draft;
    uint64_t seq;      /* of the next record */
    struct list items; /* struct feed_item: proposed, the oldest first */
    size_t items_count;
    size_t bytes; /* of them */
    bool goes_back;
    struct draft_mark back;
    uint64_t back_seq;
    int code; /* not 0: it has failed */
    struct err err;
    /* Something came back. */
    void (*on_change)(void *data);
    void *data;
};

void draft_feed_init(struct draft_feed *feed, struct service *service,
                     uint64_t draft, void (*on_change)(void *data), void *data);
/* @on_change does not come any more; what was proposed may still be applied. Fine
 * with one that is all zero. */
void draft_feed_stop(struct draft_feed *feed);

/* May a record of @len bytes be added? */
bool draft_feed_has_room(const struct draft_feed *feed, size_t len);
/* Everything that was added was applied. */
bool draft_feed_is_empty(const struct draft_feed *feed);
/* References were refused, and nothing is under way any more: add records from
 * *ret on again. Once each time. */
bool draft_feed_must_go_back(struct draft_feed *feed, struct draft_mark *ret);
/* Proposes a record (machine/load_record.h). QL_BUSY and QL_NO_LEADER: not now, try
 * again later; other codes of node_submit() are the end. */
int draft_feed_add(struct draft_feed *feed, struct bytes record,
                   const struct draft_mark *mark);
