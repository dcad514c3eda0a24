/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Blocking calls about the staged state as a whole. */
#include <stdbool.h>

#include "client/client.h"
#include "client/sync.h"

struct sync_status {
    struct sync sync;
    struct ql_recovery_status *status; /* the caller's, as below; or NULL */
};

struct sync_stage {
    struct sync sync;
    uint64_t *stage;
};

struct sync_plan {
    struct sync sync;
    struct ql_recovery_plan *plan;
};

struct sync_last {
    struct sync sync;
    struct ql_recovery_last *last;
};

static bool is_at_work(const struct ql_recovery_status *status);
static int wait_result(const struct ql_recovery_status *status,
                       struct ql_error *error);
static void on_status(void *data, const struct ql_recovery_status *status,
                      const struct ql_error *error);
static void on_stage(void *data, uint64_t stage, const struct ql_error *error);
static void on_plan(void *data, const struct ql_recovery_plan *plan,
                    const struct ql_error *error);
static void on_last(void *data, const struct ql_recovery_last *last,
                    const struct ql_error *error);

int ql_recovery_status(struct ql_client *client,
                       struct ql_recovery_status *ret_status,
                       struct ql_error *error)
{
    struct sync_status wait = {.status = NULL};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    wait.status = ret_status;
    rv = ql_recovery_status_async(client, on_status, &wait, error);
    return sync_end(&wait.sync, rv, error);
}

int ql_recovery_stage(struct ql_client *client, const char *name,
                      uint64_t *ret_stage, struct ql_error *error)
{
    struct sync_stage wait = {.stage = NULL};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    wait.stage = ret_stage;
    rv = ql_recovery_stage_async(client, name, on_stage, &wait, error);
    return sync_end(&wait.sync, rv, error);
}

int ql_recovery_unload(struct ql_client *client, bool undo,
                       struct ql_error *error)
{
    struct sync wait;
    int rv = sync_begin(&wait, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = ql_recovery_unload_async(client, undo, sync_on_done, &wait, error);
    return sync_end(&wait, rv, error);
}

int ql_recovery_delete(struct ql_client *client, uint64_t stage,
                       uint64_t revision, const struct ql_filter *filter,
                       struct ql_error *error)
{
    struct sync wait;
    int rv = sync_begin(&wait, client, error);

    if (rv != 0) {
        return rv;
    }
    rv = ql_recovery_delete_async(client, stage, revision, filter, sync_on_done,
                                  &wait, error);
    return sync_end(&wait, rv, error);
}

int ql_recovery_plan(struct ql_client *client, uint64_t stage,
                     uint64_t revision, struct ql_recovery_plan *ret_plan,
                     struct ql_error *error)
{
    struct sync_plan wait = {.plan = NULL};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    wait.plan = ret_plan;
    rv = ql_recovery_plan_async(client, stage, revision, on_plan, &wait, error);
    return sync_end(&wait.sync, rv, error);
}

int ql_recovery_commit(struct ql_client *client,
                       const struct ql_commit_options *options,
                       struct ql_recovery_last *ret_last,
                       struct ql_error *error)
{
    struct sync_last wait = {.last = NULL};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    wait.last = ret_last;
    rv = ql_recovery_commit_async(client, options, on_last, &wait, error);
    return sync_end(&wait.sync, rv, error);
}

int ql_recovery_undo(struct ql_client *client,
                     const struct ql_commit_options *options,
                     struct ql_recovery_last *ret_last, struct ql_error *error)
{
    struct sync_last wait = {.last = NULL};
    int rv = sync_begin(&wait.sync, client, error);

    if (rv != 0) {
        return rv;
    }
    wait.last = ret_last;
    rv = ql_recovery_undo_async(client, options, on_last, &wait, error);
    return sync_end(&wait.sync, rv, error);
}

/* ---- Waiting for a job --------------------------------------------------- */

int ql_recovery_wait(struct ql_client *client, uint32_t timeout_ms,
                     ql_recovery_wait_cb cb, void *data,
                     struct ql_recovery_status *ret_status,
                     struct ql_error *error)
{
    uint64_t until = client_now(client) + timeout_ms;
    struct ql_recovery_status status;
    int rv;

    for (;;) {
        rv = ql_recovery_status(client, &status, error);
        if (rv != 0) {
            return rv;
        }
        if (ret_status != NULL) {
            *ret_status = status;
        }
        if (cb != NULL && cb(data, &status) != 0) {
            return error_set(error, QL_CANCELED, "stopped by its caller");
        }
        if (!is_at_work(&status)) {
            return wait_result(&status, error);
        }
        if (timeout_ms != 0 && client_now(client) >= until) {
            return error_set(error, QL_TIMEOUT,
                             "the deadline passed; it goes on in the cluster");
        }
        sync_pause(client, CLIENT_POLL_MS);
    }
}

static bool is_at_work(const struct ql_recovery_status *status)
{
    return status->phase == QL_RECOVERY_STAGING ||
           status->phase == QL_RECOVERY_EDITING;
}

static int wait_result(const struct ql_recovery_status *status,
                       struct ql_error *error)
{
    if (status->job_code != 0) {
        return error_set(error, status->job_code, "%s", status->job_problem);
    }
    if (status->phase == QL_RECOVERY_INTERRUPTED) {
        return error_set(error, QL_CANCELED,
                         "the leader went before it was staged: stage again");
    }
    return 0;
}

/* ---- Callbacks ----------------------------------------------------------- */

static void on_status(void *data, const struct ql_recovery_status *status,
                      const struct ql_error *error)
{
    struct sync_status *wait = data;

    if (error == NULL && wait->status != NULL) {
        *wait->status = *status;
    }
    sync_done(&wait->sync, error);
}

static void on_stage(void *data, uint64_t stage, const struct ql_error *error)
{
    struct sync_stage *wait = data;

    if (error == NULL && wait->stage != NULL) {
        *wait->stage = stage;
    }
    sync_done(&wait->sync, error);
}

static void on_plan(void *data, const struct ql_recovery_plan *plan,
                    const struct ql_error *error)
{
    struct sync_plan *wait = data;

    if (error == NULL && wait->plan != NULL) {
        *wait->plan = *plan;
    }
    sync_done(&wait->sync, error);
}

/* The operation is told also when it failed. */
static void on_last(void *data, const struct ql_recovery_last *last,
                    const struct ql_error *error)
{
    struct sync_last *wait = data;

    if (wait->last != NULL) {
        *wait->last = *last;
    }
    sync_done(&wait->sync, error);
}
