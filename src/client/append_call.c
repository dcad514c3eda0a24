/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/append_call.h"

#include <stdlib.h>

#include "client/client.h"
#include "client/writer.h"
#include "wire/append_number.h"

/* What a refusal says about the append's number. */
enum verdict {
    VERDICT_DECIDED,   /* the machine refused it: the number is used up */
    VERDICT_REJECTED,  /* the service refused it: the number is not used */
    VERDICT_LATER,     /* not applied, the same again later */
    VERDICT_ELSEWHERE, /* not applied, ask another node */
    VERDICT_FORGOTTEN, /* the producer's results are gone */
    VERDICT_UNCERTAIN, /* may be applied or not */
};

static enum verdict verdict_of(int code);
static int decode_result(const struct append_call *call, struct bytes encoded,
                         struct append_result *ret_result, struct err *err);
static void on_refusal(struct append_call *call,
                       const struct rpc_error *refusal);
static void on_forgotten(struct append_call *call,
                         const struct ql_error *error);
static void hold(struct append_call *call, uint32_t after_ms);
static void call_back(struct append_call *call,
                      const struct append_result *result,
                      const struct ql_error *error);
static int make_filler(struct append_call *call);

struct append_call *append_call_of(struct request *request)
{
    return LIST_ITEM(request, struct append_call, request);
}

void append_call_free(struct append_call *call)
{
    append_queue_remove(call);
    request_pool_give(&call->request.client->append_calls, &call->request);
}

void append_call_fail(struct append_call *call, const struct ql_error *error)
{
    append_queue_remove(call);
    call_back(call, NULL, error);
    append_call_free(call);
}

void append_call_succeed(struct append_call *call,
                         const struct append_result *result)
{
    append_queue_remove(call);
    call_back(call, result, NULL);
    append_call_free(call);
}

void append_call_abandon(struct append_call *call, const struct ql_error *error)
{
    call_back(call, NULL, error);
}

void append_call_settle(struct append_call *call, const struct ql_error *error)
{
    struct append_queue *queue = &call->request.client->appends;

    if (make_filler(call) != 0) {
        queue->lost = true;
        queue->held = true;
        append_call_fail(call, error);
        return;
    }
    call_back(call, NULL, error);
}

void append_call_refuse_size(struct append_call *call)
{
    struct ql_error error;

    error_set(&error, QL_TOO_LARGE,
              "the append has %zu bytes, and the server takes %zu",
              call->request.params.len,
              call->request.client->uplink.request_bytes_max);
    append_call_fail(call, &error);
}

void append_queue_on_answer(struct request *request,
                            const struct rpc_error *refusal,
                            struct bytes encoded)
{
    struct append_call *call = append_call_of(request);
    struct append_queue *queue = &request->client->appends;
    struct append_result result;
    struct ql_error error;
    struct err err;

    result.count = 0;
    result.time_ms = 0;
    queue->in_flight--;
    if (refusal != NULL) {
        on_refusal(call, refusal);
        return;
    }
    queue->refusals = 0;
    if (call->is_filler || decode_result(call, encoded, &result, &err) == 0) {
        append_call_succeed(call, &result);
        return;
    }
    /* Done, but where, only ql_append_status() may find out. */
    error_set(&error, QL_OUTCOME_UNKNOWN, "the answer makes no sense: %s",
              err.text);
    append_call_fail(call, &error);
}

/* A place for each part: callers use them without a look at the count. */
static int decode_result(const struct append_call *call, struct bytes encoded,
                         struct append_result *ret_result, struct err *err)
{
    int rv = append_result_decode(ret_result, encoded, err);

    if (rv == 0 && ret_result->count != call->parts_count) {
        rv = err_set(err, QL_PROTOCOL, "%zu places for %zu logs",
                     ret_result->count, call->parts_count);
    }
    return rv;
}

static enum verdict verdict_of(int code)
{
    switch (code) {
    case QL_NOT_FOUND:
    case QL_EXISTS:
    case QL_TRIMMED:
    case QL_CONDITION_FAILED:
    case QL_FENCED:
    case QL_LIMIT:
    case QL_NO_SPACE:
    case QL_FROZEN:
        return VERDICT_DECIDED;
    case QL_INVALID:
    case QL_TOO_LARGE:
    case QL_UNKNOWN_METHOD:
    case QL_PROTOCOL:
    case QL_DENIED:
        return VERDICT_REJECTED;
    case QL_OUT_OF_ORDER:
    case QL_BUSY:
    case QL_TIMEOUT:
        return VERDICT_LATER;
    case QL_NOT_LEADER:
    case QL_NO_LEADER:
    case QL_SHUTTING_DOWN:
        return VERDICT_ELSEWHERE;
    case QL_DUPLICATE_UNKNOWN:
    case QL_PRODUCER_EXPIRED:
    case QL_RESTORED:
        return VERDICT_FORGOTTEN;
    default:
        return VERDICT_UNCERTAIN;
    }
}

static void on_refusal(struct append_call *call,
                       const struct rpc_error *refusal)
{
    struct ql_client *client = call->request.client;
    struct append_queue *queue = &client->appends;
    enum verdict verdict = verdict_of(refusal->code);
    struct ql_error error;

    error_from_server(&error, refusal, client->uplink.conn.peer);
    switch (verdict) {
    case VERDICT_DECIDED:
        queue->refusals = 0;
        append_call_fail(call, &error);
        return;
    case VERDICT_REJECTED:
        if (call->is_filler) {
            /* Then the number cannot be used up: begin with new ones. */
            queue->lost = true;
            hold(call, 0);
            append_call_free(call);
        } else if (call->numbered) {
            queue->held = true;
            append_call_settle(call, &error);
        } else {
            append_call_fail(call, &error);
        }
        return;
    case VERDICT_ELSEWHERE:
        uplink_not_leader(client, refusal);
        queue->held = true;
        return;
    case VERDICT_LATER:
        /* A gap before the very first that is not answered is none that
         * waiting could close. */
        if (refusal->code == QL_OUT_OF_ORDER &&
            queue->calls.next == &call->order) {
            queue->lost = true;
        }
        hold(call, refusal->retry_after_ms);
        return;
    case VERDICT_FORGOTTEN:
        on_forgotten(call, &error);
        return;
    case VERDICT_UNCERTAIN:
    default:
        call->request.uncertain = true;
        if (!call->numbered) {
            error.code = QL_OUTCOME_UNKNOWN;
            error.error_class = QL_CLASS_OUTCOME_UNKNOWN;
            append_call_fail(call, &error);
            return;
        }
        hold(call, refusal->retry_after_ms);
        return;
    }
}

static void on_forgotten(struct append_call *call, const struct ql_error *error)
{
    struct append_queue *queue = &call->request.client->appends;
    struct ql_error unknown = *error;

    if (!call->numbered) {
        append_call_fail(call, error);
        return;
    }
    if (error->code != QL_DUPLICATE_UNKNOWN || !call->request.uncertain) {
        queue->lost = true;
        queue->held = true;
    }
    if (call->request.uncertain || call->is_filler || !call->request.pending) {
        unknown.code = QL_OUTCOME_UNKNOWN;
        unknown.error_class = QL_CLASS_OUTCOME_UNKNOWN;
        append_call_fail(call, &unknown);
    } else if (error->code == QL_RESTORED) {
        /* What it was to follow may be gone: the program decides. */
        append_call_fail(call, error);
    }
}

/* Lets what is in flight end, and the server breathe. */
static void hold(struct append_call *call, uint32_t after_ms)
{
    struct ql_client *client = call->request.client;
    struct append_queue *queue = &client->appends;
    uint64_t delay = after_ms;

    /* The refusals that follow from the first are no further reason to wait. */
    if (queue->held) {
        return;
    }
    queue->held = true;
    queue->refusals++;
    if (delay == 0) {
        delay = route_delay_ms(queue->refusals, client_random(client));
    }
    queue->not_before_ms = client->now_ms + delay;
}

static void call_back(struct append_call *call,
                      const struct append_result *result,
                      const struct ql_error *error)
{
    struct ql_append_place places[APPEND_PARTS_MAX];
    struct ql_append_result public_result = {0};
    const struct ql_append_result *given = NULL;
    size_t i;

    if (!call->request.pending) {
        return;
    }
    request_unpend(&call->request);
    public_result.producer = call->producer;
    public_result.sequence = call->sequence;
    if (error == NULL) {
        for (i = 0; i < result->count; i++) {
            places[i].first = result->places[i].first;
            places[i].count = result->places[i].count;
        }
        public_result.places = places;
        public_result.count = result->count;
        public_result.time_ms = result->time_ms;
        given = &public_result;
    } else if (error->code == QL_OUTCOME_UNKNOWN) {
        given = &public_result;
    }
    if (error != NULL && error->code == QL_FENCED) {
        writer_on_refused(call->request.client, call->writer, error->position);
    }
    if (call->cb != NULL) {
        call->cb(call->data, given, error);
    }
}

/* No tail ever is the last number there is, so the machine refuses it on each
 * node alike, and counts it. */
static int make_filler(struct append_call *call)
{
    static const char log[] = "filler";
    const struct append_entry entry = {{NULL, 0}, {(const uint8_t *)log, 0}};
    struct append_part_args part = {
        .log = {(const uint8_t *)log, sizeof(log) - 1},
        .expect_position = UINT64_MAX,
        .entries = &entry,
        .entries_count = 1,
    };
    const struct append_args args = {
        .parts = &part,
        .parts_count = 1,
        .producer = APPEND_NUMBER_ROOM,
        .sequence = APPEND_NUMBER_ROOM,
    };
    struct buf params = BUF_INIT;
    int rv = append_args_encode(&args, &params);

    if (rv == 0) {
        rv = append_number_set(params.data, params.len, call->producer,
                               call->sequence);
    }
    if (rv != 0) {
        buf_close(&params);
        return rv;
    }
    buf_close(&call->request.params);
    call->request.params = params;
    call->is_filler = true;
    return 0;
}
