/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Backups as one file: the pieces, in and out; sync_backup_file.c puts them
 * together. */
#include "client/backup_public.h"
#include "client/client.h"
#include "client/op.h"

static int give_piece(struct op *op, struct bytes result,
                      const struct ql_error *error, struct err *err);
static int give_status(struct op *op, struct bytes result,
                       const struct ql_error *error, struct err *err);

_Static_assert((int)QL_IMPORT_RECEIVING == (int)BACKUP_IMPORT_RECEIVING &&
                   (int)QL_IMPORT_VERIFYING == (int)BACKUP_IMPORT_VERIFYING &&
                   (int)QL_IMPORT_DONE == (int)BACKUP_IMPORT_DONE &&
                   (int)QL_IMPORT_FAILED == (int)BACKUP_IMPORT_FAILED,
               "the same states, inside and outside");

int ql_backup_export_async(struct ql_client *client, const char *name,
                           uint64_t offset, uint32_t len,
                           const struct ql_backup_options *options,
                           ql_export_piece_cb cb, void *data,
                           struct ql_error *error)
{
    struct ql_backup_options given;
    struct backup_export_args args = {.offset = offset, .len = len};
    struct op *op;
    int rv = client_options_copy(&given, sizeof(given), options, error);

    if (rv == 0) {
        rv = op_backup_name(args.name, name, error);
    }
    if (rv != 0) {
        return rv;
    }
    if (len == 0 || len > EXPORT_BYTES_MAX) {
        return error_set(error, QL_INVALID, "a piece has 1 to %u bytes",
                         EXPORT_BYTES_MAX);
    }
    op = op_new(client, METHOD_BACKUP_EXPORT, give_piece, error);
    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    op->cb.export_piece = cb;
    op->data = data;
    op->number = offset;
    return op_start(op, backup_export_args_encode(&args, &op->request.params),
                    given.endpoint, given.timeout_ms, error);
}

int ql_backup_import_async(struct ql_client *client,
                           const struct ql_import_piece *piece,
                           const struct ql_backup_options *options,
                           ql_import_status_cb cb, void *data,
                           struct ql_error *error)
{
    const struct backup_import_args args = {
        .token = piece->token,
        .total = piece->total,
        .offset = piece->offset,
        .bytes = {piece->bytes, piece->bytes == NULL ? 0 : piece->len},
        .foreign = piece->foreign,
    };
    struct ql_backup_options given;
    struct op *op;
    int rv = client_options_copy(&given, sizeof(given), options, error);

    if (rv != 0) {
        return rv;
    }
    if (args.token == 0 || args.total == 0 || args.offset > args.total ||
        args.bytes.len > EXPORT_BYTES_MAX ||
        args.bytes.len > args.total - args.offset) {
        return error_set(error, QL_INVALID,
                         "a piece has a token, at most %u bytes, and lies "
                         "within the file",
                         EXPORT_BYTES_MAX);
    }
    op = op_new(client, METHOD_BACKUP_IMPORT, give_status, error);
    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    op->cb.import_status = cb;
    op->data = data;
    return op_start(op, backup_import_args_encode(&args, &op->request.params),
                    given.endpoint, given.timeout_ms, error);
}

static int give_piece(struct op *op, struct bytes result,
                      const struct ql_error *error, struct err *err)
{
    struct backup_export_result piece = {0};
    struct ql_export_piece given = {.offset = op->number};
    size_t i;
    int rv;

    if (error == NULL) {
        rv = backup_export_result_decode(&piece, result, err);
        if (rv != 0) {
            return rv;
        }
        if (op->number > piece.total ||
            piece.bytes.len > piece.total - op->number) {
            return err_set(err, QL_PROTOCOL, "the piece ends behind the file");
        }
    }
    for (i = 0; i < sizeof(given.tag); i++) {
        given.tag[i] = piece.tag[i];
    }
    given.total = piece.total;
    given.bytes = piece.bytes.data;
    given.len = piece.bytes.len;
    if (op->cb.export_piece != NULL) {
        op->cb.export_piece(op->data, error == NULL ? &given : NULL, error);
    }
    return 0;
}

static int give_status(struct op *op, struct bytes result,
                       const struct ql_error *error, struct err *err)
{
    struct backup_import_result status = {0};
    struct ql_import_status given = {0};
    struct ql_backup backup;
    int rv;

    if (error == NULL) {
        rv = backup_import_result_decode(&status, result, err);
        if (rv != 0) {
            return rv;
        }
        if (status.state == BACKUP_IMPORT_DONE && !status.has_backup) {
            return err_set(err, QL_PROTOCOL, "done, but without the backup");
        }
        given.offset = status.offset;
        given.state = (enum ql_import_state)status.state;
        given.code = (int)status.code;
        error_copy_text(given.problem, sizeof(given.problem), status.error);
    }
    if (status.has_backup) {
        backup_public_row(&backup, &status.backup);
        given.backup = &backup;
    }
    if (op->cb.import_status != NULL) {
        op->cb.import_status(op->data, error == NULL ? &given : NULL, error);
    }
    return 0;
}
