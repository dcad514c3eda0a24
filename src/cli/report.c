/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/escape.h"
#include "cli/strbuf.h"
#include "cli/usage.h"

static void hint_add(const struct command_run *run, const struct err *err,
                     struct buf *ret_text);

void report_error(const struct command_run *run, const struct err *err)
{
    struct buf plain = BUF_INIT;
    struct buf text = BUF_INIT;

    if (run != NULL && run->command != NULL) {
        strbuf_printf(&plain, "%s %s: ", run->command->noun,
                      run->command->verb);
        if (run->command->words_min > 0 && run->word_count > 0) {
            strbuf_printf(&plain, "%s: ", run->words[0]);
        }
    }
    strbuf_printf(&plain, "%s", err->text);
    escape_text(plain.data, plain.len, &text);
    (void)fprintf(stderr, "quorlog: %s\n", strbuf_text(&text));

    /* Nothing was sent yet: the command line is what is wrong. */
    if (err->code == QL_INVALID && run != NULL && run->command != NULL &&
        !run->asked) {
        usage_print_line(run->command, stderr);
    }
    plain.len = 0;
    text.len = 0;
    if (run != NULL) {
        hint_add(run, err, &plain);
    }
    if (plain.len > 0) {
        escape_text(plain.data, plain.len, &text);
        (void)fprintf(stderr, "hint: %s\n", strbuf_text(&text));
    }
    buf_close(&plain);
    buf_close(&text);
}

static void hint_add(const struct command_run *run, const struct err *err,
                     struct buf *ret_text)
{
    const char *endpoints = run->options.endpoints;

    switch (err->code) {
    case QL_CONNECT:
        strbuf_printf(ret_text,
                      "tried %s; name the nodes with --endpoints or "
                      "QUORLOG_ENDPOINTS, or start one with: quorlogd dev",
                      endpoints == NULL ? "127.0.0.1:7420" : endpoints);
        return;
    case QL_NO_LEADER:
    case QL_TIMEOUT:
        strbuf_printf(ret_text,
                      "what each node says: quorlog%s%s cluster "
                      "status --all",
                      endpoints == NULL ? "" : " --endpoints ",
                      endpoints == NULL ? "" : endpoints);
        return;
    case QL_NO_SPACE:
        strbuf_printf(ret_text,
                      "make room on the nodes' disks, or delete or trim logs; "
                      "which are low: quorlog%s%s cluster status",
                      endpoints == NULL ? "" : " --endpoints ",
                      endpoints == NULL ? "" : endpoints);
        return;
    case QL_FROZEN:
        strbuf_printf(ret_text, "why: quorlog%s%s cluster status",
                      endpoints == NULL ? "" : " --endpoints ",
                      endpoints == NULL ? "" : endpoints);
        return;
    case QL_DENIED:
        strbuf_printf(ret_text,
                      "operators' commands are taken on the socket in a node's "
                      "data directory and from loopback only");
        return;
    case QL_RESTORED:
        if (err->position != 0) {
            strbuf_printf(ret_text,
                          "what was read before position %" PRIu64
                          " is still right; --from %" PRIu64 " goes on",
                          err->position, err->position);
        }
        return;
    case QL_TRIMMED:
        if (err->position != 0) {
            strbuf_printf(ret_text,
                          "--from %" PRIu64 " begins at the first one kept",
                          err->position);
        }
        return;
    case QL_CONDITION_FAILED:
        if (err->position != 0) {
            strbuf_printf(ret_text, "the next position is %" PRIu64,
                          err->position);
        }
        return;
    case QL_FENCED:
        if (err->position != 0) {
            strbuf_printf(ret_text, "the log's writer epoch is %" PRIu64,
                          err->position);
        }
        return;
    case QL_OUTCOME_UNKNOWN:
        strbuf_printf(ret_text, "read the log before trying again: the change "
                                "may be there or still come");
        return;
    default:
        return;
    }
}
