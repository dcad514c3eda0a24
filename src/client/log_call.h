/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Calls that are about one log and answer with its numbers. */
#pragma once

#include "client/request.h"
#include "wire/args_log.h"

struct log_call {
    struct request request;
    ql_log_cb cb;
    void *data;
    char log[QL_LOG_NAME_MAX + 1];
};

/* Checks the name. NULL and *error on failure, with the code in *ret_rv. */
struct log_call *log_call_new(struct ql_client *client, enum method method,
                              const char *log, ql_log_cb cb, void *data,
                              int *ret_rv, struct ql_error *error);
/* Starts it once its params are encoded (@encode_rv is what that gave); frees
 * it when it cannot. */
int log_call_start(struct log_call *call, int encode_rv,
                   struct ql_error *error);
struct bytes log_call_name(const struct log_call *call);
/* QL_PROTOCOL when a name does not fit. */
int log_stat_export(struct ql_log_stat *ret, const struct log_stat *stat,
                    struct err *err);
