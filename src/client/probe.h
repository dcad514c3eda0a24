/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One request to one named endpoint over a connection of its own. It is tried
 * once: the caller wants to know about this very node. */
#pragma once

#include "client/conn.h"
#include "client/request.h"

struct probe {
    struct list link; /* in client->probes */
    struct ql_client *client;
    struct conn conn;
    struct address address;
    struct request *request; /* NULL once it is finished */
    uint64_t opened_ms;      /* 0: not yet */
};

/* @request is admitted and has its deadline; it gets its callback later, and
 * stays the caller's. QL_NO_MEMORY. */
int probe_start(struct ql_client *client, const struct address *address,
                struct request *request, struct ql_error *error);
/* False when no probe has this serial. */
bool probe_on_events(struct ql_client *client, uint64_t serial,
                     uint32_t events);
/* Starts, ends and frees those for which it is time. */
void probe_step_all(struct ql_client *client);
void probe_cancel_all(struct ql_client *client);
