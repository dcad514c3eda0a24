/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The frame LINK_DIGESTS: what a node's state was at agreed raft indexes
 * (docs/formats.md, "Digests"). */
#pragma once

#include "consensus/digest_watch.h"
#include "util/buf.h"

#define DIGEST_REPORT_LEN_MAX (24u + DIGESTS_KEPT * 32u)

struct digest_report {
    bool wants; /* it does not know whether its state is good: another, soon */
    struct digest_list list;
};

/* Returns the length. */
size_t digest_report_encode(const struct digest_report *report,
                            uint8_t ret[DIGEST_REPORT_LEN_MAX]);
/* QL_PROTOCOL: it makes no sense. What a newer node adds behind is left alone. */
int digest_report_decode(struct digest_report *ret, const uint8_t *bytes,
                         size_t len);
