/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* libraft's configurations: the first one of a cluster, and the way back from
 * raft_configuration_encode(), which libraft keeps to itself. */
#pragma once

#include <raft.h>

#include "consensus/identity.h"
#include "util/buf.h"

/* All members of @identity are voters: entry 1 of the raft log of every node
 * that was initialised alike. @ret must be initialised and empty. */
int configuration_from_identity(const struct identity *identity,
                                struct raft_configuration *ret,
                                struct err *err);
/* The same, encoded; the caller's to raft_free(). */
int configuration_encode_first(const struct identity *identity,
                               struct raft_buffer *ret, struct err *err);
/* @ret must be initialised and empty; it stays so after an error. QL_CORRUPT,
 * QL_NO_MEMORY. */
int configuration_decode(struct bytes encoded, struct raft_configuration *ret,
                         struct err *err);
