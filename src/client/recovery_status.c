/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How recovery stands. */
#include <string.h>

#include "client/client.h"
#include "client/op.h"
#include "client/recovery_public.h"

static int give_status(struct op *op, struct bytes result,
                       const struct ql_error *error, struct err *err);
static void export_status(struct ql_recovery_status *ret,
                          const struct recovery_status_result *status);

_Static_assert((int)QL_RECOVERY_NONE == (int)RECOVERY_PHASE_NONE &&
                   (int)QL_RECOVERY_STAGING == (int)RECOVERY_PHASE_STAGING &&
                   (int)QL_RECOVERY_INTERRUPTED ==
                       (int)RECOVERY_PHASE_INTERRUPTED &&
                   (int)QL_RECOVERY_STAGED == (int)RECOVERY_PHASE_STAGED &&
                   (int)QL_RECOVERY_EDITING == (int)RECOVERY_PHASE_EDITING,
               "the same phases, inside and outside");
_Static_assert((int)QL_RECOVERY_KIND_NONE == (int)RECOVERY_NONE &&
                   (int)QL_RECOVERY_KIND_COMMIT == (int)RECOVERY_COMMIT &&
                   (int)QL_RECOVERY_KIND_UNDO == (int)RECOVERY_UNDO,
               "as above");

int ql_recovery_status_async(struct ql_client *client, ql_recovery_status_cb cb,
                             void *data, struct ql_error *error)
{
    struct op *op = op_new(client, METHOD_RECOVERY_STATUS, give_status, error);

    if (op == NULL) {
        return QL_NO_MEMORY;
    }
    op->cb.recovery_status = cb;
    op->data = data;
    return op_start(op, 0, NULL, 0, error);
}

void recovery_public_last(struct ql_recovery_last *ret,
                          const struct recovery_last *last)
{
    ret->operation = last->operation;
    ret->kind = (enum ql_recovery_kind)last->kind;
    ret->index = last->index;
    ret->time_ms = last->time_ms;
    memcpy(ret->source, last->source, sizeof(ret->source));
    ret->state_index = last->state_index;
    ret->logs_before = last->logs_before;
    ret->entries_before = last->entries_before;
    ret->logs_after = last->logs_after;
    ret->entries_after = last->entries_after;
}

static int give_status(struct op *op, struct bytes result,
                       const struct ql_error *error, struct err *err)
{
    struct recovery_status_result status;
    struct ql_recovery_status given;
    int rv;

    if (error == NULL) {
        rv = recovery_status_result_decode(&status, result, err);
        if (rv != 0) {
            return rv;
        }
        export_status(&given, &status);
    }
    if (op->cb.recovery_status != NULL) {
        op->cb.recovery_status(op->data, error == NULL ? &given : NULL, error);
    }
    return 0;
}

static void export_status(struct ql_recovery_status *ret,
                          const struct recovery_status_result *status)
{
    memset(ret, 0, sizeof(*ret));
    ret->phase = (enum ql_recovery_phase)status->phase;
    ret->stage = status->stage;
    ret->revision = status->revision;
    memcpy(ret->source, status->source, sizeof(ret->source));
    ret->from_index = status->from_index;
    ret->from_time_ms = status->from_time_ms;
    ret->from_state_index = status->from_state_index;
    ret->logs = status->logs;
    ret->entries = status->entries;
    ret->bytes = status->bytes;
    ret->deleted = status->deleted;
    ret->done_bytes = status->done_bytes;
    ret->total_bytes = status->total_bytes;
    ret->job_code = (int)status->job_code;
    error_copy_text(ret->job_problem, sizeof(ret->job_problem),
                    status->job_error);
    ret->state_index = status->state_index;
    ret->frozen = status->frozen;
    ret->has_undo = status->has_undo;
    memcpy(ret->undo_source, status->undo_source, sizeof(ret->undo_source));
    ret->undo_time_ms = status->undo_time_ms;
    ret->undo_logs = status->undo_logs;
    ret->undo_entries = status->undo_entries;
    ret->undo_bytes = status->undo_bytes;
    recovery_public_last(&ret->last, &status->last);
}
