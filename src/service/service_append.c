/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Appending, and what makes it exactly-once. */
#include "machine/must.h"
#include "service/service_parts.h"
#include "wire/args_append.h"

static int append_status_answer(struct call *call, struct bytes params,
                                struct buf *message, struct err *err);
static const char *append_status_text(int code);

int service_log_append(struct call *call, struct bytes params, struct err *err)
{
    struct append_args args;
    int rv = append_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    append_args_close(&args);
    return call_write(call, COMMAND_LOG_APPEND, params, NULL, err);
}

int service_producer_open(struct call *call, struct bytes params,
                          struct err *err)
{
    return call_write(call, COMMAND_PRODUCER_OPEN, params, NULL, err);
}

int service_producer_close(struct call *call, struct bytes params,
                           struct err *err)
{
    struct producer_args args;
    int rv = producer_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    return call_write(call, COMMAND_PRODUCER_CLOSE, params, NULL, err);
}

int service_append_status(struct call *call, struct bytes params,
                          struct err *err)
{
    struct append_status_args args;
    int rv = append_status_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    return call_read(call, params, false, append_status_answer, err);
}

static int append_status_answer(struct call *call, struct bytes params,
                                struct buf *message, struct err *err)
{
    struct append_status_args args;
    struct append_result result;
    int rv = append_status_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    rv = machine_append_status(call->service->machine, args.producer,
                               args.sequence, &result);
    if (rv != 0) {
        return err_set(err, rv, "%s", append_status_text(rv));
    }
    must_have_memory(append_result_encode(&result, message));
    return 0;
}

static const char *append_status_text(int code)
{
    switch (code) {
    case QL_NOT_FOUND:
        return "no such append has arrived (it still may)";
    case QL_DUPLICATE_UNKNOWN:
        return "this append was decided too long ago to tell how";
    case QL_PRODUCER_EXPIRED:
        return "the producer was closed or idle for too long";
    case QL_RESTORED:
        return "the logs were replaced by those of a backup since: whether "
               "they have it only they can tell";
    default:
        return "this append was refused";
    }
}
