/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/recovery_calls.h"

#include "machine/machine_parts.h"
#include "service/service_parts.h"

/* Who sees a part of a backup on its way must not stage it again. */
static int refuse_without(const struct service *service, struct err *err)
{
    struct machine_part_info info;

    if (!machine_part_info(service->machine, MACHINE_DRAFT, &info)) {
        return err_set(err, QL_NOT_FOUND,
                       "nothing is staged: stage a backup first");
    }
    return err_set(err, QL_NOT_FOUND,
                   "nothing is staged: %.*s is on its way, or was interrupted: "
                   "see recovery status",
                   (int)info.source.len, (const char *)info.source.data);
}

int staged_mark_take(const struct service *service, struct staged_mark *ret,
                     struct err *err)
{
    struct machine_part_info info;
    struct machine_counts counts;

    if (!machine_part_info(service->machine, MACHINE_STAGED, &info)) {
        return refuse_without(service, err);
    }
    machine_counts(service->machine, &counts);
    ret->state_index = counts.state_index;
    ret->stage = info.id;
    ret->revision = info.revision;
    return 0;
}

int staged_mark_check(const struct service *service,
                      const struct staged_mark *mark, struct err *err)
{
    struct machine_part_info info;

    if (!machine_part_info(service->machine, MACHINE_STAGED, &info)) {
        return err_set(err, QL_CONDITION_FAILED,
                       "what was staged has been unloaded or committed "
                       "meanwhile");
    }
    if (info.id != mark->stage) {
        return err_set(
            err, QL_CONDITION_FAILED,
            "stage %llu is not there any more, stage %llu (%.*s) is: "
            "look at that one first",
            (unsigned long long)mark->stage, (unsigned long long)info.id,
            (int)info.source.len, (const char *)info.source.data);
    }
    if (info.revision != mark->revision) {
        return err_set(err, QL_CONDITION_FAILED,
                       "what is staged was edited: it is at revision %llu, not "
                       "%llu: look at it again",
                       (unsigned long long)info.revision,
                       (unsigned long long)mark->revision);
    }
    return 0;
}

int recovery_call_begin(struct call *call, void *work,
                        void (*stop)(struct call *call), struct err *err)
{
    struct service *service = call->service;

    if (service->recovery_calls >= RECOVERY_CALLS_MAX) {
        return err_set(err, QL_BUSY,
                       "%u calls look through what is staged already",
                       RECOVERY_CALLS_MAX);
    }
    service->recovery_calls++;
    list_remove(&call->ready);
    call->work = work;
    call->stop = stop;
    return 0;
}

void recovery_call_end(struct call *call)
{
    call->service->recovery_calls--;
}
