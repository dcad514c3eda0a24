/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* backup.export: a piece of a backup's stream, from this node's copy. Pieces with
 * one tag belong together, whichever node gave them. */
#include <stdlib.h>
#include <string.h>

#include "backup/backup_store.h"
#include "machine/must.h"
#include "service/envelope.h"
#include "service/service_parts.h"
#include "util/mem.h"
#include "wire/args_backup.h"

struct export_call {
    struct call *call;
    struct backup_read read;
};

static void export_on_read(struct backup_read *read, int status);
static void export_stop(struct call *call);

int service_backup_export(struct call *call, struct bytes params,
                          struct err *err)
{
    struct backup_export_args args;
    struct export_call *export;
    int rv = backup_export_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    export = mem_must_zalloc(sizeof(*export));
    export->call = call;
    export->read.data = export;
    rv = backup_store_read_stream(node_backups(call->service->node),
                                  &export->read, args.name, args.offset,
                                  args.len, export_on_read);
    if (rv != 0) {
        free(export);
        return err_set(err, rv,
                       rv == QL_BUSY
                           ? "the backup directory has too much to do, or has "
                             "not been looked at yet"
                           : "backup %s is not on this node",
                       args.name);
    }
    call->work = export;
    call->stop = export_stop;
    return 0;
}

static void export_on_read(struct backup_read *read, int status)
{
    struct export_call *export = read->data;
    struct call *call = export->call;
    struct backup_export_result result = {.total = read->total,
                                          .bytes = read->bytes};
    struct buf message = BUF_INIT;
    struct err err = read->err;

    if (status != 0) {
        call_fail(call, status, &err);
        return;
    }
    memcpy(result.tag, read->tag, sizeof(result.tag));
    envelope_open_result(&message, call->id);
    must_have_memory(backup_export_result_encode(&result, &message));
    call_finish(call, &message);
}

static void export_stop(struct call *call)
{
    struct export_call *export = call->work;

    backup_store_read_cancel(&export->read);
    free(export);
}
