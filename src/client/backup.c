/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Making, checking and removing backups. */
#include "client/backup_public.h"
#include "client/client.h"
#include "client/op.h"

static int give_created(struct op *op, struct bytes result,
                        const struct ql_error *error, struct err *err);
static int give_verified(struct op *op, struct bytes result,
                         const struct ql_error *error, struct err *err);

int ql_backup_create_async(struct ql_client *client, const char *name,
                           ql_backup_cb cb, void *data, struct ql_error *error)
{
    struct backup_create_args args = {0};
    struct op *op;
    int rv;

    if (name != NULL) {
        rv = op_backup_name(args.name, name, error);
        if (rv != 0) {
            return rv;
        }
    }
    op = op_new(client, METHOD_BACKUP_CREATE, give_created, error);
    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    /* Asked twice, it could make two. */
    op->request.send_once = true;
    op->cb.backup = cb;
    op->data = data;
    return op_start(op, backup_create_args_encode(&args, &op->request.params),
                    NULL, 0, error);
}

int ql_backup_verify_async(struct ql_client *client, const char *name,
                           const struct ql_backup_options *options,
                           ql_backup_verify_cb cb, void *data,
                           struct ql_error *error)
{
    struct ql_backup_options given;
    struct backup_verify_args args = {0};
    struct op *op;
    int rv = client_options_copy(&given, sizeof(given), options, error);

    if (rv == 0) {
        rv = op_backup_name(args.name, name, error);
    }
    if (rv != 0) {
        return rv;
    }
    args.deep = given.deep;
    op = op_new(client, METHOD_BACKUP_VERIFY, give_verified, error);
    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    op->cb.backup_verify = cb;
    op->data = data;
    return op_start(op, backup_verify_args_encode(&args, &op->request.params),
                    given.endpoint, given.timeout_ms, error);
}

int ql_backup_delete_async(struct ql_client *client, const char *name,
                           ql_done_cb cb, void *data, struct ql_error *error)
{
    struct backup_delete_args args = {0};
    struct op *op;
    int rv = op_backup_name(args.name, name, error);

    if (rv != 0) {
        return rv;
    }
    op = op_new(client, METHOD_BACKUP_DELETE, op_give_done, error);
    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    op->cb.done = cb;
    op->data = data;
    return op_start(op, backup_delete_args_encode(&args, &op->request.params),
                    NULL, 0, error);
}

static int give_created(struct op *op, struct bytes result,
                        const struct ql_error *error, struct err *err)
{
    struct ql_backup backup;
    struct backup_row row;
    int rv;

    if (error == NULL) {
        rv = backup_create_result_decode(&row, result, err);
        if (rv != 0) {
            return rv;
        }
        backup_public_row(&backup, &row);
    }
    if (op->cb.backup != NULL) {
        op->cb.backup(op->data, error == NULL ? &backup : NULL, error);
    }
    return 0;
}

static int give_verified(struct op *op, struct bytes result,
                         const struct ql_error *error, struct err *err)
{
    struct backup_verify_result verified = {0};
    struct ql_backup_verified given;
    int rv;

    if (error == NULL) {
        rv = backup_verify_result_decode(&verified, result, err);
        if (rv != 0) {
            return rv;
        }
    }
    given.chunks = verified.chunks;
    given.bytes = verified.bytes;
    given.entries = verified.entries;
    given.ms = verified.ms;
    given.memory_bytes = verified.memory_bytes;
    if (op->cb.backup_verify != NULL) {
        op->cb.backup_verify(op->data, error == NULL ? &given : NULL, error);
    }
    return 0;
}
