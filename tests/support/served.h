/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A server on loopback over a rig, with a unix socket in a directory of its own
 * and one client, as a cmocka fixture. */
#pragma once

#include "server/server.h"
#include "support/peer_client.h"
#include "support/rig.h"
#include "support/tmpdir.h"

#define SERVED_CONNECTIONS_MAX 40u

struct served {
    struct rig rig;
    struct tmpdir *dir;
    char unix_path[PATH_LEN_MAX];
    struct server_options options;
    struct address listen;
    struct server *server;
    struct peer_client client;
};

/* *state is a struct served. */
int served_setup(void **state);
int served_teardown(void **state);
/* Stops a server and waits for its end. */
void served_stop(struct served *served, struct server *server);
/* A request that must succeed. */
void served_call(struct peer_client *client, const char *method,
                 const char *params);
/* The log "orders", and entries of 100,000 bytes in it. */
void served_make_log(struct served *served);
void served_fill_log(struct served *served, int count);
