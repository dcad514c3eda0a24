/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The memory that answers and notifications are put together in: one message's is
 * used for the next, as they are copied into what a connection sends. */
#pragma once

#include "service/channel.h"
#include "service/service.h"

/* An empty one. */
void message_open(struct service *service, struct buf *ret_message);
/* Queues it on @channel; its memory is gone or kept, and it is empty. */
void message_send(struct service *service, struct channel *channel,
                  struct buf *message);
/* Drops it. */
void message_close(struct service *service, struct buf *message);
