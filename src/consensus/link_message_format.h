/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Lengths and numbers of the core's messages on the wire: docs/formats.md,
 * "Link". For the two halves of link_message.h only.
 */
#pragma once

#include "consensus/link_message.h"

#define ENTRY_LEN 16u  /* of a line in the table of entries */
#define SERVER_LEN 16u /* of a line in the table of servers, before the text */
#define SERVERS_MAX GUARD_PEERS_MAX
#define FLAG_DISRUPT 1u
#define FLAG_PRE_VOTE 2u
#define FLAG_GRANTED 1u
#define PRE_VOTE_SHIFT 1u

/* The numbers on the wire are libraft's, so they must stay. */
_Static_assert(RAFT_IO_APPEND_ENTRIES == 1, "number on the wire");
_Static_assert(RAFT_IO_APPEND_ENTRIES_RESULT == 2, "number on the wire");
_Static_assert(RAFT_IO_REQUEST_VOTE == 3, "number on the wire");
_Static_assert(RAFT_IO_REQUEST_VOTE_RESULT == 4, "number on the wire");
_Static_assert(RAFT_IO_INSTALL_SNAPSHOT == 5, "number on the wire");
_Static_assert(RAFT_IO_TIMEOUT_NOW == 6, "number on the wire");
_Static_assert(RAFT_COMMAND == 1, "number on the wire");
_Static_assert(RAFT_BARRIER == 2, "number on the wire");
_Static_assert(RAFT_CHANGE == 3, "number on the wire");
_Static_assert(RAFT_STANDBY == 0, "number on the wire");
_Static_assert(RAFT_VOTER == 1, "number on the wire");
_Static_assert(RAFT_SPARE == 2, "number on the wire");
_Static_assert(raft_tribool_unknown == 0, "number on the wire");
_Static_assert(raft_tribool_true == 1, "number on the wire");
_Static_assert(raft_tribool_false == 2, "number on the wire");
