/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog recovery diff. */
#include <stddef.h>

#include "cli/command.h"
#include "cli/diff_view.h"
#include "quorlog.h"

#define FIELD(name) offsetof(struct command_options, name)

const struct option_row recovery_diff_options[] = {
    {"logs", 0, OPTION_TEXT, FIELD(logs), "GLOB",
     "only logs of such names ('orders/*')"},
    {"examples", 0, OPTION_FLAG, FIELD(examples), NULL,
     "also some entries that only one side has"},
    {"all", 0, OPTION_FLAG, FIELD(all), NULL,
     "also logs that are the same on both sides"},
    COMMAND_OPTIONS_END,
};

int recovery_diff_run(struct command_run *run, struct err *err)
{
    struct ql_diff_options options = QL_DIFF_OPTIONS_INIT;
    struct diff_view view;
    struct ql_error error;
    int rv = command_client(run, 0, err);

    if (rv != 0) {
        return rv;
    }
    options.logs = run->options.logs;
    rv = diff_view_begin(&view, &run->output, run->options.all,
                         run->options.examples, err);
    if (rv != 0) {
        return rv;
    }
    rv = ql_recovery_diff(run->client, &options, diff_view_page, &view, &error);
    if (rv == 0) {
        rv = diff_view_end(&view, err);
    } else if (view.err.code != 0) {
        *err = view.err;
        rv = err->code;
    } else {
        rv = command_error(err, rv, &error);
    }
    diff_view_close(&view);
    return rv;
}
