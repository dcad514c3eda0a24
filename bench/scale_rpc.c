/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "scale_rpc.h"

#include <arpa/inet.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_SECONDS 5
#define RECEIVE_BYTES 65536u
#define RPC_RESPONSE 1u

static int dial(const char *address)
{
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    struct sockaddr_in to = {.sin_family = AF_INET};
    const char *colon = strrchr(address, ':');
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static void pack_text(msgpack_packer *packer, const char *text)
{
    size_t len = strlen(text);

    (void)msgpack_pack_str(packer, len);
    (void)msgpack_pack_str_body(packer, text, len);
}

static bool is_text(const msgpack_object *object, const char *text)
{
    return object->type == MSGPACK_OBJECT_STR &&
           object->via.str.size == strlen(text) &&
           memcmp(object->via.str.ptr, text, object->via.str.size) == 0;
}

/* The result of the one call that was sent; NULL: an error, or none came. */
static const msgpack_object *receive(int fd, msgpack_unpacker *unpacker,
                                     msgpack_unpacked *message)
{
    const msgpack_object *parts;

    while (msgpack_unpacker_next(unpacker, message) != MSGPACK_UNPACK_SUCCESS) {
        ssize_t got;

        if (!msgpack_unpacker_reserve_buffer(unpacker, RECEIVE_BYTES)) {
            return NULL;
        }
        got = recv(fd, msgpack_unpacker_buffer(unpacker), RECEIVE_BYTES, 0);
        if (got <= 0) {
            return NULL;
        }
        msgpack_unpacker_buffer_consumed(unpacker, (size_t)got);
    }
    if (message->data.type != MSGPACK_OBJECT_ARRAY ||
        message->data.via.array.size != 4) {
        return NULL;
    }
    parts = message->data.via.array.ptr;
    if (parts[0].via.u64 != RPC_RESPONSE ||
        parts[2].type != MSGPACK_OBJECT_NIL) {
        return NULL;
    }
    return &parts[3];
}

static void add(struct scale_facts *facts, const char *name, double value)
{
    if (facts->count < SCALE_FACTS_MAX) {
        struct scale_fact *fact = &facts->facts[facts->count++];

        (void)snprintf(fact->name, sizeof fact->name, "%.63s", name);
        fact->value = value;
    }
}

static void flatten(struct scale_facts *facts, const char *name,
                    const msgpack_object *object)
{
    const char *dot = name[0] == '\0' ? "" : ".";
    char inner[2 * SCALE_FACT_NAME_MAX];

    switch (object->type) {
    case MSGPACK_OBJECT_BOOLEAN:
        add(facts, name, object->via.boolean ? 1 : 0);
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        add(facts, name, (double)object->via.u64);
        break;
    case MSGPACK_OBJECT_STR:
        (void)snprintf(inner, sizeof inner, "%s=%.*s", name,
                       (int)object->via.str.size, object->via.str.ptr);
        add(facts, inner, 1);
        break;
    case MSGPACK_OBJECT_ARRAY:
        for (uint32_t i = 0; i < object->via.array.size; i++) {
            (void)snprintf(inner, sizeof inner, "%s%s%u", name, dot, i);
            flatten(facts, inner, &object->via.array.ptr[i]);
        }
        break;
    case MSGPACK_OBJECT_MAP:
        for (uint32_t i = 0; i < object->via.map.size; i++) {
            const msgpack_object *key = &object->via.map.ptr[i].key;

            if (key->type == MSGPACK_OBJECT_STR) {
                (void)snprintf(inner, sizeof inner, "%s%s%.*s", name, dot,
                               (int)key->via.str.size, key->via.str.ptr);
                flatten(facts, inner, &object->via.map.ptr[i].val);
            }
        }
        break;
    default:
        break;
    }
}

/* Calls @method with what @pack adds to its parameters. */
static bool call(const char *address, const msgpack_sbuffer *request,
                 void (*take)(void *data, const msgpack_object *result),
                 void *data)
{
    const msgpack_object *result = NULL;
    msgpack_unpacker unpacker;
    msgpack_unpacked message;
    int fd = dial(address);

    if (fd < 0) {
        return false;
    }
    if (!msgpack_unpacker_init(&unpacker, RECEIVE_BYTES)) {
        (void)close(fd);
        return false;
    }
    msgpack_unpacked_init(&message);
    if (send(fd, request->data, request->size, MSG_NOSIGNAL) ==
        (ssize_t)request->size) {
        result = receive(fd, &unpacker, &message);
    }
    if (result != NULL) {
        take(data, result);
    }
    msgpack_unpacked_destroy(&message);
    msgpack_unpacker_destroy(&unpacker);
    (void)close(fd);
    return result != NULL;
}

/* A request whose parameters, @count in a map, are packed next. */
static void begin(msgpack_packer *packer, msgpack_sbuffer *request,
                  const char *method, size_t count)
{
    msgpack_sbuffer_init(request);
    msgpack_packer_init(packer, request, msgpack_sbuffer_write);
    (void)msgpack_pack_array(packer, 4);
    (void)msgpack_pack_int(packer, 0);
    (void)msgpack_pack_int(packer, 1);
    pack_text(packer, method);
    (void)msgpack_pack_array(packer, 1);
    (void)msgpack_pack_map(packer, count);
}

static void take_facts(void *data, const msgpack_object *result)
{
    flatten(data, "", result);
}

bool scale_ask_status(const char *address, struct scale_facts *ret)
{
    msgpack_sbuffer request;
    msgpack_packer packer;
    bool answered;

    ret->count = 0;
    begin(&packer, &request, "cluster.status", 0);
    answered = call(address, &request, take_facts, ret);
    msgpack_sbuffer_destroy(&request);
    return answered;
}

static void take_entries(void *data, const msgpack_object *result)
{
    bool *found = data;

    for (uint32_t i = 0;
         result->type == MSGPACK_OBJECT_MAP && i < result->via.map.size; i++) {
        const msgpack_object_kv *pair = &result->via.map.ptr[i];

        if (is_text(&pair->key, "entries")) {
            *found = pair->val.type == MSGPACK_OBJECT_ARRAY &&
                     pair->val.via.array.size == 1;
        }
    }
}

bool scale_ask_oldest(const char *address, const char *log)
{
    msgpack_sbuffer request;
    msgpack_packer packer;
    bool found = false;

    begin(&packer, &request, "log.read", 4);
    pack_text(&packer, "log");
    pack_text(&packer, log);
    pack_text(&packer, "from");
    (void)msgpack_pack_int(&packer, 0);
    pack_text(&packer, "entries_max");
    (void)msgpack_pack_int(&packer, 1);
    pack_text(&packer, "stale");
    (void)msgpack_pack_true(&packer);
    (void)call(address, &request, take_entries, &found);
    msgpack_sbuffer_destroy(&request);
    return found;
}

double scale_fact(const struct scale_facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->count; i++) {
        if (strcmp(facts->facts[i].name, name) == 0) {
            return facts->facts[i].value;
        }
    }
    return -1;
}

double scale_fact_count(const struct scale_facts *facts, const char *name)
{
    double count = scale_fact(facts, name);

    return count < 0 ? 0 : count;
}
