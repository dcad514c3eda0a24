/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What became of the lines that were read: ranges of them, in order. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "quorlog.h"
#include "util/buf.h"
#include "util/err.h"

#define LEDGER_RANGES_MAX 64

struct ledger_range {
    uint64_t first; /* line numbers, from 1 */
    uint64_t last;
    int code; /* 0: acknowledged */
};

struct ledger {
    struct ledger_range ranges[LEDGER_RANGES_MAX];
    size_t count;
    uint64_t acknowledged;   /* lines */
    uint64_t first_position; /* of them; 0: none yet */
    uint64_t last_position;
    struct ql_error error; /* the first failure; code 0: none */
};

/* Lines @first.. were acknowledged at @position... Lines come in order. */
void ledger_acknowledged(struct ledger *ledger, uint64_t first, uint64_t count,
                         uint64_t position);
/* They failed with @error. */
void ledger_failed(struct ledger *ledger, uint64_t first, uint64_t count,
                   const struct ql_error *error);
/* 0 when nothing failed; QL_OUTCOME_UNKNOWN when any line's fate is open, since
 * that matters most; otherwise the first failure's code. */
int ledger_code(const struct ledger *ledger);
/* "3 lines acknowledged; lines 4-5: outcome unknown; line 6 and on: not sent".
 * @next_line is the first that was not sent, 0 when all were. */
void ledger_text(const struct ledger *ledger, uint64_t next_line,
                 struct buf *ret_text);
