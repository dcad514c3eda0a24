/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A server that does what a test tells it: it listens on loopback, takes
 * messages apart, and keeps requests until the test answers them. It is driven
 * in the test's own thread and never waits.
 *
 * By itself it answers only server.hello (with role and leader as set) and
 * server.ping; both can be turned off.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>

#include "util/buf.h"
#include "util/limits.h"
#include "wire/scan.h"

#define FAKE_CONNS 8
#define FAKE_REQUESTS 256

struct fake_conn {
    int fd; /* -1: free */
    struct buf in;
    struct scan scan;
};

/* A request, or a notification (is_notification, id 0). */
struct fake_request {
    bool used;
    bool is_notification;
    size_t conn; /* index of its connection */
    uint32_t id;
    char method[METHOD_NAME_MAX + 1];
    struct buf params;
};

struct fake_server {
    int listen_fd;
    char endpoint[32];
    uint32_t role; /* enum ql_role */
    char leader[ADDRESS_MAX];
    char cluster[ID_TEXT_LEN + 1];
    bool mute;       /* answers neither hello nor ping */
    size_t accepted; /* connections so far */
    struct fake_conn conns[FAKE_CONNS];
    struct fake_request requests[FAKE_REQUESTS]; /* in order of arrival */
    size_t count;
};

void fake_open(struct fake_server *server);
void fake_close(struct fake_server *server);
/* Accepts and reads what is there. */
void fake_step(struct fake_server *server);
/* Fills poll sets; returns how many were filled. */
size_t fake_watch(const struct fake_server *server, struct pollfd *fds);
/* The oldest request of that method, or NULL. */
struct fake_request *fake_find(struct fake_server *server, const char *method);
/* How many of that method are waiting. */
size_t fake_count(const struct fake_server *server, const char *method);
struct bytes fake_params(const struct fake_request *request);
/* Each answers and forgets the request. */
void fake_answer(struct fake_server *server, struct fake_request *request,
                 struct bytes result);
void fake_refuse(struct fake_server *server, struct fake_request *request,
                 int code, uint64_t position, const char *leader);
void fake_forget(struct fake_server *server, struct fake_request *request);
void fake_notify(struct fake_server *server, const char *method,
                 struct bytes params);
/* To all connections. */
void fake_send(struct fake_server *server, const void *bytes, size_t len);
/* Ends all connections and forgets what came over them. */
void fake_drop(struct fake_server *server);
/* Ends the connections and takes no new ones, as a killed process does. */
void fake_stop_listening(struct fake_server *server);
