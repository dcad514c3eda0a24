/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/message.h"

#include "service/service_parts.h"
#include "util/limits.h"

void message_open(struct service *service, struct buf *ret_message)
{
    *ret_message = service->message;
    ret_message->len = 0;
    buf_init(&service->message);
}

void message_send(struct service *service, struct channel *channel,
                  struct buf *message)
{
    service->turn_bytes += message->len;
    channel->ops->send(channel, message);
    message_close(service, message);
}

void message_close(struct service *service, struct buf *message)
{
    if (service->message.data != NULL || message->room > MESSAGE_SPARE_BYTES) {
        buf_close(message);
        return;
    }
    service->message = *message;
    buf_init(message);
}
