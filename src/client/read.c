/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One answer's worth of entries, without a reader. */
#include "client/read_call.h"

#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "util/text.h"
#include "wire/args_read.h"

#define ENTRIES_FEW 16u /* for these the stack has room */

struct read_call {
    struct request request;
    ql_read_cb cb;
    void *data;
};

static int encode(struct request *request, const char *log, uint64_t from,
                  const struct ql_read_options *options, struct err *err);
static void on_read(struct request *request, const struct answer *answer);
static int give(const struct read_call *call, struct bytes encoded,
                struct err *err);

int ql_read_async(struct ql_client *client, const char *log, uint64_t from,
                  const struct ql_read_options *options, ql_read_cb cb,
                  void *data, struct ql_error *error)
{
    struct ql_read_options given;
    struct request *request;
    struct read_call *call;
    struct err err;
    int rv;

    rv = client_options_copy(&given, sizeof(given), options, error);
    if (rv != 0) {
        return rv;
    }
    request = request_pool_take(&client->read_calls, client, METHOD_LOG_READ,
                                on_read);
    if (request == NULL) {
        return error_set(error, QL_NO_MEMORY, "out of memory");
    }
    call = LIST_ITEM(request, struct read_call, request);
    call->request.any_node = given.consistency == QL_STALE;
    call->cb = cb;
    call->data = data;
    rv = encode(&call->request, log, from, &given, &err);
    if (rv != 0) {
        error_from_err(error, rv, &err);
    } else {
        rv = request_start(&call->request, given.timeout_ms, error);
    }
    if (rv != 0) {
        request_pool_give(&client->read_calls, request);
    }
    return rv;
}

size_t read_call_size(void)
{
    return sizeof(struct read_call);
}

static int encode(struct request *request, const char *log, uint64_t from,
                  const struct ql_read_options *options, struct err *err)
{
    const struct read_args args = {
        .log = {(const uint8_t *)log, strlen(log)},
        .from = from,
        .to = options->to,
        .entries_max =
            options->entries_max != 0 ? options->entries_max : READ_ENTRIES_MAX,
        .bytes_max =
            options->bytes_max != 0 ? options->bytes_max : READ_BYTES_DEFAULT,
        .stale = options->consistency == QL_STALE,
    };
    int rv = log_name_check(log, strlen(log), err);

    if (rv != 0) {
        return rv;
    }
    rv = read_args_encode(&args, &request->params);
    return rv == 0 ? 0 : err_set(err, rv, "out of memory");
}

static void on_read(struct request *request, const struct answer *answer)
{
    struct read_call *call = LIST_ITEM(request, struct read_call, request);
    struct ql_error error;
    struct err err;
    int rv;

    if (call->cb != NULL && answer->error != NULL) {
        call->cb(call->data, NULL, answer->error);
    } else if (call->cb != NULL) {
        rv = give(call, answer->result, &err);
        if (rv != 0) {
            error_set(&error, rv == QL_NO_MEMORY ? rv : QL_PROTOCOL,
                      "log.read: %s", err.text);
            call->cb(call->data, NULL, &error);
        }
    }
    request_pool_give(&request->client->read_calls, request);
}

static int give(const struct read_call *call, struct bytes encoded,
                struct err *err)
{
    struct ql_read_result public_result = {0};
    struct ql_entry few[ENTRIES_FEW];
    struct ql_entry *entries = few;
    struct read_result result;
    size_t i;
    int rv = read_result_decode(&result, encoded, err);

    if (rv != 0) {
        return rv;
    }
    if (result.count > ENTRIES_FEW) {
        entries = malloc(result.count * sizeof(*entries));
    }
    if (entries == NULL) {
        rv = err_set(err, QL_NO_MEMORY, "out of memory");
        goto free_result;
    }
    for (i = 0; i < result.count; i++) {
        const struct read_entry *entry = &result.entries[i];

        entries[i] = (struct ql_entry){
            .key = entry->key.data,
            .key_len = entry->key.len,
            .value = entry->value.data,
            .value_len = entry->value.len,
            .position = entry->position,
            .time_ms = entry->time_ms,
        };
    }
    public_result.entries = entries;
    public_result.count = result.count;
    public_result.next = result.next;
    public_result.head = result.head;
    public_result.tail = result.tail;
    public_result.incarnation = result.incarnation;
    call->cb(call->data, &public_result, NULL);
    if (entries != few) {
        free(entries);
    }

free_result:
    read_result_free(&result);
    return rv;
}
