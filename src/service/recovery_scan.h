/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A page of recovery.print: looks at the entries of the staged state that may
 * match, in the order of the logs' names, until one of the page's bounds is
 * reached, and answers the call.
 */
#pragma once

#include "service/call.h"

/* A call_answer_fn. */
int recovery_scan_answer(struct call *call, struct bytes params,
                         struct buf *message, struct err *err);
