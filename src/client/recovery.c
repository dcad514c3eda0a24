/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The staged state as a whole: bringing it in, and making it live. */
#include <string.h>

#include "client/client.h"
#include "client/op.h"
#include "client/recovery_public.h"

static int start_commit(struct ql_client *client, enum method method,
                        const struct ql_commit_options *options,
                        ql_recovery_last_cb cb, void *data,
                        struct ql_error *error);
static int encode_commit(enum method method,
                         const struct ql_commit_options *options,
                         struct buf *buf);
static int give_stage(struct op *op, struct bytes result,
                      const struct ql_error *error, struct err *err);
static int give_plan(struct op *op, struct bytes result,
                     const struct ql_error *error, struct err *err);
static int give_last(struct op *op, struct bytes result,
                     const struct ql_error *error, struct err *err);

int ql_recovery_stage_async(struct ql_client *client, const char *name,
                            ql_recovery_stage_cb cb, void *data,
                            struct ql_error *error)
{
    struct recovery_stage_args args = {0};
    struct op *op;
    int rv = op_backup_name(args.name, name, error);

    if (rv != 0) {
        return rv;
    }
    op = op_new(client, METHOD_RECOVERY_STAGE, give_stage, error);
    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    /* Asked twice, it would find its own draft in the way. */
    op->request.send_once = true;
    op->request.busy_ends = true;
    op->cb.stage = cb;
    op->data = data;
    return op_start(op, recovery_stage_args_encode(&args, &op->request.params),
                    NULL, 0, error);
}

int ql_recovery_unload_async(struct ql_client *client, bool undo, ql_done_cb cb,
                             void *data, struct ql_error *error)
{
    const struct recovery_unload_args args = {undo};
    struct op *op = op_new(client, METHOD_RECOVERY_UNLOAD, op_give_done, error);

    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    op->cb.done = cb;
    op->data = data;
    return op_start(op, recovery_unload_args_encode(&args, &op->request.params),
                    NULL, 0, error);
}

int ql_recovery_plan_async(struct ql_client *client, uint64_t stage,
                           uint64_t revision, ql_recovery_plan_cb cb,
                           void *data, struct ql_error *error)
{
    const struct recovery_commit_args args = {
        .stage = stage,
        .revision = revision,
        .dry_run = true,
    };
    struct op *op = op_new(client, METHOD_RECOVERY_COMMIT, give_plan, error);

    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    op->cb.plan = cb;
    op->data = data;
    return op_start(op, recovery_commit_args_encode(&args, &op->request.params),
                    NULL, 0, error);
}

int ql_recovery_commit_async(struct ql_client *client,
                             const struct ql_commit_options *options,
                             ql_recovery_last_cb cb, void *data,
                             struct ql_error *error)
{
    return start_commit(client, METHOD_RECOVERY_COMMIT, options, cb, data,
                        error);
}

int ql_recovery_undo_async(struct ql_client *client,
                           const struct ql_commit_options *options,
                           ql_recovery_last_cb cb, void *data,
                           struct ql_error *error)
{
    return start_commit(client, METHOD_RECOVERY_UNDO, options, cb, data, error);
}

/* The operation makes it safe to send it again. */
static int start_commit(struct ql_client *client, enum method method,
                        const struct ql_commit_options *options,
                        ql_recovery_last_cb cb, void *data,
                        struct ql_error *error)
{
    struct ql_commit_options given;
    struct op *op;
    int rv = client_options_copy(&given, sizeof(given), options, error);

    if (rv != 0) {
        return rv;
    }
    if (method == METHOD_RECOVERY_COMMIT && given.stage == 0) {
        return error_set(error, QL_INVALID,
                         "a commit names the stage it is about");
    }
    if (given.operation == 0) {
        given.operation = client_random(client) | 1;
    }
    op = op_new(client, method, give_last, error);
    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    op->cb.last = cb;
    op->data = data;
    op->number = given.operation;
    return op_start(op, encode_commit(method, &given, &op->request.params),
                    NULL, given.timeout_ms, error);
}

static int encode_commit(enum method method,
                         const struct ql_commit_options *options,
                         struct buf *buf)
{
    const struct recovery_commit_args commit = {
        .stage = options->stage,
        .revision = options->revision,
        .operation = options->operation,
        .has_expect_state = options->has_expect_state,
        .expect_state = options->expect_state,
        .discard_newer = options->discard_newer,
    };
    const struct recovery_undo_args undo = {
        .operation = options->operation,
        .has_expect_state = options->has_expect_state,
        .expect_state = options->expect_state,
        .discard_newer = options->discard_newer,
    };

    return method == METHOD_RECOVERY_COMMIT
               ? recovery_commit_args_encode(&commit, buf)
               : recovery_undo_args_encode(&undo, buf);
}

static int give_stage(struct op *op, struct bytes result,
                      const struct ql_error *error, struct err *err)
{
    struct recovery_stage_result stage = {0};
    int rv;

    if (error == NULL) {
        rv = recovery_stage_result_decode(&stage, result, err);
        if (rv != 0) {
            return rv;
        }
    }
    if (op->cb.stage != NULL) {
        op->cb.stage(op->data, stage.stage, error);
    }
    return 0;
}

static int give_plan(struct op *op, struct bytes result,
                     const struct ql_error *error, struct err *err)
{
    struct recovery_plan_result plan = {0};
    struct ql_recovery_plan given;
    int rv;

    if (error == NULL) {
        rv = recovery_plan_result_decode(&plan, result, err);
        if (rv != 0) {
            return rv;
        }
    }
    given.stage = plan.stage;
    given.revision = plan.revision;
    given.state_index = plan.state_index;
    given.logs_created = plan.logs_created;
    given.logs_removed = plan.logs_removed;
    given.logs_changed = plan.logs_changed;
    given.logs_same = plan.logs_same;
    given.entries_lost = plan.entries_lost;
    given.entries_back = plan.entries_back;
    given.bytes_lost = plan.bytes_lost;
    given.bytes_back = plan.bytes_back;
    given.estimate_ms = plan.estimate_ms;
    if (op->cb.plan != NULL) {
        op->cb.plan(op->data, error == NULL ? &given : NULL, error);
    }
    return 0;
}

static int give_last(struct op *op, struct bytes result,
                     const struct ql_error *error, struct err *err)
{
    struct recovery_last last = {0};
    struct ql_recovery_last given = {0};
    int rv;

    if (error == NULL) {
        rv = recovery_last_decode(&last, result, err);
        if (rv != 0) {
            return rv;
        }
        recovery_public_last(&given, &last);
    } else {
        given.operation = op->number;
    }
    if (op->cb.last != NULL) {
        op->cb.last(op->data, &given, error);
    }
    return 0;
}
