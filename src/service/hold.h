/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A writer epoch acquired on a connection, which is told once when the epoch is
 * over. The notice spares the writer a refused append; the fence itself is the
 * machine's. */
#pragma once

#include "service/channel.h"
#include "service/service.h"
#include "service/watch.h"

struct hold {
    struct list channel_link;
    struct list watch_link;
    struct channel *channel;
    struct watch *watch;
    uint64_t epoch;
};

/* @stat is what the acquire answered. */
void hold_add(struct service *service, struct channel *channel,
              const struct log_stat *stat);
/* The holder gave @epoch back: no notice is due. */
void holds_release(struct service *service, struct channel *channel,
                   uint64_t log_uid, uint64_t epoch);
/* Sends what is due now that @epoch is the log's; UINT64_MAX: it was deleted.
 * @watch stays. */
void holds_check(struct watch *watch, uint64_t epoch);
/* The connection is gone. */
void holds_end(struct service *service, struct channel *channel);
