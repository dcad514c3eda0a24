/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/recorder.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/notation.h"
#include "util/mem.h"

#define CALL_ID 77u /* of recorder_call() */

static void on_send(struct channel *channel, struct buf *message);
static size_t on_queued(const struct channel *channel);
static void on_calls_changed(struct channel *channel);
static void on_later(struct channel *channel);
static int recorder_handle(struct recorder *recorder, struct buf *message);

static const struct channel_ops recorder_ops = {
    .send = on_send,
    .queued = on_queued,
    .calls_changed = on_calls_changed,
    .later = on_later,
};

void recorder_open(struct recorder *recorder, struct rig *rig, bool is_operator)
{
    memset(recorder, 0, sizeof(*recorder));
    recorder->rig = rig;
    channel_init(&recorder->channel, &recorder_ops, is_operator);
}

void recorder_close(struct recorder *recorder)
{
    size_t i;

    channel_close(recorder->rig->service, &recorder->channel);
    for (i = 0; i < recorder->count; i++) {
        buf_close(&recorder->messages[i]);
    }
    free(recorder->messages);
    buf_close(&recorder->last);
}

int recorder_send(struct recorder *recorder, uint32_t id, const char *method,
                  const char *params)
{
    struct buf encoded = BUF_INIT;
    struct buf message = BUF_INIT;

    notation_pack(&encoded, params);
    rpc_encode_request(&message, id, method,
                       (struct bytes){encoded.data, encoded.len});
    buf_close(&encoded);
    return recorder_handle(recorder, &message);
}

int recorder_notify(struct recorder *recorder, const char *method,
                    const char *params)
{
    struct buf encoded = BUF_INIT;
    struct buf message = BUF_INIT;

    notation_pack(&encoded, params);
    rpc_encode_notification(&message, method,
                            (struct bytes){encoded.data, encoded.len});
    buf_close(&encoded);
    return recorder_handle(recorder, &message);
}

int recorder_send_raw(struct recorder *recorder, const char *text)
{
    struct buf message = BUF_INIT;

    notation_pack(&message, text);
    return recorder_handle(recorder, &message);
}

struct rpc_message recorder_next(struct recorder *recorder)
{
    struct rpc_message message;
    struct err err;

    assert_true(recorder->count > 0);
    buf_close(&recorder->last);
    recorder->last = recorder->messages[0];
    recorder->count--;
    recorder->bytes -= recorder->last.len;
    memmove(recorder->messages, recorder->messages + 1,
            recorder->count * sizeof(*recorder->messages));
    assert_int_equal(
        rpc_decode(&message, recorder->last.data, recorder->last.len, &err), 0);
    return message;
}

struct bytes recorder_result(struct recorder *recorder, uint32_t id)
{
    struct rpc_message message = recorder_next(recorder);

    assert_int_equal(message.type, RPC_RESPONSE);
    assert_int_equal(message.id, id);
    assert_int_equal(message.error.len, 0);
    assert_int_not_equal(message.result.len, 0);
    return message.result;
}

struct rpc_error recorder_error(struct recorder *recorder, uint32_t id,
                                int code)
{
    struct rpc_message message = recorder_next(recorder);
    struct rpc_error error;
    struct err err;

    assert_int_equal(message.type, RPC_RESPONSE);
    assert_int_equal(message.id, id);
    assert_int_equal(rpc_error_decode(&error, message.error, &err), 0);
    assert_int_equal(error.code, code);
    assert_int_not_equal(error.message.len, 0);
    return error;
}

struct bytes recorder_notice(struct recorder *recorder, const char *method)
{
    struct rpc_message message = recorder_next(recorder);

    assert_int_equal(message.type, RPC_NOTIFICATION);
    assert_int_equal(message.method.len, strlen(method));
    assert_memory_equal(message.method.data, method, message.method.len);
    return message.params;
}

void recorder_expect_nothing(const struct recorder *recorder)
{
    assert_int_equal(recorder->count, 0);
}

struct bytes recorder_call(struct recorder *recorder, const char *method,
                           const char *params)
{
    assert_int_equal(recorder_send(recorder, CALL_ID, method, params), 0);
    rig_settle(recorder->rig);
    return recorder_result(recorder, CALL_ID);
}

struct rpc_error recorder_refused(struct recorder *recorder, int code,
                                  const char *method, const char *params)
{
    assert_int_equal(recorder_send(recorder, CALL_ID, method, params), 0);
    rig_settle(recorder->rig);
    return recorder_error(recorder, CALL_ID, code);
}

static int recorder_handle(struct recorder *recorder, struct buf *message)
{
    struct err err;
    int rv = service_handle(recorder->rig->service, &recorder->channel,
                            message->data, message->len, &err);

    buf_close(message);
    return rv;
}

static void on_send(struct channel *channel, struct buf *message)
{
    struct recorder *recorder = LIST_ITEM(channel, struct recorder, channel);

    recorder->messages =
        mem_must_resize(recorder->messages,
                        (recorder->count + 1) * sizeof(*recorder->messages));
    recorder->messages[recorder->count] = *message;
    recorder->count++;
    recorder->bytes += message->len;
    buf_init(message);
}

static size_t on_queued(const struct channel *channel)
{
    const struct recorder *recorder =
        LIST_ITEM((uintptr_t)channel, const struct recorder, channel);

    return recorder->bytes + recorder->stuffed;
}

static void on_calls_changed(struct channel *channel)
{
    (void)channel;
}

static void on_later(struct channel *channel)
{
    struct recorder *recorder = LIST_ITEM(channel, struct recorder, channel);

    recorder->later++;
}
