/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/append.h"

#include <stdlib.h>
#include <string.h>

#include "client/append_call.h"
#include "client/client.h"
#include "util/text.h"
#include "wire/append_number.h"

#define ENTRIES_FEW 16u /* for these the stack has room */

/* The encoder's view of the caller's parts. */
struct encoding {
    struct append_entry few[ENTRIES_FEW];
    struct append_part_args parts[APPEND_PARTS_MAX];
    struct append_entry *entries;
    size_t entries_count;
    size_t bytes;
};

struct status_call {
    struct request request;
    ql_append_cb cb;
    void *data;
    uint64_t producer;
    uint64_t sequence;
};

static int check_parts(const struct ql_append_part *parts, size_t count,
                       struct encoding *encoding, struct err *err);
static int check_part(const struct ql_append_part *part,
                      struct encoding *encoding, struct err *err);
static int check_entry(const struct ql_entry *entry, struct encoding *encoding,
                       struct err *err);
static void fill_parts(const struct ql_append_part *parts, size_t count,
                       struct encoding *encoding);
static int encode(struct append_call *call, const struct ql_append_part *parts,
                  size_t count, struct err *err);
static void on_done(struct request *request, const struct answer *answer);
static void on_status(struct request *request, const struct answer *answer);

int ql_append_async(struct ql_client *client,
                    const struct ql_append_part *parts, size_t count,
                    const struct ql_append_options *options, ql_append_cb cb,
                    void *data, struct ql_error *error)
{
    return append_start(client, parts, count, options, 0, cb, data, error);
}

int append_start(struct ql_client *client, const struct ql_append_part *parts,
                 size_t count, const struct ql_append_options *options,
                 uint64_t writer, ql_append_cb cb, void *data,
                 struct ql_error *error)
{
    struct ql_append_options given;
    struct append_call *call;
    struct request *request;
    struct err err;
    int rv;

    rv = client_options_copy(&given, sizeof(given), options, error);
    if (rv != 0) {
        return rv;
    }
    request = request_pool_take(&client->append_calls, client,
                                METHOD_LOG_APPEND, on_done);
    if (request == NULL) {
        return error_set(error, QL_NO_MEMORY, "out of memory");
    }
    call = append_call_of(request);
    list_init(&call->order);
    call->cb = cb;
    call->data = data;
    call->writer = writer;
    call->parts_count = count;
    call->numbered = !given.at_least_once;
    call->request.is_append = true;
    call->request.send_once = given.at_least_once;
    rv = encode(call, parts, count, &err);
    if (rv != 0) {
        append_call_free(call);
        return error_from_err(error, rv, &err);
    }
    rv = request_admit(&call->request, error);
    if (rv != 0) {
        append_call_free(call);
        return rv;
    }
    call->request.deadline_ms =
        client_now(client) +
        (given.timeout_ms != 0 ? given.timeout_ms : client->timeout_ms);
    append_queue_add(client, call);
    return 0;
}

/* ---- Encoding ------------------------------------------------------------ */

/* The limits are the server's: checking them here first keeps a call that must
 * be refused from using up a number. */
static int encode(struct append_call *call, const struct ql_append_part *parts,
                  size_t count, struct err *err)
{
    struct encoding encoding; /* large: what is not used is not set either */
    struct append_args args = {.parts = encoding.parts, .parts_count = count};
    struct buf *params = &call->request.params;
    int rv;

    encoding.entries = encoding.few;
    encoding.entries_count = 0;
    encoding.bytes = 0;
    rv = check_parts(parts, count, &encoding, err);
    if (rv != 0) {
        return rv;
    }
    if (encoding.entries_count > ENTRIES_FEW) {
        encoding.entries =
            malloc(encoding.entries_count * sizeof(*encoding.entries));
    }
    if (encoding.entries == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory for an append");
    }
    fill_parts(parts, count, &encoding);
    if (call->numbered) {
        args.producer = APPEND_NUMBER_ROOM;
        args.sequence = APPEND_NUMBER_ROOM;
    }
    rv = append_args_encode(&args, params);
    if (encoding.entries != encoding.few) {
        free(encoding.entries);
    }
    if (rv != 0) {
        return err_set(err, rv, "out of memory for an append");
    }
    if (call->numbered &&
        append_number_set(params->data, params->len, 1, 1) != 0) {
        return err_set(err, QL_INTERNAL, "an append without its numbers");
    }
    return 0;
}

static int check_parts(const struct ql_append_part *parts, size_t count,
                       struct encoding *encoding, struct err *err)
{
    size_t i;
    size_t j;
    int rv;

    if (count == 0) {
        return err_set(err, QL_INVALID, "an append needs at least one log");
    }
    if (count > APPEND_PARTS_MAX) {
        return err_set(err, QL_TOO_LARGE,
                       "%zu logs in one append, more than %u", count,
                       APPEND_PARTS_MAX);
    }
    for (i = 0; i < count; i++) {
        rv = check_part(&parts[i], encoding, err);
        if (rv != 0) {
            return rv;
        }
        for (j = 0; j < i; j++) {
            if (strcmp(parts[i].log, parts[j].log) == 0) {
                return err_set(err, QL_INVALID,
                               "log '%s' stands twice in one append",
                               parts[i].log);
            }
        }
    }
    return 0;
}

static int check_part(const struct ql_append_part *part,
                      struct encoding *encoding, struct err *err)
{
    size_t i;
    int rv;

    rv = log_name_check(part->log, strlen(part->log), err);
    if (rv != 0) {
        return rv;
    }
    if (part->count == 0) {
        return err_set(err, QL_INVALID, "no entries for log '%s'", part->log);
    }
    if (part->count > APPEND_ENTRIES_MAX - encoding->entries_count) {
        return err_set(err, QL_TOO_LARGE, "more than %u entries in one append",
                       APPEND_ENTRIES_MAX);
    }
    for (i = 0; i < part->count; i++) {
        rv = check_entry(&part->entries[i], encoding, err);
        if (rv != 0) {
            err_wrap(err, "log '%s', entry %zu", part->log, i);
            return rv;
        }
    }
    return 0;
}

static int check_entry(const struct ql_entry *entry, struct encoding *encoding,
                       struct err *err)
{
    if ((entry->value == NULL && entry->value_len > 0) ||
        (entry->key == NULL && entry->key_len > 0)) {
        return err_set(err, QL_INVALID, "a length without bytes");
    }
    if (entry->key_len > ENTRY_KEY_MAX) {
        return err_set(err, QL_TOO_LARGE, "a key of %zu bytes, more than %u",
                       entry->key_len, ENTRY_KEY_MAX);
    }
    if (entry->value_len > ENTRY_VALUE_MAX) {
        return err_set(err, QL_TOO_LARGE, "a value of %zu bytes, more than %u",
                       entry->value_len, ENTRY_VALUE_MAX);
    }
    encoding->bytes += entry->key_len + entry->value_len;
    if (encoding->bytes > APPEND_BYTES_MAX) {
        return err_set(err, QL_TOO_LARGE,
                       "more than %u bytes of keys and values in one append",
                       APPEND_BYTES_MAX);
    }
    encoding->entries_count++;
    return 0;
}

static void fill_parts(const struct ql_append_part *parts, size_t count,
                       struct encoding *encoding)
{
    struct append_entry *at = encoding->entries;
    size_t i;
    size_t j;

    for (i = 0; i < count; i++) {
        encoding->parts[i] = (struct append_part_args){
            .log = {(const uint8_t *)parts[i].log, strlen(parts[i].log)},
            .expect_position = parts[i].expect_position,
            .epoch = parts[i].epoch,
            .entries = at,
            .entries_count = parts[i].count,
        };
        for (j = 0; j < parts[i].count; j++) {
            const struct ql_entry *entry = &parts[i].entries[j];

            at->key = (struct bytes){entry->key, entry->key_len};
            at->value = (struct bytes){entry->value, entry->value_len};
            at++;
        }
    }
}

/* Never runs: the append queue ends its calls itself. */
static void on_done(struct request *request, const struct answer *answer)
{
    append_call_fail(append_call_of(request), answer->error);
}

/* ---- append.status ------------------------------------------------------- */

int ql_append_status_async(struct ql_client *client, uint64_t producer,
                           uint64_t sequence, ql_append_cb cb, void *data,
                           struct ql_error *error)
{
    const struct append_status_args args = {producer, sequence};
    struct status_call *call;
    int rv;

    if (producer == 0 || sequence == 0) {
        return error_set(error, QL_INVALID,
                         "producer and sequence are counted from 1");
    }
    call = calloc(1, sizeof(*call));
    if (call == NULL) {
        return error_set(error, QL_NO_MEMORY, "out of memory");
    }
    request_init(&call->request, client, METHOD_APPEND_STATUS, on_status);
    call->cb = cb;
    call->data = data;
    call->producer = producer;
    call->sequence = sequence;
    rv = append_status_args_encode(&args, &call->request.params);
    if (rv != 0) {
        rv = error_set(error, rv, "out of memory");
    } else {
        rv = request_start(&call->request, 0, error);
    }
    if (rv != 0) {
        request_close(&call->request);
        free(call);
    }
    return rv;
}

static void on_status(struct request *request, const struct answer *answer)
{
    struct status_call *call = LIST_ITEM(request, struct status_call, request);
    struct ql_append_place places[APPEND_PARTS_MAX];
    struct ql_append_result public_result = {0};
    struct append_result result;
    struct ql_error error;
    const struct ql_error *failure = answer->error;
    struct err err;
    size_t i;

    if (failure == NULL &&
        append_result_decode(&result, answer->result, &err) != 0) {
        error_set(&error, QL_PROTOCOL, "append.status: %s", err.text);
        failure = &error;
    }
    if (failure == NULL) {
        for (i = 0; i < result.count; i++) {
            places[i].first = result.places[i].first;
            places[i].count = result.places[i].count;
        }
        public_result.places = places;
        public_result.count = result.count;
        public_result.time_ms = result.time_ms;
        public_result.producer = call->producer;
        public_result.sequence = call->sequence;
    }
    if (call->cb != NULL) {
        call->cb(call->data, failure == NULL ? &public_result : NULL, failure);
    }
    request_close(request);
    free(call);
}
