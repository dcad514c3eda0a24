/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/etcd_client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "compare/http2.h"
#include "compare/load.h"
#include "compare/protobuf.h"
#include "compare/stream.h"
#include "scale_process.h"

#define PUT "/etcdserverpb.KV/Put"
#define RANGE "/etcdserverpb.KV/Range"
#define STATUS "/etcdserverpb.Maintenance/Status"

/* Fields of etcd's messages. */
#define PUT_KEY 1u
#define PUT_VALUE 2u
#define RANGE_KEY 1u
#define RANGE_END 2u
#define RANGE_COUNT_ONLY 9u
#define RANGE_COUNT 4u
#define HEADER 1u
#define HEADER_MEMBER 2u
#define STATUS_VERSION 2u
#define STATUS_LEADER 4u

#define KEY_LEN 17u /* a letter and 16 digits */
/* Frame heads, headers, the message's head, key and what is before the value. */
#define HEAD_MAX 300u
/* Calls that may be open on a connection; a power of two. */
#define CALLS_MAX 4096u
#define CALL_SECONDS 10
#define RECEIVED_MAX (1u << 30)
#define NO_SLOT UINT32_MAX /* a call of call() */

struct open_call {
    uint32_t stream; /* 0: free */
    uint32_t slot;
    bool has_message;
};

struct connection {
    uint32_t next_stream;
    bool has_table;    /* the server knows our headers */
    uint64_t window;   /* bytes of DATA that the server takes */
    uint32_t received; /* bytes of DATA since the last http2_window_put() */
    struct open_call calls[CALLS_MAX];
    /* Slots that wait for the window, a ring. */
    size_t waiting_first;
    size_t waiting;
    uint32_t waiting_slots[PEER_SLOTS_MAX];
};

struct etcd_client {
    struct load *load;
    uint64_t puts;
    size_t count;
    struct stream streams[PEER_CONNECTIONS_MAX];
    struct connection connections[PEER_CONNECTIONS_MAX];
    struct bytes values[PEER_SLOTS_MAX];
    /* Of the call that call() waits for. */
    bool is_answered;
    bool is_good;
    struct buf answer;
};

struct etcd_client *etcd_client_new(unsigned port, size_t connections,
                                    struct load *load)
{
    struct etcd_client *client = calloc(1, sizeof *client);
    uint8_t hello[HTTP2_HELLO_MAX];

    if (client == NULL) {
        scale_fail("out of memory");
    }
    client->load = load;
    for (size_t i = 0; i < connections; i++) {
        if (!stream_open(&client->streams[i], port)) {
            etcd_client_free(client);
            return NULL;
        }
        client->count++;
        client->connections[i].next_stream = 1;
        client->connections[i].window = HTTP2_WINDOW;
        stream_add(&client->streams[i], hello, http2_hello_put(hello));
    }
    return client;
}

void etcd_client_free(struct etcd_client *client)
{
    for (size_t i = 0; i < client->count; i++) {
        stream_close(&client->streams[i]);
    }
    buf_close(&client->answer);
    free(client);
}

static struct open_call *call_of(struct connection *connection, uint32_t stream)
{
    return &connection->calls[stream / 2 % CALLS_MAX];
}

/* Its headers, and the head of a message of @len bytes; the room that they
 * took. */
static size_t open_call(struct connection *connection, uint32_t slot,
                        const char *path, size_t len, uint8_t *at)
{
    uint32_t stream = connection->next_stream;
    uint8_t *block = at + HTTP2_FRAME_HEAD;
    size_t used;

    *call_of(connection, stream) = (struct open_call){stream, slot, false};
    connection->next_stream += 2;
    len += HTTP2_MESSAGE_HEAD;
    connection->window -= len;
    if (slot == NO_SLOT) {
        used = http2_headers_once_put(block, path);
    } else {
        used = http2_headers_put(block, path, !connection->has_table);
        connection->has_table = true;
    }
    http2_frame_head_put(at, used, HTTP2_HEADERS, HTTP2_END_HEADERS, stream);
    used += HTTP2_FRAME_HEAD;
    http2_frame_head_put(at + used, len, HTTP2_DATA, HTTP2_END_STREAM, stream);
    used += HTTP2_FRAME_HEAD;
    http2_message_head_put(at + used, len - HTTP2_MESSAGE_HEAD);
    return used + HTTP2_MESSAGE_HEAD;
}

static void key_put(uint8_t *at, uint64_t number)
{
    at[0] = 'l';
    for (size_t i = KEY_LEN - 1; i > 0; i--) {
        at[i] = (uint8_t) "0123456789abcdef"[number & 15];
        number >>= 4;
    }
}

static void send_put(struct etcd_client *client, size_t at, uint32_t slot)
{
    struct bytes value = client->values[slot];
    uint8_t fields[KEY_LEN + 2 * PROTOBUF_HEAD_MAX];
    uint8_t head[HEAD_MAX];
    size_t used;
    size_t len = protobuf_head_put(fields, PUT_KEY, KEY_LEN);

    key_put(fields + len, client->puts++);
    len += KEY_LEN;
    len += protobuf_head_put(fields + len, PUT_VALUE, value.len);
    used =
        open_call(&client->connections[at], slot, PUT, len + value.len, head);
    memcpy(head + used, fields, len);
    stream_add(&client->streams[at], head, used + len);
    stream_add(&client->streams[at], value.data, value.len);
}

static bool has_room(struct connection *connection, size_t len)
{
    return connection->window >= len + HEAD_MAX &&
           call_of(connection, connection->next_stream)->stream == 0;
}

void etcd_client_put(struct etcd_client *client, size_t slot,
                     struct bytes value)
{
    size_t at = slot % client->count;
    struct connection *connection = &client->connections[at];

    client->values[slot] = value;
    if (connection->waiting == 0 && has_room(connection, value.len)) {
        send_put(client, at, (uint32_t)slot);
        return;
    }
    assert(connection->waiting < PEER_SLOTS_MAX);
    connection
        ->waiting_slots[(connection->waiting_first + connection->waiting++) %
                        PEER_SLOTS_MAX] = (uint32_t)slot;
}

static void send_waiting(struct etcd_client *client, size_t at)
{
    struct connection *connection = &client->connections[at];

    while (connection->waiting > 0) {
        uint32_t slot = connection->waiting_slots[connection->waiting_first];

        if (!has_room(connection, client->values[slot].len)) {
            return;
        }
        connection->waiting_first =
            (connection->waiting_first + 1) % PEER_SLOTS_MAX;
        connection->waiting--;
        send_put(client, at, slot);
    }
}

static void on_data(struct etcd_client *client, struct connection *connection,
                    const struct http2_frame *frame)
{
    struct open_call *call = call_of(connection, frame->stream);

    if ((frame->flags & HTTP2_PADDED) != 0) {
        scale_fail("etcd pads its answers");
    }
    connection->received += (uint32_t)frame->payload.len;
    if (call->stream != frame->stream || frame->payload.len == 0) {
        return;
    }
    call->has_message = true;
    if (call->slot == NO_SLOT && buf_add(&client->answer, frame->payload.data,
                                         frame->payload.len) != 0) {
        scale_fail("out of memory");
    }
}

static void on_end(struct etcd_client *client, struct connection *connection,
                   uint32_t stream, bool is_good)
{
    struct open_call *call = call_of(connection, stream);
    struct open_call ended = *call;

    if (stream == 0 || call->stream != stream) {
        return;
    }
    call->stream = 0;
    is_good = is_good && ended.has_message;
    if (ended.slot == NO_SLOT) {
        client->is_answered = true;
        client->is_good = is_good;
    } else {
        load_on_answer(client->load, ended.slot,
                       is_good ? NULL : "no answer of status 0");
    }
}

/* SETTINGS and PING are answered; what the settings are does not matter here:
 * our messages fit the least that a server may allow. */
static void acknowledge(struct stream *stream, const struct http2_frame *frame)
{
    uint8_t head[HTTP2_FRAME_HEAD];
    size_t len = frame->type == HTTP2_PING ? frame->payload.len : 0;

    if ((frame->flags & HTTP2_ACK) == 0) {
        http2_frame_head_put(head, len, (enum http2_type)frame->type, HTTP2_ACK,
                             0);
        stream_add(stream, head, sizeof head);
        stream_add(stream, frame->payload.data, len);
    }
}

static void on_frame(struct etcd_client *client, size_t at,
                     const struct http2_frame *frame)
{
    struct connection *connection = &client->connections[at];

    switch (frame->type) {
    case HTTP2_DATA:
        on_data(client, connection, frame);
        break;
    case HTTP2_SETTINGS:
    case HTTP2_PING:
        acknowledge(&client->streams[at], frame);
        return;
    case HTTP2_WINDOW_UPDATE:
        connection->window +=
            frame->stream == 0 ? http2_number(frame->payload) : 0;
        return;
    case HTTP2_RST_STREAM:
        on_end(client, connection, frame->stream, false);
        return;
    case HTTP2_GOAWAY:
        scale_fail("etcd ends the connection");
    case HTTP2_HEADERS:
        break;
    default:
        return;
    }
    if ((frame->flags & HTTP2_END_STREAM) != 0) {
        on_end(client, connection, frame->stream, true);
    }
}

static void take_frames(struct etcd_client *client, size_t at)
{
    struct stream *stream = &client->streams[at];
    struct connection *connection = &client->connections[at];
    uint8_t more[HTTP2_FRAME_HEAD + 4];
    struct http2_frame frame;
    size_t len;

    while ((len = http2_frame_take(stream_bytes(stream), &frame)) > 0) {
        stream->in_taken += len;
        on_frame(client, at, &frame);
    }
    if (connection->received > RECEIVED_MAX) {
        http2_window_put(more, connection->received);
        stream_add(stream, more, sizeof more);
        connection->received = 0;
    }
    send_waiting(client, at);
}

bool etcd_client_wait(struct etcd_client *client, int timeout_ms)
{
    bool is_there = streams_wait(client->streams, client->count, timeout_ms);

    for (size_t i = 0; i < client->count; i++) {
        take_frames(client, i);
    }
    return is_there;
}

/* One call beside the puts; what it answered, valid until the next. */
static bool call(struct etcd_client *client, const char *path,
                 struct bytes message, struct bytes *ret_answer)
{
    double until = scale_now() + CALL_SECONDS;
    uint8_t head[HEAD_MAX];
    size_t used =
        open_call(&client->connections[0], NO_SLOT, path, message.len, head);

    client->answer.len = 0;
    client->is_answered = false;
    stream_add(&client->streams[0], head, used);
    stream_add(&client->streams[0], message.data, message.len);
    while (!client->is_answered) {
        if (!etcd_client_wait(client, 10) || scale_now() > until) {
            return false;
        }
    }
    if (!client->is_good || client->answer.len < HTTP2_MESSAGE_HEAD) {
        return false;
    }
    *ret_answer = (struct bytes){client->answer.data + HTTP2_MESSAGE_HEAD,
                                 client->answer.len - HTTP2_MESSAGE_HEAD};
    return true;
}

bool etcd_client_is_at_leader(struct etcd_client *client, char *ret_version)
{
    struct bytes answer;
    struct bytes header;
    struct bytes version;
    uint64_t member;
    uint64_t leader;

    if (!call(client, STATUS, (struct bytes){NULL, 0}, &answer) ||
        !protobuf_bytes_find(answer, HEADER, &header) ||
        !protobuf_number_find(header, HEADER_MEMBER, &member) ||
        !protobuf_number_find(answer, STATUS_LEADER, &leader) ||
        !protobuf_bytes_find(answer, STATUS_VERSION, &version) ||
        version.len > 32) {
        return false;
    }
    memcpy(ret_version, version.data, version.len);
    ret_version[version.len] = '\0';
    return member == leader;
}

uint64_t etcd_client_count(struct etcd_client *client)
{
    uint8_t message[32];
    struct bytes answer;
    uint64_t count = 0;
    size_t len = protobuf_head_put(message, RANGE_KEY, 1);

    message[len++] = 'l';
    len += protobuf_head_put(message + len, RANGE_END, 1);
    message[len++] = 'l' + 1;
    len += protobuf_number_put(message + len, RANGE_COUNT_ONLY, 1);
    if (!call(client, RANGE, (struct bytes){message, len}, &answer)) {
        scale_fail("etcd does not say how many keys it has");
    }
    /* A count of 0 is left out. */
    (void)protobuf_number_find(answer, RANGE_COUNT, &count);
    return count;
}
