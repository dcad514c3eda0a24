/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/recovery_job.h"

#include "cli/progress.h"

struct job_wait {
    const char *what;
    struct progress progress;
};

static int on_status(void *data, const struct ql_recovery_status *status);

int recovery_job_wait(struct command_run *run, const char *what,
                      struct ql_recovery_status *ret_status, struct err *err)
{
    struct job_wait wait = {.what = what};
    struct ql_error error;
    int rv;

    progress_init(&wait.progress, 0);
    rv = ql_recovery_wait(run->client, 0, on_status, &wait, ret_status, &error);
    progress_clear(&wait.progress);
    return rv == 0 ? 0 : command_error(err, rv, &error);
}

int recovery_job_status(struct command_run *run,
                        struct ql_recovery_status *ret_status, struct err *err)
{
    struct ql_error error;
    int rv = ql_recovery_status(run->client, ret_status, &error);

    return rv == 0 ? 0 : command_error(err, rv, &error);
}

int recovery_job_check(const struct ql_recovery_status *status, struct err *err)
{
    switch (status->phase) {
    case QL_RECOVERY_STAGED:
        return 0;
    case QL_RECOVERY_STAGING:
        return err_set(err, QL_BUSY, "backup %s is still being staged",
                       status->source);
    case QL_RECOVERY_EDITING:
        return err_set(err, QL_BUSY, "a delete is still at work in it");
    case QL_RECOVERY_INTERRUPTED:
        return err_set(err, QL_NOT_FOUND,
                       "the leader went before backup %s was staged",
                       status->source);
    case QL_RECOVERY_NONE:
        break;
    }
    return err_set(err, QL_NOT_FOUND, "nothing is staged");
}

static int on_status(void *data, const struct ql_recovery_status *status)
{
    struct job_wait *wait = data;

    wait->progress.bytes_total = status->total_bytes;
    if (status->phase == QL_RECOVERY_STAGING ||
        status->phase == QL_RECOVERY_EDITING) {
        progress_bytes(&wait->progress, wait->what, status->done_bytes);
    }
    return 0;
}
