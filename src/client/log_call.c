/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/log_call.h"

#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "util/text.h"

static void on_answer(struct request *request, const struct answer *answer);
static int copy_name(char *ret_name, size_t room, struct bytes name,
                     struct err *err);

struct log_call *log_call_new(struct ql_client *client, enum method method,
                              const char *log, ql_log_cb cb, void *data,
                              int *ret_rv, struct ql_error *error)
{
    struct log_call *call;
    struct err err;
    int rv = log_name_check(log, strlen(log), &err);

    if (rv != 0) {
        *ret_rv = error_from_err(error, rv, &err);
        return NULL;
    }
    call = calloc(1, sizeof(*call));
    if (call == NULL) {
        *ret_rv = error_set(error, QL_NO_MEMORY, "out of memory");
        return NULL;
    }
    request_init(&call->request, client, method, on_answer);
    call->cb = cb;
    call->data = data;
    memcpy(call->log, log, strlen(log) + 1);
    return call;
}

int log_call_start(struct log_call *call, int encode_rv, struct ql_error *error)
{
    int rv;

    if (encode_rv != 0) {
        rv = error_set(error, encode_rv, "out of memory");
    } else {
        rv = request_start(&call->request, 0, error);
    }
    if (rv != 0) {
        request_close(&call->request);
        free(call);
    }
    return rv;
}

struct bytes log_call_name(const struct log_call *call)
{
    return (struct bytes){(const uint8_t *)call->log, strlen(call->log)};
}

int log_stat_export(struct ql_log_stat *ret, const struct log_stat *stat,
                    struct err *err)
{
    int rv;

    memset(ret, 0, sizeof(*ret));
    rv = copy_name(ret->name, sizeof(ret->name), stat->name, err);
    if (rv == 0) {
        rv = copy_name(ret->writer_name, sizeof(ret->writer_name),
                       stat->writer_name, err);
    }
    ret->uid = stat->uid;
    ret->incarnation = stat->incarnation;
    ret->head = stat->head;
    ret->tail = stat->tail;
    ret->entries = stat->entries;
    ret->bytes = stat->bytes;
    ret->last_time_ms = stat->last_time_ms;
    ret->retention.entries = stat->retention.entries;
    ret->retention.bytes = stat->retention.bytes;
    ret->retention.age_ms = stat->retention.age_ms;
    ret->writer_epoch = stat->writer_epoch;
    memcpy(ret->digest, stat->digest, sizeof(ret->digest));
    return rv;
}

static void on_answer(struct request *request, const struct answer *answer)
{
    struct log_call *call = LIST_ITEM(request, struct log_call, request);
    const struct ql_error *failure = answer->error;
    struct ql_log_stat public_stat = {0};
    struct log_stat stat;
    struct ql_error error;
    struct err err;
    int rv = 0;

    if (failure == NULL && answer->result.len == 0 &&
        request->method->method == METHOD_LOG_DELETE) {
        /* Deleted by an attempt whose answer was lost: its name is all that is
         * known of it. */
        memcpy(public_stat.name, call->log, sizeof(public_stat.name));
    } else if (failure == NULL) {
        rv = log_stat_decode(&stat, answer->result, &err);
        if (rv == 0) {
            rv = log_stat_export(&public_stat, &stat, &err);
        }
    }
    if (rv != 0) {
        error_set(&error, QL_PROTOCOL, "%s: %s", request->method->name,
                  err.text);
        failure = &error;
    }
    if (call->cb != NULL) {
        call->cb(call->data, failure == NULL ? &public_stat : NULL, failure);
    }
    request_close(request);
    free(call);
}

static int copy_name(char *ret_name, size_t room, struct bytes name,
                     struct err *err)
{
    if (name.len >= room) {
        return err_set(err, QL_PROTOCOL, "a name of %zu bytes", name.len);
    }
    if (name.len > 0) {
        memcpy(ret_name, name.data, name.len);
    }
    ret_name[name.len] = '\0';
    return 0;
}
