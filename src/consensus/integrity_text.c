/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/integrity_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "util/diag.h"

#define REASON_MAX (FREEZE_REASON_MAX + 1u)

/* Text that is cut where the room ends. */
struct line {
    char *text;
    size_t room;
    size_t len;
};

static void add(struct line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add_group(struct line *line, const struct digest_verdict *verdict,
                      const uint64_t *voters, size_t voters_count,
                      unsigned group);

const char *integrity_word(const struct integrity_view *view)
{
    if (view->alone) {
        return "alone";
    }
    if (view->is_out) {
        return "given-up";
    }
    if (view->is_rebuilding) {
        return "rebuilding";
    }
    switch (view->verdict->finding) {
    case DIGEST_ODD:
        return "odd";
    case DIGEST_SPLIT:
        return "split";
    case DIGEST_UNKNOWN:
    case DIGEST_AGREED:
    case DIGEST_OTHER_ODD:
    case DIGEST_UNDECIDED:
        break;
    }
    if (view->is_checking) {
        return "checking";
    }
    switch (view->verdict->finding) {
    case DIGEST_AGREED:
        return "agreed";
    case DIGEST_OTHER_ODD:
        return "other-odd";
    case DIGEST_UNDECIDED:
        return "undecided";
    case DIGEST_UNKNOWN:
    case DIGEST_ODD:
    case DIGEST_SPLIT:
        break;
    }
    return "unknown";
}

void integrity_reason(const struct digest_verdict *verdict,
                      const uint64_t *voters, size_t voters_count,
                      char *ret_text, size_t room)
{
    struct line line = {.text = ret_text, .room = room};

    add(&line,
        "state digests differ at raft index %" PRIu64 " (term %" PRIu64 "):",
        verdict->index, verdict->term);
    for (unsigned group = 1; group <= voters_count + 1; group++) {
        add_group(&line, verdict, voters, voters_count, group);
    }
}

void integrity_say(enum digest_finding before,
                   const struct digest_verdict *verdict, const uint64_t *voters,
                   size_t voters_count)
{
    char reason[REASON_MAX] = "";

    integrity_reason(verdict, voters, voters_count, reason, sizeof reason);
    switch (verdict->finding) {
    case DIGEST_UNKNOWN:
        break;
    case DIGEST_AGREED:
        if (before != DIGEST_UNKNOWN) {
            diag_info("the states of the nodes agree at raft index %" PRIu64,
                      verdict->index);
        }
        break;
    case DIGEST_OTHER_ODD:
        diag_warning("%s; this node has what a majority has, and the other one "
                     "mends itself",
                     reason);
        break;
    case DIGEST_ODD:
        diag_error("%s; a majority has another state than this node, which "
                   "serves nobody until it has that, too",
                   reason);
        break;
    case DIGEST_UNDECIDED:
        diag_warning("%s; who is right is not known yet", reason);
        break;
    case DIGEST_SPLIT:
        diag_error("%s; no majority has one state, so nobody knows which is "
                   "right: the logs are frozen until somebody thaws them "
                   "(docs/consensus.md, \"Integrity\")",
                   reason);
        break;
    }
}

static void add(struct line *line, const char *format, ...)
{
    va_list arguments;
    int len;

    if (line->len >= line->room) {
        return;
    }
    va_start(arguments, format);
    len = vsnprintf(line->text + line->len, line->room - line->len, format,
                    arguments);
    va_end(arguments);
    line->len += len > 0 ? (size_t)len : 0;
}

static void add_group(struct line *line, const struct digest_verdict *verdict,
                      const uint64_t *voters, size_t voters_count,
                      unsigned group)
{
    bool first = true;

    for (size_t i = 0; i < voters_count; i++) {
        if (verdict->groups[i] == group) {
            if (first) {
                add(line, group == 1 ? " node" : "; node");
            }
            first = false;
            add(line, " %" PRIu64, voters[i]);
        }
    }
}
