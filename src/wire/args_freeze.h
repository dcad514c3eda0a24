/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cluster.freeze and cluster.thaw; both answer {}. */
#pragma once

#include "util/buf.h"
#include "util/err.h"

/* cluster.freeze {reason, by?}: texts for people, of 1..FREEZE_REASON_MAX and
 * 0..FREEZE_BY_MAX bytes of UTF-8 without control characters. cluster.thaw {}. */
struct freeze_args {
    struct bytes reason;
    struct bytes by; /* who froze it */
};
int freeze_args_decode(struct freeze_args *ret, struct bytes params,
                       struct err *err);
int freeze_args_encode(const struct freeze_args *args, struct buf *buf);
