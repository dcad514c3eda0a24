/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Calls that look through the staged state over many turns of the loop, which may
 * change meanwhile. */
#pragma once

#include "service/call.h"

/* What was staged, and what was live, when a call began. */
struct staged_mark {
    uint64_t stage;
    uint64_t revision;
    uint64_t state_index; /* of the live logs then */
};

/* QL_NOT_FOUND with what to do, when nothing is staged. */
int staged_mark_take(const struct service *service, struct staged_mark *ret,
                     struct err *err);
/* QL_CONDITION_FAILED when it is not staged as it was. */
int staged_mark_check(const struct service *service,
                      const struct staged_mark *mark, struct err *err);

/* From now on @work is done for @call, in later turns of the loop, and answers it;
 * @stop, called once when the call goes for whatever reason, ends it. QL_BUSY above
 * RECOVERY_CALLS_MAX. */
int recovery_call_begin(struct call *call, void *work,
                        void (*stop)(struct call *call), struct err *err);
/* In @stop. */
void recovery_call_end(struct call *call);
