/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* recovery.commit with dry_run: what would come of it, counted and not guessed. */
#pragma once

#include "service/call.h"

/* A call_answer_fn. */
int recovery_plan_answer(struct call *call, struct bytes params,
                         struct buf *message, struct err *err);
