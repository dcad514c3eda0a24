/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* recovery.diff: what is staged against what is live, log by log. */
#pragma once

#include "service/call.h"

/* A call_answer_fn. */
int recovery_diff_answer(struct call *call, struct bytes params,
                         struct buf *message, struct err *err);
