/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/admin.h"

#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "wire/args_writer.h"

static int start_config(struct ql_client *client, enum method method,
                        const char *log, const struct ql_retention *retention,
                        ql_log_cb cb, void *data, struct ql_error *error);

int ql_log_create_async(struct ql_client *client, const char *log,
                        const struct ql_retention *retention, ql_log_cb cb,
                        void *data, struct ql_error *error)
{
    return start_config(client, METHOD_LOG_CREATE, log, retention, cb, data,
                        error);
}

int ql_log_configure_async(struct ql_client *client, const char *log,
                           const struct ql_retention *retention, ql_log_cb cb,
                           void *data, struct ql_error *error)
{
    return start_config(client, METHOD_LOG_CONFIGURE, log, retention, cb, data,
                        error);
}

int ql_log_delete_async(struct ql_client *client, const char *log, ql_log_cb cb,
                        void *data, struct ql_error *error)
{
    struct log_args args = {0};
    int rv = 0;
    struct log_call *call =
        log_call_new(client, METHOD_LOG_DELETE, log, cb, data, &rv, error);

    if (call == NULL) {
        return rv;
    }
    args.log = log_call_name(call);
    return log_call_start(call, log_args_encode(&args, &call->request.params),
                          error);
}

int ql_log_trim_async(struct ql_client *client, const char *log,
                      uint64_t before, ql_log_cb cb, void *data,
                      struct ql_error *error)
{
    struct log_trim_args args = {.before = before};
    int rv = 0;
    struct log_call *call;

    if (before == 0) {
        return error_set(error, QL_INVALID, "positions are counted from 1");
    }
    call = log_call_new(client, METHOD_LOG_TRIM, log, cb, data, &rv, error);
    if (call == NULL) {
        return rv;
    }
    args.log = log_call_name(call);
    return log_call_start(
        call, log_trim_args_encode(&args, &call->request.params), error);
}

int ql_log_stat_async(struct ql_client *client, const char *log,
                      enum ql_consistency consistency, ql_log_cb cb, void *data,
                      struct ql_error *error)
{
    struct log_args args = {.stale = consistency == QL_STALE};
    int rv = 0;
    struct log_call *call =
        log_call_new(client, METHOD_LOG_STAT, log, cb, data, &rv, error);

    if (call == NULL) {
        return rv;
    }
    args.log = log_call_name(call);
    call->request.any_node = args.stale;
    return log_call_start(call, log_args_encode(&args, &call->request.params),
                          error);
}

int ql_writer_acquire_async(struct ql_client *client, const char *log,
                            const char *name, ql_log_cb cb, void *data,
                            struct ql_error *error)
{
    struct writer_args args = {0};
    size_t name_len = strlen(name);
    int rv = 0;
    struct log_call *call;

    if (name_len == 0 || name_len > WRITER_NAME_MAX) {
        return error_set(error, QL_INVALID,
                         "the name of a writer has 1 to %d bytes",
                         WRITER_NAME_MAX);
    }
    call =
        log_call_new(client, METHOD_WRITER_ACQUIRE, log, cb, data, &rv, error);
    if (call == NULL) {
        return rv;
    }
    args.log = log_call_name(call);
    args.name = (struct bytes){(const uint8_t *)name, name_len};
    return log_call_start(
        call, writer_acquire_args_encode(&args, &call->request.params), error);
}

int ql_writer_release_async(struct ql_client *client, const char *log,
                            uint64_t epoch, ql_log_cb cb, void *data,
                            struct ql_error *error)
{
    struct writer_args args = {.epoch = epoch};
    int rv = 0;
    struct log_call *call;

    if (epoch == 0) {
        return error_set(error, QL_INVALID, "epochs are counted from 1");
    }
    call =
        log_call_new(client, METHOD_WRITER_RELEASE, log, cb, data, &rv, error);
    if (call == NULL) {
        return rv;
    }
    args.log = log_call_name(call);
    return log_call_start(
        call, writer_release_args_encode(&args, &call->request.params), error);
}

/* The token of a create lets a repeated one find its own log. */
static int start_config(struct ql_client *client, enum method method,
                        const char *log, const struct ql_retention *retention,
                        ql_log_cb cb, void *data, struct ql_error *error)
{
    struct log_config_args args = {0};
    int rv = 0;
    struct log_call *call =
        log_call_new(client, method, log, cb, data, &rv, error);

    if (call == NULL) {
        return rv;
    }
    args.log = log_call_name(call);
    if (retention != NULL) {
        args.retention.entries = retention->entries;
        args.retention.bytes = retention->bytes;
        args.retention.age_ms = retention->age_ms;
    }
    if (method == METHOD_LOG_CREATE) {
        args.token = client_random(client) | 1;
    }
    return log_call_start(
        call, log_config_args_encode(&args, &call->request.params), error);
}
