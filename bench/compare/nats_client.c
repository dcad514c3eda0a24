/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/nats_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/load.h"
#include "compare/nats_message.h"
#include "compare/stream.h"
#include "scale_process.h"

#define SUBJECT "compare"
#define ANSWERS "_INBOX.a." /* to publishes */
#define TOLD "_INBOX.t."    /* by the API */
#define ASK_SECONDS 1.0

struct nats_client {
    struct load *load;
    size_t count;
    struct stream streams[PEER_CONNECTIONS_MAX];
    size_t asked; /* so often was the API asked */
    json_t *told; /* the answer to the last of them; NULL: not there yet */
};

struct nats_client *nats_client_new(unsigned port, size_t connections,
                                    struct load *load)
{
    static const char hello[] =
        "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":false,"
        "\"lang\":\"c\",\"version\":\"1\",\"protocol\":1}\r\n"
        "SUB " ANSWERS "%zu.* 1\r\nSUB " TOLD "%zu.* 2\r\nPING\r\n";
    struct nats_client *client = calloc(1, sizeof *client);
    char text[512];

    if (client == NULL) {
        scale_fail("out of memory");
    }
    client->load = load;
    for (size_t i = 0; i < connections; i++) {
        if (!stream_open(&client->streams[i], port)) {
            nats_client_free(client);
            return NULL;
        }
        client->count++;
        stream_add(&client->streams[i], text,
                   (size_t)snprintf(text, sizeof text, hello, i, i));
    }
    return client;
}

void nats_client_free(struct nats_client *client)
{
    for (size_t i = 0; i < client->count; i++) {
        stream_close(&client->streams[i]);
    }
    json_decref(client->told);
    free(client);
}

static void publish(struct nats_client *client, size_t at, const char *subject,
                    const char *answers, size_t number, struct bytes value)
{
    struct stream *stream = &client->streams[at];
    char head[NATS_HEAD_MAX];
    char reply[] = "_INBOX.?.?.";

    /* One digit: fewer than ten connections are not told apart below. */
    memcpy(reply, answers, sizeof ANSWERS - 1);
    reply[sizeof ANSWERS - 1] = (char)('0' + at);
    stream_add(stream, head,
               nats_publish_put(head, subject, reply, number, value.len));
    stream_add(stream, value.data, value.len);
    stream_add(stream, "\r\n", 2);
}

void nats_client_publish(struct nats_client *client, size_t slot,
                         struct bytes value)
{
    publish(client, slot % client->count, SUBJECT, ANSWERS, slot, value);
}

static void on_message(struct nats_client *client,
                       const struct nats_message *message)
{
    struct bytes subject = message->subject;
    size_t prefix = sizeof ANSWERS + 1; /* with the connection and its dot */
    size_t number;

    if (subject.len < prefix) {
        return;
    }
    if (!nats_number(
            (struct bytes){subject.data + prefix, subject.len - prefix}, "",
            &number)) {
        return;
    }
    if (memcmp(subject.data, ANSWERS, sizeof ANSWERS - 1) == 0) {
        if (number >= PEER_SLOTS_MAX) {
            scale_fail("nats answers what was not sent");
        }
        load_on_answer(client->load, number,
                       nats_is_stored(message->payload) ? NULL : "not stored");
    } else if (number == client->asked && client->told == NULL) {
        client->told = json_loadb((const char *)message->payload.data,
                                  message->payload.len, 0, NULL);
    }
}

static void take_messages(struct nats_client *client, size_t at)
{
    struct stream *stream = &client->streams[at];
    struct nats_message message;

    for (;;) {
        nats_message_take(stream_bytes(stream), &message);
        switch (message.kind) {
        case NATS_NONE:
            return;
        case NATS_MESSAGE:
            on_message(client, &message);
            break;
        case NATS_PING:
            stream_add(stream, "PONG\r\n", 6);
            break;
        case NATS_ERROR:
            scale_fail("nats says %.*s", (int)message.payload.len,
                       (const char *)message.payload.data);
        case NATS_DAMAGED:
            scale_fail("nats says what is not its protocol");
        case NATS_OTHER:
            break;
        }
        stream->in_taken += message.len;
    }
}

bool nats_client_wait(struct nats_client *client, int timeout_ms)
{
    bool is_there = streams_wait(client->streams, client->count, timeout_ms);

    for (size_t i = 0; i < client->count; i++) {
        take_messages(client, i);
    }
    return is_there;
}

json_t *nats_client_ask(struct nats_client *client, const char *subject,
                        const char *text)
{
    double until = scale_now() + ASK_SECONDS;
    json_t *told;

    json_decref(client->told);
    client->told = NULL;
    publish(client, 0, subject, TOLD, ++client->asked,
            (struct bytes){(const uint8_t *)text, strlen(text)});
    while (client->told == NULL && scale_now() < until) {
        if (!nats_client_wait(client, 10)) {
            break;
        }
    }
    told = client->told;
    client->told = NULL;
    return told;
}
