/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog recovery stage, status and unload. */
#include <stddef.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/recovery_job.h"
#include "cli/recovery_view.h"
#include "quorlog.h"

#define FIELD(name) offsetof(struct command_options, name)

const struct option_row recovery_stage_options[] = {
    {"no-wait", 0, OPTION_FLAG, FIELD(no_wait), NULL,
     "do not wait until it is staged"},
    COMMAND_OPTIONS_END,
};

const struct option_row recovery_status_options[] = {
    COMMAND_OPTIONS_END,
};

const struct option_row recovery_unload_options[] = {
    {"undo", 0, OPTION_FLAG, FIELD(undo), NULL,
     "drop what undo would bring back, instead"},
    COMMAND_OPTIONS_END,
};

static int show_status(struct command_run *run, struct err *err);

int recovery_stage_run(struct command_run *run, struct err *err)
{
    struct ql_recovery_status status;
    struct ql_error error;
    int rv = command_client(run, 0, err);

    if (rv != 0) {
        return rv;
    }
    rv = ql_recovery_stage(run->client, run->words[0], NULL, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    if (run->options.no_wait) {
        return show_status(run, err);
    }
    rv = recovery_job_wait(run, "staging", &status, err);
    return rv != 0 ? rv : recovery_view_status(&run->output, &status, err);
}

int recovery_status_run(struct command_run *run, struct err *err)
{
    int rv = command_client(run, 0, err);

    return rv != 0 ? rv : show_status(run, err);
}

int recovery_unload_run(struct command_run *run, struct err *err)
{
    struct ql_error error;
    int rv = command_client(run, 0, err);

    if (rv != 0) {
        return rv;
    }
    rv = ql_recovery_unload(run->client, run->options.undo, &error);
    if (rv != 0) {
        return command_error(err, rv, &error);
    }
    return show_status(run, err);
}

static int show_status(struct command_run *run, struct err *err)
{
    struct ql_recovery_status status;
    int rv = recovery_job_status(run, &status, err);

    return rv != 0 ? rv : recovery_view_status(&run->output, &status, err);
}
