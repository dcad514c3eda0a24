/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Looks around while the node that we are connected to is silent: it asks the
 * others, one at a time, whether they lead. A connection is given up for a node
 * that says so itself, not for silence alone and not for what is said of others,
 * so that a leader that is only slow keeps its clients.
 */
#pragma once

#include "client/conn.h"
#include "util/text.h"

struct ql_client;

struct scout {
    struct conn conn;
    struct address at;   /* who is asked */
    struct address told; /* who leads, as the last one said */
    bool has_told;
    bool done;              /* it has answered */
    bool leads;             /* so it said */
    size_t next;            /* endpoint */
    uint32_t asked;         /* since the silence began */
    uint64_t opened_ms;     /* of this connection */
    uint64_t not_before_ms; /* the next one */
};

void scout_init(struct ql_client *client);
void scout_close(struct ql_client *client);
/* Is @serial that of its connection? Then the event was for it. */
bool scout_on_events(struct ql_client *client, uint64_t serial,
                     uint32_t events);
/* Begins, goes on or ends, as the uplink's silence has it. */
void scout_step(struct ql_client *client);
