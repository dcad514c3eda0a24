/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What is said of the states of the nodes. */
#pragma once

#include "consensus/digest_watch.h"

struct integrity_view {
    const struct digest_verdict *verdict;
    bool alone; /* there is nobody to compare with */
    bool is_out;
    bool is_rebuilding;
    bool is_checking;
};
/* A word for programs: docs/protocol.md, cluster.status. Static storage. */
const char *integrity_word(const struct integrity_view *view);
/* "state digests differ at raft index 1024 (term 3): node 1; nodes 2 3" */
void integrity_reason(const struct digest_verdict *verdict,
                      const uint64_t *voters, size_t voters_count,
                      char *ret_text, size_t room);
/* For the operator's log: @verdict has come after @before. */
void integrity_say(enum digest_finding before,
                   const struct digest_verdict *verdict, const uint64_t *voters,
                   size_t voters_count);
