/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* backup.verify with deep: see backup_deep.h. */
#include <stdlib.h>

#include "backup/backup_deep.h"
#include "machine/must.h"
#include "service/envelope.h"
#include "service/service_parts.h"
#include "util/clock.h"
#include "util/mem.h"
#include "wire/args_backup.h"

struct deep_call {
    struct call *call;
    struct backup_deep *deep;
    uint64_t since_ms;
};

static void deep_on_done(void *data, int status,
                         const struct backup_deep_result *done,
                         const struct err *err);
static void deep_stop(struct call *call);

int service_backup_verify_deep(struct call *call, const char *name,
                               struct err *err)
{
    struct deep_call *work = mem_must_zalloc(sizeof(*work));
    struct node *node = call->service->node;
    int rv;

    work->call = call;
    work->since_ms = clock_monotonic_ms();
    rv = backup_deep_start(&work->deep, node_backups(node),
                           node_backup_disk(node), name, deep_on_done, work);
    if (rv != 0) {
        free(work);
        return err_set(err, rv,
                       rv == QL_BUSY ? "the backup directory has too much to "
                                       "do, or has not been looked at yet"
                                     : "backup %s is not on this node",
                       name);
    }
    call->work = work;
    call->stop = deep_stop;
    return 0;
}

static void deep_on_done(void *data, int status,
                         const struct backup_deep_result *done,
                         const struct err *err)
{
    struct deep_call *work = data;
    struct call *call = work->call;
    const struct backup_verify_result result = {
        .chunks = done->chunks,
        .bytes = done->bytes,
        .entries = done->entries,
        .ms = clock_monotonic_ms() - work->since_ms,
        .memory_bytes = done->memory_bytes};
    struct buf message = BUF_INIT;

    work->deep = NULL;
    if (status != 0) {
        call_fail(call, status, err);
        return;
    }
    envelope_open_result(&message, call->id);
    must_have_memory(backup_verify_result_encode(&result, &message));
    call_finish(call, &message);
}

static void deep_stop(struct call *call)
{
    struct deep_call *work = call->work;

    backup_deep_cancel(work->deep);
    free(work);
}
