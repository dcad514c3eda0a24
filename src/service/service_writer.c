/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Taking a log for one writer, and giving it back. */
#include "service/hold.h"
#include "service/service_parts.h"
#include "wire/args_writer.h"

static void on_acquired(struct call *call, const struct outcome *outcome);
static void on_released(struct call *call, const struct outcome *outcome);

int service_writer_acquire(struct call *call, struct bytes params,
                           struct err *err)
{
    struct writer_args args;
    int rv = writer_acquire_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    if (call->channel->holds_count >= SESSION_HOLDS_MAX) {
        return err_set(err, QL_TOO_LARGE,
                       "a connection holds at most %u writer epochs",
                       SESSION_HOLDS_MAX);
    }
    return call_write(call, COMMAND_WRITER_ACQUIRE, params, on_acquired, err);
}

int service_writer_release(struct call *call, struct bytes params,
                           struct err *err)
{
    struct writer_args args;
    int rv = writer_release_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    return call_write(call, COMMAND_WRITER_RELEASE, params, on_released, err);
}

static void on_acquired(struct call *call, const struct outcome *outcome)
{
    if (call->channel != NULL) {
        hold_add(call->service, call->channel, &outcome->stat);
    }
}

/* A release is taken for the log's newest epoch only, and that is in the stat. */
static void on_released(struct call *call, const struct outcome *outcome)
{
    if (call->channel != NULL) {
        holds_release(call->service, call->channel, outcome->stat.uid,
                      outcome->stat.writer_epoch);
    }
}
