/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What a node shows when it connects to a peer, so that only members of the same
 * cluster, initialised alike, speak to each other: docs/formats.md, "Peers".
 *
 *     PEER_ADDRESS|1|CLUSTER|MEMBERS_DIGEST|INSTANCE|HMAC
 *
 * HMAC is HMAC-SHA256 (RFC 2104) in hex with the cluster's secret over "ID|" and
 * everything before the last bar. It is static, so whoever can read the network
 * can replay it (docs/limits.md, "Between nodes"). Pure functions.
 */
#pragma once

#include "consensus/identity.h"

#define PEER_TOKEN_MAX 640u

enum peer_refusal {
    PEER_ACCEPTED = 0,
    PEER_UNKNOWN,   /* no such member, or this node itself */
    PEER_MALFORMED, /* not our protocol at all */
    PEER_VERSION,
    PEER_CLUSTER,
    PEER_SECRET,
    PEER_MEMBERS,  /* initialised with another member list */
    PEER_INSTANCE, /* not the directory it had before */
    PEER_REFUSALS  /* how many there are */
};

void peer_token_make(const struct identity *identity,
                     char ret_token[PEER_TOKEN_MAX]);
/* Checks what node @id showed, of which at most @room bytes may be read; it
 * need not be terminated. *ret_instance is set when the result is PEER_ACCEPTED
 * or PEER_MEMBERS: only then it is proved. */
enum peer_refusal peer_token_check(const struct identity *identity, uint64_t id,
                                   const char *token, size_t room,
                                   char ret_instance[ID_TEXT_LEN + 1]);
/* "shows another cluster's id" and so on; static. */
const char *peer_refusal_text(enum peer_refusal refusal);
