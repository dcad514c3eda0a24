/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The core's messages as frames: docs/formats.md, "Link". Pure but for memory,
 * which comes from raft_malloc() where the core is going to free it.
 */
#pragma once

#include <raft.h>

#include "consensus/link.h"

/* LINK_SNAPSHOT for an InstallSnapshot, LINK_RAFT for all else. */
enum link_frame link_message_frame(const struct raft_message *message);
/* How many parts the next function fills: at most LINK_PARTS_MAX, or 0 when the
 * message has more entries than may go in one. */
size_t link_message_parts(const struct raft_message *message);
/* @head receives what is encoded; the other parts point into the message's
 * entries or snapshot, and all must stay while it is sent. QL_NO_MEMORY;
 * QL_INVALID: no message of the core's. */
int link_message_encode(const struct raft_message *message, struct buf *head,
                        struct bytes *ret_parts);
/* What node @node sent. Entries become one batch, as the core frees it; it owns
 * them and a snapshot once it has been handed the message, before that
 * link_message_free() does. server_address is left NULL, for the caller to fill.
 * QL_PROTOCOL: it makes no sense, or another node than @node asks for votes.
 * QL_NO_MEMORY. Allocates at most a few times @len. */
int link_message_decode(const uint8_t *bytes, size_t len, uint64_t node,
                        struct raft_message *ret_message);
/* Frees what decoding allocated. */
void link_message_free(struct raft_message *message);
