/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The sending half of a session. */
#pragma once

#include "server/session.h"

extern const struct channel_ops session_channel_ops;

/* Hands queued output to the kernel unless a write is under way. Returns 0, or
 * QL_IO when the connection is broken. */
int session_send(struct session *session);
/* No more output comes: tells the other side once all is written. */
void session_shutdown(struct session *session);
/* True when output is queued and the client took none of it for too long. */
bool session_is_stalled(struct session *session, uint64_t now_ms);

/* Runs session_turn() before the loop waits. */
void session_touch(struct session *session);
/* Brings sessions->bytes up to date. */
void session_count(struct session *session);
