/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/ledger.h"

#include <assert.h>
#include <inttypes.h>

#include "cli/strbuf.h"
#include "util/code.h"

static void range_add(struct ledger *ledger, uint64_t first, uint64_t count,
                      int code);
static void range_text(const struct ledger_range *range, struct buf *ret_text);

void ledger_acknowledged(struct ledger *ledger, uint64_t first, uint64_t count,
                         uint64_t position)
{
    range_add(ledger, first, count, 0);
    if (ledger->acknowledged == 0) {
        ledger->first_position = position;
    }
    ledger->last_position = position + count - 1;
    ledger->acknowledged += count;
}

void ledger_failed(struct ledger *ledger, uint64_t first, uint64_t count,
                   const struct ql_error *error)
{
    range_add(ledger, first, count, error->code);
    if (ledger->error.code == 0) {
        ledger->error = *error;
    }
}

int ledger_code(const struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++) {
        int code = ledger->ranges[i].code;

        if (code_class(code) == QL_CLASS_OUTCOME_UNKNOWN) {
            return QL_OUTCOME_UNKNOWN;
        }
    }
    return ledger->error.code;
}

void ledger_text(const struct ledger *ledger, uint64_t next_line,
                 struct buf *ret_text)
{
    strbuf_printf(ret_text, "%" PRIu64 " line%s acknowledged",
                  ledger->acknowledged, ledger->acknowledged == 1 ? "" : "s");
    if (ledger->acknowledged > 0) {
        strbuf_printf(ret_text, ":");
    }
    for (size_t i = 0, shown = 0; i < ledger->count; i++) {
        if (ledger->ranges[i].code == 0) {
            strbuf_printf(ret_text, shown == 0 ? " " : ", ");
            range_text(&ledger->ranges[i], ret_text);
            shown++;
        }
    }
    for (size_t i = 0; i < ledger->count; i++) {
        const struct ledger_range *range = &ledger->ranges[i];
        int code = range->code;

        if (code == 0) {
            continue;
        }
        strbuf_printf(ret_text, "; line%s ",
                      range->first == range->last ? "" : "s");
        range_text(range, ret_text);
        if (code_class(code) == QL_CLASS_OUTCOME_UNKNOWN) {
            strbuf_printf(ret_text, ": outcome unknown");
        } else {
            strbuf_printf(ret_text, ": not appended (%s)", code_name(code));
        }
    }
    if (next_line != 0) {
        strbuf_printf(ret_text, "; line %" PRIu64 " and on: not sent",
                      next_line);
    }
}

static void range_add(struct ledger *ledger, uint64_t first, uint64_t count,
                      int code)
{
    struct ledger_range *last = NULL;

    if (ledger->count > 0) {
        last = &ledger->ranges[ledger->count - 1];
    }
    if (last != NULL && last->code == code && last->last + 1 == first) {
        last->last += count;
        return;
    }
    /* After the first failure only what is in flight is still added, and that
     * is less than this. */
    assert(ledger->count < LEDGER_RANGES_MAX);
    ledger->ranges[ledger->count].first = first;
    ledger->ranges[ledger->count].last = first + count - 1;
    ledger->ranges[ledger->count].code = code;
    ledger->count++;
}

static void range_text(const struct ledger_range *range, struct buf *ret_text)
{
    if (range->first == range->last) {
        strbuf_printf(ret_text, "%" PRIu64, range->first);
    } else {
        strbuf_printf(ret_text, "%" PRIu64 "-%" PRIu64, range->first,
                      range->last);
    }
}
