/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One append in the append queue: how it can end, and what an answer means. */
#pragma once

#include "client/append_queue.h"
#include "wire/args_append.h"

struct append_call *append_call_of(struct request *request);
/* Leaves the queue: calls back and frees the call. For QL_OUTCOME_UNKNOWN the
 * callback also gets producer and sequence. */
void append_call_fail(struct append_call *call, const struct ql_error *error);
void append_call_succeed(struct append_call *call,
                         const struct append_result *result);
/* Calls back with the error, but goes on until the append is decided. */
void append_call_abandon(struct append_call *call,
                         const struct ql_error *error);
/* Calls back, and leaves a filler in the place of its number. */
void append_call_settle(struct append_call *call, const struct ql_error *error);
/* Never sent, and larger than the server takes. */
void append_call_refuse_size(struct append_call *call);
