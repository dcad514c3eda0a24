/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/report.h"

#include <stdio.h>

#include "cli/escape.h"
#include "cli/hint.h"
#include "cli/strbuf.h"
#include "cli/usage.h"

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
