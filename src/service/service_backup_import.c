/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * backup.import: the leader takes a stream in (backup_intake.h), and when all of it
 * is proven and durable there the backup comes into the table; the others fetch
 * it then. A client that asks again, or sends again, is told how far it is; the
 * upload is known by its token as long as it is not used up.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_front.h"
#include "backup/backup_intake.h"
#include "backup/backup_store.h"
#include "machine/machine_parts.h"
#include "machine/must.h"
#include "service/envelope.h"
#include "service/service_parts.h"
#include "util/mem.h"
#include "wire/args_backup.h"

struct import_call {
    struct call *call;
    struct backup_piece piece;
    char token[INTAKE_TOKEN_MAX + 1];
};

static int answer(struct call *call, struct backup_intake *intake,
                  struct err *err);
static bool is_whole_here(const struct service *service,
                          const struct backup_row *row);
static void fail(struct backup_intake *intake,
                 struct backup_import_result *result, int code,
                 const char *text);
static const struct backup_row *row_there(const struct service *service,
                                          const struct backup_row *row,
                                          bool *ret_same);
static int send_piece(struct call *call, struct backup_intake *intake,
                      const struct backup_import_args *args, struct err *err);
static void on_piece(struct backup_piece *piece, int status);
static void piece_stop(struct call *call);
static int add_row(struct call *call, const struct backup_row *row,
                   struct err *err);
static void on_added(struct node_submit *submit, int status,
                     const struct outcome *outcome);
static void finish(struct call *call,
                   const struct backup_import_result *result);

int service_backup_import(struct call *call, struct bytes params,
                          struct err *err)
{
    struct backup_import_args args;
    char token[INTAKE_TOKEN_MAX + 1];
    struct backup_intake_options options = {.token = token};
    struct backup_intake_status status;
    struct backup_intake *intake;
    int rv = backup_import_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    (void)snprintf(token, sizeof(token), "import-%016" PRIx64, args.token);
    options.total = args.total;
    options.foreign = args.foreign;
    intake = backup_intake_find(node_intakes(call->service->node), token);
    if (intake != NULL) {
        backup_intake_get(intake, &status);
    }
    /* Why the last one failed must be told once. */
    if (intake == NULL || status.state != INTAKE_FAILED) {
        rv = backup_intake_begin(node_intakes(call->service->node), &options,
                                 &intake, err);
    }
    if (rv != 0) {
        return rv;
    }
    backup_intake_get(intake, &status);
    return status.state == INTAKE_RECEIVING && args.bytes.len > 0
               ? send_piece(call, intake, &args, err)
               : answer(call, intake, err);
}

/* How far it is; or what is to be done when it is all there. */
static int answer(struct call *call, struct backup_intake *intake,
                  struct err *err)
{
    struct backup_import_result result = {.state = BACKUP_IMPORT_RECEIVING};
    struct backup_intake_status status;
    const struct backup_row *there = NULL;
    bool same = false;

    backup_intake_get(intake, &status);
    result.offset = status.next;
    if (status.row != NULL) {
        there = row_there(call->service, status.row, &same);
    }
    if (status.state == INTAKE_FAILED) {
        fail(intake, &result, status.err->code, status.err->text);
    } else if (there != NULL && !same) {
        fail(intake, &result, QL_EXISTS,
             "another backup has that name: delete it, or import this one in "
             "another cluster");
    } else if (there != NULL && status.state != INTAKE_VERIFYING) {
        result.state = BACKUP_IMPORT_DONE;
        result.has_backup = true;
        result.backup = *there;
        service_backup_fill(call->service, &result.backup);
        backup_intake_leave(intake, true);
    } else if (status.state == INTAKE_DONE &&
               !is_whole_here(call->service, status.row)) {
        backup_intake_leave(intake, true);
        return err_set(err, QL_BUSY,
                       "it came in and was deleted since: it is taken anew");
    } else if (status.state == INTAKE_DONE) {
        return add_row(call, status.row, err);
    } else if (status.state == INTAKE_VERIFYING) {
        result.state = BACKUP_IMPORT_VERIFYING;
    }
    finish(call, &result);
    return 0;
}

/* Its files may be gone again, with a row that was deleted since. */
static bool is_whole_here(const struct service *service,
                          const struct backup_row *row)
{
    const struct backup_info *info =
        backup_store_find(node_backups(service->node), row->name);

    return info != NULL && backup_row_is_same(&info->row, row) &&
           (info->state == BACKUP_VERIFIED || info->state == BACKUP_WAITING);
}

static void fail(struct backup_intake *intake,
                 struct backup_import_result *result, int code,
                 const char *text)
{
    result->state = BACKUP_IMPORT_FAILED;
    result->code = (uint32_t)code;
    result->error = (struct bytes){(const uint8_t *)text, strlen(text)};
    backup_intake_leave(intake, true);
}

/* The row that has the name, or NULL. */
static const struct backup_row *row_there(const struct service *service,
                                          const struct backup_row *row,
                                          bool *ret_same)
{
    const struct bytes name = {(const uint8_t *)row->name, strlen(row->name)};
    const struct backup_row *there =
        machine_find_backup(service->machine, name);
    struct backup_row told;

    if (there != NULL) {
        told = *there;
        service_backup_fill(service, &told);
        *ret_same = backup_row_is_same(&told, row);
    }
    return there;
}

/* ---- Pieces ---- */

static int send_piece(struct call *call, struct backup_intake *intake,
                      const struct backup_import_args *args, struct err *err)
{
    struct import_call *import = mem_must_zalloc(sizeof(*import));
    int rv;

    import->call = call;
    import->piece.data = import;
    (void)snprintf(import->token, sizeof(import->token), "import-%016" PRIx64,
                   args->token);
    rv = backup_intake_take(intake, &import->piece, args->offset, args->bytes,
                            on_piece);
    if (rv != 0) {
        free(import);
        return err_set(err, rv,
                       rv == QL_BUSY ? "the piece before is being written"
                                     : "the backup cannot take that piece");
    }
    call->work = import;
    call->stop = piece_stop;
    return 0;
}

static void on_piece(struct backup_piece *piece, int status)
{
    struct import_call *import = piece->data;
    struct call *call = import->call;
    struct backup_intake *intake =
        backup_intake_find(node_intakes(call->service->node), import->token);
    struct err err = {0};
    int rv = 0;

    if (status == QL_NO_SPACE) {
        rv = err_set(&err, status, "the backup directory is full");
    } else if (intake == NULL) {
        rv = err_set(&err, QL_BUSY, "the upload was given up: begin it again");
    } else {
        rv = answer(call, intake, &err);
    }
    if (rv != 0) {
        call_fail(call, rv, &err);
    }
}

static void piece_stop(struct call *call)
{
    struct import_call *import = call->work;

    backup_piece_cancel(&import->piece);
    free(import);
}

/* ---- Into the table ---- */

static int add_row(struct call *call, const struct backup_row *row,
                   struct err *err)
{
    struct buf params = BUF_INIT;
    int rv;

    must_have_memory(backup_row_encode(row, &params));
    call->node.submit.data = call;
    rv =
        node_submit(call->service->node, &call->node.submit, COMMAND_BACKUP_ADD,
                    (struct bytes){params.data, params.len}, on_added);
    buf_close(&params);
    return rv == 0 ? 0 : call_node_refusal(rv, err);
}

/* The upload stays as it is until somebody asks for it again, or it is too old: the
 * answer may have been lost. */
static void on_added(struct node_submit *submit, int status,
                     const struct outcome *outcome)
{
    struct call *call = submit->data;
    struct backup_import_result result = {.state = BACKUP_IMPORT_DONE};
    struct err err = {0};

    if (status != 0) {
        call_node_refusal(status, &err);
        call_fail(call, status, &err);
        return;
    }
    if (outcome->code != 0) {
        err_set(&err, outcome->code, "%s", machine_refusal_text(outcome));
        call_fail(call, outcome->code, &err);
        return;
    }
    result.has_backup = true;
    result.backup = *outcome->backup;
    service_backup_fill(call->service, &result.backup);
    finish(call, &result);
}

static void finish(struct call *call, const struct backup_import_result *result)
{
    struct buf message = BUF_INIT;

    envelope_open_result(&message, call->id);
    must_have_memory(backup_import_result_encode(result, &message));
    call_finish(call, &message);
}
