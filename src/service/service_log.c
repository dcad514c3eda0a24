/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The methods about logs themselves. */
#include "machine/must.h"
#include "service/service_parts.h"
#include "wire/args_log.h"

static int log_stat_answer(struct call *call, struct bytes params,
                           struct buf *message, struct err *err);
static int log_list_answer(struct call *call, struct bytes params,
                           struct buf *message, struct err *err);

int service_log_create(struct call *call, struct bytes params, struct err *err)
{
    struct log_config_args args;
    int rv = log_config_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    return call_write(call, COMMAND_LOG_CREATE, params, NULL, err);
}

int service_log_configure(struct call *call, struct bytes params,
                          struct err *err)
{
    struct log_config_args args;
    int rv = log_config_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    return call_write(call, COMMAND_LOG_CONFIGURE, params, NULL, err);
}

int service_log_delete(struct call *call, struct bytes params, struct err *err)
{
    struct log_args args;
    int rv = log_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    return call_write(call, COMMAND_LOG_DELETE, params, NULL, err);
}

int service_log_trim(struct call *call, struct bytes params, struct err *err)
{
    struct log_trim_args args;
    int rv = log_trim_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    return call_write(call, COMMAND_LOG_TRIM, params, NULL, err);
}

int service_log_stat(struct call *call, struct bytes params, struct err *err)
{
    struct log_args args;
    int rv = log_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    return call_read(call, params, args.stale, log_stat_answer, err);
}

int service_log_list(struct call *call, struct bytes params, struct err *err)
{
    struct log_list_args args;
    int rv = log_list_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    return call_read(call, params, args.stale, log_list_answer, err);
}

static int log_stat_answer(struct call *call, struct bytes params,
                           struct buf *message, struct err *err)
{
    struct log_args args;
    struct log_stat stat;
    int rv = log_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    rv = service_find_log(call->service, args.log, &stat, err);
    if (rv != 0) {
        return rv;
    }
    must_have_memory(log_stat_encode(&stat, message));
    return 0;
}

static int log_list_answer(struct call *call, struct bytes params,
                           struct buf *message, struct err *err)
{
    struct log_list_args args;
    struct log_list_result result;
    int rv = log_list_args_decode(&args, params, err);

    if (rv != 0) {
        return rv;
    }
    rv = machine_log_list(call->service->machine, &args, &result);
    if (rv != 0) {
        return err_set(err, rv, "the logs cannot be listed");
    }
    must_have_memory(log_list_result_encode(&result, message));
    log_list_result_close(&result);
    return 0;
}
