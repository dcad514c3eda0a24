/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What arrives on the uplink, and the calls it makes on its own behalf. */
#pragma once

#include "client/uplink.h"

uint32_t uplink_next_id(struct uplink *uplink);
/* The connection's conn_message_cb; @data is the client. */
int uplink_on_message(void *data, const uint8_t *bytes, size_t len,
                      struct err *err);
/* Adds a hello to @buf. QL_NO_MEMORY. */
int uplink_encode_hello(struct ql_client *client, uint32_t id, struct buf *buf);
int uplink_send_hello(struct ql_client *client, struct err *err);
void uplink_send_ping(struct ql_client *client);
