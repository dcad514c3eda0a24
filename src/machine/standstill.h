/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Whether the logs stand still (COMMAND_FREEZE), since when and why. Private to
 * the floor. */
#pragma once

#include <stdbool.h>

#include "util/buf.h"

struct standstill {
    bool frozen; /* the rest is zero unless it is */
    uint64_t since_ms;
    struct bytes reason; /* heap */
    struct bytes by;     /* heap; len 0: not told */
};

/* Copies both texts. Must not be frozen. */
void standstill_begin(struct standstill *standstill, uint64_t since_ms,
                      struct bytes reason, struct bytes by);
/* Frees what it holds; fine when nothing is. */
void standstill_end(struct standstill *standstill);
