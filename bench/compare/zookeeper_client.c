/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/zookeeper_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "compare/jute.h"
#include "compare/load.h"
#include "compare/stream.h"
#include "scale_process.h"

#define NODE "/compare"
#define SESSION_MS 30000u
#define ASK_SECONDS 5.0
#define ASK_XID ((int32_t)PEER_SLOTS_MAX + 1)
#define NODE_EXISTS (-110)
#define TOLD_MAX 2048u

struct zookeeper_client {
    struct load *load;
    size_t count;
    struct stream streams[PEER_CONNECTIONS_MAX];
    bool has_session[PEER_CONNECTIONS_MAX]; /* its first answer was that */
    /* What ask() was told. */
    bool is_answered;
    int32_t error;
    uint32_t version;
};

/* What the server says of itself before it closes the connection. */
static void read_told(struct stream *stream, char *ret_told)
{
    struct timeval second = {.tv_sec = 1};
    size_t len = 0;
    ssize_t more = 1;

    (void)setsockopt(stream->fd, SOL_SOCKET, SO_RCVTIMEO, &second,
                     sizeof second);
    if (send(stream->fd, "srvr", 4, MSG_NOSIGNAL) == 4) {
        while (more > 0 && len < TOLD_MAX - 1) {
            more = recv(stream->fd, ret_told + len, TOLD_MAX - 1 - len, 0);
            len += more > 0 ? (size_t)more : 0;
        }
    }
    ret_told[len] = '\0';
}

bool zookeeper_leads(unsigned port, char ret_version[64])
{
    static const char before[] = "Zookeeper version: ";
    char told[TOLD_MAX];
    struct stream stream;
    const char *version;

    if (!stream_open(&stream, port)) {
        return false;
    }
    read_told(&stream, told);
    stream_close(&stream);
    version = strstr(told, before);
    if (version == NULL || strstr(told, "Mode: leader") == NULL) {
        return false;
    }
    version += sizeof before - 1;
    (void)snprintf(ret_version, 64, "%.*s", (int)strcspn(version, "-,\n"),
                   version);
    return true;
}

struct zookeeper_client *zookeeper_client_new(unsigned port, size_t connections,
                                              struct load *load)
{
    struct zookeeper_client *client = calloc(1, sizeof *client);
    uint8_t hello[JUTE_MAX];

    if (client == NULL) {
        scale_fail("out of memory");
    }
    client->load = load;
    for (size_t i = 0; i < connections; i++) {
        if (!stream_open(&client->streams[i], port)) {
            zookeeper_client_free(client);
            return NULL;
        }
        client->count++;
        stream_add(&client->streams[i], hello,
                   jute_connect_put(hello, SESSION_MS));
    }
    return client;
}

void zookeeper_client_free(struct zookeeper_client *client)
{
    for (size_t i = 0; i < client->count; i++) {
        stream_close(&client->streams[i]);
    }
    free(client);
}

void zookeeper_client_set(struct zookeeper_client *client, size_t slot,
                          struct bytes value)
{
    struct stream *stream = &client->streams[slot % client->count];
    uint8_t bytes[JUTE_MAX];

    /* 0 is nobody's. */
    stream_add(stream, bytes,
               jute_set_put(bytes, (int32_t)slot + 1, NODE, value.len));
    stream_add(stream, value.data, value.len);
    stream_add(stream, bytes, jute_set_end_put(bytes));
}

static void on_answer(struct zookeeper_client *client, struct bytes message)
{
    struct jute_answer answer;

    if (!jute_answer_read(message, &answer) || answer.xid > ASK_XID) {
        scale_fail("zookeeper says what is not its protocol");
    }
    if (answer.xid == ASK_XID) {
        client->is_answered = true;
        client->error = answer.error;
        (void)jute_version_read(answer.body, &client->version);
    } else if (answer.xid > 0) {
        load_on_answer(client->load, (size_t)answer.xid - 1,
                       answer.error == 0 ? NULL : "the answer is an error");
    }
}

static void take_answers(struct zookeeper_client *client, size_t at)
{
    struct stream *stream = &client->streams[at];
    struct bytes message;
    bool is_damaged;
    size_t len;

    while ((len = jute_take(stream_bytes(stream), &message, &is_damaged)) > 0) {
        stream->in_taken += len;
        if (client->has_session[at]) {
            on_answer(client, message);
        }
        client->has_session[at] = true;
    }
    if (is_damaged) {
        scale_fail("zookeeper says what is not its protocol");
    }
}

bool zookeeper_client_wait(struct zookeeper_client *client, int timeout_ms)
{
    bool is_there = streams_wait(client->streams, client->count, timeout_ms);

    for (size_t i = 0; i < client->count; i++) {
        take_answers(client, i);
    }
    return is_there;
}

/* False: no answer, or an error. */
static bool ask(struct zookeeper_client *client, const uint8_t *bytes,
                size_t len)
{
    double until = scale_now() + ASK_SECONDS;

    client->is_answered = false;
    stream_add(&client->streams[0], bytes, len);
    while (!client->is_answered && scale_now() < until) {
        if (!zookeeper_client_wait(client, 10)) {
            break;
        }
    }
    return client->is_answered &&
           (client->error == 0 || client->error == NODE_EXISTS);
}

bool zookeeper_client_make(struct zookeeper_client *client)
{
    uint8_t bytes[JUTE_MAX];

    return ask(client, bytes, jute_create_put(bytes, ASK_XID, NODE));
}

uint64_t zookeeper_client_count(struct zookeeper_client *client)
{
    uint8_t bytes[JUTE_MAX];

    if (!ask(client, bytes, jute_exists_put(bytes, ASK_XID, NODE))) {
        scale_fail("zookeeper does not say how often the node was set");
    }
    return client->version;
}
