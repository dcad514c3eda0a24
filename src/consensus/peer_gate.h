/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The peers' network: raft_uv's TCP transport with a guard at the door. Outgoing
 * connections show a token (peer_token.h); incoming ones must show one that
 * fits, from the instance that was seen first (peer_pins.h).
 */
#pragma once

#include <raft/uv.h>

#include "consensus/identity.h"
#include "consensus/peer_token.h"

struct peer_gate;

/* @listen_peer NULL: the own peer address. QL_INVALID, QL_CORRUPT, QL_IO. */
int peer_gate_new(struct peer_gate **ret_gate, struct uv_loop_s *loop,
                  const struct identity *identity, const char *dir,
                  const char *listen_peer, struct err *err);
/* For raft_uv_init(). */
struct raft_uv_transport *peer_gate_transport(struct peer_gate *gate);
/* After the transport's close callback, or when it was never used. */
void peer_gate_free(struct peer_gate *gate);
/* Why listening failed; "" when it did not. */
const char *peer_gate_reason(const struct peer_gate *gate);
/* How many connections were turned away for @refusal. */
uint64_t peer_gate_refused(const struct peer_gate *gate,
                           enum peer_refusal refusal);
